"""A step of each kind of core by hand, from the constants, against the phases and against the timing kernel."""

import math
from dataclasses import replace

import numpy as np
import pytest

from emulator.kernels.timing import work
from emulator.timing import TimedSpikes, time_run
from emulator.timing.kinds import CoreWork, core_costs, phase_list, phases, sites, timer_phase_cycles
from machines import DRIVE, machine, projection
from mapping.flow import map_network
from mapping.model import Role
from mapping.recipe import Recipe
from models.errors import ParameterError
from models.machine.file import load_machine
from models.network import FixedProbability, Network, PoissonSource, Population
from models.network.plasticity import PairStdp

SPINNAKER1 = load_machine("spinnaker1")
LOIHI1 = load_machine("loihi1")
COST, RECEPTION = SPINNAKER1.cost, SPINNAKER1.reception
#: Cells of which four listen to a source of eight, in one slice each.
N_CELLS, N_SOURCES = 4, 8
DT_MS = 0.1


def net(*, drive=None, rule=None):
    connector = FixedProbability(probability=1.0)
    return Network(
        name="one",
        populations=(Population(name="A", n_neurons=N_CELLS, poisson=drive),),
        sources=(PoissonSource(name="S", n_neurons=N_SOURCES, rate_hz=10.0),),
        projections=(
            replace(projection("S", "A", connector), plasticity=rule),
            projection("A", "A", connector),
        ),
    )


def timed(mapping, network, spikes, row_length, n_steps=1, plastic_length=None):
    """Time spikes (step, neuron) whose rows have ``row_length[neuron]`` synapses on A's slice."""
    lengths = np.zeros((network.n_sources, len(mapping.partition.slices)), np.uint16)
    lengths[:, 0] = row_length
    if plastic_length is not None:
        static = np.zeros_like(lengths)
        lengths, plastic_length = static, np.where(lengths > 0, lengths, 0)
    steps, neurons = (np.array([spike[i] for spike in sorted(spikes)], np.int32) for i in (0, 1))
    return time_run(mapping, network, TimedSpikes(steps, neurons, n_steps, lengths, plastic_length=plastic_length))


def vertex_of(mapping, role):
    return next(vertex.vertex_id for vertex in mapping.partition.vertices if vertex.role is role)


def reception_cycles(whole, n_packets, row_lengths, *, n_receiving=1, cost=COST, spec=RECEPTION):
    """Two populations send to A: two steps of a binary search in a table of two."""
    of_row = spec.dma_setup_cycles + spec.row_start_cycles
    own = n_packets * whole - (n_packets - len(row_lengths)) * of_row + sum(row_lengths) * cost.synapse_cycles
    bytes_per_cycle = spec.dma_bytes_per_s / 200e6 / n_receiving
    dma = sum(spec.dma_latency_ns * 0.2 + (12 + 4 * n) / bytes_per_cycle for n in row_lengths)
    return max(own, dma)


#: Neurons 0 and 1 of A fire, and 4 of the 8 sources (ids 4 to 11): rows of 3, 0, 5 and 0, 2, 7, 0 synapses.
SPIKES = [(0, n) for n in (0, 1, 4, 5, 6, 7)]
ROW_LENGTH = [3, 0, 0, 0, 5, 2, 7, 0, 0, 0, 0, 0]
ROWS = [3, 5, 2, 7]
UPDATE = N_CELLS * (COST.neuron_update_cycles + COST.ring_buffer_drain_cycles_per_neuron)
DRAWS = N_CELLS * (COST.poisson_source_cycles + 100 * 8.0 * DT_MS * 1e-3 * COST.poisson_event_cycles)
RECEIVED = CoreWork(n_packets=6, n_rows=4, n_events=17)


