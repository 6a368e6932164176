"""Chooses the folder that keeps compiled kernels between runs, and makes numba use it.

The kernels of both `emulator` and `mapping` need it, so it lives in `models`, below both. numba's own cache has three
gaps: it notices an edit of the file that holds a function, but not of the files that the function calls into (numba
issue 1833); a damaged file ends in a traceback; and since its files are pickles, anyone who can write them can make
this process run anything. neuromap therefore keeps the compiled code of its own kernels itself:

- The name of the folder is a hash of all kernel sources and of everything else that compiled code depends on. Any
  change leads to a new folder and one recompilation.
- Every file begins with a checksum of the rest. If the checksum is wrong, the kernel is compiled again
  (`models.cache.kernel_store`).
- A folder is used only if it belongs to this user and nobody else can write to it (`models.cache.private_folder`).

The folder is in ``$NUMBA_CACHE_DIR``, which is used as it is, else in ``$NEUROMAP_CACHE_DIR``, else in
``$XDG_CACHE_HOME/neuromap``, else in ``~/.cache/neuromap``, else in a folder of this user below the system's temporary
folder. numba's cache of other packages' functions is left alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from models.cache.private_folder import make_private
from models.errors import warn

HOME = Path(__file__).resolve().parents[2]
#: Files with compiled functions, and the files of constants that they import (a meta test finds both by imports).
KERNEL_FILES = ("emulator/kernels/**/*.py", "mapping/kernels/*.py")
_N_KEPT_CACHES = 4  # versions, so that a few checkouts can take turns
#: Settings of numba that do not change the code that it generates.
_SAME_CODE = {"NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER", "NUMBA_CACHE_LOCATOR_CLASSES"}

_folder: Path | None = None
_is_chosen = False


def kernel_hash() -> str:
    """Return a short hash of the kernels' sources, the versions of their compiler, and numba's settings.

    The processor is left out, since the names of the files in the folder depend on it.
    """
    digest = hashlib.sha256(platform.python_implementation().encode() + platform.python_version().encode())
    for package in ("numba", "llvmlite", "numpy"):
        with contextlib.suppress(PackageNotFoundError):
            digest.update(f"{package} {version(package)}".encode())
    for name in sorted(os.environ):
        if name.startswith("NUMBA_") and name not in _SAME_CODE:
            digest.update(f"{name}={os.environ[name]}".encode(errors="backslashreplace"))
    for path in kernel_files():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(HOME).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def kernel_files() -> list[Path]:
    """Return the files of `KERNEL_FILES`."""
    return sorted(path for pattern in KERNEL_FILES for path in HOME.glob(pattern))


def _roots() -> Iterator[tuple[Path, str]]:
    """Yield the folders that may hold the cache, each with the environment variable that names it, or an empty text."""
    if os.environ.get("NEUROMAP_CACHE_DIR"):
        yield Path(os.environ["NEUROMAP_CACHE_DIR"]), "NEUROMAP_CACHE_DIR"
    if os.environ.get("XDG_CACHE_HOME"):
        yield Path(os.environ["XDG_CACHE_HOME"]) / "neuromap", "XDG_CACHE_HOME"
    with contextlib.suppress(RuntimeError):  # this user has no known home
        yield Path.home() / ".cache" / "neuromap", ""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    yield Path(tempfile.gettempdir()) / f"neuromap-{user}", ""


def use_kernel_cache() -> Path | None:
    """Make numba keep the compiled code of the kernels; must be called before any of them is imported.

    Returns
    -------
    Path or None
        The folder; ``None`` if no folder can be used, in which case every process compiles its kernels.
    """
    global _folder, _is_chosen
    if not _is_chosen:
        _folder, _is_chosen = choose_folder(), True
        _install()
    return _folder


def choose_folder() -> Path | None:
    """Return the folder for the present kernels, created if need be, or None if no folder can be used.

    A folder that the user chose but that cannot be used gives a warning.
    """
    name = kernel_hash()
    if os.environ.get("NUMBA_CACHE_DIR"):  # the user is responsible for its content
        own = Path(os.environ["NUMBA_CACHE_DIR"]).absolute() / "neuromap" / name
        try:
            own.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            _warn("NUMBA_CACHE_DIR", own, f"it cannot be made ({error.strerror})")
        else:
            return own
    for root, variable in _roots():
        is_temporary = root.parent == Path(tempfile.gettempdir())
        real = root if is_temporary else Path(os.path.realpath(root))
        folder = real / "kernels" / name
        reason = make_private(folder, below=real, is_checked_to_top=is_temporary, may_tighten=not variable)
        if not reason:
            _drop_old_caches(folder.parent, keep=folder)
            return folder
        if variable:
            _warn(variable, root, reason)
    text = f"no folder for compiled kernels: {reason}; they are compiled in every process, which takes minutes"
    warn(text)
    return None


def _warn(variable: str, root: Path, reason: str) -> None:
    text = f"folder of compiled kernels {root} (${variable}): {reason}; another folder is used"
    warn(text)


def _drop_old_caches(root: Path, *, keep: Path) -> None:
    """Delete all but the most recently used caches."""
    with contextlib.suppress(OSError):  # another process is doing the same
        keep.touch()  # marks the folder in use as the newest
        folders = sorted((f for f in root.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime, reverse=True)
        for folder in folders[_N_KEPT_CACHES:]:
            if folder != keep:
                shutil.rmtree(folder, ignore_errors=True)


def _install() -> None:
    """Make numba keep the code of the functions in `KERNEL_FILES` in the chosen folder."""
    from numba.core import dispatcher

    from models.cache.kernel_store import KernelStore

    numba_dispatcher: Any = dispatcher
    usual, files = numba_dispatcher.FunctionCache, frozenset(kernel_files())

    def cache_of(function: Callable[..., Any]) -> Any:
        file = Path(function.__code__.co_filename).resolve()
        if file not in files:
            return usual(function)
        return KernelStore(function, ".".join(file.relative_to(HOME).with_suffix("").parts), _folder)

    numba_dispatcher.FunctionCache = cache_of
