"""The command ``neuromap verify``."""

from __future__ import annotations

from pathlib import Path


def verify_(folder: Path, /) -> int:
    """Check a saved mapping: follow every key through the tables and recount every resource.

    Parameters
    ----------
    folder
        Folder of results that `neuromap map` or `neuromap run` wrote.
    """
    from models.errors import VerificationError
    from neuromap.runs.mapping_folder import verify_folder

    mapping, violations = verify_folder(folder)
    if violations:
        raise VerificationError(tuple(str(violation) for violation in violations))
    n_entries, n_slices = len(mapping.tables.key), len(mapping.partition.slices)
    print(f"{folder}: no invariant broken; keys of {n_slices:,} slices followed through {n_entries:,} table entries")
    return 0
