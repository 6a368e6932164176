"""Slices, vertices, their memory, and the lanes of packets."""

from collections import Counter

import numpy as np
import pytest

from machines import DRIVE, SPINNAKER1, machine, network, pair, projection
from mapping.expected import expected_rates_hz
from mapping.model import Role, Slice
from mapping.partition import combined, ensemble
from mapping.partition.lane import deal_lanes
from models.errors import CapacityError, ParameterError
from models.network import AllToAll, FixedTotalNumber, Network, Population
from models.networks import pd14

MACHINE = machine()


def test_pd14_has_the_cores_that_spynnaker_gives_it():
    net = pd14()
    result = ensemble.partition(net, MACHINE)
    assert len(result.slices) == 1210
    assert Counter(vertex.role for vertex in result.vertices) == {
        Role.NEURON: 1210,
        Role.SYNAPSE: 4208,
        Role.POISSON: 1210,
    }
    assert list(result.n_lanes.values()) == [4, 4, 3, 4, 4, 3, 3, 3]


def test_pd14_without_poisson_drive_has_no_poisson_cores():
    result = ensemble.partition(pd14(drive="dc"), MACHINE)
    assert len(result.vertices) == 5418


def test_pd14_combined_has_the_slices_of_van_albada_2018():
    result = combined.partition(pd14(), MACHINE)
    assert len(result.slices) == len(result.vertices) == 967
    assert set(result.n_lanes.values()) == {1}


def test_slices_are_full_but_the_last_and_sources_follow():
    result = combined.partition(pair(), MACHINE)
    assert result.slices == (
        Slice("A", 0, 80),
        Slice("A", 80, 160),
        Slice("A", 160, 200),
        Slice("B", 0, 80),
        Slice("B", 80, 100),
        Slice("S", 0, 30),
    )
    assert result.first_slice == {"A": 0, "B": 3, "S": 5}
    assert [vertex.role for vertex in result.vertices] == [Role.COMBINED] * 5 + [Role.SOURCE]


def test_source_slices_hold_as_many_sources_as_a_core():
    net = network({"A": 10}, [("S", "A")], source_sizes={"S": 1001})
    slices = combined.partition(net, MACHINE).slices
    assert [part.n_neurons for part in slices] == [10, 500, 500, 1]


def test_ensemble_is_neuron_synapse_and_poisson_cores_in_a_row():
    result = ensemble.partition(pair(), MACHINE, n_synapse_cores=2)
    first = [(vertex.role, vertex.lane) for vertex in result.vertices if vertex.slice_id == 0]
    assert first == [(Role.NEURON, 0), (Role.SYNAPSE, 0), (Role.SYNAPSE, 1), (Role.POISSON, 0)]
    assert [vertex.slice_id for vertex in result.vertices[:9]] == [0] * 4 + [1] * 4 + [2]
    assert [vertex.vertex_id for vertex in result.vertices] == list(range(len(result.vertices)))


def test_poisson_sources_of_a_slice_are_spread_over_cores():
    result = ensemble.partition(pair(), machine(core={"max_poisson_sources": 30}), n_synapse_cores=1)
    assert [vertex.role for vertex in result.vertices if vertex.slice_id == 0].count(Role.POISSON) == 3


def test_population_without_input_has_no_synapse_cores():
    result = ensemble.partition(network({"A": 64, "B": 64}, [("A", "B")]), MACHINE)
    assert result.n_lanes == {"A": 0, "B": 1}
    assert [vertex.role for vertex in result.vertices] == [Role.NEURON, Role.NEURON, Role.SYNAPSE]


def test_synapse_cores_are_capped_by_the_chip():
    net = network({"A": 64, "B": 20_000}, [("B", "A")], poisson=True)
    dense = Network(name="dense", populations=net.populations, projections=(projection("B", "A", AllToAll()),))
    assert ensemble.partition(dense, MACHINE).n_lanes["A"] == 3
    slow = machine(plan=_plan(synapse_events_per_s=1e6))
    assert ensemble.partition(dense, slow).n_lanes["A"] == 14


