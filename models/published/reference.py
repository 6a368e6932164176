"""Reads the packaged spikes of the full-scale PD14 microcircuit in NEST.

They come from two runs of NEST 3.10 of 10.1 s each (seeds 55 and 1234; 2 threads, 0.1 ms steps, Poisson drive,
optimised initial potentials). The first 500 ms are the start-up, which every comparison leaves out.

The files hold the number of spikes of each step, and the differences between the sorted neuron ids of a step, split
into a low and a high byte (4.2 MB a file; the two columns of integers they replace took 6.8 MB). The order of spikes
within a step has no meaning and is not kept.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import as_file, files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.errors import ParameterError

#: Seeds of the two packaged runs.
NEST_PD14_SEEDS = (55, 1234)

_DT_MS = 0.1
_N_STEPS = 101_000


class ReferenceSpikes(NamedTuple):
    """Spikes of one reference run.

    Attributes
    ----------
    step, neuron : ndarray, shape (n_spikes,), int32
        Sorted by step, then neuron. ``step`` counts from 0: NEST stamps a spike of step ``s`` with ``(s + 1) * dt``.
    population_edges : ndarray, shape (n_populations + 1,), int32
        Population ``i`` has the neurons ``population_edges[i]`` to ``population_edges[i + 1] - 1``.
    dt_ms : float
    n_steps : int
        Simulated steps, including the start-up.
    """

    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    population_edges: NDArray[np.int32]
    dt_ms: float
    n_steps: int


@lru_cache(maxsize=len(NEST_PD14_SEEDS))
def nest_pd14_spikes(seed: int) -> ReferenceSpikes:
    """Return the spikes of the NEST run with ``seed`` (55 or 1234) as read-only arrays; each file is read once.

    Raises
    ------
    ParameterError
        If there is no run with this seed.
    """
    if seed not in NEST_PD14_SEEDS:
        raise ParameterError("seed", seed, f"one of {', '.join(map(str, NEST_PD14_SEEDS))}")
    source = files("models.published") / f"nest_pd14_poisson_seed{seed}.npz"
    with as_file(source) as path, np.load(path) as stored:
        n_spikes_per_step = stored["n_spikes_per_step"].astype(np.int64)
        delta = (stored["delta_high"].astype(np.int64) << 8) | stored["delta_low"]
        population_edges = stored["population_edges"].astype(np.int32)
    step = np.repeat(np.arange(_N_STEPS, dtype=np.int32), n_spikes_per_step)
    neuron = _sum_within_steps(delta, n_spikes_per_step)
    for array in (step, neuron, population_edges):
        array.setflags(write=False)
    return ReferenceSpikes(step, neuron, population_edges, _DT_MS, _N_STEPS)


def _sum_within_steps(delta: NDArray[np.int64], n_spikes_per_step: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the cumulative sum of ``delta``, which restarts from zero at every step."""
    total = np.concatenate(([0], np.cumsum(delta)))
    first = np.cumsum(n_spikes_per_step) - n_spikes_per_step
    before = np.repeat(total[first], n_spikes_per_step)
    return np.asarray(total[1:] - before, dtype=np.int32)
