"""The packaged spikes of NEST are sorted, complete and read-only; another seed is refused."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import ParameterError
from models.published import NEST_PD14_SEEDS, PD14_POINTS, PD14_SYSTEMS, nest_pd14_spikes


@pytest.mark.parametrize("seed", NEST_PD14_SEEDS)
def test_spikes_are_sorted_and_of_all_populations(seed):
    spikes = nest_pd14_spikes(seed)
    order = np.lexsort((spikes.neuron, spikes.step))
    assert np.array_equal(spikes.step, spikes.step[order])
    assert np.array_equal(spikes.neuron, spikes.neuron[order])
    assert spikes.population_edges[-1] == 77_169
    assert spikes.step.min() >= 0
    assert spikes.step.max() < spikes.n_steps == 101_000
    assert np.all(np.histogram(spikes.neuron, spikes.population_edges)[0] > 0)
    assert not spikes.step.flags.writeable
    assert nest_pd14_spikes(seed) is spikes


def test_seed_without_a_run():
    with pytest.raises(ParameterError, match=r"^seed: needs one of 55, 1234, has 1$"):
        nest_pd14_spikes(1)


def test_every_system_has_a_point_for_its_factor():
    assert {f"{system.system_id}.factor" for system in PD14_SYSTEMS} <= set(PD14_POINTS)
    assert all(point.low <= point.high for point in PD14_POINTS.values())
