"""Synapses: exact numbers, the rules of every connector, rows by slice; how they are stored does not matter."""

import numpy as np
import pytest
from scipy import stats

from emulator.synapses.build import build_connectivity, choose_n_shards
from emulator.synapses.projection_table import SynapseDraw
from emulator.synapses.source_group import delay_distribution
from models.errors import CapacityError
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
from reference_case import projection, rich_network
from stored_synapses import synapses


def network_of(connector, n_sources=40, n_targets=30, **options):
    populations = (Population(name="A", n_neurons=n_sources), Population(name="B", n_neurons=n_targets))
    return Network(name="pair", populations=populations, projections=(projection("A", "B", connector, **options),))


def recurrent(connector, n_neurons=25, **options):
    cells = Population(name="A", n_neurons=n_neurons)
    return Network(name="one", populations=(cells,), projections=(projection("A", "A", connector, **options),))


def pairs(network, **options):
    found = synapses(network, **options)
    return found.source * 10_000 + found.target


@pytest.mark.parametrize("n", [0, 1, 999, 20_000])
def test_fixed_total_number_is_exact(n):
    found = synapses(network_of(FixedTotalNumber(n_synapses=n)))
    assert found.source.size == n
    assert not n or (found.target.min() >= 40 and found.target.max() < 70)


def test_pd14_has_exactly_its_synapses():
    network = pd14(scale=0.02)
    connectivity = build_connectivity(network, SynapseDraw(seed=1), n_shards=2, n_threads=2)
    assert connectivity.n_synapses == sum(p.connector.n_synapses for p in network.projections)


def test_fixed_total_number_has_autapses_and_multapses():
    found = synapses(recurrent(FixedTotalNumber(n_synapses=5000)))
    assert (found.source == found.target).any()
    assert np.unique(found.source * 25 + found.target).size < 5000


@pytest.mark.parametrize("allow_autapses", [True, False])
def test_fixed_probability_joins_no_pair_twice(allow_autapses):
    found = synapses(recurrent(FixedProbability(probability=0.5, allow_autapses=allow_autapses), 60))
    assert np.unique(found.source * 60 + found.target).size == found.source.size
    assert (found.source == found.target).any() == allow_autapses


@pytest.mark.parametrize(("probability", "n"), [(0.0, 0), (1.0, 1200)])
def test_fixed_probability_reaches_its_ends(probability, n):
    assert np.unique(pairs(network_of(FixedProbability(probability=probability)))).size == n


def test_all_to_all_joins_every_pair_once():
    expected = [s * 10_000 + t for s in range(40) for t in range(40, 70)]
    assert sorted(pairs(network_of(AllToAll()))) == expected