def _plan(**changes):
    from dataclasses import replace

    return replace(SPINNAKER1.plan, **changes)


def test_memory_of_combined_core_adds_up():
    net = network({"A": 100, "B": 64}, [])
    rules = (projection("A", "B", AllToAll(), delay_ms=1.6), projection("B", "B", AllToAll()))
    net = Network(name="n", populations=net.populations, projections=rules)
    vertex = combined.partition(net, MACHINE, neurons_per_core=64).vertices[-1]
    ring_buffer = 2 * 16 * 2 * 64
    rows = 2 * (12 + 4 * 64)
    assert vertex.dtcm_bytes == 5780 + ring_buffer + 4 * 1024 + rows + 2 * 20 + 64 * 15 * 4
    assert vertex.sdram_bytes == (100 + 64) * (12 + 4 * 64)


def test_only_the_first_synapse_core_owns_the_matrix():
    result = ensemble.partition(pair(), MACHINE, n_synapse_cores=3)
    sdram = {(v.role, v.lane): v.sdram_bytes for v in result.vertices if v.slice_id == 0}
    shared = 2 * 2 * 64
    assert sdram[Role.SYNAPSE, 1] == sdram[Role.SYNAPSE, 2] == sdram[Role.POISSON, 0] == shared
    assert sdram[Role.SYNAPSE, 0] > shared
    assert sdram[Role.NEURON, 0] == 0


def test_unpadded_rows_take_their_mean_length():
    net = network({"A": 100, "B": 50}, [("A", "B")])
    vertex = combined.partition(net, machine(memory={"row_padding": "none"})).vertices[-1]
    assert vertex.sdram_bytes == 100 * 12 + 4 * 500


def test_lanes_exist_for_joined_pairs_only():
    net = pair()
    empty = projection("B", "B", FixedTotalNumber(n_synapses=0))
    net = Network(name="n", populations=net.populations, sources=net.sources, projections=(*net.projections, empty))
    lanes = ensemble.partition(net, MACHINE, n_synapse_cores=2).lane_of_source
    assert list(lanes) == [("A", "A"), ("A", "B"), ("B", "A"), ("S", "A")]
    assert [len(lane) for lane in lanes.values()] == [4, 4, 2, 1]


def test_lanes_of_pd14_are_balanced_within_three_percent():
    net = pd14()
    result = ensemble.partition(net, MACHINE)
    rates_hz = expected_rates_hz(net, MACHINE)
    for target, n_lanes in result.n_lanes.items():
        load = np.zeros(n_lanes)
        for (source, other), lane in result.lane_of_source.items():
            if other == target:
                start = result.first_slice[source]
                n_neurons = [part.n_neurons for part in result.slices[start : start + len(lane)]]
                load += np.bincount(lane, weights=np.array(n_neurons) * rates_hz[source], minlength=n_lanes)
        assert load.max() / load.mean() < 1.03


def test_a_lane_takes_aligned_power_of_two_blocks():
    (lane,) = deal_lanes([np.ones(343)], 3)
    edges = np.flatnonzero(np.diff(lane)) + 1
    assert edges.tolist() == [128, 256]
    assert sorted(np.bincount(lane).tolist()) == [87, 128, 128]


def test_quiet_sources_fill_the_lanes_that_a_busy_one_left_free():
    busy, quiet = deal_lanes([np.full(3, 10.0), np.full(2, 4.0)], 3)
    assert sorted(busy.tolist()) == [0, 1, 2]
    assert len(set(quiet.tolist())) == 2


