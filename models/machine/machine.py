"""A machine: the sections of its file, the dead parts, and the provenance of every constant.

All chips are equal except for dead chips, links and cores. Every number comes from a YAML file that gives its source
and status. The numbers are plain attributes (``machine.core.clock_hz``); their provenance is in ``machine.constants``,
so that reports can name the unverified ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from models.errors import ParameterError
from models.machine.constant import ConstantNote
from models.machine.core import CoreSpec, NeuroCoreSpec, TickSpec
from models.machine.cost import CostSpec, NeuronModelSpec, PlasticitySpec, ReceptionSpec
from models.machine.host import HostSpec, PlanSpec
from models.machine.memory import ChipMemorySpec
from models.machine.pipeline import PipelineSpec
from models.machine.power import PowerSpec
from models.machine.router import FlowControlSpec, LinkSpec, RouterSpec
from models.machine.topology import TopologySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A many-core machine.

    Entries of ``dead_chips`` are (x, y), those of ``dead_links`` (x, y, link), and those of ``dead_cores`` (x, y, p).
    """

    name: str
    description: str
    topology: TopologySpec
    core: CoreSpec
    memory: ChipMemorySpec
    router: RouterSpec
    link: LinkSpec
    cost: CostSpec
    power: PowerSpec
    plan: PlanSpec
    dead_chips: tuple[tuple[int, int], ...] = ()
    dead_links: tuple[tuple[int, int, int], ...] = ()
    dead_cores: tuple[tuple[int, int, int], ...] = ()
    pipeline: PipelineSpec | None = None
    plasticity: PlasticitySpec | None = None
    neuron_models: NeuronModelSpec | None = None
    flow_control: FlowControlSpec | None = None
    host: HostSpec | None = None
    reception: ReceptionSpec | None = None
    tick: TickSpec = field(default_factory=TickSpec)
    neuro_core: NeuroCoreSpec | None = None
    constants: tuple[ConstantNote, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        needed = {"pipeline_node": "pipeline", "neuro_core": "neuro_core"}.get(self.core.kind)
        if needed is not None and getattr(self, needed) is None:
            raise ParameterError("core.kind", self.core.kind, f"'software', or a section {needed!r}")
        for name in ("dead_chips", "dead_links", "dead_cores"):
            for place in getattr(self, name):
                if min(place) < 0:
                    raise ParameterError(name, place, "coordinates >= 0")
        for place in self.dead_links:
            if place[2] > 5 and self.topology.kind == "triangular_torus":
                raise ParameterError("dead_links", place, "(x, y, link) with a link in 0..5 (E, NE, N, W, SW, S)")
        for place in self.dead_cores:
            if place[2] >= self.core.n_per_chip:
                raise ParameterError("dead_cores", place, f"(x, y, p) with p below {self.core.n_per_chip}")

    @property
    def link_latencies_ns(self) -> tuple[float, float]:
        """Latency of a hop within a board, and of one between boards.

        Raises
        ------
        ParameterError
            If it is given twice, in ``link`` and by the parts of ``pipeline``, or not at all.
        """
        link = self.link
        if self.pipeline is not None:
            for name in ("latency_ns", "board_latency_ns"):
                if (given := getattr(link, name)) is not None:
                    allowed = "no value: pipeline.transceiver_ns, cable_ns and link_hop_delay_ns give the time of a hop"
                    raise ParameterError(f"link.{name}", given, allowed)
            own = self.pipeline.hop_ns(self.topology.shape)
            return own, own
        if link.latency_ns is None:
            raise ParameterError("link.latency_ns", None, "a value in ns")
        return link.latency_ns, link.latency_ns if link.board_latency_ns is None else link.board_latency_ns

    @property
    def unverified(self) -> tuple[str, ...]:
        """Paths of the constants whose source nobody has checked."""
        return tuple(note.path for note in self.constants if note.status in ("unverified", "stated"))

    def budget_cycles(self, dt_ms: float, time_scale_factor: float = 1.0) -> float:
        """Return the cycles that a core has in one tick."""
        return self.core.clock_hz * dt_ms * 1e-3 * time_scale_factor

    def check_tick(self, dt_ms: float, time_scale_factor: float) -> None:
        """Raise ParameterError if a tick is shorter than one cycle of a core or of a router."""
        clock_hz = min(self.core.clock_hz, self.router.clock_hz)
        if clock_hz * dt_ms * 1e-3 * time_scale_factor < 1.0 - 1e-5:  # as many digits as the message shows
            least = 1e3 / (clock_hz * dt_ms)
            allowed = f"at least {least:.6g}, with which a tick of {dt_ms:g} ms has one cycle of {clock_hz:g} Hz"
            raise ParameterError("time_scale_factor", time_scale_factor, allowed)