@pytest.mark.parametrize("connector", [AllToAll(), FixedProbability(probability=1.0)], ids=["all", "probability"])
def test_autapses_can_be_left_out(connector):
    without = type(connector)(
        **{"probability": 1.0} if isinstance(connector, FixedProbability) else {}, allow_autapses=False
    )
    everything = [s * 10_000 + t for s in range(25) for t in range(25)]
    assert sorted(pairs(recurrent(connector))) == everything
    assert sorted(pairs(recurrent(without))) == [x for x in everything if x // 10_000 != x % 10_000]


def test_one_to_one_joins_equal_numbers():
    found = synapses(network_of(OneToOne(), 30, 30))
    assert found.source.tolist() == list(range(30))
    assert found.target.tolist() == list(range(30, 60))


def test_explicit_synapses_are_kept_one_by_one():
    connector = Explicit(
        sources=np.array([5, 1, 5, 5]), targets=np.array([0, 2, 0, 29]),
        weights_pa=np.array([1.0, 2.0, 3.0, 4.0]), delays_ms=np.array([0.1, 0.2, 0.3, 2.0]),
    )  # fmt: skip
    found = synapses(network_of(connector))
    rows = sorted(zip(found.source, found.target, found.delay_steps, found.weight, strict=True))
    assert rows == [(1, 42, 2, 2.0), (5, 40, 1, 1.0), (5, 40, 3, 3.0), (5, 69, 20, 4.0)]


def test_explicit_weights_of_zero_inhibit_too():
    connector = Explicit(sources=np.array([0]), targets=np.array([1]), weights_pa=np.array([0.0]))
    found = synapses(network_of(connector, weight_pa=-1.0))
    assert (found.is_inhibitory.tolist(), found.weight.tolist()) == ([True], [0.0])


def test_sign_of_the_weight_chooses_the_receptor():
    for weight_pa, expected in ((50.0, False), (-50.0, True)):
        found = synapses(network_of(AllToAll(), weight_pa=weight_pa))
        assert set(found.is_inhibitory.tolist()) == {expected}
        assert set(found.weight.tolist()) == {50.0}


def test_weights_round_to_the_nearest_unit_and_clip():
    raw_per_pa = {(name, receptor): 2.0 for name in "AB" for receptor in Receptor}
    cases = {10.3: 21, 10.25: 21, 10.2: 20, 0.2: 0, 32_767.5: 65_535, 40_000.0: 65_535}
    for weight_pa, raw in cases.items():
        network = network_of(OneToOne(), 3, 3, weight_pa=weight_pa)
        stored = build_connectivity(network, SynapseDraw(seed=1, raw_per_pa=raw_per_pa), n_shards=1, n_threads=1)
        assert set((stored.synapse >> 16).tolist()) == {raw}
        assert stored.n_weights_clipped == 3 * (weight_pa == 40_000.0)
        assert stored.n_weights_zero == 3 * (raw == 0)


def test_storage_does_not_change_the_synapses():
    variants = [synapses(rich_network(), n_shards=n, n_threads=t) for n, t in ((1, 1), (2, 2), (8, 2))]
    for other in variants[1:]:
        for name in ("source", "target", "delay_steps", "weight", "is_inhibitory"):
            np.testing.assert_array_equal(getattr(other, name), getattr(variants[0], name))


@pytest.mark.parametrize("n_shards", [1, 4])
@pytest.mark.parametrize("is_float", [False, True])
def test_count_by_slice_is_the_length_of_every_row(n_shards, is_float):
    network = rich_network()
    raw_per_pa = None if is_float else {(p.name, r): 1.0 for p in network.populations for r in Receptor}
    stored = build_connectivity(network, SynapseDraw(seed=1, raw_per_pa=raw_per_pa), n_shards=n_shards, n_threads=1)
    slice_of_neuron = (np.arange(network.n_neurons) // 7).astype(np.int32)
    counts = stored.count_by_slice(slice_of_neuron, 8)
    found = synapses(network)
    expected = np.zeros((network.n_sources, 8), int)
    np.add.at(expected, (found.source, slice_of_neuron[found.target]), 1)
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_array_equal(counts.sum(axis=1), stored.row_length)


@pytest.mark.parametrize(
    ("n_neurons", "n_threads", "n_shards"),
    [(1, 1, 1), (10, 2, 2), (10, 3, 4), (65_536, 1, 1), (65_537, 1, 2), (77_169, 2, 2), (771_690, 2, 16)],
)
def test_shards_are_a_power_of_two_and_hold_their_neurons(n_neurons, n_threads, n_shards):
    assert choose_n_shards(n_neurons, n_threads) == n_shards


def test_shard_that_is_too_large_is_refused():
    network = Network(name="big", populations=(Population(name="A", n_neurons=65_537),))
    message = r"^shard at state engine: needs 65,537 neurons, has 65,536 neurons; raise n_shards$"
    with pytest.raises(CapacityError, match=message):
        build_connectivity(network, SynapseDraw(seed=1), n_shards=1, n_threads=1)


def test_a_row_that_a_due_list_cannot_name_is_refused_before_it_is_drawn():
    network = network_of(FixedTotalNumber(n_synapses=1 << 22), n_sources=1, n_targets=30)
    message = (
        r"^longest synaptic row at .*: needs 4,194,304 synapses, has 4,194,303 synapses; "
        r"lower the number of synapses, or raise the number of source neurons$"
    )
    with pytest.raises(CapacityError, match=message):
        build_connectivity(network, SynapseDraw(seed=1), n_shards=1, n_threads=1)


def test_longest_delay_is_the_last_that_a_32_bit_word_reaches():
    stored = build_connectivity(rich_network(), SynapseDraw(seed=1), n_shards=1, n_threads=1)
    steps = np.arange(1, 100)  # 1.5 ms, sd 0.8 ms, is the widest of its delays
    p = stats.norm.cdf((steps + 0.5) * 0.1, 1.5, 0.8) - stats.norm.cdf((steps - 0.5) * 0.1, 1.5, 0.8)
    assert stored.max_delay_steps() == steps[p > 2.0**-33].max()


@pytest.mark.parametrize(
    ("delay_ms", "first", "probability"),
    [
        (Constant(value=0.0), 1, [1.0]),
        (Constant(value=0.25), 3, [1.0]),
        (Normal(mean=1.0, sd=0.0), 10, [1.0]),
        (Uniform(low=0.1, high=0.3), 1, [0.25, 0.5, 0.25]),
        (Uniform(low=0.0, high=0.2), 1, [0.75, 0.25]),
        (Normal(mean=1.0, sd=0.1, low=5.0, high=10.0, truncation=Truncation.CLIP), 50, [1.0]),
        (Normal(mean=10.0, sd=0.1, low=1.0, high=2.0, truncation=Truncation.CLIP), 20, [1.0]),
        (Normal(mean=1.0, sd=0.2, low=1.0, high=9.0, truncation=Truncation.CLIP), 10, [0.5 + 0.0987063]),
    ],
    ids=repr,
)
def test_delays_are_rounded_to_steps(delay_ms, first, probability):
    found_first, found = delay_distribution(delay_ms, 0.1)
    assert found_first == first
    assert found[: len(probability)] == pytest.approx(probability, abs=1e-7)
    assert found.sum() == pytest.approx(1.0, abs=1e-15)
