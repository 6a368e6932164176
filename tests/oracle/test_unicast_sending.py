"""What sending costs where a packet has one destination core: once for each of them, at every depth.

The chip of SANA-FE's ``loihi.yaml`` and the workload of 64 neurons that all fire in every step, all-to-all onto K cores
of 64, for 100 steps. Its numbers are those that sanafe 2.2.9 prints for its own file (``examples/loihi.yaml``; timing
model "simple"), cores filled in order: total and network energy without static power, and the time of a step.
"""

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from emulator.packets.adaptor import SentSpikes, scenario_of
from emulator.packets.compiled import run_compiled
from emulator.packets.drawn_rows import drawn_row_length, expected_rows
from emulator.packets.drawn_spikes import random_spikes
from emulator.packets.machine_numbers import PacketOptions, usual_end_of_tick
from emulator.packets.outcome import CORE_COUNTERS
from emulator.timing import TimedSpikes, time_run
from emulator.timing.energy import energy, traffic
from emulator.timing.kinds import CoreWork, phases
from emulator.timing.model import row_lengths, slice_of_source
from machines import projection
from mapping.flow import map_network
from mapping.load import static_load
from mapping.model import Role
from mapping.partition.automatic import busiest_cycles
from mapping.recipe import Recipe
from models.machine.file import load_machine
from models.network import AllToAll, FixedProbability, FixedTotalNumber, Network, OneToOne, PoissonSource, Population
from neuromap.measures.static import static_report

DT_MS, N, N_STEPS = 0.1, 64, 100
LOIHI1 = load_machine("loihi1")
#: Invented mesh chip of software cores, 250 MHz, 40 cycles a send, whose packets carry one destination.
MESH = load_machine("generic_mesh", {"router.casting": "unicast", "router.n_table_entries": 0})
SANAFE = {1: (16.62656, 0.7104, 17.18880), 8: (126.80768, 5.84448, 17.58880)}  # uJ, uJ, us


def workload(n_cores, *, p=1.0, n=N, n_targets=N, source_hz=1e3 / DT_MS):
    """``n`` neurons that fire at ``source_hz`` onto ``n_cores`` silent populations."""
    targets = tuple(Population(name=f"T{k}", n_neurons=n_targets, rate_hz=0.0) for k in range(n_cores))
    return Network(
        name="workload",
        populations=(Population(name="S", n_neurons=n, rate_hz=source_hz), *targets),
        projections=tuple(projection("S", one.name, FixedProbability(probability=p)) for one in targets),
        dt_ms=DT_MS,
    )


def mapped(network, machine, neurons_per_core=N):
    return map_network(
        network, machine, Recipe(name="combined", route="unicast", place="connected", neurons_per_core=neurons_per_core)
    )


def every_step(network, n_steps):
    """All neurons of S in every step."""
    return np.repeat(np.arange(n_steps, dtype=np.int32), N), np.tile(np.arange(N, dtype=np.int32), n_steps)


def full_rows(mapping, network):
    lengths = np.zeros((network.n_sources, len(mapping.partition.slices)), np.uint16)
    lengths[:N, 1:] = N
    return lengths


def network_uj(parts_w, wall_s):
    return (parts_w["messages"] + parts_w["hops"]) * wall_s * 1e6


def events_uj(parts_w, wall_s):
    names = ("synaptic events", "neuron updates", "spikes", "messages", "hops")
    return sum(parts_w[name] for name in names) * wall_s * 1e6


