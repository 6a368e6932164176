"""Where results go: checked before any long work, never overwritten silently."""

from __future__ import annotations

import tempfile
from pathlib import Path

from models.errors import ParameterError


def prepare_out_folder(out: str | Path, *, overwrite: bool = False) -> Path:
    """Make the folder and check that it can be written.

    Parameters
    ----------
    out : str or Path
        The folder; parents are made.
    overwrite : bool
        Allow a folder that is not empty (`remove_results` then makes room).

    Returns
    -------
    Path
        The folder, which exists.

    Raises
    ------
    ParameterError
        If it is a file, cannot be made or written, or is not empty without ``overwrite``.
    """
    folder = Path(out)
    name = "output folder (--out)"
    try:
        if folder.exists() and not folder.is_dir():
            raise ParameterError(name, str(folder), "a folder (this is a file)")
        folder.mkdir(parents=True, exist_ok=True)
        has_content = any(folder.iterdir())
    except OSError as err:
        raise ParameterError(name, str(folder), f"a folder that can be made and read ({err.strerror})") from err
    if has_content and not overwrite:
        raise ParameterError(name, str(folder), "a new or empty folder, or --overwrite to replace the files in it")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as err:
        raise ParameterError(name, str(folder), f"a folder that can be written ({err.strerror})") from err
    return folder


#: What a run or a mapping leaves in its folder.
RESULTS = (
    "report.json", "report.html", "spikes.npz", "arrays.npz", "static.json", "dynamic.json",
    "dynamic.npz", "packets.html", "mapping/mapping.json",
    "mapping/mapping.npz", "mapping/experiment.yaml", "mapping/vertices.json", "mapping/nets.json", "mapping/loads.npz",
)  # fmt: skip


def remove_results(folder: Path) -> None:
    """Remove what an earlier run left in a folder, so that nothing old stands beside the new; other files stay."""
    for name in RESULTS:
        (folder / name).unlink(missing_ok=True)


def kept_results(folder: Path) -> list[str]:
    """Return what a run has left in a folder so far."""
    return [name for name in RESULTS if (folder / name).exists()]


def unused_folder(wanted: Path) -> Path:
    """Return ``wanted`` if it does not exist or is empty, else the first such of ``wanted-2``, ``wanted-3`` ..."""
    candidate, n = wanted, 1
    while candidate.exists() and not (candidate.is_dir() and not any(candidate.iterdir())):
        n += 1
        candidate = wanted.with_name(f"{wanted.name}-{n}")
    return candidate
