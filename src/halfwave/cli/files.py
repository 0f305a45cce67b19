"""Files that are written beside their target and renamed over it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from halfwave.cli.errors import Misuse


@contextmanager
def replacing(target: Path, *, force: bool, option: str = "-o") -> Iterator[BinaryIO]:
    """A file that becomes `target` when all of it is written, and is removed when that fails.

    `option` is the one that names the target.

    Raises
    ------
    Misuse
        If the target exists and `force` is not given, or cannot be written.
    """
    refuse_existing(target, force=force)
    # Where a symbolic link leads, so that the link stays.
    real = Path(os.path.realpath(target))
    beside = real.with_name(f".halfwave-{token_hex(8)}.tmp")
    with _cannot_write(target, option), _removed(beside):
        with open(beside, "xb") as file:
            yield file
        refuse_existing(target, force=force)
        os.replace(beside, real)


def refuse_existing(target: Path, *, force: bool) -> None:
    """Refuse to overwrite a file without `force`, and what is not a file in any case."""
    if target.is_dir():
        raise Misuse(f"{target} is a directory; name a file in it")
    if target.exists() and not target.is_file():
        raise Misuse(f"{target} is not a regular file; name another")
    if target.exists() and not force:
        raise Misuse(f"{target} exists; pass --force to overwrite it")


@contextmanager
def _cannot_write(target: Path, option: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise Misuse(
            f"cannot write {target}: {reason}; name another place with {option}"
        ) from error


@contextmanager
def _removed(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
