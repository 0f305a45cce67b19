"""Files that are either old or new, and never half of one."""

import os
from pathlib import Path


def write(path: Path, content: str | bytes) -> Path:
    """Write beside the target, then rename over it; returns the path."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path