def test_combined_core():
    network = net(drive=DRIVE)
    mapping = map_network(network, machine(), Recipe(name="combined"))
    own = vertex_of(mapping, Role.COMBINED)
    timing = timed(mapping, network, SPIKES, ROW_LENGTH)
    expected = (
        COST.timer_cycles
        + UPDATE
        + DRAWS
        + 2 * COST.spike_send_cycles
        + reception_cycles(COST.combined_spike_cycles, 6, ROWS)
    )
    assert timing.max_cycles[own] == pytest.approx(expected, rel=1e-14)
    found = phases(mapping, network, own, replace(RECEIVED, n_sent=2))
    assert sum(found.values()) == pytest.approx(expected, rel=1e-14)
    assert found["update"] == N_CELLS * COST.neuron_update_cycles
    assert found["search"] == 6 * 2 * RECEPTION.search_step_cycles
    assert found["DMA set-up"] == 4 * RECEPTION.dma_setup_cycles
    assert found["synapses"] == pytest.approx(17 * COST.synapse_cycles)
    parts = 2 * RECEPTION.search_step_cycles + RECEPTION.filter_cycles
    parts += RECEPTION.dma_setup_cycles + RECEPTION.row_start_cycles
    assert found["interrupts"] == 6 * (COST.combined_spike_cycles - parts)
    assert found["DMA"] == 0.0


def test_cores_of_an_ensemble():
    network = net(drive=DRIVE)
    mapping = map_network(network, machine(), Recipe(name="ensemble", n_synapse_cores=1))
    timing = timed(mapping, network, SPIKES, ROW_LENGTH)
    # two receptors of four words of two bytes from the synapse core, one from the Poisson core
    hand_over = COST.hand_over_cycles + (16 + 8) / SPINNAKER1.memory.hand_over_bytes_per_s * 200e6
    expected = {
        Role.NEURON: COST.timer_cycles + UPDATE + 2 * COST.spike_send_cycles + hand_over,
        Role.SYNAPSE: COST.timer_cycles + reception_cycles(COST.spike_cycles, 6, ROWS) + hand_over,
        Role.POISSON: COST.timer_cycles + DRAWS + hand_over,
        Role.SOURCE: COST.timer_cycles + N_SOURCES * COST.poisson_source_cycles + 4 * COST.spike_send_cycles,
    }
    done = {
        Role.NEURON: CoreWork(n_sent=2),
        Role.SYNAPSE: RECEIVED,
        Role.POISSON: CoreWork(),
        Role.SOURCE: CoreWork(n_sent=4),
    }
    for role, cycles in expected.items():
        vertex_id = vertex_of(mapping, role)
        assert timing.max_cycles[vertex_id] == pytest.approx(cycles, rel=1e-14), role
        assert sum(phases(mapping, network, vertex_id, done[role]).values()) == pytest.approx(cycles, rel=1e-14), role


def test_whole_cycles_add_up_exactly():
    """With constants that a sum keeps exactly, phases and kernel agree to the last bit."""
    whole = {"synapse_cycles": 15.5}
    shared = {"dma_bytes_per_s": 50e6, "dma_latency_ns": 200.0}
    network = net()
    mapping = map_network(network, machine(cost=whole, reception=shared), Recipe(name="combined"))
    own = vertex_of(mapping, Role.COMBINED)
    timing = timed(mapping, network, SPIKES, ROW_LENGTH)
    assert sum(phases(mapping, network, own, replace(RECEIVED, n_sent=2)).values()) == timing.max_cycles[own]


def test_slow_transfer_counts_in_place_of_work():
    network = net()
    slow = {"dma_bytes_per_s": 1e6}
    mapping = map_network(network, machine(reception=slow), Recipe(name="combined"))
    own = vertex_of(mapping, Role.COMBINED)
    timing = timed(mapping, network, SPIKES, ROW_LENGTH)
    spec = replace(RECEPTION, dma_bytes_per_s=1e6)
    dma = 4 * 40.0 + (4 * 12 + 4 * 17) * 200.0  # 200 cycles a byte
    assert reception_cycles(COST.combined_spike_cycles, 6, ROWS, spec=spec) == pytest.approx(dma)
    expected = COST.timer_cycles + UPDATE + 2 * COST.spike_send_cycles + dma
    assert timing.max_cycles[own] == pytest.approx(expected, rel=1e-14)
    found = phases(mapping, network, own, replace(RECEIVED, n_sent=2))
    assert found["DMA"] == pytest.approx(dma - reception_cycles(COST.combined_spike_cycles, 6, ROWS))
    assert sum(found.values()) == pytest.approx(expected, rel=1e-14)


