"""The packet model by hand: times, blocking, emergency routes, dropped packets, ticks; both engines alike."""

from dataclasses import replace

import numpy as np
import pytest

from emulator.packets.compiled import run_compiled
from emulator.packets.model import FOREVER, Parameters, What, decode_wait_cycles
from emulator.packets.scenario import idle_work, make_packets
from emulator.packets.simpy_model.model import SimpyRun, run_simpy
from models.errors import ParameterError
from models.vocabulary import EndOfTick
from packet_scenarios import grid_fabric, line, random_scenario, remade, scenario


def run_both(case):
    """Run both engines, both strict, and return what they agree on."""
    slow, fast = run_simpy(case, strict=True), run_compiled(case, with_log=True, strict=True)
    np.testing.assert_array_equal(slow.log.rows(), fast.log.rows())
    return fast


def entries(outcome, *kinds):
    """(time, place, packet) of the events of some kinds, as (kind, ...) if there are several."""
    rows = [row for row in outcome.log.rows().tolist() if What(row[1]) in kinds]
    return [(t, place, packet) if len(kinds) == 1 else (What(w).name, t, place, packet) for t, w, place, packet in rows]


# ---- numbers ----


@pytest.mark.parametrize(
    ("code", "cycles"),
    [(0x00, 0), (0x40, 240), (0x4F, 480), (0x01, 1), (0x1F, 46), (0x50, 512), (0xE1, 278_528), (0xFF, FOREVER)],
)
def test_wait_codes(code, cycles):
    assert decode_wait_cycles(code) == cycles


@pytest.mark.parametrize("code", [-1, 256])
def test_wait_code_is_a_byte(code):
    with pytest.raises(ParameterError, match=rf"^wait code: needs a whole number from 0 to 255, has {code}$"):
        decode_wait_cycles(code)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"router_cycles": 0}, r"^network\.router_cycles: needs a whole number of at least 1, has 0$"),
        ({"wait1_cycles": -2}, r"^network\.wait1_cycles: needs a whole number of at least -1, has -2$"),
        ({"dump_cycles": 1.5}, r"^network\.dump_cycles: needs a whole number of at least 1, has 1\.5$"),
        (
            {"barrier_cycles": 67},
            r"^network\.barrier_cycles: needs more than 67, "
            r"the longer of router_cycles and reinjection_cycles, has 67$",
        ),
    ],
)
def test_parameters_are_checked(change, message):
    with pytest.raises(ParameterError, match=message):
        Parameters(**change)


# ---- scenarios ----


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"packets": [(0, 9, 0, 0, -1)]}, r"^packets\.core: needs values from 0 to below 6, has 9$"),
        ({"packets": [(1, 0, 0, 0, -1)]}, r"^packets\.tick: needs values from 0 to below 1, has 1$"),
        ({"packets": [(0, 0, 0, 0, 1)]}, r"^packets\.row: needs values from -1 to below 1, has 1$"),
        ({"packets": [(0, 0, 0, 0, -1), (0, 2, 0, 0, -1)]}, r"^net 0: needs one router that it is sent from, has 'two"),
        ({"nets": [[(0, [0], []), (1, [2], [])]]}, r"^scenario\.routes\[0\]: needs a tree: a packet sees a"),
        ({"nets": [[(0, [0], [2])]]}, r"^scenario\.routes: needs 6 outputs, has 'output 6'$"),
        ({"n_ticks": 0, "packets": []}, r"^scenario\.n_ticks: needs at least 1, has 0$"),
        ({"work": idle_work(5)}, r"^work\.spike_work: needs one value for each of 6 cores, has \(5,\)$"),
    ],
)
def test_scenarios_are_checked(change, message):
    with pytest.raises(ParameterError, match=message):
        line(3, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_cores": 40_000}, r"^fabric\.n_cores: needs 1 to 32762 cores beside 6 links, has 40000$"),
        ({"period": 0}, r"^fabric\.period: needs 1 to 268,435,455 cycles, has 0$"),
        ({"period": 1 << 40}, r"^fabric\.period: needs 1 to 268,435,455 cycles, has 1099511627776$"),
        ({"delay": -1}, r"^fabric\.delay: needs 0 to 268,435,455 cycles, has -1$"),
    ],
)
def test_fabrics_are_checked(change, message):
    with pytest.raises(ParameterError, match=message):
        grid_fabric(2, 2, **change)


def test_packets_are_sorted():
    packets = make_packets([(0, 1, 5, 0, -1), (0, 1, 2, 0, -1), (0, 0, 9, 0, -1)])
    assert packets.offset.tolist() == [9, 2, 5]
    assert not packets.offset.flags.writeable


# ---- times ----


