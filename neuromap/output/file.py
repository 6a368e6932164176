"""Checks a single output file that the user names (a figure, a timeline) before any long work."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from models.errors import ParameterError

FIGURE_ENDINGS = (".png", ".svg", ".pdf")
ANIMATION_ENDINGS = (".html", ".gif")


def check_output_file(option: str, path: str | Path, endings: tuple[str, ...] = ()) -> Path:
    """Return the path of a file that will be written.

    Parameters
    ----------
    option : str
        The name that an error uses.
    path : str or Path
    endings : tuple of str
        The endings that its name may have; empty: any.

    Raises
    ------
    ParameterError
        For another ending, a folder, or a file in a folder that does not exist.
    """
    path = Path(path)
    if endings and path.suffix not in endings:
        raise ParameterError(option, str(path), f"a file name ending in one of {', '.join(endings)}")
    try:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            path.stat()  # unlike `Path.is_dir`, refuses names that no file can have
        if path.is_dir():
            raise ParameterError(option, str(path), "a file (this is a folder)")
        if not path.parent.is_dir():
            raise ParameterError(option, str(path), "a file in a folder that exists")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise ParameterError(option, str(path), "a file that can be written (no permission)")
    except (OSError, ValueError) as err:  # a name that is too long or not allowed
        if isinstance(err, ParameterError):
            raise
        raise ParameterError(option, str(path), f"a file name ({getattr(err, 'strerror', None) or err})") from err
    return path
