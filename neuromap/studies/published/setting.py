"""Holds the values that all rows of `neuromap published` share, and makes the experiment of a row."""

from __future__ import annotations

from dataclasses import dataclass

from neuromap.experiment.load import make_experiment
from neuromap.experiment.nouns import Experiment
from neuromap.studies.published.rows import RowSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The values that all rows share.

    ``scale`` multiplies the size of the network; ``seconds`` is the model time after the warm-up.
    """

    scale: float = 1.0
    seconds: float = 1.0
    warmup_ms: float = 500.0
    seed: int = 1234
    n_threads: int = 2


def experiment_of(spec: RowSpec, setting: Setting) -> Experiment:
    """Return the experiment of a row."""
    settings = (f"network.v_init={spec.v_init}", f"warmup_ms={setting.warmup_ms!r}", *spec.settings)
    return make_experiment(
        "pd14",
        machine=spec.machine,
        recipe=spec.recipe,
        neurons_per_core=spec.neurons_per_core,
        drive=spec.drive,
        scale=setting.scale * spec.network_scale,
        seconds=setting.seconds,
        seed=setting.seed,
        threads=setting.n_threads,
        settings=settings,
    )


def needs_simulation(spec: RowSpec) -> bool:
    """Return whether a row needs the spikes of a simulation."""
    return spec.how in ("cores", "run")


def simulation_key(spec: RowSpec) -> tuple[str, str, float]:
    """Return the key of the simulation that a row needs; rows with the same key share one."""
    return spec.drive, spec.v_init, spec.network_scale
