"""Both engines of the packet model log the same events on random scenarios, and no packet vanishes in either."""

from collections import Counter

import numpy as np
import pytest

from emulator.packets.compiled import CompiledRun, run_compiled
from emulator.packets.model import What
from emulator.packets.outcome import CORE_COUNTERS, ROUTER_COUNTERS
from emulator.packets.scenario import Fabric, Packets
from emulator.packets.simpy_model.model import SimpyRun, run_simpy
from models.vocabulary import EndOfTick
from packet_scenarios import SQUARE, grid_fabric, line, random_parameters, random_scenario, remade, scenario

N_SCENARIOS = 520
N_BLOCKS = 8
#: What has to happen over all scenarios, at least this often, for the comparison to mean something.
MUST_HAPPEN = {
    "n_blocked_packets": 5000, "n_dropped_multicast_packets": 2000, "n_reinjected_packets": 1000,
    "n_emergency_packets": 200, "n_missed_dropped_packets": 100, "n_dropped_packet_overflows": 100,
    "n_no_route_packets": 20, "n_overflow": 500, "n_expired": 100, "n_late": 500,
}  # fmt: skip
SEEN: Counter[str] = Counter()
EVENTS: Counter[What] = Counter()
COMPARED: set[int] = set()


def assert_same_outcome(scenario, *, strict_simpy):
    slow = run_simpy(scenario, strict=strict_simpy)
    fast = run_compiled(scenario, with_log=True, strict=True)
    assert_equal_outcomes(slow, fast)
    return fast


def assert_equal_outcomes(slow, fast):
    np.testing.assert_array_equal(slow.log.rows(), fast.log.rows())
    for name in ("link_packets", "link_emergency_packets", "link_max_queue", "latency", "tick_start", "tick_backlog"):
        np.testing.assert_array_equal(getattr(slow, name), getattr(fast, name), err_msg=name)
    np.testing.assert_array_equal(slow.router, fast.router, err_msg=str(ROUTER_COUNTERS))
    np.testing.assert_array_equal(slow.core, fast.core, err_msg=str(CORE_COUNTERS))
    for name in ("n_events", "n_expected", "n_delivered", "n_lost", "links_free_cycle"):
        assert getattr(slow, name) == getattr(fast, name), name
    busy = fast.link_packets * fast.scenario.fabric.period.ravel().astype(np.int64)
    assert busy.max(initial=0) <= fast.n_link_cycles  # no link sends for more than all of the time


@pytest.mark.parametrize("block", range(N_BLOCKS))
def test_engines_log_the_same_events(block):
    for seed in range(block, N_SCENARIOS, N_BLOCKS):
        outcome = assert_same_outcome(random_scenario(seed), strict_simpy=seed % 20 == 0)
        SEEN.update(outcome.totals())
        EVENTS.update(
            {What(what): int(n) for what, n in zip(*np.unique(outcome.log.what, return_counts=True), strict=True)}
        )
        COMPARED.add(seed)


def test_enough_scenarios_with_every_kind_of_event_were_compared(capsys):
    if len(COMPARED) < N_SCENARIOS:
        pytest.skip("only where all blocks ran before, in this process")
    with capsys.disabled():
        print(f"\n{len(COMPARED)} random scenarios, {EVENTS.total():,} events: the same log from both engines")
    assert len(COMPARED) >= 500
    assert {name: SEEN[name] for name in MUST_HAPPEN if SEEN[name] < MUST_HAPPEN[name]} == {}
    assert set(EVENTS) == set(What)


def test_a_second_run_repeats_the_first():
    first, second = (run_compiled(random_scenario(7), with_log=True) for _ in range(2))
    np.testing.assert_array_equal(first.log.rows(), second.log.rows())


def test_without_log_the_same_numbers():
    with_log, without = (run_compiled(random_scenario(11), with_log=flag) for flag in (True, False))
    assert without.log is None
    assert without.totals() == with_log.totals()
    assert without.n_events == with_log.log.n_events


# ---- the ways of other machines ----


