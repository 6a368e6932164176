"""Where compiled kernels are kept between runs, without numba's stale-cache trap.

numba's cache notices an edit of the file a function stands in, not of the files it calls into (numba issue 1833). So
the cache folder is named after a hash of *all* kernel sources: an edit anywhere gives a new folder and one
recompilation. The folder is ``$NEUROMAP_CACHE_DIR``, else ``$XDG_CACHE_HOME/neuromap``, else ``~/.cache/neuromap``,
else a folder of this user below the system's temporary folder when the home is not writable.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import numba

_KERNEL_FOLDER = Path(__file__).parent / "kernels"
_N_KEPT_CACHES = 4  # versions kept, so that a few checkouts can alternate


def kernel_source_hash() -> str:
    """Return a short hash of every kernel source file and numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(_KERNEL_FOLDER.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _candidate_roots() -> list[Path]:
    roots = [Path(os.environ[name]) for name in ("NEUROMAP_CACHE_DIR",) if os.environ.get(name)]
    if os.environ.get("XDG_CACHE_HOME"):
        roots.append(Path(os.environ["XDG_CACHE_HOME"]) / "neuromap")
    with contextlib.suppress(RuntimeError):  # no home known for this user
        roots.append(Path.home() / ".cache" / "neuromap")
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return [*roots, Path(tempfile.gettempdir()) / f"neuromap-{user}"]


def use_kernel_cache() -> Path | None:
    """Point numba's cache at the folder of these kernel sources.

    Returns
    -------
    Path or None
        The folder; ``None`` when no candidate is writable, and kernels are then compiled in every process.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.environ["NUMBA_CACHE_DIR"])
    name = kernel_source_hash()
    for root in _candidate_roots():
        folder = root / "kernels" / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            folder.touch()  # the newest folder is the one in use
        except OSError:
            continue
        if not os.access(folder, os.W_OK):
            continue
        _drop_old_caches(folder.parent, keep=folder)
        numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
        return folder
    return None


def _drop_old_caches(root: Path, *, keep: Path) -> None:
    """Delete all but the most recently used caches."""
    try:
        folders = sorted((f for f in root.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime, reverse=True)
    except OSError:  # another process is doing the same
        return
    for folder in folders[_N_KEPT_CACHES:]:
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