def test_a_packet_alone():
    outcome = run_both(line(3))
    assert outcome.log.rows().tolist() == [
        [0, What.SEND, 0, 0],
        [0, What.ROUTE, 0, 0],
        [0, What.TRANSMIT, 0, 0],
        [5, What.ROUTE, 1, 0],
        [5, What.TRANSMIT, 4, 0],
        [5, What.ARRIVE, 0, 0],
        [10, What.ROUTE, 2, 0],
        [10, What.ARRIVE, 4, 0],
        [10, What.DELIVER, 4, 0],
        [38, What.SERVE, 4, 0],
    ]
    assert outcome.latency_cycles(0.5) == 37  # in the spike buffer, 27 cycles after it was delivered
    assert (outcome.n_expected, outcome.n_delivered, outcome.n_in_flight) == (1, 1, 0)


def test_packets_of_one_core_leave_every_other_cycle():
    outcome = run_both(line(2, packets=[(0, 0, 0, 0, -1)] * 4, parameters=Parameters(output_buffer_packets=4)))
    assert [t for t, _, _ in entries(outcome, What.SEND)] == [0, 1, 2, 3]
    assert [t for t, _, _ in entries(outcome, What.TRANSMIT)] == [0, 3, 6, 9]
    assert outcome.link_max_queue[0] == 2


def test_a_link_without_credits_waits_for_one():
    outcome = run_both(line(3, packets=[(0, 0, 0, 0, -1)] * 3, parameters=Parameters(input_buffer_packets=1)))
    first = [t for t, link, _ in entries(outcome, What.TRANSMIT) if link == 0]
    assert first == [0, 6, 12]  # three for the period, two for the delay, one for the credit


def test_round_robin_over_the_inputs():
    packets = [(0, core, 0, net, -1) for net, core in enumerate((0, 1, 2)) for _ in range(2)]
    nets = [[(0, [], [3])]] * 3
    outcome = run_both(line(2, n_cores=4, packets=packets, nets=nets, parameters=Parameters(receive_cycles=1)))
    assert [packet for _, _, packet in entries(outcome, What.ROUTE)] == [0, 2, 4, 1, 3, 5]


# ---- blocking ----


def dead_end(parameters, **options):
    """A dead first link; a packet for it and one for a core behind it in the same router."""
    nets = [[(0, [0], [])], [(0, [], [1])]]
    packets = [(0, 0, 0, 0, -1), (0, 1, 1, 1, -1)]
    return line(2, dead=[(0, 0)], nets=nets, packets=packets, parameters=parameters, **options)


def test_a_blocked_packet_holds_up_the_router_until_it_is_dropped():
    outcome = run_both(dead_end(Parameters(wait1_cycles=50, reinjection_queue_packets=0)))
    assert entries(outcome, What.BLOCK, What.DUMP, What.DELIVER) == [
        ("BLOCK", 0, 0, 0),
        ("DUMP", 50, 0, 0),
        ("DELIVER", 51, 1, 1),
    ]
    assert outcome.total("n_dropped_multicast_packets") == 1
    assert outcome.total("n_blocked_cycles") == 50
    assert outcome.total("n_link_dumped_packets") == 1


def test_waiting_for_ever():
    outcome = run_both(dead_end(Parameters(wait1_cycles=FOREVER)))
    assert entries(outcome, What.DUMP, What.DELIVER) == []
    assert outcome.n_in_flight == 1


def test_dropped_packets_are_sent_again_on_the_timer():
    parameters = Parameters(wait1_cycles=50, dump_cycles=10, reinjection_timer_cycles=100, reinjection_cycles=20)
    outcome = run_both(dead_end(parameters, max_cycles=260))
    assert [t for t, _, _ in entries(outcome, What.DUMP)] == [50, 150, 220]
    # on the timer, then 20 cycles after the packet before has been taken from the monitor
    assert [t for t, _, _ in entries(outcome, What.REINJECT)] == [100, 170, 240]
    assert outcome.total("n_reinjected_packets") == 3


def test_the_dump_register_holds_one_packet():
    nets = [[(0, [0], [])]] * 2
    packets = [(0, 0, 0, 0, -1), (0, 1, 0, 1, -1)]
    parameters = Parameters(wait1_cycles=5, dump_cycles=30, reinjection_queue_packets=4)
    outcome = run_both(line(2, dead=[(0, 0)], nets=nets, packets=packets, parameters=parameters, max_cycles=100))
    assert entries(outcome, What.DUMP, What.MISS) == [("DUMP", 5, 0, 0), ("DUMP", 11, 0, 1), ("MISS", 11, 0, 1)]


def test_an_emergency_route_takes_the_two_other_sides_of_a_triangle():
    fabric = grid_fabric(3, 2, dead=[(0, 0)])  # east of (0, 0); router 2 x + y
    nets = [[(0, [0], []), (2, [0], [0]), (4, [], [1])]]
    parameters = Parameters(wait1_cycles=10, wait2_cycles=20)
    outcome = run_both(scenario(fabric, nets, [(0, 0, 0, 0, -1)], parameters=parameters))
    assert entries(outcome, What.EMERGENCY) == [(10, 1, 0), (15, 3 * 6 + 5, 0)]  # north-east, then south
    assert [core for _, core, _ in entries(outcome, What.DELIVER)] == [4, 9]
    assert outcome.total("n_emergency_packets") == 1
    assert outcome.n_lost == 0