def xy_unicast(rng, fabric, height):
    """A net for each of some pairs (router, core), its packets along x, then y (slots 0 and 2, 1 and 3)."""
    nets = []
    for _ in range(int(rng.integers(3, 12))):
        start, end = rng.integers(0, fabric.n_routers, 2).tolist()
        (x, y), (end_x, end_y) = divmod(start, height), divmod(end, height)
        entries = []
        while (x, y) != (end_x, end_y):
            slot = (0 if end_x > x else 2) if x != end_x else (1 if end_y > y else 3)
            entries.append((x * height + y, [slot], []))
            x, y = x + (slot == 0) - (slot == 2), y + (slot == 1) - (slot == 3)
        nets.append((start, [*entries, (end, [], [int(rng.integers(fabric.n_cores))])]))
    return nets


def hyperx_fabric(rows, columns, n_cores):
    """Every router joined to all others of its row and column; slots: columns - 1 along the row, then the column's."""
    n, k = rows * columns, rows + columns - 2
    far_router, far_slot = np.zeros((n, k), np.int32), np.zeros((n, k), np.int32)
    for router in range(n):
        row, column = divmod(router, columns)
        for step in range(1, columns):
            far_router[router, step - 1] = row * columns + (column + step) % columns
            far_slot[router, step - 1] = columns - step - 1
        for step in range(1, rows):
            far_router[router, columns - 2 + step] = (row + step) % rows * columns + column
            far_slot[router, columns - 2 + step] = columns - 2 + rows - step
    shape = np.ones((n, k), np.int32)
    return Fabric(
        far_router=far_router,
        far_slot=far_slot,
        is_dead=far_router < 0,
        period=2 * shape,
        delay=5 * shape,
        straight=np.full(k, -1, np.int32),
        n_cores=n_cores,
        has_triangles=False,
    )


def two_phase(fabric, rows, columns, start):
    """Broadcast: along the column first, then everybody along the row."""
    on_column = [router for router in range(fabric.n_routers) if router % columns == start % columns]
    row_links, column_links = list(range(columns - 1)), list(range(columns - 1, columns + rows - 2))
    entries = [(router, [], [0]) for router in range(fabric.n_routers) if router not in on_column]
    entries += [(router, row_links + column_links * (router == start), [0]) for router in on_column]
    return start, entries


def traffic(rng, fabric, nets, parameters):
    packets = []
    for _ in range(120):
        net = int(rng.integers(len(nets)))
        core = nets[net][0] * fabric.n_cores
        packets.append((int(rng.integers(3)), core, int(rng.integers(40)), net, -1))
    return scenario(
        fabric,
        [entries for _, entries in nets],
        packets,
        parameters=parameters,
        n_ticks=3,
        tick_cycles=200,
        max_cycles=50_000,
    )


@pytest.mark.parametrize("seed", range(20))
def test_engines_agree_on_unicast_over_a_mesh(seed):
    rng = np.random.default_rng(seed)
    fabric = grid_fabric(4, 3, offsets=SQUARE)
    case = traffic(rng, fabric, xy_unicast(rng, fabric, 3), random_parameters(rng))
    assert_same_outcome(case, strict_simpy=True)


@pytest.mark.parametrize("seed", range(20))
def test_engines_agree_on_a_broadcast_in_a_hyperx(seed):
    rng = np.random.default_rng(seed)
    fabric = hyperx_fabric(3, 4, 1)
    nets = [two_phase(fabric, 3, 4, start) for start in rng.integers(0, fabric.n_routers, 5).tolist()]
    outcome = assert_same_outcome(traffic(rng, fabric, nets, random_parameters(rng)), strict_simpy=True)
    if outcome.n_in_flight == outcome.n_lost == 0:
        assert outcome.link_packets.sum() == 120 * 11
        assert outcome.n_delivered == 120 * 12


# ---- more outputs than a word has bits ----