@pytest.mark.parametrize("n_cores", [1, 8])
@pytest.mark.parametrize("depth", ["static", "cores"])
def test_workload_of_sana_fe(n_cores, depth):
    network = workload(n_cores)
    mapping = mapped(network, LOIHI1)
    total_uj, network_part_uj, step_us = SANAFE[n_cores]
    if depth == "static":
        report = static_report(mapping, network)
        parts_w, own_us = report.parts_w, report.real_time_factor * 100
    else:
        timing = time_run(
            mapping, network, TimedSpikes(*every_step(network, N_STEPS), N_STEPS, full_rows(mapping, network))
        )
        own_us, model_s = float(timing.step_cycles.mean()) * 1e-3, N_STEPS * DT_MS * 1e-3
        assert (timing.n_sent, timing.n_delivered) == (6400 * n_cores, 6400 * n_cores)
        load = static_load(mapping, network)
        done = traffic(
            mapping,
            network,
            spikes_per_s=6400 / model_s,
            packets_per_s=timing.n_sent / model_s,
            events_per_s=timing.n_events / model_s,
            rows_per_s=0.0,
            hops_per_s=float(load.link_packets_per_s.sum()),
        )
        factor = timing.real_time_factor(1.0)
        parts_w = energy(LOIHI1, done, n_boards=1, n_cores=2, busy_cores=1, real_time_factor=factor).parts_w
    # each hop has the mean of 3.0 and 4.2 pJ here; all of SANA-FE's are of 4.2, since its tiles count along columns
    assert events_uj(parts_w, own_us * 1e-6 * N_STEPS) == pytest.approx(total_uj, rel=2e-3)
    assert network_uj(parts_w, own_us * 1e-6 * N_STEPS) == pytest.approx(network_part_uj, rel=2e-2)
    # stages of a core add here, and updates (64 x 9.7 ns) do not overlap with packets; a barrier over three tiles is
    # between those over two and four, where SANA-FE takes that over two
    barrier_us = 0.2 if n_cores == 8 else 0.0
    assert own_us == pytest.approx(step_us + N * 9.7e-3 + barrier_us, rel=1e-12)


def test_energy_of_messages_is_of_each_destination():
    parts = {}
    for n_cores in (1, 8):
        network = workload(n_cores)
        parts[n_cores] = static_report(mapped(network, LOIHI1), network)
    messages_uj = {
        k: report.parts_w["messages"] * report.real_time_factor * 1e4 for k, report in parts.items()
    }  # W of wall time to uJ in 0.01 s of model time
    assert messages_uj == pytest.approx({1: 6400 * 111e-6, 8: 8 * 6400 * 111e-6})
    spikes_uj = {k: report.parts_w["spikes"] * report.real_time_factor * 1e4 for k, report in parts.items()}
    assert spikes_uj == pytest.approx({1: 6400 * 69.3e-6, 8: 6400 * 69.3e-6})


def test_software_cores_pay_for_every_packet_that_they_send():
    """64 spikes to 12 cores each: 64 x 12 x 40 cycles at 250 MHz are 122.88 us, of a tick of 100 us."""
    network = workload(12)
    mapping = mapped(network, MESH)
    sender = mapping.partition.vertices[0].vertex_id
    cost = MESH.cost
    own = cost.timer_cycles + N * (cost.neuron_update_cycles + cost.ring_buffer_drain_cycles_per_neuron)
    sending = 64 * 12 * 40.0
    assert sending / 250e6 == pytest.approx(122.88e-6)
    timing = time_run(mapping, network, TimedSpikes(*every_step(network, 5), 5, full_rows(mapping, network)))
    np.testing.assert_allclose(timing.max_cycles[sender], own + sending, rtol=1e-12)
    found = phases(mapping, network, sender, CoreWork(n_sent=64, n_copies=64 * 12))
    assert found["send"] == sending
    report = static_report(mapping, network)
    assert report.max_core_load_ratio >= (own + sending) / 25_000
    need, where = busiest_cycles(mapping.partition, network, MESH)
    assert need >= own + sending, where
    multicast = load_machine("generic_mesh")
    tree = map_network(network, multicast, Recipe(name="combined", neurons_per_core=N))
    once = time_run(tree, network, TimedSpikes(*every_step(network, 5), 5, full_rows(tree, network)))
    np.testing.assert_allclose(once.max_cycles[sender], own + 64 * 40.0, rtol=1e-12)


