"""Makes the reference neuron of every model."""

from __future__ import annotations

from typing import Protocol

from emulator.kernels.neuron import lif
from emulator.kernels.neuron import parts as part
from emulator.numbers.device_math import SynapseDeviceConstants
from emulator.numbers.lif_constants import raw_s1615
from emulator.numbers.neuron_constants import decay_s1615, lif_device_of, neuron_constants_s1615
from emulator.reference.neuron.adapt import FixedAdaptNeuron, FloatAdaptNeuron
from emulator.reference.neuron.alpha import FixedAlphaNeuron, FixedAlphaSynapse, FloatAlphaNeuron
from emulator.reference.neuron.cond import FloatCondNeuron
from emulator.reference.neuron.delta import FixedDeltaNeuron, FloatDeltaNeuron
from emulator.reference.neuron.izhikevich import FloatIzhikevichNeuron
from emulator.reference.neuron.lif import FixedConstants, FixedNeuron, FloatNeuron
from emulator.reference.neuron.spinnaker import (
    IzhikevichNeuron,
    IzhikevichParameters,
    LifNeuron,
    LifParameters,
    Synapse,
)
from models.network import (
    Izhikevich,
    LifAdaptThresh,
    LifCondExp,
    LifCurrAlpha,
    LifCurrExp,
    LifDelta,
    NeuronModel,
)


class FixedCell(Protocol):
    """A neuron in S16.15 integers."""

    v: int

    def step(self, word_exc: int, word_inh: int, /) -> bool:
        """Advance one step with the ring words that are due; return whether the neuron fires."""


class FloatCell(Protocol):
    """A neuron in float64."""

    v_mv: float

    def step(self, input_exc: float, input_inh: float, /) -> bool:
        """Advance one step with the weights that are due; return whether the neuron fires."""


def fixed_neuron(
    neuron: NeuronModel, dt_ms: float, *, current_pa: float, shift_exc: int, shift_inh: int, v_mv: float
) -> FixedCell:
    """Make a neuron with the constants that a core would derive."""
    v = round(v_mv * 2**15)
    match neuron:
        case LifCurrExp():
            constants = FixedConstants.derive(
                neuron, dt_ms, current_pa=current_pa, shift_exc=shift_exc, shift_inh=shift_inh
            )
            return FixedNeuron(constants, v)
        case Izhikevich():
            return _fixed_izhikevich(neuron, dt_ms, current_pa, (shift_exc, shift_inh), v_mv)
    row = neuron_constants_s1615(
        neuron, dt_ms, current_pa=current_pa, shift_exc=shift_exc, shift_inh=shift_inh, poisson_weight_raw=0
    )
    v_rest, v_reset, v_thresh, i_offset = (
        int(row[column]) for column in (lif.L_V_REST, lif.L_V_RESET, lif.L_V_THRESH, lif.L_I_OFFSET)
    )
    match neuron:
        case LifCurrAlpha():
            exc, inh = (
                FixedAlphaSynapse(int(row[start]), int(row[decay]), int(row[fill]), shift)
                for start, decay, fill, shift in (
                    (lif.L_INIT_EXC, lif.L_DECAY_EXC, part.AI_FILL_EXC, shift_exc),
                    (lif.L_INIT_INH, lif.L_DECAY_INH, part.AI_FILL_INH, shift_inh),
                )
            )
            return FixedAlphaNeuron(v_rest, v_reset, v_thresh, i_offset, lif_device_of(row), exc, inh, v)
        case LifCondExp():
            derived = lif_device_of(row)
            reversal = raw_s1615(neuron.e_rev_exc_mv, "e_rev_exc_mv"), raw_s1615(neuron.e_rev_inh_mv, "e_rev_inh_mv")
            parameters = LifParameters(v_rest, v_reset, v_thresh, i_offset, derived, reversal)
            return LifNeuron(parameters, Synapse(derived.exc, shift_exc), Synapse(derived.inh, shift_inh), v)
        case LifAdaptThresh():
            decay, jump = int(row[part.TI_DECAY]), int(row[part.TI_JUMP])
            return FixedAdaptNeuron(FixedConstants.of_row(row), decay, jump, v)
        case LifDelta():
            return FixedDeltaNeuron(FixedConstants.of_row(row), v)


def _fixed_izhikevich(
    neuron: Izhikevich, dt_ms: float, current_pa: float, shifts: tuple[int, int], v_mv: float
) -> IzhikevichNeuron:
    synapses: list[SynapseDeviceConstants] = [
        decay_s1615(tau_ms, dt_ms, "tau_syn") for tau_ms in (neuron.tau_syn_exc_ms, neuron.tau_syn_inh_ms)
    ]
    parameters = IzhikevichParameters(
        a=raw_s1615(neuron.a_per_ms, "a"),
        b=raw_s1615(neuron.b_per_ms, "b"),
        c=raw_s1615(neuron.v_reset_mv, "c"),
        d=raw_s1615(neuron.d_mv_per_ms, "d"),
        i_offset=raw_s1615(current_pa / 1000, "current"),
        dt=raw_s1615(dt_ms, "dt_ms"),
        v_peak=raw_s1615(neuron.v_peak_mv, "v_peak"),
    )
    exc, inh = (Synapse(constants, shift) for constants, shift in zip(synapses, shifts, strict=True))
    return IzhikevichNeuron(parameters, exc, inh, round(v_mv * 2**15), round(neuron.b_per_ms * v_mv * 2**15))


def float_neuron(neuron: NeuronModel, dt_ms: float, *, current_pa: float, v_mv: float) -> FloatCell:
    """Make a float64 neuron."""
    match neuron:
        case LifCurrExp():
            return FloatNeuron(neuron, dt_ms, current_pa, v_mv)
        case LifCurrAlpha():
            return FloatAlphaNeuron(neuron, dt_ms, current_pa, v_mv)
        case LifCondExp():
            return FloatCondNeuron(neuron, dt_ms, current_pa, v_mv)
        case LifAdaptThresh():
            return FloatAdaptNeuron(neuron, dt_ms, current_pa, v_mv)
        case LifDelta():
            return FloatDeltaNeuron(neuron, dt_ms, current_pa, v_mv)
        case Izhikevich():
            return FloatIzhikevichNeuron(neuron, dt_ms, current_pa, v_mv, neuron.b_per_ms * v_mv)
