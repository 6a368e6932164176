"""Defines a scenario, the whole input of the packet model. Both engines take it and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.packets.sinks import count_sinks
from emulator.packets.model import Parameters
from emulator.packets.routes import Routes
from models.errors import ParameterError
from models.topology import Topology

MAX_OUTPUTS = 1 << 15  #: links and cores of a router together
MAX_OFFSET_CYCLES = 1 << 30  #: upper bound of the time from the start of a tick until a packet is due
MAX_CYCLES = 1 << 28  #: upper bound of the length of a tick and of the times of links
N_TRIANGULAR_SLOTS = 6
WORK_FRACTION_BITS = 8  #: fraction bits of ``spike_work`` and ``synapse_work``


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fabric:
    """Routers and links.

    Attributes
    ----------
    far_router : ndarray, shape (n_routers, n_slots), int32
        Router at the far end of each link; -1 where there is none.
    far_slot : ndarray, shape (n_routers, n_slots), int32
        Input of the far router in which the link ends; no two links end in the same input.
    is_dead : ndarray, shape (n_routers, n_slots), bool
        Links that take no packets. Links that lead nowhere must be dead.
    period, delay : ndarray, shape (n_routers, n_slots), int64
        Cycles from the start of one packet to the start of the next; further cycles after the period until the packet
        is at the next router's arbiter.
    straight : ndarray, shape (n_slots,), int32
        For each input, the link that lies straight on, by which a packet leaves a router that has no entry for it; -1
        for none.
    n_cores : int
        Cores of each router.
    has_triangles : bool
        Whether link ``l`` has an emergency route over links ``l + 1`` and ``l - 1``; routers then have six links.
    """

    far_router: NDArray[np.int32]
    far_slot: NDArray[np.int32]
    is_dead: NDArray[np.bool_]
    period: NDArray[np.int64]
    delay: NDArray[np.int64]
    straight: NDArray[np.int32]
    n_cores: int
    has_triangles: bool

    def __post_init__(self) -> None:
        _freeze(self)
        shape = (self.n_routers, self.n_slots)
        for name in ("far_slot", "is_dead", "period", "delay"):
            _require(f"fabric.{name}", getattr(self, name).shape, shape, f"shape {shape}")
        _require("fabric.straight", self.straight.shape, (self.n_slots,), f"shape ({self.n_slots},)")
        if self.n_cores < 1 or self.n_slots + self.n_cores > MAX_OUTPUTS:
            raise ParameterError(
                "fabric.n_cores", self.n_cores, f"1 to {MAX_OUTPUTS - self.n_slots} cores beside {self.n_slots} links"
            )
        if self.has_triangles and self.n_slots != N_TRIANGULAR_SLOTS:
            raise ParameterError("fabric.has_triangles", True, f"{N_TRIANGULAR_SLOTS} links, not {self.n_slots}")
        exists = self.far_router >= 0
        if (exists & (self.far_router >= self.n_routers)).any():
            raise ParameterError("fabric.far_router", int(self.far_router.max()), f"routers below {self.n_routers}")
        if (~exists & ~self.is_dead).any():
            raise ParameterError("fabric.is_dead", False, "True where a link leads nowhere")
        for name, least in (("period", 1), ("delay", 0)):
            value = getattr(self, name)
            if (value < least).any() or (value >= MAX_CYCLES).any():
                wrong = int(value.min()) if (value < least).any() else int(value.max())
                raise ParameterError(f"fabric.{name}", wrong, f"{least} to {MAX_CYCLES - 1:,} cycles")
        ends = self.far_router[exists].astype(np.int64) * self.n_slots + self.far_slot[exists]
        if len(np.unique(ends)) != len(ends):
            raise ParameterError("fabric.far_slot", "two links with one end", "an input of its own for every link")

    @property
    def n_routers(self) -> int:
        return int(self.far_router.shape[0])

    @property
    def n_slots(self) -> int:
        return int(self.far_router.shape[1])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Work:
    """The work of the cores.

    Attributes
    ----------
    spike_work, synapse_work : ndarray, shape (n_cores,), int64
        Time of a packet and of one synapse of its row, in 1/256 cycle; their sum is rounded to whole cycles, at least
        1.
    column : ndarray, shape (n_cores,), int32
        Column of ``row_length`` that each core has; -1 for none.
    row_length : ndarray, shape (n_rows, n_columns), uint16
        Synapses of each row on each column.
    tick_cycles : ndarray, shape (n_cores,), int64
        Cycles of each tick's own work: timer and neuron updates.
    phase_cycles : ndarray, shape (n_cores,), int64
        How much later than the machine's tick each core's tick begins; less than the length of a tick.
    """

    spike_work: NDArray[np.int64]
    synapse_work: NDArray[np.int64]
    column: NDArray[np.int32]
    row_length: NDArray[np.uint16]
    tick_cycles: NDArray[np.int64]
    phase_cycles: NDArray[np.int64]

    def __post_init__(self) -> None:
        _freeze(self)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Packets:
    """The packets that are sent; all arrays have shape (n_packets,), and the index is the packet's number.

    Packets are sorted by ``tick``, then ``core``, then ``offset``; a core sends its packets in this order.

    Attributes
    ----------
    tick : ndarray, int32
    core : ndarray, int32
        Number of the sender, ``router * n_cores + p``.
    offset : ndarray, int32
        Cycles from the start of the machine's tick until the packet is due.
    net : ndarray, int32
        Row of ``Routes.destination``.
    row : ndarray, int32
        Row of ``Work.row_length``; -1 for a packet without synapses.
    """

    tick: NDArray[np.int32]
    core: NDArray[np.int32]
    offset: NDArray[np.int32]
    net: NDArray[np.int32]
    row: NDArray[np.int32]

    def __post_init__(self) -> None:
        _freeze(self)
        for entry in fields(self):
            _require(f"packets.{entry.name}", getattr(self, entry.name).shape, self.tick.shape, "one value a packet")
        order = np.lexsort((self.offset, self.core, self.tick))
        if (np.diff(order) != 1).any():
            raise ParameterError("packets", "unsorted", "order by tick, core, offset")

    @property
    def n_packets(self) -> int:
        return len(self.tick)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scenario:
    """Routers and links, work of the cores, routes and packets: the whole input of the packet model.

    Attributes
    ----------
    fabric, work, packets, parameters
    routes : Routes
        Outputs by which the packets of each net leave each router.
    n_ticks, tick_cycles : int
        Number of ticks, and length of a tick (where ticks wait, its least length).
    max_cycles : int
        End of the run: no event takes place in this cycle or later.
    cycle_ns : float
        Length of a cycle.
    n_sinks : ndarray, shape (n_nets, n_routers), int32
        Cores that a packet of each net has still to reach from each router on (computed here).
    n_hops : ndarray, shape (n_nets,), int64
        Links that a packet of each net crosses; 0 for a net of which none is sent (computed here).
    """

    fabric: Fabric
    work: Work
    packets: Packets
    routes: Routes
    parameters: Parameters
    n_ticks: int
    tick_cycles: int
    max_cycles: int
    cycle_ns: float
    n_sinks: NDArray[np.int32] = field(init=False)
    n_hops: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        _freeze(self)
        self._check_cores()
        self._check_packets()
        routes, fabric = self.routes, self.fabric
        n_nets, n_routers = routes.destination.shape
        _require("scenario.routes", n_routers, fabric.n_routers, f"{fabric.n_routers} routers")
        n_outputs = fabric.n_slots + fabric.n_cores
        if routes.output.size and not 0 <= int(routes.output.min()) <= int(routes.output.max()) < n_outputs:
            raise ParameterError("scenario.routes", f"output {routes.output.max()}", f"{n_outputs} outputs")
        if int(routes.destination.max(initial=-1)) >= routes.n_destinations:
            has = f"destination {routes.destination.max()}"
            raise ParameterError("scenario.routes", has, f"{routes.n_destinations} destinations")
        sinks, n_hops = np.full((n_nets, n_routers), -1, np.int32), np.zeros(n_nets, np.int64)
        bad = count_sinks(
            routes.destination,
            routes.first,
            routes.output,
            self.net_router(),
            fabric.far_router,
            fabric.far_slot,
            fabric.straight,
            sinks,
            n_hops,
        )
        if bad >= 0:
            raise ParameterError(f"scenario.routes[{bad}]", "a way back", "a tree: a packet sees a router once")
        sinks[sinks < 0] = 0
        for name, value in (("n_sinks", sinks), ("n_hops", n_hops)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    def _check_cores(self) -> None:
        n_cores = self.fabric.n_routers * self.fabric.n_cores
        for name in ("spike_work", "synapse_work", "column", "tick_cycles", "phase_cycles"):
            value = getattr(self.work, name)
            _require(f"work.{name}", value.shape, (n_cores,), f"one value for each of {n_cores} cores")
            least = -1 if name == "column" else 0
            if (value < least).any():
                raise ParameterError(f"work.{name}", int(value.min()), f"at least {least}")
        if (self.work.column >= self.work.row_length.shape[1]).any():
            allowed = f"columns below {self.work.row_length.shape[1]}"
            raise ParameterError("work.column", int(self.work.column.max()), allowed)
        if (self.work.phase_cycles >= self.tick_cycles).any():
            allowed = f"below tick_cycles = {self.tick_cycles} cycles"
            raise ParameterError("work.phase_cycles", int(self.work.phase_cycles.max()), allowed)

    def _check_packets(self) -> None:
        packets = self.packets
        bounds = (
            ("tick", 0, self.n_ticks),
            ("core", 0, self.fabric.n_routers * self.fabric.n_cores),
            ("offset", 0, MAX_OFFSET_CYCLES),
            ("net", 0, len(self.routes.destination)),
            ("row", -1, len(self.work.row_length)),
        )
        for name, low, high in bounds:
            value = getattr(packets, name)
            if value.size and (value.min() < low or value.max() >= high):
                wrong = int(value.min()) if value.min() < low else int(value.max())
                raise ParameterError(f"packets.{name}", wrong, f"values from {low} to below {high}")
        for name in ("n_ticks", "tick_cycles", "max_cycles"):
            if getattr(self, name) < 1:
                raise ParameterError(f"scenario.{name}", getattr(self, name), "at least 1")

    def net_router(self) -> NDArray[np.int32]:
        """Return the router that each net is sent from, -1 where nothing is sent: int32, shape (n_nets,).

        Raises
        ------
        ParameterError
            If a net is sent from two routers.
        """
        router = (self.packets.core // self.fabric.n_cores).astype(np.int32)
        source = np.full(len(self.routes.destination), -1, np.int32)
        source[self.packets.net] = router
        wrong = np.flatnonzero(source[self.packets.net] != router)
        if wrong.size:
            raise ParameterError(f"net {self.packets.net[wrong[0]]}", "two routers", "one router that it is sent from")
        return source

    def asked_from(self, tick: int) -> tuple[int, int]:
        """Return the number of packets sent from ``tick`` on, and the number of deliveries that they should make."""
        first = int(np.searchsorted(self.packets.tick, tick))
        net, router = self.packets.net[first:], self.packets.core[first:] // self.fabric.n_cores
        return net.size, int(self.n_sinks[net, router].sum(dtype=np.int64))

    @property
    def n_expected(self) -> int:
        """Number of deliveries to cores if nothing is lost."""
        return self.asked_from(0)[1]


def fabric_of(topology: Topology, *, n_cores: int, period: tuple[int, int], delay: tuple[int, int]) -> Fabric:
    """Return the routers and links of a machine.

    Parameters
    ----------
    topology : Topology
    n_cores : int
        Cores of each router.
    period, delay : tuple of int
        Cycles of links within a board, and of links between boards.
    """
    far_router = topology.neighbour.astype(np.int32)
    is_board = topology.link_class == 1
    return Fabric(
        far_router=far_router,
        far_slot=np.where(far_router >= 0, topology.back_link, 0).astype(np.int32),
        is_dead=far_router < 0,
        period=np.where(is_board, period[1], period[0]).astype(np.int64),
        delay=np.where(is_board, delay[1], delay[0]).astype(np.int64),
        straight=topology.straight.astype(np.int32),
        n_cores=n_cores,
        has_triangles=topology.kind == "triangular_torus",
    )


def idle_work(n_cores: int, *, spike_cycles: int = 1) -> Work:
    """Return cores without other work that take ``spike_cycles`` for every packet and begin their ticks together."""
    zeros = np.zeros(n_cores, np.int64)
    return Work(
        spike_work=np.full(n_cores, spike_cycles << WORK_FRACTION_BITS, np.int64),
        synapse_work=zeros,
        column=np.full(n_cores, -1, np.int32),
        row_length=np.zeros((1, 1), np.uint16),
        tick_cycles=zeros.copy(),
        phase_cycles=zeros.copy(),
    )


def make_packets(rows: list[tuple[int, int, int, int, int]]) -> Packets:
    """Return the packets made from rows of (tick, core, offset, net, row) in any order."""
    table = np.array(sorted(rows), np.int32).reshape(-1, 5)
    return Packets(tick=table[:, 0], core=table[:, 1], offset=table[:, 2], net=table[:, 3], row=table[:, 4])


def _freeze(spec: object) -> None:
    """Make every array of a dataclass contiguous and read-only."""
    for entry in fields(spec):  # type: ignore[arg-type]
        value = getattr(spec, entry.name, None)
        if isinstance(value, np.ndarray):
            value = np.ascontiguousarray(value)
            value.setflags(write=False)
            object.__setattr__(spec, entry.name, value)


def _require(name: str, value: object, wanted: object, allowed: str) -> None:
    """Raise a `ParameterError` if a value is not the wanted one."""
    if value != wanted:
        raise ParameterError(name, value, allowed)
