"""Files that are either old or new, and never half of one."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex


def write(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write beside the target, then rename over it; returns the path."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    target = Path(os.path.realpath(path))  # where a symbolic link leads, so that the link stays
    if os.path.exists(path) and not os.path.isfile(path):
        Path(path).write_bytes(data)  # a pipe, or /dev/null, which a file must not replace
        return Path(path)
    beside = target.with_name(f".halfwave-{token_hex(8)}.tmp")
    try:
        beside.write_bytes(data)
        if target.exists():
            beside.chmod(target.stat().st_mode)
        os.replace(beside, target)
    except OSError as error:  # of the file that the caller named
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        beside.unlink(missing_ok=True)
    return Path(path)