def test_spike_sources_pay_for_every_packet_too():
    source = PoissonSource(name="S", n_neurons=N, rate_hz=100.0)
    targets = tuple(Population(name=f"T{k}", n_neurons=N) for k in range(4))
    network = Network(
        name="sources",
        populations=targets,
        sources=(source,),
        projections=tuple(projection("S", one.name, AllToAll()) for one in targets),
    )
    mapping = mapped(network, MESH)
    lengths = np.zeros((network.n_sources, len(mapping.partition.slices)), np.uint16)
    lengths[4 * N :, :4] = N
    spikes = np.zeros(3, np.int32), np.arange(4 * N, 4 * N + 3, dtype=np.int32)
    timing = time_run(mapping, network, TimedSpikes(*spikes, 1, lengths))
    core = next(one.vertex_id for one in mapping.partition.vertices if one.role is Role.SOURCE)
    assert timing.max_cycles[core] == MESH.cost.timer_cycles + N * MESH.cost.poisson_source_cycles + 3 * 4 * 40.0
    assert timing.n_sent == timing.n_delivered == 12


def test_packets_come_only_where_they_find_a_row():
    """A core whose neurons a spike does not reach gets no packet: it pays neither interrupts nor a search."""
    network = workload(2)
    mapping = mapped(network, MESH)
    lengths = np.zeros((network.n_sources, 3), np.uint16)
    lengths[0, 1] = 5  # neuron 0 reaches the first target only, the others nothing
    timing = time_run(mapping, network, TimedSpikes(*every_step(network, 1), 1, lengths))
    cost = MESH.cost
    own = cost.timer_cycles + N * (cost.neuron_update_cycles + cost.ring_buffer_drain_cycles_per_neuron)
    taken = cost.combined_spike_cycles + 5 * cost.synapse_cycles
    np.testing.assert_allclose(timing.max_cycles, [own + 40.0, own + taken, own], rtol=1e-12)
    assert (timing.n_sent, timing.n_delivered, timing.n_filtered) == (1, 1, 0)


def test_plastic_rows_are_destinations_too():
    network = workload(2)
    mapping = mapped(network, MESH)
    static, plastic = np.zeros((2, network.n_sources, 3), np.uint16)
    static[0, 1], plastic[0, 2] = 5, 4
    spikes = np.zeros(1, np.int32), np.zeros(1, np.int32)
    timing = time_run(mapping, network, TimedSpikes(*spikes, 1, static, plastic_length=plastic))
    assert timing.n_sent == timing.n_delivered == 2


@pytest.mark.parametrize("machine", [LOIHI1, MESH], ids=["loihi1", "mesh"])
def test_depths_agree_on_mean_work(machine):
    """Sparse rows (32 of 100 spikes find none on a slice): packets, work and links of the static depth are those of a
    run at the same rates with drawn synapses, and the packet model's cores do the same work."""
    pairs = [("A", "B", 0.05), ("B", "A", 0.05), ("A", "A", 0.02)]
    populations = tuple(Population(name=name, n_neurons=96, rate_hz=60.0) for name in "AB")
    projections = tuple(projection(a, b, FixedProbability(probability=p)) for a, b, p in pairs)
    network = Network(name="sparse", populations=populations, projections=projections, dt_ms=DT_MS)
    mapping, n_steps = mapped(network, machine, 24), 20_000
    load, report = static_load(mapping, network), static_report(mapping, network)
    step, neuron = random_spikes(network, {"A": 60.0, "B": 60.0}, n_steps, 5)
    lengths = drawn_row_length(mapping, network, np.arange(192, dtype=np.int32), 7)
    timing = time_run(mapping, network, TimedSpikes(step, neuron, n_steps, lengths))
    model_s = n_steps * DT_MS * 1e-3
    assert timing.n_sent / model_s == pytest.approx(report.n_packets_sent_per_s, rel=0.03)
    assert timing.n_delivered / model_s == pytest.approx(report.n_packets_delivered_per_s, rel=0.03)
    assert report.n_packets_sent_per_s == pytest.approx(report.n_packets_delivered_per_s)
    static_cycles = report.mean_core_load_ratio * report.busiest_core.budget_cycles
    assert timing.mean_cycles.mean() == pytest.approx(static_cycles, rel=0.01)
    rows, row = expected_rows(mapping, network, neuron, 7)
    np.testing.assert_array_equal(rows[row[neuron]], lengths[neuron])
    options = PacketOptions(end_of_tick=usual_end_of_tick(machine))
    sent = SentSpikes(step=step, neuron=neuron, n_steps=n_steps, row_length=rows, row=row)
    outcome = run_compiled(scenario_of(mapping, network, sent, options))
    assert outcome.total("n_sent") == timing.n_sent
    busy = outcome.core[:, CORE_COUNTERS.index("n_busy_cycles")].sum() / n_steps
    barrier = phases(mapping, network, 0, CoreWork()).get("barrier", 0.0)  # which is no core's work in the network
    assert busy == pytest.approx((timing.mean_cycles - barrier).sum(), rel=0.01)
    hops_per_s = outcome.link_packets.sum() / model_s
    assert hops_per_s == pytest.approx(load.link_packets_per_s.sum(), rel=0.06)  # of the 1,536 rows drawn


