"""Clipped and vanished weights are those of all synapses, however few rows are stored and whoever fired."""

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from emulator.synapses.projection_table import SynapseDraw
from emulator.synapses.weight_counts import may_lose_weights
from models.network import (
    AllToAll,
    Constant,
    Explicit,
    FixedTotalNumber,
    Network,
    Normal,
    PairStdp,
    Population,
    Projection,
    SpikeArraySource,
    Uniform,
)

LOTS = 1 << 40


def network_with(weight_pa, *, n_silent: int = 40, **changes) -> Network:
    """Few sources that fire and many that never do, both with weights of one distribution onto A."""
    times = np.array([0.1, 0.2, 0.3, 0.3])
    sources = (
        SpikeArraySource(name="S", n_neurons=4, times_ms=times, ids=np.array([0, 1, 2, 3])),
        SpikeArraySource(name="T", n_neurons=n_silent, times_ms=np.zeros(0), ids=np.zeros(0, np.int64)),
    )
    projections = [
        Projection(source=source, target="A", connector=AllToAll(), weight_pa=weight_pa, delay_ms=Constant(value=0.1))
        for source in ("S", "T")
    ]
    projections += [
        Projection(
            source="A",
            target="A",
            connector=FixedTotalNumber(n_synapses=5),
            weight_pa=Constant(value=9e3),
            delay_ms=Constant(value=0.1),
            **changes,
        )
    ]
    return Network(
        name="w", populations=(Population(name="A", n_neurons=30),), projections=tuple(projections), sources=sources
    )


def counts_of(network, memory, n_threads):
    run = simulate(network, n_steps=10, seed=3, n_threads=n_threads, max_memory_bytes=memory)
    return run.provenance, run.connectivity.weight_counts.tolist(), run.connectivity.is_stored


def test_weights_of_rows_that_never_fire_count_too():
    network = network_with(Constant(value=1e-3))
    provenance, counts, is_stored = counts_of(network, LOTS, 1)
    assert is_stored
    assert counts == [[0, 4 * 30], [0, 40 * 30], [0, 0]]
    assert provenance["n_weights_zero"] == 44 * 30
    for n_threads in (1, 3):
        redrawn = counts_of(network, 0, n_threads)
        assert redrawn == (provenance, counts, False)


@pytest.mark.parametrize("weight_pa", [Normal(mean=0.3, sd=0.5, low=0.0), Uniform(low=0.0, high=2.0)])
def test_counts_of_drawn_weights_do_not_depend_on_memory(weight_pa):
    network = network_with(weight_pa, n_silent=300)
    stored, redrawn = (counts_of(network, memory, 2)[:2] for memory in (LOTS, 0))
    assert redrawn == stored
    assert stored[1][1][1] > 0


def tables_of(weight_pa, connector=None):
    from emulator.numbers.weight_scale import weight_scales
    from emulator.synapses.projection_table import projection_tables
    from emulator.synapses.source_group import source_groups

    network = Network(
        name="one",
        populations=(Population(name="A", n_neurons=9),),
        projections=(
            Projection(
                source="A",
                target="A",
                connector=connector or AllToAll(),
                weight_pa=weight_pa,
                delay_ms=Constant(value=1.0),
            ),
        ),
    )
    raw = {key: scale.raw_per_pa for key, scale in weight_scales(network).items()}
    return projection_tables(network, source_groups(network), SynapseDraw(seed=1, raw_per_pa=raw))


def test_a_second_draw_is_only_made_where_a_weight_can_be_lost():
    assert not may_lose_weights(tables_of(Constant(value=90.0)))
    assert not may_lose_weights(tables_of(Normal(mean=90.0, sd=9.0, low=0.0)))
    assert may_lose_weights(tables_of(Normal(mean=90.0, sd=20.0, low=0.0)))
    assert may_lose_weights(tables_of(Uniform(low=0.0, high=10.0)))
    given = {"sources": np.array([0, 1]), "targets": np.array([2, 3])}
    assert may_lose_weights(tables_of(Constant(value=90.0), Explicit(**given, weights_pa=np.array([90.0, 1e-4]))))
    assert not may_lose_weights(tables_of(Constant(value=90.0), Explicit(**given, weights_pa=np.array([90.0, 80.0]))))


def test_out_degree_is_that_of_the_drawn_rows_with_plastic_synapses_and_any_memory():
    network = network_with(Constant(value=100.0), plasticity=PairStdp(w_max_pa=2e4))
    for memory in (LOTS, 0):
        run = simulate(network, n_steps=10, seed=3, max_memory_bytes=memory)
        plastic = np.bincount(run.plastic_rows[0].source, minlength=network.n_sources)
        assert plastic.sum() == 5
        np.testing.assert_array_equal(run.out_degree, plastic + np.repeat([0, 30], [30, 44]))
