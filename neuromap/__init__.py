"""Map a spiking network onto a neuromorphic machine and find out whether it fits, keeps up, and what it costs.

The names a notebook needs, each loaded on first use::

    import neuromap as nm

    result = nm.run("pd14", scale=0.1, seconds=1.0)
    machine = nm.load_machine("spinnaker1", {"core.clock_hz": 150e6})
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: Public name -> module that defines it.
_EXPORTS = {
    "run": "neuromap.runs.cores",
    "accuracy": "neuromap.studies.accuracy.run",
    "AccuracyResult": "neuromap.studies.accuracy.result",
    "map_network": "neuromap.runs.cores",
    "published": "neuromap.studies.published.table",
    "Result": "neuromap.runs.cores",
    "Experiment": "neuromap.experiment.load",
    "NetworkChoice": "neuromap.experiment.load",
    "MachineChoice": "neuromap.experiment.load",
    "RecipeChoice": "neuromap.experiment.load",
    "load_experiment": "neuromap.experiment.load",
    "apply_settings": "neuromap.experiment.load",
    "check_experiment": "neuromap.experiment.load",
    "build_network": "neuromap.experiment.load",
    "load_machine": "models.machine.file",
    "list_machines": "models.machine.file",
    "Machine": "models.machine",
    "Network": "models.network",
    "NETWORKS": "models.networks",
    "Report": "neuromap.measures.results",
    "NeuromapError": "models.errors",
}

__all__ = ["__version__", *sorted(_EXPORTS)]


def _check_siblings() -> None:
    """Raise ImportError unless ``models``, ``mapping`` and ``emulator`` are the ones next to this package.

    Their names are common; a file of the user's called ``models.py`` would be imported in their place.
    """
    home = Path(__file__).resolve().parent.parent
    for name in ("models", "mapping", "emulator"):
        wanted = home / name / "__init__.py"
        spec = find_spec(name)
        origin = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if origin == wanted:
            continue
        hider = "nothing by that name" if spec is None else str(origin or list(spec.submodule_search_locations or []))
        raise ImportError(
            f"package {name!r} of neuromap: needs {wanted}, has {hider}; "
            "rename what hides it, or start Python from another folder"
        )


_check_siblings()


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("neuromap-toolchain")
    elif name in _EXPORTS:
        value = getattr(importlib.import_module(_EXPORTS[name]), name)
    else:
        raise AttributeError(f"module 'neuromap' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
