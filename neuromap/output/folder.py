"""Makes and checks the folder of results before any long work; results are never overwritten silently."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from models.errors import ParameterError
from models.files.atomic_file import UNFINISHED, remove_unfinished
from models.option_names import option_with
from neuromap.output.lock import LOCK_NAME, folder_name, is_locked, locked


@dataclass(frozen=True, slots=True)
class Output:
    """The folder that a run writes into, or None; whether it may replace earlier results; whether it writes a page."""

    folder: Path | None = None
    overwrite: bool = False
    html: bool = True

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Output:
        """Return the output that the options ``out``, ``overwrite`` and ``html`` of a public function ask for."""
        out = options.get("out")
        folder = None if out is None else Path(str(out))
        return cls(folder, bool(options.get("overwrite", False)), bool(options.get("html", True)))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock of the folder inside the block, so that nobody else writes into it.

        The folder is made if it does not exist, and removed again if nothing was written into it.

        Raises
        ------
        ParameterError
            If another process or thread writes into the folder, or it cannot be made.
        """
        if self.folder is None:
            yield
            return
        with _claimed(self.folder):
            yield

    def prepare(self) -> Path | None:
        """Make the folder and check that results may be written into it (`prepare_out_folder`)."""
        return None if self.folder is None else prepare_out_folder(self.folder, overwrite=self.overwrite)


#: No folder: results are only returned.
NO_OUTPUT = Output()


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Make a folder and hold its lock; at the end, remove the folders that were made here and are still empty."""
    with _explained(folder, "made and read"):
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
    _make(folder)
    try:
        with contextlib.ExitStack() as stack:
            with _explained(folder, "written"):
                stack.enter_context(locked(folder))
            yield
    finally:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()


def _make(folder: Path) -> None:
    with _explained(folder, "made and read"):
        if folder.exists() and not folder.is_dir():
            raise ParameterError(folder_name(), str(folder), "a folder (this is a file)")
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def _explained(folder: Path, what: str) -> Iterator[None]:
    """Turn an error of the operating system on a folder into a ParameterError."""
    try:
        yield
    except ParameterError:
        raise
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        raise ParameterError(folder_name(), str(folder), f"a folder that can be {what} ({reason})") from err


def prepare_out_folder(out: str | Path, *, overwrite: bool = False) -> Path:
    """Make the folder and check that it can be written.

    Parameters
    ----------
    out : str or Path
        The folder; parents are made.
    overwrite : bool
        Allow a folder that is not empty (`remove_results` then removes the old results).

    Returns
    -------
    Path
        The folder, which exists.

    Raises
    ------
    ParameterError
        If it is a file, cannot be made or written, is not empty without ``overwrite``, or another process writes into
        it.
    """
    folder = Path(out)
    _make(folder)
    with contextlib.ExitStack() as stack:
        with _explained(folder, "written"):
            stack.enter_context(locked(folder))
        with _explained(folder, "made and read"):
            has_content = not _is_empty(folder)
        if has_content and not overwrite:
            needs = f"a new or empty folder, or {option_with('overwrite')} to replace the files in it"
            raise ParameterError(folder_name(), str(folder), needs)
        with _explained(folder, "written"), tempfile.TemporaryFile(dir=folder):
            pass
    return folder


def _is_empty(folder: Path) -> bool:
    """Return whether a folder holds nothing but, at most, the lock and unfinished files of a killed process."""
    return all(path.name == LOCK_NAME or fnmatch(path.name, UNFINISHED) for path in folder.iterdir())


#: The files that a run or a mapping leaves in its folder. Each of the first four, if it exists, shows that the others
#: are complete: it is written last and removed first.
RESULTS = (
    "report.json",
    "static.json",
    "dynamic.json",
    "mapping/mapping.json",
    "report.html",
    "spikes.npz",
    "arrays.npz",
    "dynamic.npz",
    "packets.html",
    "mapping/mapping.npz",
    "mapping/experiment.yaml",
    "mapping/vertices.json",
    "mapping/nets.json",
    "mapping/loads.npz",
)


def remove_results(folder: Path) -> None:
    """Remove the files of an earlier run from a folder, so that they do not mix with new ones; other files stay."""
    remove_files(folder, RESULTS)
    remove_unfinished(folder / "mapping")


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """Remove the given files of a folder, in this order, and the unfinished files of a killed process."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
    remove_unfinished(folder)


def kept_results(folder: Path) -> list[str]:
    """Return the names of the result files that exist in a folder, the files of the mapping last."""
    return [name for name in sorted(RESULTS, key=lambda name: "/" in name) if (folder / name).exists()]


def unused_folder(wanted: Path) -> Path:
    """Return the first of ``wanted``, ``wanted-2``, ``wanted-3`` ... that does not exist or is empty and unused."""
    candidate, n = wanted, 1
    while candidate.exists() and not (candidate.is_dir() and _is_empty(candidate) and not is_locked(candidate)):
        n += 1
        candidate = wanted.with_name(f"{wanted.name}-{n}")
    return candidate