def test_links_of_a_shared_tree_carry_each_packet():
    """A machine whose packets have one destination sends them one by one, whatever the tree is made for."""
    network = workload(8)
    one, shared = (
        map_network(network, LOIHI1, Recipe(name="combined", place="connected", neurons_per_core=N, route=route))
        for route in ("unicast", "shared_tree")
    )
    np.testing.assert_array_equal(one.placement.core, shared.placement.core)
    spikes_per_s, tiles = 64e4, one.placement.core[:, 0]
    n_hops = np.abs(tiles[1:] - tiles[0]).sum() + np.abs(one.placement.core[1:, 1] - one.placement.core[0, 1]).sum()
    for mapping in (one, shared):
        assert static_load(mapping, network).link_packets_per_s.sum() == pytest.approx(spikes_per_s * n_hops)


@pytest.mark.parametrize(
    ("connector", "mean"),
    [
        (AllToAll(), 8.0),
        (OneToOne(), 0.25),
        (FixedProbability(probability=0.1), 0.8),
        (FixedTotalNumber(n_synapses=500), 500 / 128),
    ],
    ids=lambda value: type(value).__name__,
)
def test_drawn_rows_have_the_right_mean(connector, mean):
    populations = tuple(Population(name=name, n_neurons=32) for name in "AB")
    network = Network(name="rows", populations=populations, projections=(projection("A", "B", connector),))
    mapping = mapped(network, LOIHI1, 8)
    means = [drawn_row_length(mapping, network, np.arange(32, dtype=np.int32), seed).mean(axis=0) for seed in range(50)]
    np.testing.assert_array_equal(np.array(means)[:, :4], 0)
    assert np.mean(means, axis=0)[4:] == pytest.approx(np.full(4, mean), rel=0.1)


def test_drawn_rows_are_the_networks_own_in_the_mean():
    network = workload(2, p=0.1)
    mapping = mapped(network, LOIHI1)
    built = simulate(network, n_steps=1, seed=3).connectivity
    slices = slice_of_source(mapping, network)[: network.n_neurons]
    own = row_lengths(built, slices, 3)[:N]
    drawn = drawn_row_length(mapping, network, np.arange(N, dtype=np.int32), 3)
    assert drawn.mean(axis=0) == pytest.approx(own.mean(axis=0), rel=0.2)
    assert drawn.var(axis=0) == pytest.approx(own.var(axis=0), rel=0.6)


def test_planner_counts_packets():
    """Of a tick, 0.8 x 25,000 cycles may be planned with: 96 neurons x (170 + 0.2 x 40) of multicast fit, and 66 x (170
    + 0.2 x 16 x 40) where each spike is 16 packets."""
    chosen = {}
    for machine in (MESH, load_machine("generic_mesh")):
        network = workload(16, n=96, n_targets=1, source_hz=2000.0)
        mapping = map_network(network, machine, Recipe(name="combined", neurons_per_core="auto"))
        chosen[machine.router.casting] = max(part.n_neurons for part in mapping.partition.slices)
    assert chosen == {"unicast": 66, "multicast": 96}
