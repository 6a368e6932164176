"""Writes files completely or not at all: each is written under another name in its folder and then renamed.

A reader sees the old file or the new one, never a part of it, even after Ctrl-C, a kill or a full disk, or while
another process writes. All files of neuromap are written here.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from models.errors import FileWriteError, shown_path

#: Names of unfinished files. A killed process leaves one behind; the next run in that folder removes it.
UNFINISHED = ".neuromap-*.tmp"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def writing(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file for writing; it gets its name when the block ends without an exception.

    Links are followed. Devices and pipes (``/dev/stdout``) are written to directly.

    Raises
    ------
    FileWriteError
        If it cannot be written: no such folder, no permission, a full disk. An older file of that name is unchanged.
    """
    target = _target(path)
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as device:
                yield device
            return
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        unfinished = target.with_name(UNFINISHED.replace("*", secrets.token_hex(6)))
        try:
            with unfinished.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                unfinished.chmod(stat.S_IMODE(target.stat().st_mode))
            unfinished.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
    except OSError as error:
        raise _write_error(path, error) from error


def _target(path: str | Path) -> Path:
    """Return the file that a path leads to, with links followed."""
    try:
        return Path(os.path.realpath(os.fsdecode(os.fsencode(path))))
    except (OSError, ValueError) as error:  # a loop of links; a null byte; a name that this system cannot write
        raise _write_error(path, error) from error


def _write_error(path: str | Path, error: OSError | ValueError) -> FileWriteError:
    number = error.errno if isinstance(error, OSError) else None
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    hint = "free space on its disk, or choose another place" if number in _FULL else "choose another place"
    return FileWriteError(shown_path(path), reason, hint)


@contextmanager
def writing_text(path: str | Path, *, newline: str | None = None) -> Iterator[IO[str]]:
    """Open a UTF-8 text file like `writing`; ``newline`` is that of ``open``."""
    with writing(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline=newline)
        try:
            yield text
            text.flush()
        finally:
            with contextlib.suppress(OSError, ValueError):
                text.detach()


def write_text(path: str | Path, content: str) -> None:
    """Write a text file in UTF-8."""
    with writing(path) as file:
        file.write(content.encode(errors="backslashreplace"))  # file names that are not valid text


def write_arrays(path: str | Path, **arrays: Any) -> None:
    """Write arrays, or single values, as a compressed npz file.

    Raises
    ------
    TypeError
        For an array of Python objects, which no reader of neuromap accepts.
    """
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:  # numpy before 2.2 has no option for this
            raise TypeError(f"array {name!r} holds Python objects")
    with writing(path) as file:
        np.savez_compressed(file, **arrays)


def remove_unfinished(folder: Path) -> None:
    """Remove the unfinished files that a killed process left in a folder."""
    for path in folder.glob(UNFINISHED):
        path.unlink(missing_ok=True)
