"""The packet model against theory: waiting times, saturation, latency, trees, conservation."""

import numpy as np
import pytest

from emulator.packets.compiled import run_compiled
from emulator.packets.model import FOREVER, Parameters, What
from packet_scenarios import grid_fabric, line, random_scenario, scenario

ENDLESS = Parameters(wait1_cycles=FOREVER, output_buffer_packets=5000, input_buffer_packets=50, receive_cycles=1)


def times_of(outcome, what, place):
    """Time of every packet's event of a kind at a place, by packet."""
    chosen = outcome.log.of(what) & (outcome.log.place == place)
    order = np.argsort(outcome.log.packet[chosen])
    return outcome.log.time[chosen][order]


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_wait_for_a_link_is_that_of_m_d_1(load):
    """Pollaczek-Khinchine: Poisson arrivals and a period D wait load D / (2 (1 - load)) on average."""
    period, n = 200, 200_000
    rng = np.random.default_rng(5)
    due = np.cumsum(rng.exponential(period / load, n)).astype(int)
    packets = [(0, 0, int(t), 0, -1) for t in due]
    case = line(2, packets=packets, period=period, parameters=ENDLESS, max_cycles=1 << 50)
    outcome = run_compiled(case, with_log=True)
    wait = times_of(outcome, What.TRANSMIT, 0) - times_of(outcome, What.SEND, 0)
    expected = load * period / (2 * (1 - load))
    blocks = wait.reshape(100, -1).mean(axis=1)
    standard_error = blocks.std(ddof=1) / np.sqrt(len(blocks))
    assert abs(wait.mean() - expected) < max(4 * standard_error, 0.02 * expected)
    assert standard_error < 0.05 * expected


def test_a_saturated_link_carries_one_packet_a_period():
    period, horizon = 27, 27_000
    case = line(2, packets=[(0, 0, 0, 0, -1)] * 2000, period=period, parameters=ENDLESS, max_cycles=horizon)
    assert run_compiled(case).link_packets[0] == horizon // period


def test_a_saturated_link_without_deep_buffers_does_too():
    parameters = Parameters(wait1_cycles=FOREVER, output_buffer_packets=1, input_buffer_packets=2, receive_cycles=1)
    case = line(2, packets=[(0, 0, 0, 0, -1)] * 2000, period=27, delay=20, parameters=parameters, max_cycles=27_000)
    assert run_compiled(case).link_packets[0] == 1000


@pytest.mark.parametrize("router_cycles", [1, 3])
def test_a_saturated_router_takes_one_packet_each_time(router_cycles):
    fabric = grid_fabric(3, 3, n_cores=6, period=1, delay=1)
    centre, horizon = 4, 6000
    nets = [[(centre, [slot], []), (int(fabric.far_router[centre, slot]), [], [0])] for slot in range(6)]
    packets = [(0, centre * 6 + p, 0, p, -1) for p in range(6) for _ in range(2000)]
    parameters = Parameters(wait1_cycles=FOREVER, router_cycles=router_cycles, receive_cycles=1)
    outcome = run_compiled(scenario(fabric, nets, packets, parameters=parameters, max_cycles=horizon))
    assert outcome.total("n_local_multicast_packets") == horizon // router_cycles
    by_link = outcome.link_packets[centre * 6 : centre * 6 + 6]
    assert by_link.max() - by_link.min() <= 1  # the arbiter is fair


@pytest.mark.parametrize("n_hops", [1, 4, 9])
def test_latency_without_load(n_hops):
    case = line(n_hops + 1, period=27, delay=20)
    assert run_compiled(case).latency_cycles(0.5) == n_hops * (27 + 20) + case.parameters.receive_cycles


def test_a_broadcast_crosses_every_router_once():
    width, height, n_cores = 8, 6, 3
    fabric = grid_fabric(width, height, n_cores=n_cores)
    nets = [[]]
    for x in range(width):
        for y in range(height):
            links = ([0] if y == 0 and x + 1 < width else []) + ([2] if y + 1 < height else [])
            nets[0].append((x * height + y, links, [0, 1, 2]))
    outcome = run_compiled(scenario(fabric, nets, [(0, 0, 0, 0, -1)]), with_log=True, strict=True)
    assert np.count_nonzero(outcome.log.of(What.TRANSMIT)) == width * height - 1
    assert np.count_nonzero(outcome.log.of(What.ROUTE)) == width * height
    assert outcome.n_delivered == width * height * n_cores


def test_every_packet_is_somewhere_at_every_moment():
    """Sent x sinks is never less than delivered + lost, read from the log alone; equal where nothing is left."""
    n_lossy = n_drained = 0
    for seed in range(100):
        case = random_scenario(seed)
        outcome = run_compiled(case, with_log=True)
        log, sinks, n_cores = outcome.log, case.n_sinks.astype(np.int64), case.fabric.n_cores
        net = case.packets.net[log.packet]
        sent = np.where(log.of(What.SEND), sinks[net, case.packets.core[log.packet] // n_cores], 0).cumsum()
        delivered = log.of(What.DELIVER).cumsum()
        assert (delivered <= sent).all()
        done = log.of(What.SERVE) | log.of(What.OVERFLOW) | log.of(What.EXPIRE)
        assert (done.cumsum() <= delivered).all()
        if case.parameters.wait2_cycles:
            continue  # a diverted packet may be lost beside its tree
        is_lost = log.of(What.MISS) | log.of(What.QUEUE_FULL) | log.of(What.NO_ROUTE)
        if case.parameters.reinjection_queue_packets == 0:
            is_lost |= log.of(What.DUMP)
        place = np.where(is_lost, log.place, 0)  # a router
        lost = np.where(is_lost, sinks[net, place], 0).cumsum()
        assert (delivered + lost <= sent).all()
        assert lost[-1] == outcome.n_lost
        n_lossy += bool(lost[-1])
        if outcome.n_in_flight == 0:
            assert delivered[-1] + lost[-1] == sent[-1]
            n_drained += bool(lost[-1])
    assert n_lossy > 10
    assert n_drained > 3


def test_nothing_is_lost_where_packets_wait_for_ever():
    parameters = Parameters(wait1_cycles=FOREVER, output_buffer_packets=1, input_buffer_packets=1, receive_cycles=9)
    packets = [(0, core, 0, 0, -1) for core in range(2) for _ in range(300)]
    outcome = run_compiled(line(6, packets=packets, parameters=parameters), strict=True)
    assert outcome.n_delivered == 600
    assert outcome.total("n_blocked_packets") > 500
