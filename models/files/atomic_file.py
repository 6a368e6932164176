"""Write files whole or not at all: beside their place under another name, then renamed.

Whoever reads a file sees the old one or the new one, never a part: not after Ctrl-C, a kill or a full disk, nor while
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

#: Names of files in the making; a process that is killed leaves one, which the next in that folder removes.
UNFINISHED = ".neuromap-*.tmp"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def writing(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file to be written; it has its name, and its content, once the block has ended without an exception.

    A link is followed. Devices and pipes (``/dev/stdout``) are written to as they are.

    Raises
    ------
    FileWriteError
        If it cannot be written: no such folder, no permission, a full disk. What was there before is still there.
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
    """Return the file that a path means, links followed."""
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
    """As `writing`, for text in UTF-8; ``newline`` as in ``open``."""
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
        file.write(content.encode(errors="backslashreplace"))  # names of files that are no text


def write_arrays(path: str | Path, **arrays: Any) -> None:
    """Write arrays, or single values, as a compressed npz file."""
    with writing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def remove_unfinished(folder: Path) -> None:
    """Remove files in the making that a killed process left in a folder."""
    for path in folder.glob(UNFINISHED):
        path.unlink(missing_ok=True)
