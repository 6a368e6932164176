"""Neuron models: parameters with units in their names, and the unit of the weights onto each model.

Names follow PyNN and NEST with the unit appended. The arithmetic of every model is described in docs/models.md.

References
----------
PyNN standard models ``IF_curr_exp``, ``IF_curr_alpha``, ``IF_cond_exp``, ``IF_curr_delta``, ``Izhikevich``; NEST
``iaf_psc_exp``, ``iaf_psc_alpha``, ``iaf_cond_exp``, ``iaf_psc_delta``, ``gif_psc_exp``, ``izhikevich``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import ClassVar

from models.check import check_number, is_number
from models.errors import ParameterError
from models.network.weight_unit import WeightUnit


def _set_numbers(neuron: NeuronModel, *positive: str) -> None:
    """Turn all parameters into floats; raise ParameterError for one that is not finite, or not positive if it must be.

    Only a threshold may be infinite: the neuron then never fires.
    """
    for parameter in fields(neuron):
        name, value = f"{type(neuron).__name__}.{parameter.name}", getattr(neuron, parameter.name)
        if parameter.name == "v_thresh_mv" and is_number(value) and value == math.inf:
            number = math.inf
        elif parameter.name in ("t_ref_ms", "thresh_jump_mv"):
            number = check_number(name, value, at_least=0, unit="ms" if parameter.name == "t_ref_ms" else "mV")
        else:
            number = check_number(name, value, above=0 if parameter.name in positive else None)
        object.__setattr__(neuron, parameter.name, number)


def _check_lif(neuron: LifNeuron, *positive: str) -> None:
    """Check the parameters that all LIF neurons share, and that those named in ``positive`` are above 0."""
    name = type(neuron).__name__
    _set_numbers(neuron, "c_m_pf", "tau_mem_ms", *positive)
    if not neuron.v_reset_mv < neuron.v_thresh_mv:
        raise ParameterError(f"{name}.v_reset_mv", neuron.v_reset_mv, f"below v_thresh_mv = {neuron.v_thresh_mv:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LifCurrExp:
    """Leaky integrate-and-fire neuron with exponential current-based synapses.

    NEST's ``iaf_psc_exp``, PyNN's ``IF_curr_exp``. The defaults are those of PD14 (facts/pd14.md 1.4,
    INM-6/microcircuit-PD14-model network_params.py:128-140).
    """

    weight_unit: ClassVar[WeightUnit] = WeightUnit.PA

    c_m_pf: float = 250.0
    tau_mem_ms: float = 10.0
    tau_syn_exc_ms: float = 0.5
    tau_syn_inh_ms: float = 0.5
    t_ref_ms: float = 2.0
    v_rest_mv: float = -65.0
    v_reset_mv: float = -65.0
    v_thresh_mv: float = -50.0

    def __post_init__(self) -> None:
        _check_lif(self, "tau_syn_exc_ms", "tau_syn_inh_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class LifCurrAlpha:
    """LIF neuron with alpha-shaped current-based synapses: ``weight * (t / tau) * exp(1 - t / tau)``.

    NEST's ``iaf_psc_alpha``, PyNN's ``IF_curr_alpha``; a weight is the peak of the current, reached after the synaptic
    time constant. The defaults are those of NEST's model except for the potentials, which are those of PD14.
    """

    weight_unit: ClassVar[WeightUnit] = WeightUnit.PA

    c_m_pf: float = 250.0
    tau_mem_ms: float = 10.0
    tau_syn_exc_ms: float = 2.0
    tau_syn_inh_ms: float = 2.0
    t_ref_ms: float = 2.0
    v_rest_mv: float = -65.0
    v_reset_mv: float = -65.0
    v_thresh_mv: float = -50.0

    def __post_init__(self) -> None:
        _check_lif(self, "tau_syn_exc_ms", "tau_syn_inh_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class LifCondExp:
    """LIF neuron with exponential conductance-based synapses.

    NEST's ``iaf_cond_exp``; PyNN's ``IF_cond_exp``, which the defaults are taken from. The sign of a weight only
    chooses the receptor: -5 nS is an inhibitory conductance of 5 nS.
    """

    weight_unit: ClassVar[WeightUnit] = WeightUnit.NSIEMENS

    c_m_pf: float = 1000.0
    tau_mem_ms: float = 20.0
    tau_syn_exc_ms: float = 5.0
    tau_syn_inh_ms: float = 5.0
    t_ref_ms: float = 0.1
    v_rest_mv: float = -65.0
    v_reset_mv: float = -65.0
    v_thresh_mv: float = -50.0
    e_rev_exc_mv: float = 0.0
    e_rev_inh_mv: float = -70.0

    def __post_init__(self) -> None:
        _check_lif(self, "tau_syn_exc_ms", "tau_syn_inh_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class LifAdaptThresh:
    """``LifCurrExp`` with a threshold that jumps at each spike and decays back.

    The threshold is ``v_thresh_mv + b``; a spike adds ``thresh_jump_mv`` to ``b``, which decays with
    ``tau_thresh_ms``. NEST's ``gif_psc_exp`` with one ``q_sfa`` and no escape noise comes closest.
    """

    weight_unit: ClassVar[WeightUnit] = WeightUnit.PA

    c_m_pf: float = 250.0
    tau_mem_ms: float = 10.0
    tau_syn_exc_ms: float = 0.5
    tau_syn_inh_ms: float = 0.5
    t_ref_ms: float = 2.0
    v_rest_mv: float = -65.0
    v_reset_mv: float = -65.0
    v_thresh_mv: float = -50.0
    thresh_jump_mv: float = 2.0
    tau_thresh_ms: float = 100.0

    def __post_init__(self) -> None:
        _check_lif(self, "tau_syn_exc_ms", "tau_syn_inh_ms", "tau_thresh_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class LifDelta:
    """LIF neuron whose potential jumps by the weight at an input spike.

    NEST's ``iaf_psc_delta``, PyNN's ``IF_curr_delta``. Input that arrives in the refractory time is lost.
    """

    weight_unit: ClassVar[WeightUnit] = WeightUnit.MV

    c_m_pf: float = 250.0
    tau_mem_ms: float = 10.0
    t_ref_ms: float = 2.0
    v_rest_mv: float = -65.0
    v_reset_mv: float = -65.0
    v_thresh_mv: float = -50.0

    def __post_init__(self) -> None:
        _check_lif(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Izhikevich:
    """Izhikevich's neuron with exponential current-based synapses, like sPyNNaker's ``Izhikevich``.

    ``v' = 0.04 v^2 + 5 v + 140 - u + I``, ``u' = a (b v - u)`` in mV and ms; at ``v_peak_mv`` ``v`` becomes
    ``v_reset_mv`` (c) and ``u`` grows by ``d_mv_per_ms``. ``I`` is the current in nA, taken as mV/ms (a membrane of
    1 nF). The defaults are those of PyNN (regular spiking except for ``d``); ``u`` starts at ``b v``.
    """

    weight_unit: ClassVar[WeightUnit] = WeightUnit.PA

    a_per_ms: float = 0.02
    b_per_ms: float = 0.2
    v_reset_mv: float = -65.0
    d_mv_per_ms: float = 2.0
    v_peak_mv: float = 30.0
    tau_syn_exc_ms: float = 5.0
    tau_syn_inh_ms: float = 5.0

    def __post_init__(self) -> None:
        _set_numbers(self, "tau_syn_exc_ms", "tau_syn_inh_ms")
        if not self.v_reset_mv < self.v_peak_mv:
            raise ParameterError("Izhikevich.v_reset_mv", self.v_reset_mv, f"below v_peak_mv = {self.v_peak_mv:g}")


LifNeuron = LifCurrExp | LifCurrAlpha | LifCondExp | LifAdaptThresh | LifDelta
NeuronModel = LifNeuron | Izhikevich


def capped_rate_hz(neuron: LifNeuron, rate_hz: float) -> float:
    """Return ``rate_hz``, or the rate of one spike per refractory time if that is lower, Hz."""
    return min(rate_hz, 1000.0 / neuron.t_ref_ms) if neuron.t_ref_ms else rate_hz
