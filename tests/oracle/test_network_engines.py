"""Both engines of the packet network log the same events on random scenarios, and no packet vanishes in either."""

from collections import Counter

import numpy as np
import pytest

from emulator.network.compiled import run_compiled
from emulator.network.model import What
from emulator.network.outcome import CORE_COUNTERS, ROUTER_COUNTERS
from emulator.network.simpy_model import run_simpy
from network_scenarios import random_scenario

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
    np.testing.assert_array_equal(slow.log.rows(), fast.log.rows())
    for name in ("link_packets", "link_emergency_packets", "link_max_queue", "latency", "tick_start", "tick_backlog"):
        np.testing.assert_array_equal(getattr(slow, name), getattr(fast, name), err_msg=name)
    np.testing.assert_array_equal(slow.router, fast.router, err_msg=str(ROUTER_COUNTERS))
    np.testing.assert_array_equal(slow.core, fast.core, err_msg=str(CORE_COUNTERS))
    for name in ("n_events", "n_expected", "n_delivered", "n_lost"):
        assert getattr(slow, name) == getattr(fast, name), name
    return fast


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
