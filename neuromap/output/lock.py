"""Locks a folder of results, so that only one command writes into it at a time.

The lock is the operating system's (``flock``) and therefore ends with its process, however the process ends. The locked
file ``.neuromap.lock`` names the holder, which removes the file at the end; overwriting results never touches it. A
process that gets the lock of a file which was removed in the meantime tries again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shlex
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.errors import ParameterError, warn
from models.option_names import option_name

LOCK_NAME = ".neuromap.lock"
_MAX_COMMAND_LENGTH = 200
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}  # file systems mounted without locks


class FolderInUseError(ParameterError):
    """A folder that another process, or another thread of this one, is writing results into."""


@dataclass(slots=True)
class _Held:
    """A lock that this process holds: the thread that took it, and how many nested blocks of that thread hold it."""

    thread_id: int
    n_blocks: int = 1


_held: dict[tuple[int, int], _Held] = {}
_guard = threading.Lock()


def is_locked(folder: Path) -> bool:
    """Return whether another process or thread holds the lock of a folder."""
    try:
        with locked(folder):
            return False
    except FolderInUseError:
        return True
    except OSError:  # the folder does not exist or cannot be written
        return False


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder that exists; blocks of one thread may be nested.

    Raises
    ------
    FolderInUseError
        If another process or thread holds it; the message names the holder.
    OSError
        If the lock file cannot be made.
    """
    found = folder.stat()
    key = found.st_dev, found.st_ino
    with _guard:
        own = _held.get(key)
        if own is not None and own.thread_id != threading.get_ident():
            raise _in_use(folder, f"another thread of this process ({os.getpid()})")
        if own is not None:
            own.n_blocks += 1
        descriptor = _take(folder) if own is None else None
        own = _held.setdefault(key, _Held(threading.get_ident()))
    try:
        yield
    finally:
        with _guard:
            own.n_blocks -= 1
            if not own.n_blocks:
                del _held[key]
        if descriptor is not None:
            with contextlib.suppress(OSError):
                (folder / LOCK_NAME).unlink()
            os.close(descriptor)


def folder_name() -> str:
    """Return the name of the output folder in an error, with the option that gave it."""
    return f"output folder ({option_name('out')})"


def _in_use(folder: Path, holder: str) -> FolderInUseError:
    needs = f"a folder that nobody else writes to; {holder} does"
    return FolderInUseError(folder_name(), str(folder), needs)


def _take(folder: Path) -> int | None:
    """Open the lock file and lock it. Return None if files cannot be locked (Windows, some network disks)."""
    try:
        import fcntl
    except ImportError:
        return None
    path = folder / LOCK_NAME
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same(descriptor, path):
                _say_who(descriptor)
                return descriptor
        except BlockingIOError as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise _in_use(folder, holder) from error
        except OSError as error:
            os.close(descriptor)
            if error.errno not in _NO_LOCKS:
                raise
            path.unlink(missing_ok=True)
            warn(f"{folder}: this disk has no locks; let only one neuromap write there")
            return None
        os.close(descriptor)


def _is_same(descriptor: int, path: Path) -> bool:
    """Return whether a path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _say_who(descriptor: int) -> None:
    program = Path(sys.argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name  # python -m neuromap
    command = shlex.join([name, *sys.argv[1:]])[:_MAX_COMMAND_LENGTH]
    content = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "command": command})
    with contextlib.suppress(OSError):  # on a full disk the lock still holds, only without a name
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, content.encode(), 0)


def _holder(descriptor: int) -> str:
    """Return a description of the holder of a lock, read from the lock file."""
    try:
        content = json.loads(os.pread(descriptor, 4096, 0))
        host = "" if content["host"] == socket.gethostname() else f" on {content['host']}"
        text = f"process {content['pid']}{host} ({content['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
    return text if text.isprintable() else ascii(text)