def test_a_diverted_packet_goes_straight_on_as_if_it_had_come_the_short_way():
    fabric = grid_fabric(4, 2, dead=[(0, 0)])
    nets = [[(0, [0], []), (4, [], [1])]]  # (1, 0) has no entry
    parameters = Parameters(wait1_cycles=0, wait2_cycles=20)
    outcome = run_both(scenario(fabric, nets, [(0, 0, 0, 0, -1)], parameters=parameters))
    assert [core for _, core, _ in entries(outcome, What.DELIVER)] == [9]


def test_without_wait2_there_are_no_emergency_routes():
    fabric = grid_fabric(3, 2, dead=[(0, 0)])
    parameters = Parameters(wait1_cycles=10, wait2_cycles=0, reinjection_queue_packets=0)
    outcome = run_both(scenario(fabric, [[(0, [0], []), (2, [], [0])]], [(0, 0, 0, 0, -1)], parameters=parameters))
    assert entries(outcome, What.EMERGENCY) == []
    assert outcome.n_lost == 1
    assert outcome.n_expected == 1


def test_a_packet_without_entry_and_way_is_lost():
    outcome = run_both(line(2, nets=[[(1, [], [0])]]))
    assert entries(outcome, What.NO_ROUTE) == [(0, 0, 0)]


# ---- cores ----


def flood(n, end_of_tick, **changes):
    """``n`` packets for one core that takes 100 cycles for each, in ticks of 250 cycles."""
    work = idle_work(4, spike_cycles=100)
    parameters = Parameters(receive_cycles=10, end_of_tick=end_of_tick, **changes)
    packets = [(0, 0, 0, 0, -1)] * n
    return line(2, packets=packets, work=work, parameters=parameters, n_ticks=2, tick_cycles=250)


def test_the_spike_buffer_overflows():
    outcome = run_both(flood(6, EndOfTick.LATE, spike_buffer_packets=2))
    # the first is in work at once; of those that come while it is, two fit
    assert [packet for _, _, packet in entries(outcome, What.OVERFLOW)] == [3, 4, 5]
    assert [t for t, _, _ in entries(outcome, What.SERVE)] == [115, 215, 315]


def test_late_packets_are_done_in_the_next_tick():
    outcome = run_both(flood(4, EndOfTick.LATE))
    assert [t for t, _, _ in entries(outcome, What.SERVE)] == [115, 215, 315, 415]
    assert outcome.total("n_late") == 2
    assert outcome.tick_backlog.tolist() == [0, 165, 0]


def test_what_waits_at_the_end_of_a_tick_is_dropped():
    outcome = run_both(flood(4, EndOfTick.DROP))
    assert [t for t, _, _ in entries(outcome, What.SERVE)] == [115, 215, 315]
    assert entries(outcome, What.EXPIRE) == [(250, 2, 3)]


def test_behind_a_barrier_the_tick_lasts_as_long_as_it_takes():
    outcome = run_both(flood(4, EndOfTick.WAIT, barrier_cycles=90))
    assert outcome.tick_start.tolist() == [0, 415 + 90, 415 + 90 + 250]
    assert outcome.total("n_late") == 0


def test_packets_interrupt_the_tick_s_own_work():
    work = idle_work(4, spike_cycles=100)
    own = work.tick_cycles.copy()
    own[2] = 150  # of the core that takes the packets
    case = flood(2, EndOfTick.LATE)
    outcome = run_both(remade(case, work=replace(work, tick_cycles=own), n_ticks=3, tick_cycles=250))
    # the packets (15 to 215) leave 15 + 35 cycles of the first tick: 100 are left when the second begins
    assert [t for t, _, _ in entries(outcome, What.SERVE)] == [115, 215]
    assert outcome.tick_backlog.tolist() == [0, 100, 0, 0]
    assert outcome.total("n_busy_cycles") == 2 * 100 + 3 * 150


# ---- conservation ----


def test_a_vanished_packet_is_noticed(monkeypatch):
    case = line(3)
    run = SimpyRun(case, strict=True)
    run.add_packets(case.packets, 1)
    link = run.routers[1].links[0]
    monkeypatch.setattr(link, "push", lambda packet, leg: None)
    with pytest.raises(AssertionError, match=r"\(5, 1, 0, 0, 0\)"):
        run.advance()


def test_expected_deliveries_are_sinks_of_packets():
    case = random_scenario(3)
    by_hand = sum(
        case.n_sinks[net, core // case.fabric.n_cores]
        for net, core in zip(case.packets.net, case.packets.core, strict=True)
    )
    assert case.n_expected == by_hand
