"""The machine that is measured, and the versions on it."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from halfwave import __version__, _core
from halfwave.processors import processors


def machine(modules: Iterable[str]) -> dict[str, Any]:
    """The processor, the system, the instruction set in use, and the versions of these modules."""
    return {
        "processor": processor(),
        "cores": processors(),
        "system": f"{platform.system()} {platform.machine()}",
        "instruction_set": _core.target(),
        "versions": {
            "halfwave": __version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in modules},
        },
    }


def _version(module: str) -> str | None:
    """The version that was installed; None for what was only put there."""
    try:
        return version(module)
    except PackageNotFoundError:
        return None


def processor() -> str:
    """The processor's own name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.processor() or platform.machine())
