"""Stored rows against the same rows drawn again from their definition, in plain Python."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from emulator.numbers.weight_scale import weight_scales
from emulator.reference.row import draw_delay_steps, draw_rows, draw_weight, unpack_row
from emulator.synapses.build import build_connectivity
from emulator.synapses.projection_table import SynapseDraw
from models.network import (
    AllToAll,
    Constant,
    Explicit,
    FixedProbability,
    FixedTotalNumber,
    Network,
    Normal,
    OneToOne,
    Population,
    Receptor,
    Truncation,
    Uniform,
)
from models.networks.pd14 import pd14
from reference_case import projection, rich_network, spikes_at

TABLE_ERROR_SD = 1.1e-5  # of the interpolated normal quantile (emulator.kernels.random.normal.normal_quantile)


def all_rows(network, *, seed, n_shards=4, is_float=False):
    """Return (source id, stored row, row drawn again) of every source; weights of the stored row in pA."""
    scales = weight_scales(network)
    raw_per_pa = None if is_float else {key: scale.raw_per_pa for key, scale in scales.items()}
    connectivity = build_connectivity(
        network, SynapseDraw(seed=seed, raw_per_pa=raw_per_pa), n_shards=n_shards, n_threads=1
    )
    for group in (*network.populations, *network.sources):
        drawn = draw_rows(network, group.name, seed)
        for i, again in enumerate(drawn):
            source = network.offsets[group.name] + i
            yield source, unpack_row(connectivity, source), again


def scale_of_neurons(network):
    """Return for every receptor the raw weight units per pA of every neuron."""
    scales = weight_scales(network)
    return {
        receptor: [scales[p.name, receptor].raw_per_pa for p in network.populations for _ in range(p.n_neurons)]
        for receptor in Receptor
    }


def places(row):
    return sorted((s.target, s.receptor, s.delay_steps) for s in row)


def assert_same_rows(network, *, seed, largest_sd_pa=0.0, **options):
    n_synapses, raw_per_pa = 0, scale_of_neurons(network)
    for source, stored, again in all_rows(network, seed=seed, **options):
        assert places(stored) == places(again), source
        in_raw = [replace(s, magnitude=s.magnitude * raw_per_pa[s.receptor][s.target]) for s in again]
        for a, b in zip(sorted(stored), sorted(in_raw), strict=True):
            table_error = TABLE_ERROR_SD * largest_sd_pa * raw_per_pa[b.receptor][b.target]
            assert abs(a.magnitude - b.magnitude) <= 0.5 + table_error
        n_synapses += len(stored)
    return n_synapses


@pytest.mark.parametrize("n_shards", [1, 2, 8])
def test_rich_network_has_the_defined_rows(n_shards):
    assert assert_same_rows(rich_network(), seed=11, n_shards=n_shards, largest_sd_pa=30.0) == 120 + 60 + 187 + 253 + 84


def test_float_rows_have_the_defined_weights():
    for _, stored, again in all_rows(rich_network(), seed=11, is_float=True):
        assert places(stored) == places(again)
        for a, b in zip(sorted(stored), sorted(again), strict=True):
            assert a.magnitude == pytest.approx(b.magnitude, abs=30.0 * TABLE_ERROR_SD)


def test_pd14_has_the_defined_rows():
    network = pd14(scale=0.005)
    expected = sum(p.connector.n_synapses for p in network.projections)
    assert assert_same_rows(network, seed=2, largest_sd_pa=2000.0) == expected


@pytest.mark.parametrize(
    "connector",
    [
        FixedProbability(probability=0.4),
        FixedProbability(probability=0.4, allow_autapses=False),
        FixedProbability(probability=1.0),
        FixedProbability(probability=0.0),
        AllToAll(),
        AllToAll(allow_autapses=False),
        OneToOne(),
        FixedTotalNumber(n_synapses=300),
    ],
    ids=repr,
)
@pytest.mark.parametrize("seed", [0, 2**40 + 3])
def test_connector_has_the_defined_rows(connector, seed):
    cells = Population(name="A", n_neurons=13)
    network = Network(
        name="one",
        populations=(cells,),
        projections=(
            projection(
                "A", "A", connector, weight_pa=Uniform(low=10.0, high=90.0), delay_ms=Uniform(low=0.1, high=2.0)
            ),
        ),
    )
    assert_same_rows(network, seed=seed)


@pytest.mark.parametrize("delay_ms", [0.1, 1.5, 9.0], ids=["below", "between", "above"])
def test_given_delays_stand_whatever_the_distribution_says(delay_ms):
    given = Explicit(
        sources=np.array([2, 0, 2, 1]), targets=np.array([0, 1, 1, 1]),
        weights_pa=np.array([-3.0, -4.0, 0.0, -1.0]), delays_ms=np.array([1.0, 0.5, 3.0, 2.04]),
    )  # fmt: skip
    network = Network(
        name="one",
        populations=(Population(name="A", n_neurons=3),),
        projections=(
            projection("A", "A", given, weight_pa=-5.0, delay_ms=delay_ms),
            projection("A", "A", OneToOne(), weight_pa=8.0, delay_ms=0.8),
        ),
    )
    assert_same_rows(network, seed=1)
    stored = [sorted(row)[:] for _, row, _ in all_rows(network, seed=1, is_float=True)]
    assert [(s.target, s.delay_steps, s.magnitude) for s in stored[2]] == [(0, 10, 3.0), (1, 30, 0.0), (2, 8, 8.0)]
    assert [s.delay_steps for s in stored[1] if s.receptor == "inh"] == [20]


def test_rows_do_not_depend_on_other_populations():
    cells = Population(name="A", n_neurons=6)
    inner = projection("A", "A", FixedTotalNumber(n_synapses=30), weight_pa=20.0)
    alone = Network(name="alone", populations=(cells,), projections=(inner,))
    source = spikes_at("T", 4, [])
    joined = Network(
        name="joined",
        populations=(cells, Population(name="B", n_neurons=9)),
        sources=(source,),
        projections=(inner, projection("T", "B", AllToAll(), weight_pa=20.0)),
    )
    first, second = ([again for _, _, again in all_rows(n, seed=4)][:6] for n in (alone, joined))
    assert first == second
    stored = ([row for _, row, _ in all_rows(n, seed=4, is_float=True)][:6] for n in (alone, joined))
    assert next(stored) == next(stored)


@pytest.mark.parametrize(
    ("delay_ms", "expected"),
    [
        (Constant(value=0.0), [1, 1, 1]),
        (Constant(value=1.55), [16, 16, 16]),
        (Uniform(low=1.0, high=2.0), [10, 15, 20]),
        (Normal(mean=1.0, sd=0.0), [10, 10, 10]),
        (Normal(mean=1.5, sd=0.5, low=1.0, high=2.0, truncation=Truncation.CLIP), [10, 15, 20]),
    ],
    ids=repr,
)
def test_drawn_delay_is_the_quantile(delay_ms, expected):
    assert [draw_delay_steps(delay_ms, 0.1, word) for word in (0, 2**31, 2**32 - 1)] == expected


def test_drawn_weight_is_the_quantile():
    normal = Normal(mean=100.0, sd=10.0, low=0.0)
    words = [0, 2**20, 2**31 - 1, 2**31, 2**32 - 1]
    weights = [draw_weight(normal, word) for word in words]
    assert all(a < b for a, b in pairwise(weights))
    assert weights[2] == pytest.approx(100.0, abs=1e-7)
    assert draw_weight(Normal(mean=1.0, sd=1.0, low=0.0, high=2.0), 0) == pytest.approx(0.0, abs=1e-8)
    assert draw_weight(Uniform(low=2.0, high=4.0), 2**31) == pytest.approx(3.0)
