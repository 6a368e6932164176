"""Holds the state that all parts of the SimPy model share: the scenario, the clock, the packets, the log and counts."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from emulator.packets.growing import check_packets, with_room
from emulator.packets.model import Leg
from emulator.packets.outcome import N_LATENCY_BINS
from emulator.packets.scenario import Packets, Scenario
from emulator.packets.simpy_model.clock import Clock
from emulator.packets.simpy_model.ports import Copy


class RunState:
    """State of a run that belongs to no single router or core. Lists by packet are indexed by the packet's number.

    Parameters
    ----------
    scenario : Scenario
        Its own packets are not added.

    Attributes
    ----------
    env : Clock
    log : list of int
        Time, what, place and packet of every event that `Tally` has not counted yet, one after the other.
    note : callable
        Appends one such event to the log.
    n_ticks : int
        Ticks of the run; an interruption lowers it.
    net, due : list of int
        By packet: its net, and the cycle in which it is due (set when its tick begins).
    destinations : list of memoryview
        By packet: its destination at every router.
    row_lengths : list of memoryview
        By packet: its synapses in every column of the scenario's ``row_length``.
    packet_tick, packet_row : ndarray, int32
        By packet: its tick and its row; the arrays have room for more packets than there are.
    batches : deque of (int, Packets)
        Packets that are still to be sent, each batch with the number of its first packet.
    latency : list of int
        Number of deliveries by the cycles that they took.
    tick_start, tick_backlog : list of int
        By tick: when it began, and the most cycles of unfinished work that any core had when its tick began.
    n_expected : int
        Deliveries that the packets sent so far should make.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.numbers, self.n_ticks = scenario, scenario.parameters, scenario.n_ticks
        self.env = Clock()
        self.log: list[int] = []
        self.note = self.log.extend
        self.latency = [0] * N_LATENCY_BINS
        self.tick_start = [0] * (scenario.n_ticks + 1)
        self.tick_backlog = [0] * (scenario.n_ticks + 1)
        self.n_expected = self.n_packets = 0
        self.batches: deque[tuple[int, Packets]] = deque()
        self.net: list[int] = []
        self.due: list[int] = []
        self.destinations: list[memoryview] = []
        self.row_lengths: list[memoryview] = []
        self.packet_tick, self.packet_row = np.zeros(1, np.int32), np.zeros(1, np.int32)
        # memory views, because reading single numbers from numpy arrays is slow
        self._destinations = [row.data for row in scenario.routes.destination]
        table = scenario.work.row_length
        self._row_length: NDArray[np.uint16] = table if table.shape[1] else np.zeros((len(table), 1), np.uint16)
        nothing = np.zeros(self._row_length.shape[1], np.uint16)
        self._rows: dict[int, memoryview] = {-1: nothing.data}  # row -1: a packet without synapses

    def add_packets(self, packets: Packets) -> None:
        """Number some packets and add them to the packets that are still to be sent."""
        first, n = self.n_packets, packets.n_packets
        check_packets(first + n)
        self.batches.append((first, packets))
        self.n_packets += n
        nets = packets.net.tolist()
        self.net += nets
        self.due += [0] * n
        self.destinations += [self._destinations[net] for net in nets]
        for row in set(np.unique(packets.row).tolist()) - self._rows.keys():
            self._rows[row] = self._row_length[row].data
        self.row_lengths += [self._rows[row] for row in packets.row.tolist()]
        self.packet_tick, self.packet_row = (with_room(kept, first, n) for kept in (self.packet_tick, self.packet_row))
        self.packet_tick[first : first + n], self.packet_row[first : first + n] = packets.tick, packets.row

    def count_latency(self, packet: int, n_cores: int) -> None:
        """Count the time from a packet's due cycle until it leaves the receive registers of some cores."""
        cycles = self.env.cycle - self.due[packet]
        self.latency[cycles if cycles < N_LATENCY_BINS else -1] += n_cores

    def n_sinks_of(self, copy: Copy, router_id: int) -> int:
        """Return the number of cores that a copy at a router has still to reach."""
        packet, arrival, leg = copy
        if leg == Leg.FIRST:  # the copy is at the second router of the triangle and goes on to the third
            router_id = int(self.scenario.fabric.far_router[router_id, (arrival + 1) % 6])
        return int(self.scenario.n_sinks[self.net[packet], router_id]) if router_id >= 0 else 0
