"""Step times against a plain recount: one spike, one packet, one core at a time."""

import math
from collections import defaultdict
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise

import numpy as np
import pytest

from emulator.synapses.build import build_connectivity
from emulator.synapses.plasticity import build_plastic_rows
from emulator.synapses.plasticity_weights import count_plastic_by_slice
from emulator.synapses.projection_table import SynapseDraw
from emulator.timing import TimedSpikes, time_run
from emulator.timing.model import Timing, slice_of_source
from machines import machine, network, pair
from mapping.flow import map_network
from mapping.model import Mapping, Role, Vertex
from mapping.recipe import Recipe
from models.machine import CostSpec, TickSpec
from models.network import FixedProbability, Network, Population
from models.network.plasticity import PairStdp
from reference_case import projection, spikes_at

BUDGET = 20_000.0  # 0.1 ms of 200 MHz
FREE = dict.fromkeys((entry.name for entry in fields(CostSpec)), 0.0)


def row_lengths(mapping: Mapping, net: Network, seed: int = 1):
    stored = build_connectivity(net, SynapseDraw(seed=seed), n_shards=2, n_threads=1)
    slices = slice_of_source(mapping, net)[: net.n_neurons]
    return stored.count_by_slice(slices, len(mapping.partition.slices), n_threads=1)


def time_spikes(mapping: Mapping, net: Network, spikes: list[tuple[int, int]], n_steps: int, **options) -> Timing:
    steps, neurons = (np.array([spike[i] for spike in sorted(spikes)], np.int32) for i in (0, 1))
    return time_run(mapping, net, TimedSpikes(steps, neurons, n_steps, row_lengths(mapping, net)), **options)


