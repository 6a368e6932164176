"""Packets of machines without routing tables: XY unicast, two-phase broadcast, steps that end with a barrier."""

from dataclasses import replace

import numpy as np
import pytest

from emulator.packets import ways
from emulator.packets.adaptor import SentSpikes, mean_row_length, scenario_of
from emulator.packets.compiled import run_compiled
from emulator.packets.drawn_spikes import random_spikes
from emulator.packets.machine_numbers import PacketOptions, parameters_of, usual_end_of_tick
from emulator.packets.model import FOREVER, What
from emulator.packets.simpy_model.model import run_simpy
from emulator.timing.model import slice_of_source
from machines import SPINNAKER1, network
from mapping.flow import map_network
from mapping.load import static_load
from mapping.recipe import Recipe
from mapping.route import ROUTERS
from mapping.site import site_of
from mapping.traffic import chips_of_slices
from mapping.usual import usual_recipe, usual_router
from models.errors import CapacityError
from models.machine.file import load_machine
from models.networks import pd14
from models.topology import build_topology
from models.vocabulary import EndOfTick

RATES = {"A": 40.0, "B": 60.0}
NET = network({"A": 300, "B": 200}, [("A", "A"), ("A", "B"), ("B", "A")], rates_hz=RATES)
N_STEPS = 20
WAIT = PacketOptions(end_of_tick=EndOfTick.WAIT)


def mapped(name, net=NET, **choices):
    spec = load_machine(name)
    choices = {"name": usual_recipe(spec), "route": usual_router(spec), "neurons_per_core": 10} | choices
    return map_network(net, spec, Recipe(**choices))


@pytest.fixture(scope="module")
def loihi():
    return mapped("loihi1")


@pytest.fixture(scope="module")
def neuroaix():
    return mapped("neuroaix", pd14(scale=0.05), neurons_per_core=None)


def spikes_of(mapping, net, rates_hz, seed=1, n_steps=N_STEPS):
    step, neuron = random_spikes(net, rates_hz, n_steps, seed)
    lengths, row = mean_row_length(mapping, net)
    return SentSpikes(step=step, neuron=neuron, n_steps=n_steps, row_length=lengths, row=row)


def one_spike(mapping, net, neuron):
    lengths, row = mean_row_length(mapping, net)
    alone = np.zeros(1, np.int32), np.full(1, neuron, np.int32)
    return SentSpikes(step=alone[0], neuron=alone[1], n_steps=1, row_length=lengths, row=row)


def pd14_spikes(mapping, n_steps=N_STEPS):
    net = pd14(scale=0.05)
    return net, spikes_of(mapping, net, {p.name: 20.0 for p in net.populations}, n_steps=n_steps)


def times(outcome, what):
    return outcome.log.time[outcome.log.of(what)]


# ---- unicast ----


def test_a_spike_makes_a_packet_for_each_core_with_synapses(loihi):
    spikes = spikes_of(loihi, NET, RATES)
    outcome = run_compiled(scenario_of(loihi, NET, spikes, WAIT), strict=True)
    n_rows = np.count_nonzero(spikes.row_length[spikes.row[spikes.neuron]])
    assert outcome.total("n_sent") == outcome.n_delivered == outcome.total("n_served") == n_rows > 500


def test_unicast_packets_take_as_many_hops_as_columns_and_rows_lie_between(loihi):
    spikes = spikes_of(loihi, NET, RATES)
    topology = build_topology(loihi.machine)
    chip = chips_of_slices(loihi.partition, loihi.placement, topology)
    xy = topology.chip[chip].astype(np.int64)
    distance = np.abs(xy[:, None] - xy).sum(axis=2)
    sent = slice_of_source(loihi, NET)[spikes.neuron]
    wanted = (distance[sent] * (spikes.row_length[spikes.row[spikes.neuron]] > 0)).sum()
    outcome = run_compiled(scenario_of(loihi, NET, spikes, WAIT))
    assert outcome.link_packets.sum() == wanted
    assert wanted == static_load(loihi, NET).link_hops[sent].sum()  # no row is empty here


def test_unicast_goes_along_x_first(loihi):
    case = scenario_of(loihi, NET, spikes_of(loihi, NET, RATES), WAIT)
    topology = build_topology(loihi.machine)
    x_links = [link for link, name in enumerate(topology.link_names) if name in ("E", "W")]
    y_links = [link for link, name in enumerate(topology.link_names) if name in ("N", "S")]
    has_x, has_y = (np.isin(case.routes.destination, links) for links in (x_links, y_links))
    source_y = topology.chip[case.net_router(), 1]
    at_source_row = topology.chip[:, 1][None, :] == source_y[:, None]
    assert has_x.any()
    assert has_y.any()
    assert at_source_row[has_x].all()


