"""The process that contenders run in: each line that it reads is a request in JSON.

It is a process of its own because libraries read how many threads they may have when they are
loaded, and because some of what is measured changes the process for good.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any


def serve() -> None:
    """Answer every request: a new stage, or a method of the present one."""
    # What a library prints must not stand between the answers.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        stage: Any = None
        for line in sys.stdin:
            method, *arguments = json.loads(line)
            if method == "open":
                if stage:
                    stage.close()
                stage, answer = opened(*arguments), None
            else:
                answer = getattr(stage, method)(*arguments)
            print(json.dumps(answer), file=answers, flush=True)


def opened(module: str, name: str, *arguments: Any) -> Any:
    """A new stage of the kind that a contest asks for."""
    return getattr(import_module(f"halfwave.bench.{module}"), name)(*arguments)


if __name__ == "__main__":
    serve()
