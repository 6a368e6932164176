"""Arranges the numbers of a run of the packet model by chip, link and core, for figures and tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emulator.packets.model import What
from emulator.packets.outcome import CORE_COUNTERS, ROUTER_COUNTERS, Outcome
from mapping.model import Mapping
from models.topology import Topology, build_topology
from models.topology.drawing import Drawing, drawing_of
from models.vocabulary import EndOfTick
from neuromap.measures.packet_loss import Loss, losses, lost_by_chip
from neuromap.measures.words import Words, words_of_kind

_Floats = NDArray[np.float64]
_Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PacketView:
    """A run of the packet model on its machine. Chips are in the order of ``topology``.

    Attributes
    ----------
    outcome : Outcome
    mapping : Mapping
    found : list of Loss, optional
        The losses that the report states; computed from the outcome if not given.
    """

    outcome: Outcome
    mapping: Mapping
    found: list[Loss] | None = None

    @cached_property
    def topology(self) -> Topology:
        """Shape of the machine."""
        return build_topology(self.mapping.machine)

    @cached_property
    def words(self) -> Words:
        """Names of the machine's parts."""
        return words_of_kind(self.mapping.machine.core.kind)

    @cached_property
    def layout(self) -> Drawing:
        """Places at which chips and links are drawn."""
        return drawing_of(self.topology)

    @cached_property
    def losses(self) -> list[Loss]:
        """What was lost, by cause."""
        return losses(self.outcome, self.topology, self.words.chip) if self.found is None else self.found

    @property
    def us(self) -> float:
        """Length of a cycle, microseconds."""
        return self.outcome.scenario.cycle_ns * 1e-3

    @property
    def is_untimed(self) -> bool:
        """Whether a tick has no length of its own: only a barrier ends it."""
        return self.outcome.scenario.tick_cycles == 1

    @property
    def tick_us(self) -> float:
        """Least length of a tick, microseconds."""
        return self.outcome.scenario.tick_cycles * self.us

    @property
    def is_waiting(self) -> bool:
        """Whether each tick waits for the end of the one before it."""
        return self.outcome.scenario.parameters.end_of_tick is EndOfTick.WAIT

    @cached_property
    def step_us(self) -> _Floats:
        """Length of each tick that ended, microseconds, shape (n,)."""
        return np.diff(self.outcome.tick_start[: self.outcome.n_ticks_ended + 1]) * self.us

    @property
    def length_cycles(self) -> int:
        """Cycles from the start of the first tick to the end of the last."""
        return max(int(self.outcome.tick_start.max(initial=0)), 1)

    @property
    def is_link(self) -> NDArray[np.bool_]:
        """Links that exist, shape (n_chips, n_slots)."""
        return np.asarray(self.outcome.scenario.fabric.far_router >= 0)

    @property
    def link_packets(self) -> _Counts:
        """Packets of every link, shape (n_chips, n_slots)."""
        return self.outcome.link_packets.reshape(self.is_link.shape)

    @property
    def link_queue(self) -> _Counts:
        """Most packets in each link's output buffer, shape (n_chips, n_slots)."""
        return self.outcome.link_max_queue.reshape(self.is_link.shape)

    @property
    def link_load_ratio(self) -> _Floats:
        """Share of the time in which each link was sending, shape (n_chips, n_slots); at most 1."""
        period = self.outcome.scenario.fabric.period.astype(np.float64)
        return self.link_packets * period / self.outcome.n_link_cycles

    def router(self, counter: str) -> _Counts:
        """Return a counter of every router, shape (n_chips,)."""
        return self.outcome.router[:, ROUTER_COUNTERS.index(counter)]

    def core(self, counter: str) -> _Counts:
        """Return a counter of every core, shape (n_chips, n_cores)."""
        column = self.outcome.core[:, CORE_COUNTERS.index(counter)]
        return column.reshape(-1, self.outcome.scenario.fabric.n_cores)

    @property
    def blocked_ratio(self) -> _Floats:
        """Share of the time in which each router held a packet up, shape (n_chips,)."""
        return self.router("n_blocked_cycles") / self.outcome.n_link_cycles

    @cached_property
    def is_used(self) -> NDArray[np.bool_]:
        """Chips with a core in use, shape (n_chips,)."""
        used = np.zeros(self.topology.n_chips, bool)
        core = self.mapping.placement.core
        used[self.topology.index_of(core[:, 0], core[:, 1])] = True
        return used

    @cached_property
    def lost(self) -> tuple[_Counts, _Counts]:
        """Deliveries that each chip's router and each chip's cores lost, shape (n_chips,) each."""
        return lost_by_chip(self.outcome)

    @cached_property
    def core_names(self) -> dict[int, str]:
        """What runs on each core in use, by core number."""
        names = {}
        core = self.mapping.placement.core
        chip = self.topology.index_of(core[:, 0], core[:, 1])
        number = chip.astype(np.int64) * self.outcome.scenario.fabric.n_cores + core[:, 2]
        for vertex, place in zip(self.mapping.partition.vertices, number.tolist(), strict=True):
            part = self.mapping.partition.slices[vertex.slice_id]
            lane = f", lane {vertex.lane}" if vertex.role == "synapse" else ""
            names[place] = f"{vertex.role} {part.population}[{part.start}:{part.stop}]{lane}"
        return names

    @cached_property
    def lateness(self) -> _Counts | None:
        """Number of deliveries that were worked off 0, 1, 2, ... ticks late, shape (n,); None if the log is missing.

        A delivery is late by k if k ticks of the machine after the tick of the packet had begun when its work ended.
        """
        log, scenario = self.outcome.log, self.outcome.scenario
        if self.is_waiting:
            return np.array([self.outcome.total("n_served")])
        if log is None:
            return None
        served = log.of(What.SERVE)
        time, packet = log.time[served], log.packet[served]
        own = scenario.packets.tick[packet].astype(np.int64)
        ended = time - (own + 1) * scenario.tick_cycles
        return np.bincount(np.maximum(-(-ended // scenario.tick_cycles), 0)).astype(np.int64)
