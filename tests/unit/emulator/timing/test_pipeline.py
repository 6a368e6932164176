"""Steps of neuroAIx with their own spikes: against the static model, by hand, and phase by phase."""

from dataclasses import replace

import numpy as np
import pytest

from emulator.kernels.timing import pipeline
from emulator.timing import TimedSpikes, time_run
from emulator.timing.kinds.pipeline_node import node_phases
from emulator.timing.pipeline import NodeArray, kernel_nodes, node_array, row_times, silent_step_ns
from emulator.timing.pipeline_step import pipeline_step
from machines import network
from mapping.flow import map_network
from mapping.recipe import Recipe
from models.errors import ParameterError
from models.machine.file import load_machine

NEUROAIX = load_machine("neuroaix")
SPEC = NEUROAIX.pipeline
NET = network({"A": 350, "B": 70}, [("A", "A"), ("A", "B"), ("B", "A")])
CYCLE_NS = 1e9 / NEUROAIX.core.clock_hz
HOP_NS = 600 + 17 + 412


@pytest.fixture(scope="module")
def mapped():
    return map_network(NET, NEUROAIX, Recipe(name="spread"))


def lengths_of(mapping, n_synapses):
    """Every source has ``n_synapses`` on the first slice of every node."""
    array, lengths = node_array(mapping), np.zeros((NET.n_sources, len(mapping.partition.slices)), np.uint16)
    for node in range(35):
        lengths[:, np.flatnonzero(array.node_of_slice == node)[0]] = n_synapses
    return lengths


def timed(mapping, spikes, lengths, n_steps=1, **options):
    steps, neurons = (np.array([spike[i] for spike in sorted(spikes)], np.int32) for i in (0, 1))
    return time_run(mapping, NET, TimedSpikes(steps, neurons, n_steps, lengths), **options)