def test_fewer_slices_than_lanes_each_get_their_own():
    assert deal_lanes([np.ones(2)], 4)[0].tolist() == [0, 1]
    assert deal_lanes([np.ones(3)], 1)[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("options", "changes", "message"),
    [
        (
            {"neurons_per_core": 512},
            {},
            r"neurons at a core of spinnaker1: needs 512 neurons, has 256 neurons; "
            r"lower neurons_per_core to at most 256",
        ),
        (
            {"neurons_per_core": 256},
            {"core": {"ring_buffer_index_bits": 12}},
            r"ring-buffer index at A\[0:200\] with 16 delay slots of 0.1 ms: needs 13 bits, has 12 bits; "
            r"lower neurons_per_core \(now \d+\) or shorten the delays to at most [\d.]+ ms",
        ),
        (
            {"neurons_per_core": 128},
            {"core": {"max_row_synapses": 20}},
            r"synaptic row at A -> A onto A\[0:128\]: needs \d+ synapses, has 20 synapses; "
            r"lower neurons_per_core \(now \d+\) or give each source fewer synapses",
        ),
        (
            {},
            {"core": {"dtcm_bytes": 8000}},
            r"DTCM at \w+ core of A\[0:\d+\]: needs [\d,]+ bytes, has 8,000 bytes; "
            r"lower neurons_per_core \(now \d+\) or scale the network down",
        ),
        (
            {},
            {"memory": {"sdram_bytes": 1000}},
            r"SDRAM at \w+ core of A\[0:\d+\]: needs [\d,]+ bytes, has 1,000 bytes; "
            r"lower neurons_per_core \(now \d+\) or scale the network down",
        ),
    ],
)
@pytest.mark.parametrize("recipe", [combined, ensemble], ids=["combined", "ensemble"])
def test_what_does_not_fit_a_core_is_refused(recipe, options, changes, message):
    with pytest.raises(CapacityError, match=f"^{message}$"):
        recipe.partition(pair(), machine(**changes), **options)


def test_too_large_an_ensemble_is_refused():
    message = (
        r"^cores of an ensemble at one chip of spinnaker1 \(population A\): needs 17 cores, has 16 cores; "
        r"lower n_synapse_cores \(now 15\)$"
    )
    with pytest.raises(CapacityError, match=message):
        ensemble.partition(pair(), MACHINE, n_synapse_cores=15)


def test_a_chip_without_room_for_a_synapse_core_is_refused():
    message = (
        r"^cores of an ensemble at one chip of spinnaker1 \(population A\): needs 3 cores, has 2 cores; "
        r"take recipe 'combined'$"
    )
    with pytest.raises(CapacityError, match=message):
        ensemble.partition(pair(), machine(core={"n_per_chip": 4}))


def test_spike_sources_on_a_machine_without_source_cores_are_refused():
    message = (
        "^sources at a core of spinnaker1: needs 1 sources, has 0 sources; "
        "raise core.max_poisson_sources or leave the spike sources out$"
    )
    with pytest.raises(CapacityError, match=message):
        combined.partition(pair(), machine(core={"max_poisson_sources": 0}))


def test_poisson_drive_on_a_machine_without_source_cores_is_refused():
    net = Network(name="n", populations=(Population(name="A", n_neurons=4, poisson=DRIVE),))
    message = (
        "^Poisson sources at a core of spinnaker1: needs 1 sources, has 0 sources; "
        "raise core.max_poisson_sources or drive the populations with a current$"
    )
    with pytest.raises(CapacityError, match=message):
        ensemble.partition(net, machine(core={"max_poisson_sources": 0}))


@pytest.mark.parametrize(
    ("recipe", "options", "message"),
    [
        (combined, {"n_synapse_cores": 2}, "n_synapse_cores: needs None: combined cores have no synapse cores, has 2"),
        (ensemble, {"n_synapse_cores": 0}, "n_synapse_cores: needs at least 1 core, has 0"),
        (ensemble, {"neurons_per_core": 0}, "neurons_per_core: needs a whole number of neurons, at least 1, has 0"),
    ],
)
def test_impossible_options_are_refused(recipe, options, message):
    with pytest.raises(ParameterError, match=f"^{message}$"):
        recipe.partition(pair(), MACHINE, **options)