@pytest.mark.parametrize("most_cores", [58, 60, 64, 130, 200])
def test_engines_agree_on_chips_of_any_number_of_cores(most_cores):
    n_high = 0
    for seed in range(6):
        case = random_scenario(1000 + seed, most_cores=most_cores)
        outcome = assert_same_outcome(case, strict_simpy=seed == 0)
        core = outcome.log.place[outcome.log.of(What.DELIVER)] % case.fabric.n_cores
        n_high += np.count_nonzero(core + case.fabric.n_slots > 62)
    assert (n_high > 100) == (most_cores > 58)


def test_engines_agree_on_routers_of_many_links():
    """Routers joined to 130 others each: more links than a word has bits, and more than one word of ports."""
    rng = np.random.default_rng(5)
    fabric = hyperx_fabric(2, 130, 3)
    assert fabric.n_slots == 130
    nets = [two_phase(fabric, 2, 130, start) for start in rng.integers(0, fabric.n_routers, 3).tolist()]
    case = traffic(rng, fabric, nets, random_parameters(rng))
    outcome = assert_same_outcome(case, strict_simpy=False)
    assert (outcome.link_packets.reshape(-1, 130)[:, 64:] > 0).any()


def test_a_tick_longer_than_the_event_queue_is():
    """Ticks and packets that are due beyond the ring of the compiled engine's queue come when they are due."""
    rows = [(tick, 0, offset, 0, -1) for tick in range(3) for offset in (0, 20_000, 200_000, 1_500_000)]
    case = line(3, packets=rows, n_ticks=3, tick_cycles=2_000_000)
    outcome = assert_same_outcome(case, strict_simpy=False)
    sent = outcome.log.time[outcome.log.of(What.SEND)].tolist()
    assert sent == [tick * 2_000_000 + offset for tick, _, offset, _, _ in rows]


# ---- tick by tick ----


def by_ticks(run, case, n_ticks):
    """What a run told after each of ``n_ticks`` ticks, given one tick's packets at a time, and its outcome."""
    packets, told = case.packets, []
    for tick in range(n_ticks):
        own = packets.tick == tick
        part = Packets(**{name: getattr(packets, name)[own] for name in ("tick", "core", "offset", "net", "row")})
        run.add_packets(part, tick + 1)
        run.advance(tick + 1)
        told.append(sorted(map(tuple, run.take_arrivals().tolist())))
    sent = packets.tick < n_ticks
    part = Packets(**{name: getattr(packets, name)[sent] for name in ("tick", "core", "offset", "net", "row")})
    outcome = run.finish(remade(case, packets=part, n_ticks=n_ticks))
    told.append(sorted(map(tuple, run.take_arrivals().tolist())))
    return told, outcome


@pytest.mark.parametrize("is_cut_short", [False, True])
def test_engines_tell_the_same_tick_by_tick(is_cut_short):
    n_late = 0
    for seed in range(100):
        case = random_scenario(3000 + seed)
        n_ticks = max(1, case.n_ticks - is_cut_short)
        runs = [Run(case, is_watched=True, with_log=True) for Run in (SimpyRun, CompiledRun)]
        (slow_told, slow), (fast_told, fast) = (by_ticks(run, case, n_ticks) for run in runs)
        assert slow_told == fast_told
        assert_equal_outcomes(slow, fast)
        if not is_cut_short:
            assert_equal_outcomes(run_simpy(case), slow)
        told = [one for part in slow_told for one in part]
        n_late += sum(n > 0 for _, _, n in told)
        assert told_ends(slow) == Counter(told)
    assert n_late > 200


def told_ends(outcome):
    """Packet, column and ticks late of all work that the log shows to have ended on cores with synapses."""
    case, log = outcome.scenario, outcome.log
    own = log.of(What.SERVE)
    packet, column = log.packet[own], case.work.column[log.place[own]]
    late = np.maximum(0, -(-log.time[own] // case.tick_cycles) - 1 - case.packets.tick[packet])
    late *= case.parameters.end_of_tick is not EndOfTick.WAIT
    rows = np.column_stack([packet, column, late])[column >= 0]
    return Counter(map(tuple, rows.tolist()))