@pytest.mark.parametrize("shape", [[5, 7], [7, 5], [1, 35], [1, 1], [7, 7]], ids=str)
@pytest.mark.parametrize(
    ("n_neurons", "rate_hz", "n_synapses"),
    [(77169, 3.2, 3880), (77169, 20.0, 3880), (770, 3.2, 3880), (77169, 3.2, 400)],
)
@pytest.mark.parametrize("link", [45.47e6, 0.5e6], ids=["links free", "links full"])
def test_equal_loads_give_the_static_step(shape, n_neurons, rate_hz, n_synapses, link):
    settings = {"topology.shape": shape, "link.packets_per_s": link}
    machine = load_machine("neuroaix", settings)
    n_nodes = shape[0] * shape[1]
    static = pipeline_step(machine, n_neurons=n_neurons, rate_hz=rate_hz, n_synapses_per_neuron=n_synapses)
    xy = np.array([(x, y) for y in range(shape[1]) for x in range(shape[0])], np.int32)
    nodes = kernel_nodes(machine, NodeArray(np.zeros(1, np.int32), np.full(n_nodes, -(-n_neurons // n_nodes)), xy))
    n_row = int(np.ceil(n_synapses / n_nodes))
    row_ns, byte_ns = row_times(machine, n_row)
    n_group = np.bincount(nodes.group[0], minlength=3)
    s = static.n_spikes_per_node
    load = pipeline.Load(
        np.tile(n_group * s, (n_nodes, 1)),
        np.tile(n_group * s * row_ns[n_row], (n_nodes, 1)),
        np.full((n_nodes, 3), byte_ns[n_row]),
        np.full(n_nodes, s),
        nodes.is_peer.sum(axis=0) * s,
    )
    end = np.zeros(n_nodes)
    looked_up = pipeline.node_ends(load, nodes, np.zeros((n_nodes, 4, 2, 3)), end)
    assert end == pytest.approx(np.full(n_nodes, static.step_ns), rel=1e-12)
    assert looked_up == pytest.approx(max(p.end_ns for p in static.phases if p.name == "look_up"), rel=1e-12)


def test_step_without_spikes_ends_with_the_barrier(mapped):
    timing = timed(mapped, [(1, 3)], lengths_of(mapped, 100), n_steps=3)
    # 12 neurons a node: two turns of ten pipelines
    update_ns, first_ns = 3 * CYCLE_NS, 30 * CYCLE_NS + 60 + 43
    expected = first_ns + 2 * HOP_NS + 43 + 43 + 60 + update_ns + SPEC.barrier_ns
    assert timing.step_cycles[[0, 2]] * CYCLE_NS == pytest.approx([expected, expected], rel=1e-12)
    assert timing.step_cycles[1] > timing.step_cycles[0]
    assert timing.is_free_running
    assert (timing.n_sent, timing.n_delivered, timing.n_rows, timing.n_filtered) == (1, 35, 35, 0)


def test_one_spike_by_hand(mapped):
    """A row of 100 synapses, 832 bytes with whole fetches, read by the farthest nodes."""
    timing = timed(mapped, [(0, 3)], lengths_of(mapped, 100))
    update_ns, first_ns = 3 * CYCLE_NS, 30 * CYCLE_NS + 60 + 43
    work_ns = 832 / (2 * np.interp(832, SPEC.dram_row_bytes, SPEC.dram_row_bytes_per_s)) * 1e9
    arrival_ns = max(update_ns, 128 / 5.82) + 832 / 12.12  # the packet takes longer than three cycles
    way_ns = first_ns + 2 * HOP_NS + 43 + 43 + 60 + 880
    assert timing.step_cycles[0] * CYCLE_NS == pytest.approx(way_ns + max(work_ns, arrival_ns), rel=1e-6)
    x, y, _ = mapped.placement.core[timing.step_vertex[0]].tolist()
    source = node_array(mapped).node_of_slice[0]  # neuron 3 is in the first slice
    assert x != source % 5
    assert y != source // 5


def test_look_ups_without_a_row(mapped):
    lengths = lengths_of(mapped, 0)
    lengths[7, 0] = 4
    timing = timed(mapped, [(0, 7), (0, 8)], lengths)
    assert (timing.n_delivered, timing.n_rows, timing.n_filtered, timing.n_events) == (70, 1, 69, 4)


@pytest.mark.parametrize("n_spikes", [0, 1, 20, 200])
def test_phases_add_up_to_the_step(mapped, n_spikes):
    neurons = np.random.default_rng(n_spikes).integers(0, NET.n_sources, n_spikes).astype(np.int32)
    lengths = lengths_of(mapped, 110)
    timing = timed(mapped, [(0, int(neuron)) for neuron in neurons], lengths)
    found = node_phases(mapped, NET, neurons, lengths)
    assert sum(found.values()) == pytest.approx(timing.step_cycles[0], rel=1e-12)
    assert found["behind"] >= -1e-9
    assert ("barrier" in found) == (n_spikes == 0)
    assert found["hops"] == pytest.approx((2 * HOP_NS + 43) / CYCLE_NS)


def test_pace_is_not_held_by_a_timer(mapped):
    timing = timed(mapped, [], lengths_of(mapped, 0), n_steps=4, time_scale_factor=2.0)
    assert timing.real_time_factor(2.0) == pytest.approx(timing.step_cycles.mean() * CYCLE_NS / 1e5)
    assert timing.n_overruns == 0


def test_rows_counted_as_asked_for(mapped):
    lengths = np.random.default_rng(0).integers(0, 4, (NET.n_sources, len(mapped.partition.slices))).astype(np.uint16)
    spikes = [(int(s), int(n)) for s, n in np.random.default_rng(1).integers(0, (50, NET.n_sources), (300, 2))]
    known = timed(mapped, spikes, lengths, n_steps=50)
    drawn = timed(mapped, spikes, lambda sources: lengths[sources], n_steps=50)
    np.testing.assert_array_equal(known.step_cycles, drawn.step_cycles)
    assert known.n_rows == drawn.n_rows


def test_other_shapes_are_refused(mapped):
    topology = replace(NEUROAIX.topology, shape=(5, 7, 2), board_shape=(1, 1, 1))
    message = (
        r"^topology of machine neuroaix: needs a hyperx with a shape of one or two axes, has 'hyperx \(5, 7, 2\)'$"
    )
    with pytest.raises(ParameterError, match=message):
        timed(replace(mapped, machine=replace(mapped.machine, topology=topology)), [], lengths_of(mapped, 0))


def test_open_constants_give_a_range(mapped):
    note = next(note for note in NEUROAIX.constants if note.path == "pipeline.dispatcher_ns")
    notes = tuple(
        replace(n, status="unverified", low=800.0, high=900.0) if n is note else n for n in NEUROAIX.constants
    )
    machine = replace(mapped.machine, constants=notes)
    timing = timed(replace(mapped, machine=machine), [(0, 3)], lengths_of(mapped, 100), with_range=True)
    low, high = timing.low, timing.high
    assert (timing.step_cycles - low.step_cycles)[0] * CYCLE_NS == pytest.approx(80)
    assert (high.step_cycles - timing.step_cycles)[0] * CYCLE_NS == pytest.approx(20)


def test_a_step_without_spikes_is_the_one_that_was_measured_with_77_neurons(mapped):
    assert silent_step_ns(mapped) == pytest.approx(2_960, rel=0.01)
    assert silent_step_ns(replace(mapped, machine=load_machine("neuroaix", {"topology.kind": "mesh"}))) == 0.0
