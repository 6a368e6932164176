"""Defines number formats to compare with the machine's: format of the state, bits of the weights, roundings.

A fixed-point format ``Sx.y`` holds membrane potentials and other voltages (mV), synaptic currents (nA) and the membrane
resistance (MOhm) in ``1 + x + y`` bits. Some constants keep a width of their own:

- synaptic decay and input factor ``init``: U0.32 in every format, as on SpiNNaker;
- membrane decay ``exp(-dt/tau_m)``: ``max(y, 15)`` fractional bits. With the 7 bits of S8.7 it would be 127/128, a time
  constant of 12.75 ms in place of 10; a 16-bit machine would hold a number below one as S0.15.

S16.15 takes all constants as the device derives them (``lif_constants_s1615``). With floor rounding it gives the
results of ``step_lif_s1615`` until a sum overflows: that function wraps the sum, the formats here saturate it. Other
formats take the exact constants, rounded to nearest.

Weights of ``b < 16`` bits are the 16-bit weights rounded (nearest, ties up, or stochastically) to multiples of a step,
one for each target population and receptor: the smallest whole number of 16-bit units with which mean + 5 sd of every
projection (and the Poisson drive) fits ``2**b - 1`` steps. A machine would make the step part of ``init``, at no cost.
Here the ring buffer keeps its 16-bit unit, so that the same code delivers the spikes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.neuron import any_format as neuron_q
from emulator.kernels.neuron import lif as kernel
from emulator.numbers.fixed_point import S1615, Overflow, QFormat, Rounding, to_raw
from emulator.numbers.weight_scale import WeightScale, _projection_moments, weight_scales
from emulator.runtime.random_stream import Stream, stream_key
from models.check import check_choice, check_whole
from models.errors import ParameterError
from models.network import LifCurrExp, Network, Population, Receptor
from models.vocabulary import WeightRounding

MAX_BITS = 32  # products of two numbers are formed in 64 bits
MAX_WEIGHT_BITS = 16
_FULL_WORD = (1 << MAX_WEIGHT_BITS) - 1
_MIN_DECAY_BITS = 15
COUNTERS = ("ring_saturated", "current_overflow", "v_overflow", "input_lost", "v_stuck", "n_updates")


class StateRounding(StrEnum):
    """How products are rounded to the format of the state."""

    FLOOR = "floor"
    NEAREST = "nearest"  #: ties towards plus infinity
    STOCHASTIC = "stochastic"  #: up with a probability equal to the dropped fraction

    @property
    def code(self) -> int:
        """The code of the rounding in the kernel."""
        return {"floor": neuron_q.FLOOR, "nearest": neuron_q.NEAREST, "stochastic": neuron_q.STOCHASTIC}[self.value]


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """Arithmetic of a core. ``state`` is ``None`` for float32, which has neither a rounding nor weight bits.

    Attributes
    ----------
    state : QFormat or None
    rounding : StateRounding
    weight_bits : int
        1 to 16.
    weight_rounding : WeightRounding
        How the weights are rounded, once, when they are drawn.
    """

    state: QFormat | None
    rounding: StateRounding = StateRounding.FLOOR
    weight_bits: int = MAX_WEIGHT_BITS
    weight_rounding: WeightRounding = WeightRounding.NEAREST

    def __post_init__(self) -> None:
        if self.state is not None and (not self.state.signed or self.state.n_bits > MAX_BITS):
            raise ParameterError(
                "number format", str(self.state), f"a signed format of at most {MAX_BITS} bits, such as S16.15"
            )
        weight_bits = check_whole("weight_bits", self.weight_bits, at_least=1, at_most=MAX_WEIGHT_BITS)
        object.__setattr__(self, "weight_bits", weight_bits)
        for name, kind in (("rounding", StateRounding), ("weight_rounding", WeightRounding)):
            object.__setattr__(self, name, check_choice(name, getattr(self, name), kind))

    @classmethod
    def parse(
        cls, name: str, rounding: StateRounding | str = StateRounding.FLOOR, weight_bits: int = MAX_WEIGHT_BITS
    ) -> NumberFormat:
        """Return the format of a name such as ``S16.15`` or ``float32``."""
        if name.strip().lower() == "float32":
            return cls(None)
        return cls(QFormat.parse(name), check_choice("rounding", rounding, StateRounding), weight_bits)

    @property
    def label(self) -> str:
        """Name for tables: ``S8.7 nearest, 4-bit weights``."""
        if self.state is None:
            return "float32"
        is_nearest = self.weight_rounding is WeightRounding.NEAREST
        how = "" if is_nearest else f" {self.weight_rounding}"
        is_plain = is_nearest and self.weight_bits == MAX_WEIGHT_BITS
        return f"{self.state} {self.rounding}" + ("" if is_plain else f", {self.weight_bits}-bit{how} weights")

    @property
    def state_bits(self) -> int:
        """Bits of one state variable."""
        return 32 if self.state is None else self.state.n_bits

    @property
    def decay_bits(self) -> int:
        """Fractional bits of the membrane decay."""
        return 23 if self.state is None else max(self.state.frac_bits, _MIN_DECAY_BITS)

    @property
    def dtype(self) -> type[np.generic]:
        """Type of the engine's state arrays."""
        return np.float32 if self.state is None else np.int64

    def to_state(self, v_mv: NDArray[np.float64]) -> NDArray[Any]:
        """Convert initial potentials, mV, to the state's numbers (nearest, ties to even).

        Raises
        ------
        ParameterError
            If one is outside the format.
        """
        if self.state is None:
            return v_mv.astype(np.float32)
        raw, overflowed = to_raw(v_mv, self.state, Rounding.NEAREST_EVEN, Overflow.SATURATE)
        if overflowed.any():
            raise ParameterError(f"v_init_mv in {self.state}", float(v_mv[overflowed][0]), _range(self.state, "mV"))
        return raw

    def from_state(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Convert numbers of the state to float64."""
        return np.asarray(values, np.float64) * (1.0 if self.state is None else self.state.resolution)


def _range(q: QFormat, unit: str) -> str:
    low, high = q.min_raw * q.resolution, q.max_raw * q.resolution
    return f"a value from {low:g} to {high:g} {unit}; choose a format with more integer bits"


# ---- constants of the kernels -------------------------------------------------------------------------------------


def format_rows(
    network: Network,
    number_format: NumberFormat,
    base: NDArray[Any],
    scales: dict[tuple[str, Receptor], WeightScale],
    seed: int,
) -> NDArray[Any]:
    """Return the constants of every population in a number format.

    Parameters
    ----------
    network : Network
    number_format : NumberFormat
    base : ndarray, shape (n_populations, N_LIF_INT) int64, or (n_populations, N_LIF_FLOAT) float64
        Constants of the S16.15 engine (of the float64 engine for float32).
    scales : dict
        From ``weight_scales``; empty for float32.
    seed : int
        Of the stochastic rounding.

    Returns
    -------
    ndarray
        ``(n_populations, N_Q_INT)`` int64, or float32 of the shape of ``base``.

    Raises
    ------
    ParameterError
        If a constant is outside the format.
    """
    q = number_format.state
    if q is None:
        return base.astype(np.float32)
    rows = np.zeros((len(base), neuron_q.N_Q_INT), np.int64)
    rows[:, : base.shape[1]] = base
    steps = weight_steps(network, scales, number_format.weight_bits)
    n_levels = (1 << number_format.weight_bits) - 1
    for row, population in zip(rows, network.populations, strict=True):
        current_pa = 0.0 if population.current is None else population.current.amplitude_pa
        if q != S1615:
            where = f"Population({population.name!r})"
            _set_exact_constants(row, _lif_curr_exp(population), network.dt_ms, current_pa, number_format, where)
        step = steps[population.name, Receptor.EXC]
        if step > 1:
            multiple = min((2 * int(row[kernel.L_POISSON_WEIGHT]) + step) // (2 * step), n_levels)
            row[kernel.L_POISSON_WEIGHT] = multiple * step
        for column, receptor in (
            (neuron_q.Q_INPUT_SHIFT_EXC, Receptor.EXC),
            (neuron_q.Q_INPUT_SHIFT_INH, Receptor.INH),
        ):
            # word * 2**(shift - 15) nA * init * 2**-32, in units of 2**-frac_bits
            row[column] = 32 + 15 - q.frac_bits - scales[population.name, receptor].shift
            if row[column] < 1:
                largest = 2.0 ** scales[population.name, receptor].shift
                raise ParameterError(f"input of {population.name} in {q}", f"{largest:g} nA", _range(q, "nA"))
    rows[:, neuron_q.Q_MIN], rows[:, neuron_q.Q_MAX] = q.min_raw, q.max_raw
    rows[:, neuron_q.Q_ROUNDING] = number_format.rounding.code
    rows[:, neuron_q.Q_FRAC_BITS], rows[:, neuron_q.Q_DECAY_BITS] = q.frac_bits, number_format.decay_bits
    rows[:, [neuron_q.Q_KEY0, neuron_q.Q_KEY1]] = stream_key(seed, Stream.ROUNDING)
    return rows


def _lif_curr_exp(population: Population) -> LifCurrExp:
    """Return the neuron of a population, which must be LifCurrExp, the only model with number formats."""
    if not isinstance(population.neuron, LifCurrExp):
        raise ParameterError(
            f"Population({population.name!r}).neuron in a number format",
            type(population.neuron).__name__,
            "LifCurrExp; the other models run in arithmetic 'fixed' (S16.15) and 'float' (float64)",
        )
    return population.neuron


def check_models(network: Network) -> None:
    """Raise ParameterError if a population has another model than LifCurrExp, or a projection is plastic."""
    for population in network.populations:
        _lif_curr_exp(population)
    for projection in network.projections:
        if projection.plasticity is not None:
            where = f"arithmetic of Projection({projection.source!r} -> {projection.target!r})"
            raise ParameterError(where, "a number format", "'fixed' or 'float', since it has plasticity")


def check_format(network: Network, number_format: NumberFormat) -> None:
    """Check that the constants of a network are within a format; S16.15's own are checked where they are derived.

    Raises
    ------
    ParameterError
        As ``format_rows``, and for a population of another model than LifCurrExp.
    """
    check_models(network)
    if number_format.state is not None:
        base = np.zeros((len(network.populations), kernel.N_LIF_INT), np.int64)
        format_rows(network, number_format, base, weight_scales(network), 0)


def _set_exact_constants(
    row: NDArray[np.int64], neuron: LifCurrExp, dt_ms: float, current_pa: float, number_format: NumberFormat, where: str
) -> None:
    """Replace the constants derived on the device by exact ones, rounded to nearest."""
    q = number_format.state
    assert q is not None
    values = (
        (kernel.L_R, "tau_mem_ms / c_m_pf", neuron.tau_mem_ms / neuron.c_m_pf * 1e3, "MOhm"),
        (kernel.L_V_REST, "v_rest_mv", neuron.v_rest_mv, "mV"),
        (kernel.L_V_RESET, "v_reset_mv", neuron.v_reset_mv, "mV"),
        (kernel.L_V_THRESH, "v_thresh_mv", neuron.v_thresh_mv, "mV"),
        (kernel.L_I_OFFSET, "current", current_pa * 1e-3, "nA"),
    )
    for column, name, value, unit in values:
        raw, overflowed = to_raw(value, q, Rounding.NEAREST_EVEN, Overflow.SATURATE)
        if overflowed:
            raise ParameterError(f"{where}.{name} in {q}", value, _range(q, unit))
        row[column] = int(raw)
    row[kernel.L_EXP_TC] = _fraction(math.exp(-dt_ms / neuron.tau_mem_ms), number_format.decay_bits)
    for tau_ms, decay, init in (
        (neuron.tau_syn_exc_ms, kernel.L_DECAY_EXC, kernel.L_INIT_EXC),
        (neuron.tau_syn_inh_ms, kernel.L_DECAY_INH, kernel.L_INIT_INH),
    ):
        row[decay] = _fraction(math.exp(-dt_ms / tau_ms), 32)
        row[init] = _fraction(-tau_ms / dt_ms * math.expm1(-dt_ms / tau_ms), 32)


def _fraction(value: float, n_bits: int) -> int:
    """Round a number below one to a raw fraction of ``n_bits`` bits that is below one too."""
    return min(math.floor(value * 2.0**n_bits + 0.5), (1 << n_bits) - 1)


def input_factor(network: Network) -> NDArray[np.float64]:
    """Return the ratio of the device's currents to the continuous ones: float64, shape (n_neurons, 2), exc and inh.

    A current of the fixed-point engine is its mean over a step, ``init`` times the value at the step's start.
    """
    rows = [
        [
            -tau_ms / network.dt_ms * math.expm1(-network.dt_ms / tau_ms)
            for tau_ms in (neuron.tau_syn_exc_ms, neuron.tau_syn_inh_ms)
        ]
        for neuron in map(_lif_curr_exp, network.populations)
    ]
    return np.repeat(np.array(rows), [p.n_neurons for p in network.populations], axis=0)


# ---- weights of few bits ------------------------------------------------------------------------------------------


def weight_steps(
    network: Network, scales: dict[tuple[str, Receptor], WeightScale], weight_bits: int
) -> dict[tuple[str, Receptor], int]:
    """Return the step of the weights, in 16-bit units, of every target population and receptor; 1 for 16 bits."""
    n_levels = (1 << weight_bits) - 1
    largest_pa = dict.fromkeys(scales, 0.0)
    for projection in network.projections:
        key = projection.target, projection.receptor
        if key not in scales:
            continue
        weight_pa = _projection_moments(projection)[2]
        largest_pa[key] = max(largest_pa[key], weight_pa)
    for population in network.populations:
        if population.poisson is not None:
            key = population.name, Receptor.EXC
            largest_pa[key] = max(largest_pa[key], abs(population.poisson.weight))
    return {
        key: max(1, min(math.ceil(largest_pa[key] * scale.raw_per_pa / n_levels), _FULL_WORD // n_levels))
        for key, scale in scales.items()
    }