def test_latency_of_a_unicast_packet_alone(loihi):
    only = mapped("loihi1", network({"A": 8, "B": 8}, [("A", "B")], rates_hz=RATES))
    net = network({"A": 8, "B": 8}, [("A", "B")], rates_hz=RATES)
    core = only.placement.core.copy()
    core[:] = [[0, 0, 0], [3, 2, 1]]
    case = scenario_of(remapped(only, net, core), net, one_spike(only, net, 0), WAIT)
    outcome = run_compiled(case, with_log=True)
    # a hop takes 5.3 ns, rounded to 5 cycles of 1 ns
    assert (times(outcome, What.DELIVER) - times(outcome, What.SEND)).tolist() == [5 * 5]
    assert outcome.link_packets.sum() == 5


def remapped(mapping, net, core):
    """The mapping with other cores, its packets routed again."""
    moved = replace(mapping, placement=replace(mapping.placement, core=core))
    return replace(moved, trees=ROUTERS["unicast"](site_of(moved, net)))


def test_unicast_over_a_tree_that_all_sources_share():
    shared = mapped("loihi1", route="shared_tree")
    spikes = spikes_of(shared, NET, RATES)
    outcome = run_compiled(scenario_of(shared, NET, spikes, WAIT), strict=True)
    n_rows = np.count_nonzero(spikes.row_length[spikes.row[spikes.neuron]])
    assert outcome.n_delivered == n_rows
    assert outcome.link_packets.sum() > n_rows / 4


def test_no_packet_goes_to_a_core_on_which_the_row_is_empty(loihi):
    spikes = spikes_of(loihi, NET, RATES)
    lengths = spikes.row_length.copy()
    lengths[:, ::2] = 0
    outcome = run_compiled(scenario_of(loihi, NET, replace(spikes, row_length=lengths), WAIT))
    assert outcome.n_delivered == np.count_nonzero(lengths[spikes.row[spikes.neuron]])


def test_too_many_pairs_are_refused(loihi, monkeypatch):
    monkeypatch.setattr(ways, "MAX_ROUTE_BYTES", 1000)
    wanted = (
        r"^routes of all pairs of a chip and a core at loihi1: needs [\d,]+ bytes, has 1,000 bytes; "
        r"lower scale or seconds, or use depth='static'$"
    )
    with pytest.raises(CapacityError, match=wanted):
        scenario_of(loihi, NET, spikes_of(loihi, NET, RATES), WAIT)


def test_too_many_unicast_packets_are_refused(loihi, monkeypatch):
    monkeypatch.setattr(ways, "MAX_PACKETS", 10)
    with pytest.raises(CapacityError, match=r"^packets at loihi1: needs [\d,]+ packets, has 10 packets; lower scale"):
        scenario_of(loihi, NET, spikes_of(loihi, NET, RATES), WAIT)


# ---- broadcast ----


def test_a_broadcast_crosses_34_links_and_reaches_every_node_once(neuroaix):
    net, spikes = pd14_spikes(neuroaix)
    case = scenario_of(neuroaix, net, spikes, WAIT)
    outcome = run_compiled(case, with_log=True, strict=True)
    n_sent = outcome.total("n_sent")
    assert n_sent == len(spikes.step) > 100
    # 4 in the column and 6 in the row of a 5 x 7 HyperX, then 24 to the others: a tree over 35 nodes
    assert outcome.link_packets.sum() == n_sent * (4 + 6 + 24)
    routed = outcome.log.packet[outcome.log.of(What.ROUTE)]
    assert (np.bincount(routed) == 35).all()
    assert outcome.n_delivered == outcome.n_expected == outcome.total("n_served")
    assert (static_load(neuroaix, net).link_hops == 34).all()


def test_a_broadcast_takes_at_most_two_hops(neuroaix):
    net, _ = pd14_spikes(neuroaix)
    outcome = run_compiled(scenario_of(neuroaix, net, one_spike(neuroaix, net, 0), WAIT), with_log=True)
    after = times(outcome, What.DELIVER) - times(outcome, What.SEND)
    hop = 95  # 1,029 ns at 92 MHz
    assert sorted(set(after.tolist())) == [0, hop, 2 * hop]
    routed = times(outcome, What.ROUTE) - times(outcome, What.SEND)
    assert np.unique(routed, return_counts=True)[1].tolist() == [1, 10, 24]


