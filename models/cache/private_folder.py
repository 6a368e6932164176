"""Makes and checks folders that only this user can write to, so that code read from them can be trusted."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_MODE = 0o700
_NOBODY_ID = 65534  # owner, as seen from a container, of folders outside it


def make_private(folder: Path, *, below: Path, is_checked_to_top: bool, may_tighten: bool = False) -> str:
    """Make a folder that nobody else can write to, or check that an existing one is private.

    Parameters
    ----------
    folder : Path
    below : Path
        A folder above ``folder``; it and all folders between the two are checked too.
    is_checked_to_top : bool
        Whether the folders above ``below`` are checked as well: nobody else may be able to replace them.
    may_tighten : bool
        Whether this user's folders between ``below`` and ``folder`` are made private if need be. ``folder`` itself is
        never changed, since others may already have written into it.

    Returns
    -------
    str
        Empty if the folder can be used, else the reason why not.
    """
    chain = [folder, *folder.parents]
    own = chain[: chain.index(below) + 1][::-1]
    try:
        if is_checked_to_top:
            for path in below.parents:
                if reason := _why_replaceable(path):
                    return reason
        own[0].parent.mkdir(parents=True, exist_ok=True)
        for path in own:
            path.mkdir(mode=_MODE, exist_ok=True)
            if may_tighten and path != folder:
                _tighten(path)
            if reason := why_not_private(path):
                return reason
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"{folder} cannot be written to"
    except OSError as error:
        return f"{error.filename or folder} cannot be made or read ({error.strerror})"
    return ""


def _tighten(folder: Path) -> None:
    found = folder.lstat()
    is_own = hasattr(os, "getuid") and found.st_uid == os.getuid() and stat.S_ISDIR(found.st_mode)
    if is_own and found.st_mode & _OTHERS_WRITE:
        folder.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS_WRITE)


def why_not_private(folder: Path) -> str:
    """Return the reason why others may have written into a folder, or an empty text if they cannot have."""
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode):
        return f"{folder} is a link"
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is no folder"
    if not hasattr(os, "getuid"):  # Windows, where the folders of a user are private
        return ""
    if found.st_uid != os.getuid():
        return f"{folder} belongs to user {found.st_uid}, not to you ({os.getuid()})"
    if found.st_mode & _OTHERS_WRITE:
        return f"others can write into {folder} (mode {stat.S_IMODE(found.st_mode):03o}; chmod go-w makes it private)"
    return ""


def _why_replaceable(folder: Path) -> str:
    """Return the reason why others can rename files in a folder, or an empty text if they cannot."""
    if not hasattr(os, "getuid"):
        return ""
    found = folder.stat()
    if found.st_uid not in (0, os.getuid(), _NOBODY_ID):
        return f"{folder} belongs to user {found.st_uid}"
    if found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX:
        return f"others can rename what is in {folder} (mode {stat.S_IMODE(found.st_mode):04o})"
    return ""