def random_spikes(net: Network, n: int, n_steps: int, seed: int = 0) -> list[tuple[int, int]]:
    rng = np.random.default_rng(seed)
    both = rng.choice(n_steps * net.n_sources, n, replace=False)
    return sorted((int(x) // net.n_sources, int(x) % net.n_sources) for x in both)


@dataclass
class Recount:
    """What a recount finds; ``cycles[step][vertex]``."""

    cycles: list[dict[int, float]]
    n_delivered: int = 0
    n_rows: int = 0
    n_events: int = 0
    fixed: dict[int, float] = field(default_factory=dict)


def chip_of(mapping: Mapping, vertex: Vertex) -> tuple[int, int]:
    x, y, _ = mapping.placement.core[vertex.vertex_id]
    return int(x), int(y)


def block_bytes(mapping: Mapping, vertex: Vertex) -> int:
    """Bytes of the input block that a core hands over: two bytes a neuron and receptor, a power of two of neurons."""
    n, power = mapping.partition.slices[vertex.slice_id].n_neurons, 1
    while power < n:
        power *= 2
    return {Role.SYNAPSE: 4 * power, Role.POISSON: 2 * power}.get(vertex.role, 0)


def fixed_cycles(mapping: Mapping, net: Network, vertex: Vertex) -> float:
    """Cycles of a core in a step without spikes."""
    m, part = mapping.machine, mapping.partition.slices[vertex.slice_id]
    cost, group, n = m.cost, net.group(part.population), part.n_neurons
    update = n * (cost.neuron_update_cycles + cost.ring_buffer_drain_cycles_per_neuron)
    poisson = group.poisson if isinstance(group, Population) else None
    events = poisson.n_inputs * poisson.rate_hz * net.dt_ms / 1000 if poisson else 0.0
    draw = n * (cost.poisson_source_cycles + events * cost.poisson_event_cycles)
    cycles = (
        cost.timer_cycles
        + {
            Role.NEURON: update,
            Role.SYNAPSE: 0.0,
            Role.POISSON: draw,
            Role.SOURCE: n * cost.poisson_source_cycles,
            Role.COMBINED: update + (draw if poisson else 0.0),
        }[vertex.role]
    )
    if vertex.role in (Role.NEURON, Role.SYNAPSE, Role.POISSON):
        here = chip_of(mapping, vertex)
        on_chip = sum(block_bytes(mapping, v) for v in mapping.partition.vertices if chip_of(mapping, v) == here)
        cycles += cost.hand_over_cycles + on_chip * m.core.clock_hz / m.memory.hand_over_bytes_per_s
    return cycles


def receivers(mapping: Mapping, net: Network, source_slice: int) -> list[Vertex]:
    """Cores that a packet of a slice goes to: in every slice of every target population the core of its lane."""
    p = mapping.partition
    part = p.slices[source_slice]
    lane_of = {
        target: int(lanes[source_slice - p.first_slice[part.population]])
        for (source, target), lanes in p.lane_of_source.items()
        if source == part.population
    }
    return [
        vertex
        for vertex in p.vertices
        if vertex.role in (Role.SYNAPSE, Role.COMBINED)
        and lane_of.get(p.slices[vertex.slice_id].population, -1) == vertex.lane
    ]


def recount(mapping: Mapping, net: Network, spikes: list[tuple[int, int]], n_steps: int) -> Recount:
    p, cost, lengths = mapping.partition, mapping.machine.cost, row_lengths(mapping, net)
    fixed = {v.vertex_id: fixed_cycles(mapping, net, v) for v in p.vertices}
    found = Recount([dict(fixed) for _ in range(n_steps)], fixed=fixed)
    received = defaultdict(list)  # lengths of the rows that a core's packets find in a step
    for step, neuron in spikes:
        slice_id = next(
            i
            for i, part in enumerate(p.slices)
            if net.offsets[part.population] + part.start <= neuron < net.offsets[part.population] + part.stop
        )
        sender = next(
            v for v in p.vertices if v.slice_id == slice_id and v.role in (Role.NEURON, Role.COMBINED, Role.SOURCE)
        )
        found.cycles[step][sender.vertex_id] += cost.spike_send_cycles
        for vertex in receivers(mapping, net, slice_id):
            length = int(lengths[neuron, vertex.slice_id])
            received[step, vertex].append(length)
            found.n_delivered += 1
            found.n_rows += length > 0
            found.n_events += length
    for (step, vertex), row_length in received.items():
        found.cycles[step][vertex.vertex_id] += reception_cycles(mapping, net, vertex, row_length)
    return found


def reception_cycles(mapping: Mapping, net: Network, vertex: Vertex, row_length: list[int]) -> float:
    """Cycles in which a core takes in the packets of a step: its own work, or the transfer of the rows if slower."""
    m = mapping.machine
    cost, spec = m.cost, m.reception
    population = mapping.partition.slices[vertex.slice_id].population
    n_sources = len({p.source for p in net.projections if p.target == population})
    whole = {Role.SYNAPSE: cost.spike_cycles, Role.COMBINED: cost.combined_spike_cycles}[vertex.role]
    of_row = spec.dma_setup_cycles + spec.row_start_cycles
    parts = math.ceil(math.log2(n_sources + 1)) * spec.search_step_cycles + spec.filter_cycles + of_row
    own = sum(whole + n * cost.synapse_cycles if n else whole - of_row * min(1, whole / parts) for n in row_length)
    here = chip_of(mapping, vertex)
    n_fetching = sum(
        v.role in (Role.SYNAPSE, Role.COMBINED) for v in mapping.partition.vertices if chip_of(mapping, v) == here
    )
    fetch_s = sum(
        spec.dma_latency_ns * 1e-9
        + (m.memory.row_header_bytes + n * m.memory.synapse_bytes) / (spec.dma_bytes_per_s / n_fetching)
        for n in row_length
        if n
    )
    return max(own, fetch_s * m.core.clock_hz)


def mapped(recipe: str, net: Network, **changes):
    n_synapse_cores = 2 if recipe == "ensemble" else None
    chosen = Recipe(name=recipe, neurons_per_core=32, n_synapse_cores=n_synapse_cores)
    return map_network(net, machine(n_boards=1, **changes), chosen)


@pytest.mark.parametrize("recipe", ["combined", "ensemble"])
@pytest.mark.parametrize("dma_bytes_per_s", [750e6, 50e6], ids=["work slower", "transfer slower"])
def test_cycles_and_counts_equal_a_recount(recipe, dma_bytes_per_s):
    net, n_steps = pair(), 30
    mapping = mapped(recipe, net, reception={"dma_bytes_per_s": dma_bytes_per_s})
    spikes = random_spikes(net, 400, n_steps)
    timing, found = time_spikes(mapping, net, spikes, n_steps), recount(mapping, net, spikes, n_steps)
    assert (timing.n_sent, timing.n_delivered, timing.n_rows, timing.n_events) == (
        400,
        found.n_delivered,
        found.n_rows,
        found.n_events,
    )
    assert timing.n_rows + timing.n_filtered == timing.n_delivered
    assert found.n_rows < found.n_delivered < found.n_events
    cycles = np.array([[step[v] for v in range(len(step))] for step in found.cycles])
    np.testing.assert_allclose(timing.step_cycles, cycles.max(axis=1), rtol=1e-12)
    np.testing.assert_allclose(timing.mean_cycles, cycles.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(timing.max_cycles, cycles.max(axis=0), rtol=1e-12)
    worst = cycles[np.arange(n_steps), timing.step_vertex]
    np.testing.assert_allclose(worst, timing.step_cycles, rtol=1e-12)
    assert timing.budget_cycles == BUDGET


@pytest.mark.parametrize("recipe", ["combined", "ensemble"])
def test_overruns_equal_a_recount(recipe):
    net, n_steps = pair(), 40
    mapping = mapped(recipe, net, core={"clock_hz": 150e6})
    spikes = random_spikes(net, 800, n_steps)
    found = recount(mapping, net, spikes, n_steps)
    peaks = [max(step.values()) for step in found.cycles]
    below, above = sorted(set(peaks))[len(set(peaks)) // 2 - 1 :][:2]
    factor = (below + above) / 2 / 15_000.0  # a tick between the shortest and the longest step, and equal to none
    timing = time_spikes(mapping, net, spikes, n_steps, time_scale_factor=factor)
    over = [i for i, peak in enumerate(peaks) if peak > 15_000.0 * factor]
    assert 0 < len(over) < n_steps
    assert timing.n_overruns == len(over)
    assert timing.first_overrun_step == over[0]
    assert timing.min_lossless_time_scale_factor(factor) == pytest.approx(max(peaks) / 15_000.0)
    waits = [max(peak / (15_000.0 * factor), 1.0) for peak in peaks]
    assert timing.real_time_factor(factor) == pytest.approx(factor * np.mean(waits))


@pytest.mark.parametrize("recipe", ["combined", "ensemble"])
def test_more_spikes_never_take_less_time(recipe):
    net, n_steps = pair(), 20
    mapping = mapped(recipe, net)
    spikes = random_spikes(net, 500, n_steps)
    runs = [time_spikes(mapping, net, spikes[::skip], n_steps) for skip in (4, 2, 1)]  # each holds the one before
    for fewer, more in pairwise(runs):
        assert (more.step_cycles >= fewer.step_cycles).all()
        assert (more.mean_cycles >= fewer.mean_cycles).all()
        for name in ("n_sent", "n_delivered", "n_rows", "n_events"):
            assert getattr(more, name) > getattr(fewer, name)


def overloaded(
    packets_of_step: list[int], *, buffer: int = 1024, packet_cycles: float = 300.0, tick=None, **options
) -> Timing:
    """One core that receives a number of packets in each step, at 300 cycles each and nothing else to do."""
    cells = Population(name="A", n_neurons=10)
    source = spikes_at("T", 100, [])
    net = Network(
        name="overload",
        populations=(cells,),
        sources=(source,),
        projections=(projection("T", "A", FixedProbability(probability=1.0)),),
    )
    changes = {"cost": FREE | {"combined_spike_cycles": packet_cycles}, "core": {"spike_buffer_packets": buffer}}
    mapping = map_network(net, machine(n_boards=1, tick=tick or TickSpec(), **changes), Recipe(name="combined"))
    spikes = [(step, 10 + i) for step, n in enumerate(packets_of_step) for i in range(n)]
    return time_spikes(mapping, net, spikes, len(packets_of_step), **options)


@pytest.mark.parametrize(
    ("packets", "buffer", "n_late", "n_lost", "n_overruns"),
    [
        ([66, 66], 1024, 0, 0, 0),  # 19,800 of 20,000 cycles
        ([67], 1024, 1, 0, 1),  # 100 cycles too many: the last packet
        ([100, 0], 1024, 34, 0, 1),  # 10,000 cycles too many: 33.3 packets
        ([100, 100], 1024, 34 + 67, 0, 2),  # the second step starts 10,000 cycles behind
        ([100, 66, 66], 1024, 34 + 33 + 32, 0, 1),  # then 9,800 and 9,600 cycles behind
        ([100, 0], 20, 21, 13, 1),  # of 33.3 waiting, 20 fit
        ([100, 0], 1, 2, 32, 1),
        ([0, 0, 0], 1024, 0, 0, 0),
    ],
)
def test_late_and_lost_packets_by_hand(packets, buffer, n_late, n_lost, n_overruns):
    timing = overloaded(packets, buffer=buffer)
    assert (timing.n_late, timing.n_lost, timing.n_overruns) == (n_late, n_lost, n_overruns)
    assert timing.first_overrun_step == (0 if n_overruns else None)
    assert timing.n_delivered == sum(packets)
    np.testing.assert_array_equal(timing.step_cycles, [300.0 * n for n in packets])


@pytest.mark.parametrize(
    ("overrun", "packets", "n_late", "n_lost"),
    [
        ("drop", [100, 100], 0, 34 + 34),  # nothing is carried over
        ("drop", [66, 67, 66], 0, 1),
        ("wait", [100, 100], 0, 0),
        ("late", [100, 100], 34 + 67, 0),
    ],
)
def test_what_becomes_of_packets_that_do_not_fit(overrun, packets, n_late, n_lost):
    timing = overloaded(packets, tick=TickSpec(overrun=overrun))
    assert (timing.n_late, timing.n_lost) == (n_late, n_lost)
    assert timing.n_overruns == sum(300 * n > BUDGET for n in packets)
    assert timing.real_time_factor(1.0) == pytest.approx(np.mean([max(1.0, 300 * n / BUDGET) for n in packets]))


def test_first_overrun_is_counted_from_the_start_of_the_run():
    packets = [0] * 1203
    packets[1100] = 70  # in the second chunk of steps
    assert overloaded(packets).first_overrun_step == 1100


def test_slower_ticks_lose_nothing():
    packets = [100, 100, 100]
    assert overloaded(packets, buffer=20).n_lost > 0
    timing = overloaded(packets, buffer=20, time_scale_factor=1.5)
    assert (timing.n_late, timing.n_lost, timing.n_overruns) == (0, 0, 0)
    assert timing.min_lossless_time_scale_factor(1.5) == pytest.approx(1.5)
    assert timing.real_time_factor(1.5) == pytest.approx(1.5)


def test_run_without_steps_takes_no_time():
    timing = overloaded([])
    assert timing.step_cycles.size == 0
    assert timing.real_time_factor(1.0) == 1.0
    assert timing.min_lossless_time_scale_factor(1.0) == 0.0


def test_progress_reaches_one():
    seen = []
    overloaded([0] * 1500, progress=lambda stage, fraction, note="": seen.append((stage, fraction)))
    assert seen == [("time", 1000 / 1500), ("time", 1.0)]


def test_cores_of_several_sources_take_their_own_packets():
    net = network({"A": 100, "B": 60}, [("A", "B"), ("S", "B")], source_sizes={"S": 20})
    mapping = mapped("combined", net)
    timing = time_spikes(mapping, net, [(0, 5), (0, 160)], 1)
    busy = defaultdict(int)
    for vertex in mapping.partition.vertices:
        extra = timing.max_cycles[vertex.vertex_id] - fixed_cycles(mapping, net, vertex)
        busy[mapping.partition.slices[vertex.slice_id].population] += extra > 1e-9
    assert busy == {"A": 1, "B": 2, "S": 1}  # both senders, both slices of B


@pytest.mark.parametrize("recipe", ["combined", "ensemble"])
def test_plastic_rows_and_postsynaptic_spikes_are_charged(recipe):
    """Half of the projections are plastic: a recount of what the others would not cost."""
    net, n_steps = pair(), 30
    rule = PairStdp(w_max_pa=100.0)
    learning = replace(net, projections=tuple(replace(p, plasticity=rule) for p in net.projections[::2]))
    mapping = mapped(recipe, net)
    spec = mapping.machine.plasticity
    spikes = random_spikes(net, 300, n_steps)
    plastic_rows = build_plastic_rows(learning, {}, seed=1, n_shards=2, n_threads=1)
    slices = slice_of_source(mapping, net)[: net.n_neurons]
    lengths = count_plastic_by_slice(plastic_rows, net.n_sources, slices, len(mapping.partition.slices))
    assert lengths.sum() == sum(part.weight.size for part in plastic_rows)
    steps, neurons = (np.array([spike[i] for spike in spikes], np.int32) for i in (0, 1))
    none = np.zeros_like(lengths)
    static, found, alone = (
        time_run(mapping, learning, TimedSpikes(steps, neurons, n_steps, none, plastic))
        for plastic in (none, lengths, None)
    )
    fetched = mapping.machine.reception.dma_setup_cycles + mapping.machine.reception.row_start_cycles
    extra, n_rows, n_events = np.zeros((n_steps, len(mapping.partition.vertices))), 0, 0
    for step, neuron in spikes:
        source_slice = int(slice_of_source(mapping, net)[neuron])
        for vertex in receivers(mapping, net, source_slice):
            length = int(lengths[neuron, vertex.slice_id])
            extra[step, vertex.vertex_id] += (length > 0) * (spec.row_cycles + fetched) + length * spec.synapse_cycles
            n_rows, n_events = n_rows + (length > 0), n_events + length
    assert (found.n_plastic_rows, found.n_plastic_events) == (n_rows, n_events)
    assert found.write_back_bytes == 8 * n_rows + 2 * n_events
    np.testing.assert_allclose(found.mean_cycles - static.mean_cycles, extra.mean(axis=0), rtol=1e-9, atol=1e-9)
    post = static.mean_cycles - alone.mean_cycles
    sent = np.bincount(slice_of_source(mapping, net)[neurons], minlength=len(mapping.partition.slices))
    for vertex in mapping.partition.vertices:
        learns = vertex.role in (Role.SYNAPSE, Role.COMBINED)
        learns &= mapping.partition.slices[vertex.slice_id].population in {p.target for p in learning.projections}
        expected = sent[vertex.slice_id] * spec.post_spike_cycles / n_steps if learns else 0.0
        assert post[vertex.vertex_id] == pytest.approx(expected)