def test_a_packet_leaves_a_node_after_its_dispatcher(neuroaix):
    net, _ = pd14_spikes(neuroaix)
    case = scenario_of(neuroaix, net, one_spike(neuroaix, net, 0), WAIT)
    out = round((60 + 880 + 43) * 1e-9 * 92e6)
    assert out < case.packets.offset[0] <= out + case.work.tick_cycles[case.packets.core[0]]


# ---- steps ----


@pytest.mark.parametrize(("name", "barrier_ns"), [("neuroaix", 483.0), ("loihi1", None)])
def test_a_step_begins_a_barrier_after_all_is_done(name, barrier_ns, request):
    mapping = request.getfixturevalue("loihi" if name == "loihi1" else name)
    net, spikes = pd14_spikes(mapping) if name == "neuroaix" else (NET, spikes_of(mapping, NET, RATES))
    case = scenario_of(mapping, net, spikes, WAIT)
    # a step of pipelines lasts at least as long as one without spikes: PD14's 0.0302 of real time at 0.1 ms
    least_cycles = round(3.0205e-6 * 92e6) if name == "neuroaix" else 1
    assert (case.tick_cycles, case.work.phase_cycles.max()) == (least_cycles, 0)
    if barrier_ns is None:  # the table of the machine file, at the tiles in use
        n_tiles = len(np.unique(mapping.placement.core[:, :2], axis=0))
        barrier_ns = np.interp(n_tiles, [1, 2, 4, 29], [600, 1000, 1400, 1800])
    barrier = round(barrier_ns / case.cycle_ns)
    assert case.parameters.barrier_cycles == barrier
    outcome = run_compiled(case, with_log=True)
    work = int(case.work.tick_cycles.max())
    for tick in range(N_STEPS):
        start, following = outcome.tick_start[tick : tick + 2].tolist()
        within = outcome.log.time[(outcome.log.time >= start) & (outcome.log.time < following)]
        last = max(int(within.max(initial=0)), start + work)
        assert following - last >= barrier
        if within.size == 0:
            assert following == max(start + work + barrier, start + least_cycles)


def test_free_running_ticks_keep_their_length(loihi):
    case = scenario_of(loihi, NET, spikes_of(loihi, NET, RATES), PacketOptions(time_scale_factor=2.0))
    assert case.tick_cycles == round(NET.dt_ms * 2e6)
    outcome = run_compiled(case)
    assert np.diff(outcome.tick_start).tolist() == [case.tick_cycles] * N_STEPS


def test_usual_end_of_tick():
    assert usual_end_of_tick(SPINNAKER1) is EndOfTick.LATE
    assert usual_end_of_tick(load_machine("loihi1")) is EndOfTick.WAIT


@pytest.mark.parametrize("name", ["loihi1", "neuroaix"])
def test_hardware_without_time_outs_waits_for_ever(name):
    parameters = parameters_of(load_machine(name), EndOfTick.WAIT)
    assert parameters.wait1_cycles == FOREVER
    assert (parameters.reinjection_queue_packets, parameters.receive_cycles) == (0, 1)


# ---- both engines ----


@pytest.mark.parametrize("end_of_tick", list(EndOfTick))
@pytest.mark.parametrize("name", ["loihi1", "neuroaix", "generic_mesh"])
def test_both_engines_on_other_machines(name, end_of_tick, request):
    n_steps = 4
    if name == "neuroaix":
        mapping = request.getfixturevalue(name)
        net, spikes = pd14_spikes(mapping, n_steps)
    else:
        mapping = request.getfixturevalue("loihi") if name == "loihi1" else mapped(name, neurons_per_core=32)
        net, spikes = NET, spikes_of(mapping, NET, {"A": 200.0, "B": 200.0}, n_steps=n_steps)
    case = scenario_of(mapping, net, spikes, PacketOptions(end_of_tick=end_of_tick))
    slow, fast = run_simpy(case, strict=name == "loihi1"), run_compiled(case, with_log=True, strict=True)
    assert fast.n_events > 1000
    np.testing.assert_array_equal(slow.log.rows(), fast.log.rows())
    np.testing.assert_array_equal(slow.core, fast.core)
    np.testing.assert_array_equal(slow.router, fast.router)
    np.testing.assert_array_equal(slow.tick_start, fast.tick_start)
