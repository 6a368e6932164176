"""Stochastic weights: each from its synapse's own random word, whatever the shards; unbiased at any width."""

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from emulator.numbers.number_format import weight_steps
from emulator.numbers.weight_scale import weight_scales
from emulator.reference.philox import philox_block
from emulator.reference.row import unpack_row
from emulator.runtime.random_stream import Stream, stream_key
from emulator.synapses.build import build_connectivity
from emulator.synapses.coarse_weights import coarsen_weights
from emulator.synapses.projection_table import SynapseDraw
from models.network import AllToAll, FixedTotalNumber, Network, Normal, Population, Receptor, Uniform
from reference_case import projection, rich_network, spikes_at, spikes_of

CELLS = Population(name="A", n_neurons=50)


def one_projection(weight_pa, connector=None, n_sources=20):
    joined = projection("T", "A", connector or AllToAll(), weight_pa=weight_pa)
    source = spikes_at("T", n_sources, [])
    return Network(name="one", populations=(CELLS,), sources=(source,), projections=(joined,))


def built(network, *, dither=1, n_shards=1, seed=4, raw_per_pa=None):
    """Stored synapses with stochastic weights; one step for all."""
    keys = [(p.name, receptor) for p in network.populations for receptor in Receptor]
    scale = raw_per_pa or {key: s.raw_per_pa for key, s in weight_scales(network).items()}
    draw = SynapseDraw(seed=seed, raw_per_pa=scale, dither=dict.fromkeys(keys, dither))
    return build_connectivity(network, draw, n_shards=n_shards, n_threads=1)


def weights_of(connectivity, source):
    return [synapse.magnitude for synapse in unpack_row(connectivity, source)]


def test_a_weight_goes_up_where_the_spare_word_says():
    network = one_projection(0.3)
    one_raw = {("A", receptor): 1.0 for receptor in Receptor}  # a unit is 1 pA
    stored = built(network, raw_per_pa=one_raw)
    k0, k1 = stream_key(4, Stream.SYNAPSE).tolist()
    for source in range(20):
        row = sorted(unpack_row(stored, 50 + source), key=lambda synapse: synapse.target)
        words = [philox_block((j, source, 0, int(Stream.SYNAPSE)), (k0, k1))[3] for j in range(50)]
        assert [synapse.magnitude for synapse in row] == [int(0.3 + (word + 0.5) / 2**32) for word in words]
    assert stored.n_weights_zero == stored.weight_counts[0, 1]
    assert stored.n_weights_zero + sum(sum(weights_of(stored, 50 + i)) for i in range(20)) == 1000


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("weight", [0.1, 0.5, 3.25, 700.9])
def test_mean_of_stochastic_weights_is_the_weight(weight, sign):
    network = one_projection(sign * weight, FixedTotalNumber(n_synapses=20_000))
    stored = built(network, raw_per_pa={("A", receptor): 1.0 for receptor in Receptor})
    weights = np.concatenate([weights_of(stored, 50 + i) for i in range(20)])
    low, fraction = divmod(weight, 1.0)
    assert set(weights) == {low, low + 1}
    assert weights.mean() == pytest.approx(weight, abs=4 * np.sqrt(fraction * (1 - fraction) / weights.size))


def test_whole_weights_stay_as_they_are():
    stored = built(one_projection(7.0), raw_per_pa={("A", receptor): 1.0 for receptor in Receptor})
    assert {w for i in range(20) for w in weights_of(stored, 50 + i)} == {7.0}


def test_a_weight_is_one_of_the_two_whole_numbers_beside_it():
    network = rich_network()
    scales, population_of = weight_scales(network), [p.name for p in network.populations for _ in range(p.n_neurons)]
    stored = built(network)
    drawn = build_connectivity(network, SynapseDraw(seed=4), n_shards=1, n_threads=1)
    moved = []
    for source in range(network.n_sources):
        for exact, found in zip(unpack_row(drawn, source), unpack_row(stored, source), strict=True):
            assert (exact.target, exact.delay_steps) == (found.target, found.delay_steps)
            wanted = exact.magnitude * scales[population_of[exact.target], exact.receptor].raw_per_pa
            assert np.floor(wanted) <= found.magnitude <= np.ceil(wanted)
            moved.append(found.magnitude - wanted)
    assert abs(np.mean(moved)) < 4 * np.std(moved) / np.sqrt(len(moved))


def test_shards_do_not_matter():
    network = rich_network()
    one, four = (built(network, n_shards=n) for n in (1, 4))
    for source in range(network.n_sources):
        assert sorted(unpack_row(one, source)) == sorted(unpack_row(four, source))
    np.testing.assert_array_equal(one.weight_counts, four.weight_counts)


def test_run_does_not_depend_on_threads_but_on_rounding():
    network = rich_network()
    runs = [
        simulate(network, n_steps=100, seed=2, n_threads=n, weight_rounding=how)
        for n, how in ((1, "stochastic"), (3, "stochastic"), (1, "nearest"))
    ]
    assert spikes_of(runs[0]) == spikes_of(runs[1])
    rows = [[sorted(unpack_row(run.connectivity, i)) for i in range(network.n_sources)] for run in runs]
    assert rows[0] == rows[1] != rows[2]


def test_rows_that_are_drawn_again_have_the_same_weights():
    network = rich_network()
    stored, drawn = (
        simulate(network, n_steps=150, seed=2, weight_rounding="stochastic", probes=range(51), max_memory_bytes=n)
        for n in (None, 0)
    )
    np.testing.assert_array_equal(drawn.v_mv, stored.v_mv)
    assert drawn.connectivity.n_stored == 0
    assert spikes_of(drawn) == spikes_of(stored)


@pytest.mark.parametrize("weight_bits", [8, 4, 3, 1])
def test_coarse_stochastic_weights_are_unbiased_multiples(weight_bits):
    network = one_projection(Uniform(low=20.0, high=100.0), FixedTotalNumber(n_synapses=40_000))
    steps = weight_steps(network, weight_scales(network), weight_bits)
    step = steps["A", Receptor.EXC]
    exact, coarse = built(network, dither=0), built(network, dither=step)
    n_clipped, _ = coarsen_weights(network, coarse, steps, weight_bits)
    before, after = (np.concatenate([weights_of(c, 50 + i) for i in range(20)]) for c in (exact, coarse))
    assert n_clipped == 0
    assert not (after % step).any()
    difference = after - before
    assert np.abs(difference).max() <= step
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(before.size)


def test_every_projection_counts_what_it_lost():
    network = Network(
        name="two",
        populations=(CELLS, Population(name="B", n_neurons=10)),
        sources=(spikes_at("T", 4, []),),
        projections=(
            projection("T", "B", AllToAll(), weight_pa=1e-3),
            projection("A", "B", FixedTotalNumber(n_synapses=30), weight_pa=Normal(mean=50.0, sd=1.0, low=0.0)),
            projection("T", "A", AllToAll(), weight_pa=70_000.0),
        ),
    )
    one_raw = {(name, receptor): 1.0 for name in ("A", "B") for receptor in Receptor}
    stored = build_connectivity(network, SynapseDraw(seed=1, raw_per_pa=one_raw), n_shards=2, n_threads=2)
    assert stored.weight_counts.tolist() == [[0, 40], [0, 0], [200, 0]]
    assert (stored.n_weights_clipped, stored.n_weights_zero) == (200, 40)
