"""Writes and reads ``spikes.npz``, the spikes of a run.

Every depth that simulates writes the file, and the dynamic depth reads it. It holds ``step`` and ``neuron`` (int32,
sorted by step, then neuron), ``dt_ms``, ``warmup_steps``, ``n_steps``, and the populations: ``population_names`` and
``population_edges`` (the first neuron of each, then the end; ids from the end on are spike sources). A neuron of a
population fires at most once in a step; a spike source may send several packets in one step.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.engine.simulation import Simulation
from models.check import MAX_COUNT
from models.errors import ArrayFileError, warn
from models.files.array_file import read_arrays
from models.files.array_layout import ArrayLayout, ArraySpec
from models.files.atomic_file import write_arrays
from models.network import Network
from models.option_names import option_name
from models.units import ms_to_steps

LAYOUT = ArrayLayout(
    what="the spikes.npz of a run",
    arrays=(
        ArraySpec(name="dt_ms", dtype="number", low=0),
        ArraySpec(name="n_steps", dtype="integer", low=0, high=MAX_COUNT),
        ArraySpec(name="warmup_steps", dtype="integer", low=0, high=MAX_COUNT),
        ArraySpec(name="step", dtype="integer", shape=("n_spikes",), low=0, high=MAX_COUNT, order="sorted"),
        ArraySpec(name="neuron", dtype="integer", shape=("n_spikes",), low=0, high=MAX_COUNT),
        ArraySpec(name="population_names", dtype="text", shape=("n_populations",), is_optional=True),
        ArraySpec(
            name="population_edges",
            dtype="integer",
            shape=("n_populations+1",),
            low=0,
            order="sorted",
            is_optional=True,
        ),
    ),
    has_others=True,
)


def population_edges(network: Network) -> NDArray[np.int64]:
    """Return the first neuron of each population, then the end. Shape (n_populations + 1,)."""
    sizes = [population.n_neurons for population in network.populations]
    return np.concatenate([[0], np.cumsum(sizes)])


def write_spikes(simulation: Simulation, folder: Path, *, warmup_ms: float = 0.0) -> None:
    """Write ``spikes.npz`` of a simulation into a folder."""
    network = simulation.network
    write_arrays(
        folder / "spikes.npz",
        step=simulation.spike_step,
        neuron=simulation.spike_neuron,
        dt_ms=network.dt_ms,
        warmup_steps=min(ms_to_steps(warmup_ms, network.dt_ms), simulation.n_steps),
        n_steps=simulation.n_steps,
        population_names=np.array([population.name for population in network.populations]),
        population_edges=population_edges(network),
    )


def read_spikes(path: str | Path, network: Network, n_steps: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Read the spikes of the first ``n_steps`` steps after the warm-up from ``spikes.npz`` of a run.

    Returns
    -------
    step, neuron : ndarray, int32, shape (n_spikes,)
        Steps count from the end of the warm-up.

    Raises
    ------
    ArrayFileError
        If the file is damaged, holds impossible spikes (unsorted, twice in a step, after the last step), belongs to
        another network, or is shorter than ``n_steps``.
    """
    arrays = read_arrays(path, LAYOUT)
    check_network(path, arrays, network)
    _check_spikes(path, arrays, network)
    n_warmup, n_all = int(arrays["warmup_steps"]), int(arrays["n_steps"])
    if n_all - n_warmup < n_steps:
        needs = f"at least {n_steps} steps after its warm-up (lower {option_name('seconds')})"
        raise ArrayFileError(str(path), "n_steps", needs, f"{max(0, n_all - n_warmup)}")
    step, neuron = arrays["step"], arrays["neuron"]
    first, last = np.searchsorted(step, [n_warmup, n_warmup + n_steps])
    _warn_of_silence(path, step, n_warmup, n_warmup + n_steps)
    return (step[first:last].astype(np.int64) - n_warmup).astype(np.int32), neuron[first:last].astype(np.int32)


def check_network(path: str | Path, arrays: dict[str, NDArray[Any]], network: Network) -> None:
    """Raise ArrayFileError if a file belongs to another network, by its time step, its populations or its ids."""
    if float(arrays["dt_ms"]) != network.dt_ms:
        has = f"{float(arrays['dt_ms']):g} ms"
        raise ArrayFileError(str(path), "dt_ms", f"{network.dt_ms:g} ms, as network {network.name}", has)
    names = [population.name for population in network.populations]
    if "population_names" in arrays and arrays["population_names"].tolist() != names:
        needs, has = _listed(names), _listed(arrays["population_names"].tolist())
        raise ArrayFileError(str(path), "population_names", f"{needs}, as network {network.name}", has)
    edges = population_edges(network).tolist()
    if "population_edges" in arrays and arrays["population_edges"].tolist() != edges:
        needs = f"{_listed(edges)}, as network {network.name} at scale {network.scale:g}"
        raise ArrayFileError(str(path), "population_edges", needs, _listed(arrays["population_edges"].tolist()))
    largest = int(arrays["neuron"].max(initial=0))
    if arrays["neuron"].size and largest >= network.n_sources:
        index = int(arrays["neuron"].argmax())
        needs = f"ids below {network.n_sources}, as network {network.name}"
        raise ArrayFileError(str(path), "neuron", needs, f"{largest} at index {index}")


def _check_spikes(path: str | Path, arrays: dict[str, NDArray[Any]], network: Network) -> None:
    """Raise ArrayFileError for spikes that no run can produce."""
    step, neuron, n_steps = arrays["step"], arrays["neuron"], int(arrays["n_steps"])
    if step.size and int(step[-1]) >= n_steps:
        index = int(np.searchsorted(step, n_steps))
        needs = f"steps below n_steps = {n_steps}"
        raise ArrayFileError(str(path), "step", needs, f"{int(step[index])} at index {index}")
    same_step = step[1:] == step[:-1]
    falls = same_step & (neuron[1:] < neuron[:-1])
    if falls.any():
        index = int(falls.argmax())
        has = f"{int(neuron[index])} before {int(neuron[index + 1])} at index {index}"
        raise ArrayFileError(str(path), "neuron", "values sorted within each step", has)
    again = same_step & (neuron[1:] == neuron[:-1]) & (neuron[1:] < network.n_neurons)
    if again.any():
        index = int(again.argmax())
        has = f"neuron {int(neuron[index])} twice in step {int(step[index])}, at index {index}"
        raise ArrayFileError(str(path), "neuron", "a neuron of a population once a step", has)


def _warn_of_silence(path: str | Path, step: NDArray[Any], first_step: int, stop_step: int) -> None:
    """Warn if at least the second half of the wanted steps has no spikes, as if the file had been cut."""
    last = int(step[-1]) if step.size else -1
    if last < (first_step + stop_step) // 2 - 1:
        has = f"its last spike is at step {last:,}" if step.size else "it has no spikes"
        text = f"{path}: {has}, so that the network is silent from there to step {stop_step - 1:,}"
        warn(text)


def _listed(values: list[Any]) -> str:
    """Return the first values of a list as text."""
    shown = ", ".join(str(value) if str(value).isprintable() else ascii(value) for value in values[:6])
    return shown + (f" and {len(values) - 6} more" if len(values) > 6 else "")
