"""Defines `SimulationOptions`: all inputs of a simulation other than the network, checked in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emulator.numbers.number_format import NumberFormat
from emulator.numbers.weight_scale import DEFAULT_RING_BUFFER, RingBufferBound
from models.check import check_choice, check_ids, check_kind, check_seed, check_whole
from models.units import MAX_STEPS
from models.vocabulary import Arithmetic, DelayConvention, PoissonMethod, WeightRounding

MAX_THREADS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationOptions:
    """The options of a simulation.

    A word, such as ``"fixed"``, may be given in place of the enum member that it names.

    Attributes
    ----------
    n_steps : int
    seed : int
    arithmetic : Arithmetic or NumberFormat
        The machine's own S16.15, float64, or any other format (slower than the first two).
    delay_convention : DelayConvention
    poisson : PoissonMethod
        ``COUNTER``: drives and Poisson sources get exact Poisson counts, each a function of seed, neuron and step.
        ``KISS``: they get the counts of SpiNNaker's generator and methods (``emulator.engine.poisson_kiss``).
    weight_rounding : WeightRounding
        How fixed-point weights are rounded. By default a ``NumberFormat`` decides, else weights are rounded to
        nearest. The one weight of a population's drive is always rounded to nearest.
    ring_buffer : RingBufferBound
        The largest input of one step that the scale of fixed-point weights leaves room for.
    n_threads : int
        Does not change the result.
    max_memory_bytes : int, optional
        Memory that the process may take; by default most of what is free. Rows of synapses that do not fit are drawn
        again at every spike of their source; the rows with the highest expected rates are stored first. This does not
        change the result. The neurons take the memory that they need in any case, and with a ``NumberFormat`` all rows
        are stored.
    probes : sequence of int
        Neuron ids whose membrane potential is recorded every step.
    sample_weights_ms : float, ms, optional
        Interval at which the distribution of plastic weights is sampled (``Simulation.plastic_weights``); by default
        it is not sampled.

    Raises
    ------
    ParameterError
        For a value that its option does not allow.
    """

    n_steps: int
    seed: int
    arithmetic: Arithmetic | NumberFormat = Arithmetic.FIXED
    delay_convention: DelayConvention = DelayConvention.NEST
    poisson: PoissonMethod = PoissonMethod.COUNTER
    weight_rounding: WeightRounding | None = None
    ring_buffer: RingBufferBound = DEFAULT_RING_BUFFER
    n_threads: int = 2
    max_memory_bytes: int | None = None
    probes: Sequence[int] = ()
    sample_weights_ms: float | None = None

    def __post_init__(self) -> None:
        check_kind("ring_buffer", self.ring_buffer, RingBufferBound, "a RingBufferBound")
        self._set("seed", check_seed("seed", self.seed))
        allowed = f"a whole number of steps, 1 to {MAX_STEPS:,}"
        self._set("n_steps", check_whole("n_steps", self.n_steps, at_least=1, at_most=MAX_STEPS, allowed=allowed))
        allowed = f"a whole number of threads, 1 to {MAX_THREADS}"
        n_threads = check_whole("n_threads", self.n_threads, at_least=1, at_most=MAX_THREADS, allowed=allowed)
        self._set("n_threads", n_threads)
        if self.max_memory_bytes is not None:
            allowed = "a whole number of bytes >= 0"
            self._set("max_memory_bytes", check_whole("max_memory_bytes", self.max_memory_bytes, allowed=allowed))
        if self.number_format is None:
            self._set("arithmetic", check_choice("arithmetic", self.arithmetic, Arithmetic))
        if self.weight_rounding is None:
            own = self.number_format
            self._set("weight_rounding", WeightRounding.NEAREST if own is None else own.weight_rounding)
        words = (("weight_rounding", WeightRounding), ("delay_convention", DelayConvention), ("poisson", PoissonMethod))
        for name, kind in words:
            self._set(name, check_choice(name, getattr(self, name), kind))
        self._set("probes", tuple(check_ids("probes", self.probes).tolist()))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def number_format(self) -> NumberFormat | None:
        """The arithmetic, if it is neither the machine's S16.15 nor float64."""
        return self.arithmetic if isinstance(self.arithmetic, NumberFormat) else None

    @property
    def is_fixed(self) -> bool:
        """Whether numbers are fixed-point."""
        number_format = self.number_format
        return self.arithmetic is Arithmetic.FIXED if number_format is None else number_format.state is not None