def test_receiving_cores_of_a_chip_share_its_memory():
    populations = tuple(Population(name=name, n_neurons=4) for name in "ABC")
    network = Network(name="three", populations=populations, projections=(projection("A", "A"), projection("A", "B")))
    mapping = map_network(network, machine(), Recipe(name="combined"))
    rows = core_costs(mapping, network)[:, [work.K_DMA_ROW, work.K_DMA_SYNAPSE]]
    per_byte = 3 * 200e6 / RECEPTION.dma_bytes_per_s  # three cores on the chip may fetch rows
    assert rows == pytest.approx(np.tile([40 + 12 * per_byte, 4 * per_byte], (3, 1)))


@pytest.mark.parametrize("recipe", ["combined", "ensemble"])
def test_plastic_synapses(recipe):
    network = net(rule=PairStdp(w_max_pa=100.0))
    mapping = map_network(network, machine(), Recipe(name=recipe))
    own = vertex_of(mapping, Role.COMBINED if recipe == "combined" else Role.SYNAPSE)
    timing = timed(mapping, network, SPIKES, ROW_LENGTH, plastic_length=True)
    spec = SPINNAKER1.plasticity
    extra = 4 * spec.row_cycles + 17 * spec.synapse_cycles + 2 * spec.post_spike_cycles
    n_sent = 2 if recipe == "combined" else 0
    without = phases(mapping, network, own, CoreWork(n_packets=6, n_rows=4, n_sent=n_sent))
    done = CoreWork(n_packets=6, n_rows=4, n_plastic_rows=4, n_plastic_events=17, n_post_spikes=2, n_sent=n_sent)
    found = phases(mapping, network, own, done)
    assert sum(found.values()) - sum(without.values()) == pytest.approx(extra)
    assert found["histories"] == 2 * spec.post_spike_cycles
    assert timing.max_cycles[own] == pytest.approx(sum(found.values()), rel=1e-14)


def loihi(network, neurons_per_core=2):
    return map_network(network, LOIHI1, Recipe(name="combined", neurons_per_core=neurons_per_core))


def test_neuro_core():
    network = net(drive=DRIVE)
    mapping = loihi(network)
    slices = mapping.partition.slices
    n_tiles = len(np.unique(mapping.placement.core[:, :2], axis=0))
    lengths = np.zeros((network.n_sources, len(slices)), np.uint16)
    lengths[0, :2] = 2, 1  # neuron 0 has synapses on both cores of A
    lengths[4, 1] = 2  # the first source on the second only
    timing = time_run(mapping, network, TimedSpikes(np.zeros(2, np.int32), np.array([0, 4], np.int32), 1, lengths))
    cost, barrier_ns = LOIHI1.cost, float(np.interp(n_tiles, [1, 2, 4, 29], [600, 1000, 1400, 1800]))
    draws = 2 * (cost.poisson_source_cycles + 100 * 8.0 * DT_MS * 1e-3 * cost.poisson_event_cycles)
    step = barrier_ns + 2 * 9.7 + draws
    first = [v.vertex_id for v in mapping.partition.vertices if v.slice_id in (0, 1)]
    assert timing.max_cycles[first] == pytest.approx(
        [step + 30 + 2 * 5.1 + 16 + 2 * 3.8, step + 2 * 16 + 3 * 3.8], rel=1e-14
    )
    source = next(v.vertex_id for v in mapping.partition.vertices if v.role is Role.SOURCE)
    n = slices[mapping.partition.vertices[source].slice_id].n_neurons
    assert timing.max_cycles[source] == pytest.approx(barrier_ns + n * 10 + 30 + 5.1, rel=1e-14)
    found = phases(mapping, network, first[0], CoreWork(n_sent=1, n_copies=2, n_packets=1, n_rows=1, n_events=2))
    assert sum(found.values()) == pytest.approx(timing.max_cycles[first[0]], rel=1e-14)
    assert (found["barrier"], found["axon out"], found["axon in"]) == (barrier_ns, 10.2, 16)
    assert (timing.n_delivered, timing.n_rows, timing.n_filtered) == (3, 3, 0)  # no packet without a synapse
    assert timing.is_free_running
    assert timing.real_time_factor(1.0) == pytest.approx(timing.step_cycles[0] / 1e5)


