"""Map a spiking network onto a neuromorphic machine and find out whether it fits, keeps up, and what it costs.

The names that a notebook needs, each loaded on first use::

    import neuromap as nm

    result = nm.run("pd14", scale=0.1, seconds=1.0)
    machine = nm.load_machine("spinnaker1", {"core.clock_hz": 150e6})
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # type checkers and editors read these imports; a test compares them with _EXPORTS
    from emulator.engine.simulate import simulate as simulate
    from emulator.timing.kinds import phases as phases
    from models.errors import NeuromapError as NeuromapError
    from models.machine import Machine as Machine
    from models.machine.file import list_machines as list_machines
    from models.machine.file import load_machine as load_machine
    from models.network import AllToAll as AllToAll
    from models.network import Constant as Constant
    from models.network import CurrentDrive as CurrentDrive
    from models.network import Explicit as Explicit
    from models.network import FixedProbability as FixedProbability
    from models.network import FixedTotalNumber as FixedTotalNumber
    from models.network import Izhikevich as Izhikevich
    from models.network import LifAdaptThresh as LifAdaptThresh
    from models.network import LifCondExp as LifCondExp
    from models.network import LifCurrAlpha as LifCurrAlpha
    from models.network import LifCurrExp as LifCurrExp
    from models.network import LifDelta as LifDelta
    from models.network import Network as Network
    from models.network import Normal as Normal
    from models.network import OneToOne as OneToOne
    from models.network import PairStdp as PairStdp
    from models.network import PoissonDrive as PoissonDrive
    from models.network import PoissonSource as PoissonSource
    from models.network import Population as Population
    from models.network import Projection as Projection
    from models.network import Receptor as Receptor
    from models.network import SpikeArraySource as SpikeArraySource
    from models.network import Truncation as Truncation
    from models.network import Uniform as Uniform
    from models.networks import NETWORKS as NETWORKS
    from neuromap.experiment.check import check_experiment as check_experiment
    from neuromap.experiment.load import apply_settings as apply_settings
    from neuromap.experiment.load import load_experiment as load_experiment
    from neuromap.experiment.network import build_network as build_network
    from neuromap.experiment.nouns import Experiment as Experiment
    from neuromap.experiment.nouns import MachineChoice as MachineChoice
    from neuromap.experiment.nouns import NetworkChoice as NetworkChoice
    from neuromap.experiment.nouns import RecipeChoice as RecipeChoice
    from neuromap.experiment.prepare import Prepared as Prepared
    from neuromap.experiment.prepare import prepare as prepare
    from neuromap.measures.results import Report as Report
    from neuromap.report.figures import core_load_map as core_load_map
    from neuromap.report.figures import core_loads as core_loads
    from neuromap.report.figures import distributions as distributions
    from neuromap.report.figures import link_loads as link_loads
    from neuromap.report.figures import link_map as link_map
    from neuromap.report.figures import mapping_maps as mapping_maps
    from neuromap.report.figures import memory_map as memory_map
    from neuromap.report.figures import packet_backlog_map as packet_backlog_map
    from neuromap.report.figures import packet_buffer_map as packet_buffer_map
    from neuromap.report.figures import packet_latencies as packet_latencies
    from neuromap.report.figures import packet_lateness as packet_lateness
    from neuromap.report.figures import packet_link_loads as packet_link_loads
    from neuromap.report.figures import packet_link_map as packet_link_map
    from neuromap.report.figures import packet_loss_map as packet_loss_map
    from neuromap.report.figures import packet_queue_map as packet_queue_map
    from neuromap.report.figures import packet_reinjection_map as packet_reinjection_map
    from neuromap.report.figures import packet_ticks as packet_ticks
    from neuromap.report.figures import power_split as power_split
    from neuromap.report.figures import published_systems as published_systems
    from neuromap.report.figures import raster as raster
    from neuromap.report.figures import rates as rates
    from neuromap.report.figures import step_times as step_times
    from neuromap.runs.cores import Result as Result
    from neuromap.runs.dynamic import DynamicResult as DynamicResult
    from neuromap.runs.full import FullResult as FullResult
    from neuromap.runs.map import map_network as map_network
    from neuromap.runs.mapping_folder import verify_folder as verify_folder
    from neuromap.runs.run import run as run
    from neuromap.runs.static import StaticResult as StaticResult
    from neuromap.studies.accuracy.result import AccuracyResult as AccuracyResult
    from neuromap.studies.accuracy.run import accuracy as accuracy
    from neuromap.studies.figures import accuracy_distances as accuracy_distances
    from neuromap.studies.figures import accuracy_distributions as accuracy_distributions
    from neuromap.studies.figures import accuracy_errors as accuracy_errors
    from neuromap.studies.figures import accuracy_parting as accuracy_parting
    from neuromap.studies.figures import accuracy_trace as accuracy_trace
    from neuromap.studies.figures import published_comparison as published_comparison
    from neuromap.studies.figures import sweep_lines as sweep_lines
    from neuromap.studies.figures import sweep_maps as sweep_maps
    from neuromap.studies.published.table import PublishedTable as PublishedTable
    from neuromap.studies.published.table import published as published
    from neuromap.studies.sweep.result import SweepResult as SweepResult
    from neuromap.studies.sweep.run import sweep as sweep

#: The functions that draw a run, its packets or its mapping.
_RUN_FIGURES = (
    "raster",
    "rates",
    "distributions",
    "step_times",
    "core_loads",
    "core_load_map",
    "memory_map",
    "link_loads",
    "link_map",
    "power_split",
    "published_systems",
    "mapping_maps",
    "packet_latencies",
    "packet_lateness",
    "packet_ticks",
    "packet_link_loads",
    "packet_link_map",
    "packet_queue_map",
    "packet_buffer_map",
    "packet_backlog_map",
    "packet_loss_map",
    "packet_reinjection_map",
)
#: The functions that draw sweeps, accuracy runs and published results.
_STUDY_FIGURES = (
    "sweep_lines",
    "sweep_maps",
    "accuracy_errors",
    "accuracy_trace",
    "accuracy_parting",
    "accuracy_distances",
    "accuracy_distributions",
    "published_comparison",
)
#: The parts of a network: populations, neurons, projections, connectors, distributions, drives and sources.
_NETWORK_PARTS = (
    "AllToAll",
    "Constant",
    "CurrentDrive",
    "Explicit",
    "FixedProbability",
    "FixedTotalNumber",
    "Izhikevich",
    "LifAdaptThresh",
    "LifCondExp",
    "LifCurrAlpha",
    "LifCurrExp",
    "LifDelta",
    "Network",
    "Normal",
    "OneToOne",
    "PairStdp",
    "PoissonDrive",
    "PoissonSource",
    "Population",
    "Projection",
    "Receptor",
    "SpikeArraySource",
    "Truncation",
    "Uniform",
)

#: Public name -> module that defines it.
_EXPORTS = {
    "run": "neuromap.runs.run",
    "map_network": "neuromap.runs.map",
    "accuracy": "neuromap.studies.accuracy.run",
    "sweep": "neuromap.studies.sweep.run",
    "published": "neuromap.studies.published.table",
    "simulate": "emulator.engine.simulate",
    "phases": "emulator.timing.kinds",
    "prepare": "neuromap.experiment.prepare",
    "verify_folder": "neuromap.runs.mapping_folder",
    "Result": "neuromap.runs.cores",
    "StaticResult": "neuromap.runs.static",
    "DynamicResult": "neuromap.runs.dynamic",
    "FullResult": "neuromap.runs.full",
    "AccuracyResult": "neuromap.studies.accuracy.result",
    "SweepResult": "neuromap.studies.sweep.result",
    "PublishedTable": "neuromap.studies.published.table",
    "Report": "neuromap.measures.results",
    "Prepared": "neuromap.experiment.prepare",
    "Experiment": "neuromap.experiment.nouns",
    "NetworkChoice": "neuromap.experiment.nouns",
    "MachineChoice": "neuromap.experiment.nouns",
    "RecipeChoice": "neuromap.experiment.nouns",
    "load_experiment": "neuromap.experiment.load",
    "apply_settings": "neuromap.experiment.load",
    "check_experiment": "neuromap.experiment.check",
    "build_network": "neuromap.experiment.network",
    "load_machine": "models.machine.file",
    "list_machines": "models.machine.file",
    "Machine": "models.machine",
    "NETWORKS": "models.networks",
    "NeuromapError": "models.errors",
    **dict.fromkeys(_NETWORK_PARTS, "models.network"),
    **dict.fromkeys(_RUN_FIGURES, "neuromap.report.figures"),
    **dict.fromkeys(_STUDY_FIGURES, "neuromap.studies.figures"),
}

__all__ = ["__version__", *sorted(_EXPORTS)]


def _check_siblings() -> None:
    """Raise ImportError unless ``models``, ``mapping`` and ``emulator`` are the ones next to this package.

    These names are common, so Python may find a user's file ``models.py`` before the package ``models`` of neuromap.
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
            "rename the file or folder that hides it, or start Python from another folder"
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