def test_background_load_takes_its_share():
    network = net()
    plain = map_network(network, machine(), Recipe(name="combined"))
    loaded = replace(plain, machine=replace(plain.machine, tick=replace(plain.machine.tick, background_ratio=0.2)))
    times = [timed(mapping, network, SPIKES, ROW_LENGTH) for mapping in (plain, loaded)]
    assert times[1].max_cycles == pytest.approx(times[0].max_cycles / 0.8)
    own = vertex_of(plain, Role.COMBINED)
    found = phases(loaded, network, own, replace(RECEIVED, n_sent=2))
    assert found["background"] == pytest.approx(0.2 * times[1].max_cycles[own])


def test_later_timers_end_later_and_are_not_busier():
    network = net()
    plain = map_network(network, machine(), Recipe(name="combined"))
    tick = replace(plain.machine.tick, phase_ns=5000.0)
    shifted = replace(plain, machine=replace(plain.machine, tick=tick))
    start = timer_phase_cycles(shifted)
    assert ((start >= 0) & (start <= 1000)).all()
    assert start.max() > 0
    np.testing.assert_array_equal(timer_phase_cycles(plain), 0)
    times = [timed(mapping, network, SPIKES, ROW_LENGTH) for mapping in (plain, shifted)]
    np.testing.assert_array_equal(times[1].mean_cycles, times[0].mean_cycles)
    assert times[1].step_cycles[0] == pytest.approx((times[0].max_cycles + start).max())


def test_packet_cheaper_than_its_parts_shrinks_them():
    network = net()
    mapping = map_network(network, machine(cost={"combined_spike_cycles": 34.0}), Recipe(name="combined"))
    (site,) = (one for one in sites(mapping, network) if one.vertex.role is Role.COMBINED)
    found = {phase.name: phase.cycles for phase in phase_list(site)}
    parts = math.ceil(math.log2(3)) * 8 + 12 + 25 + 15  # 68
    assert parts == 68
    assert [found[name] for name in ("interrupts", "search", "filter", "DMA set-up", "row start")] == [
        0,
        8,
        6,
        12.5,
        7.5,
    ]


@pytest.mark.parametrize(
    "changes", [{"n_table_entries": 5}, {"n_chips": 5}, {"has_plastic": True}, {"n_receiving": 5}, {"n_neurons": 5}]
)
def test_cores_that_differ_in_what_a_cost_depends_on_have_different_keys(changes):
    network = net()
    site = next(sites(map_network(network, machine(), Recipe(name="combined")), network))
    assert replace(site, **changes).kind != site.kind
    assert replace(site).kind == site.kind


def test_errors():
    network = net()
    mapping = map_network(network, machine(), Recipe(name="combined"))
    with pytest.raises(ParameterError, match=r"^vertex_id: needs 0 to 1, has 2$"):
        phases(mapping, network, 2, CoreWork())
    nodes = map_network(network, load_machine("neuroaix"), Recipe(name="spread"))
    message = (
        r"^core\.kind: needs another kind; pipeline_node\.node_phases explains the steps of nodes, has 'pipeline_node'$"
    )
    with pytest.raises(ParameterError, match=message):
        phases(nodes, network, 0, CoreWork())
    neuro = replace(LOIHI1, memory=replace(LOIHI1.memory, hand_over_bytes_per_s=1e9))
    ensemble = replace(map_network(network, machine(), Recipe(name="ensemble")), machine=neuro)
    message = r"^role of a core of loihi1: needs 'combined' or 'source': neuro-cores have .* in one, has 'neuron'$"
    with pytest.raises(ParameterError, match=message):
        core_costs(ensemble, network)
