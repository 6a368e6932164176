"""PD14: the cortical microcircuit of Potjans & Diesmann (2014), 77,169 neurons under one square millimetre.

It has eight populations (layers 2/3, 4, 5, 6; excitatory E and inhibitory I) of identical neurons. Sizes,
probabilities, weights, delays and drives follow the reference implementation, github INM-6/microcircuit-PD14-model at
fd40046e (2026), called INM below; if its text and its code disagree, we follow its code (delays are redrawn, not
clipped; the mean initial potential of L6I is -61.43 mV).

References
----------
Potjans & Diesmann (2014), Cerebral Cortex 24(3), 785-806, doi:10.1093/cercor/bhs358, tables 4 and 5.
van Albada, Helias & Diesmann (2015), PLoS Comput Biol 11(9), e1004490, doi:10.1371/journal.pcbi.1004490 (scaling).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.bounds import checked_arguments
from models.errors import ParameterError
from models.network import (
    CurrentDrive,
    FixedTotalNumber,
    LifCurrExp,
    Network,
    Normal,
    PoissonDrive,
    PoissonSource,
    Population,
    Projection,
)
from models.networks.check import Scale, StepMs
from models.units import ms_to_steps
from models.vocabulary import DriveName

Float = NDArray[np.float64]

POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
N_FULL = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)  # INM network_params.py:69
K_EXT = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)  # INM network_params.py:109
RATE_HZ = (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829)  # INM network_params.py:78, one simulation

# CONNECTION_PROBABILITY[target][source]: probability of at least one synapse; INM network_params.py:81-92
CONNECTION_PROBABILITY = (
    (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0),
    (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
    (0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0),
    (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
    (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0),
    (0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0),
    (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
    (0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443),
)

PSP_EXC_MV = 0.15  # INM network_params.py:94
INHIBITORY_FACTOR = -4.0  # INM network_params.py:98
L4E_TO_L23E_FACTOR = 2.0  # INM network_params.py:144-149
WEIGHT_REL_SD = 0.1  # INM network_params.py:96
DELAY_EXC_MS, DELAY_INH_MS = 1.5, 0.75  # INM network_params.py:100-102, by source type
DELAY_REL_SD = 0.5  # INM network_params.py:104
EXTERNAL_RATE_HZ, EXTERNAL_DELAY_MS = 8.0, 1.5  # INM network_params.py:111-113

# Mean and standard deviation of the initial membrane potential, mV; INM network_params.py:124-126
V_INIT_MV: dict[str, tuple[tuple[float, float], ...]] = {
    "optimised": (
        (-68.28, 5.36), (-63.16, 4.57), (-63.33, 4.74), (-63.45, 4.94),
        (-63.11, 4.94), (-61.66, 4.55), (-66.72, 5.46), (-61.43, 4.48),
    ),
    "original": ((-58.0, 10.0),) * 8,
    "spinnaker": (  # microcircuit_model common_params.py:147-162: means 4 mV higher, deviations 1 mV smaller
        (-64.28, 4.36), (-59.16, 3.57), (-59.33, 3.74), (-59.45, 3.94),
        (-59.11, 3.94), (-57.66, 3.55), (-62.72, 4.46), (-57.43, 3.48),
    ),
}  # fmt: skip

# Thalamic input; INM stimulus_params.py:37-55
THALAMUS = "TC"
N_THALAMUS = 902
THALAMUS_PROBABILITY = (0.0, 0.0, 0.0983, 0.0619, 0.0, 0.0, 0.0512, 0.0196)
THALAMUS_RATE_HZ, THALAMUS_START_MS, THALAMUS_STOP_MS = 120.0, 700.0, 710.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """Factors of neurons (``n``), of synapses per neuron (``k``), and of weights (``weight``, 1 / sqrt(k))."""

    n: float
    k: float

    @property
    def weight(self) -> float:
        return 1.0 / math.sqrt(self.k)


def psc_per_psp_pa_per_mv(neuron: LifCurrExp) -> float:
    """Return the synaptic current amplitude that gives a post-synaptic potential of 1 mV at its peak, pA/mV.

    A current ``w exp(-t / tau_syn)`` moves a resting membrane by ``w a (exp(-t / tau_mem) - exp(-t / tau_syn))`` with
    ``a = tau_mem tau_syn / ((tau_mem - tau_syn) C)``, which peaks at
    ``t = ln(tau_mem / tau_syn) tau_mem tau_syn / (tau_mem - tau_syn)``. PD14: 585.390 pA/mV, so 0.15 mV is 87.808 pA.
    """
    tau_mem, tau_syn = neuron.tau_mem_ms, neuron.tau_syn_exc_ms
    if tau_mem == tau_syn:
        return neuron.c_m_pf * math.e / tau_mem
    tau_ms = tau_mem * tau_syn / (tau_mem - tau_syn)
    t_peak_ms = tau_ms * math.log(tau_mem / tau_syn)
    return neuron.c_m_pf / (tau_ms * (math.exp(-t_peak_ms / tau_mem) - math.exp(-t_peak_ms / tau_syn)))


def expected_synapses(probability: Float, n_targets: Float, n_sources: Float) -> Float:
    """Return the number of synapses, drawn with replacement, that leaves a pair unconnected with probability ``1 - C``.

    ``Q = ln(1 - C) / ln(1 - 1 / (n_sources n_targets))`` (INM helpers.py:66-68), float64, not rounded.

    Parameters
    ----------
    probability : ndarray, shape (n_target_populations, n_source_populations), float64
    n_targets, n_sources : ndarray, shape (n_target_populations,) and (n_source_populations,), float64
        Neurons per population.

    Returns
    -------
    ndarray, shape (n_target_populations, n_source_populations), float64
    """
    n_pairs = np.outer(n_targets, n_sources)
    # written with log, as the reference does, not log1p: it decides the rounding of two of the 55 counts
    return np.asarray(np.log(1.0 - probability) / np.log((n_pairs - 1.0) / n_pairs), dtype=np.float64)


def full_weights_pa() -> Float:
    """Return the mean weight of every (target, source) pair at full scale, pA; shape (8, 8)."""
    exc = PSP_EXC_MV * psc_per_psp_pa_per_mv(LifCurrExp())
    by_source = np.array([exc if name.endswith("E") else INHIBITORY_FACTOR * exc for name in POPULATIONS])
    weights = np.tile(by_source, (8, 1))
    weights[POPULATIONS.index("L23E"), POPULATIONS.index("L4E")] *= L4E_TO_L23E_FACTOR
    return weights


def full_synapses() -> Float:
    """Return the number of synapses of every (target, source) pair at full scale, not rounded; shape (8, 8)."""
    n = np.array(N_FULL, dtype=np.float64)
    return expected_synapses(np.array(CONNECTION_PROBABILITY), n, n)


def full_dc_pa() -> Float:
    """Return the current with the mean of the full-scale Poisson drive, pA, shape (8,) (INM helpers.py:123-143)."""
    neuron = LifCurrExp()
    weight_pa = PSP_EXC_MV * psc_per_psp_pa_per_mv(neuron)
    return 0.001 * neuron.tau_syn_exc_ms * np.array(K_EXT) * EXTERNAL_RATE_HZ * weight_pa


def compensation_pa(k_scale: float, *, is_poisson: bool) -> Float:
    """Return the current that replaces the mean input lost when in-degrees are scaled by ``k_scale``, pA, shape (8,).

    With weights divided by ``sqrt(k_scale)``, the variance of the input is unchanged, but its mean falls by the factor
    ``sqrt(k_scale)``; the difference is added as a current (INM helpers.py:146-218). The mean comes from the
    published full-scale rates, ``RATE_HZ``, and from the background if it is Poisson.
    """
    tau_syn_ms = LifCurrExp().tau_syn_exc_ms
    in_degree = full_synapses() / np.array(N_FULL, dtype=np.float64)[:, np.newaxis]
    recurrent = (full_weights_pa() * in_degree * np.array(RATE_HZ)).sum(axis=1)
    lost = (1.0 - math.sqrt(k_scale)) * 0.001 * tau_syn_ms * recurrent
    if is_poisson:
        lost = lost + (1.0 - math.sqrt(k_scale)) * full_dc_pa()
    return np.asarray(lost, dtype=np.float64)


def _weight(mean_pa: float) -> Normal:
    """Return weights around ``mean_pa``, redrawn if the sign is wrong (10 sd away; INM network.py:500-516)."""
    sd_pa = WEIGHT_REL_SD * abs(mean_pa)
    if mean_pa < 0:
        return Normal(mean=mean_pa, sd=sd_pa, high=0.0)
    return Normal(mean=mean_pa, sd=sd_pa, low=0.0)


def _delay(mean_ms: float, dt_ms: float) -> Normal:
    """Return delays around ``mean_ms``, redrawn below half a step, so that rounding gives at least one step."""
    return Normal(mean=mean_ms, sd=DELAY_REL_SD * mean_ms, low=0.5 * dt_ms)


def _populations(scale: _Scale, drive: str, v_init: str) -> tuple[Population, ...]:
    """Return the eight populations with their background."""
    neuron = LifCurrExp()
    external_pa = PSP_EXC_MV * psc_per_psp_pa_per_mv(neuron) * scale.weight
    is_poisson = drive == "poisson"
    current_pa = np.zeros(8) if is_poisson else full_dc_pa()
    if scale.k != 1.0:
        current_pa = current_pa + compensation_pa(scale.k, is_poisson=is_poisson)
    populations = []
    for i, name in enumerate(POPULATIONS):
        n_neurons = round(N_FULL[i] * scale.n)
        if n_neurons < 1:
            allowed = f"a value that leaves {name} (full size {N_FULL[i]}) at least 1 neuron"
            raise ParameterError("pd14(n_scale)", scale.n, allowed)
        mean_mv, sd_mv = V_INIT_MV[v_init][i]
        poisson = PoissonDrive(
            n_inputs=round(K_EXT[i] * scale.k),
            rate_hz=EXTERNAL_RATE_HZ,
            weight_pa=external_pa,
            delay_ms=EXTERNAL_DELAY_MS,
        )
        populations.append(
            Population(
                name=name,
                n_neurons=n_neurons,
                neuron=neuron,
                v_init_mv=Normal(mean=mean_mv, sd=sd_mv),
                poisson=poisson if is_poisson else None,
                current=CurrentDrive(amplitude_pa=float(current_pa[i])) if current_pa[i] != 0 else None,
                rate_hz=RATE_HZ[i],
            )
        )
    return tuple(populations)


def _recurrent_projections(scale: _Scale, dt_ms: float) -> list[Projection]:
    """Return one projection per connected pair, ordered by target, then source."""
    n_synapses = np.rint(full_synapses() * scale.n * scale.k).astype(np.int64)
    weights_pa = full_weights_pa() * scale.weight
    projections = []
    for i, target in enumerate(POPULATIONS):
        for j, source in enumerate(POPULATIONS):
            if CONNECTION_PROBABILITY[i][j] == 0.0:
                continue
            projections.append(
                Projection(
                    source=source,
                    target=target,
                    connector=FixedTotalNumber(n_synapses=int(n_synapses[i, j])),
                    weight_pa=_weight(float(weights_pa[i, j])),
                    delay_ms=_delay(DELAY_EXC_MS if source.endswith("E") else DELAY_INH_MS, dt_ms),
                )
            )
    return projections


def _thalamic_projections(scale: _Scale, dt_ms: float) -> list[Projection]:
    """Return the projections of the 902 thalamic sources.

    As in the reference, the number of sources is never scaled and the number of synapses only by ``scale.k``
    (INM network.py: ``num_th_synapses *= K_scaling``); with ``n_scale < 1`` each neuron gets more of them.
    """
    n_full = np.array(N_FULL, dtype=np.float64)
    full = expected_synapses(np.array(THALAMUS_PROBABILITY)[:, np.newaxis], n_full, np.array([float(N_THALAMUS)]))
    weight_pa = PSP_EXC_MV * psc_per_psp_pa_per_mv(LifCurrExp()) * scale.weight
    return [
        Projection(
            source=THALAMUS,
            target=target,
            connector=FixedTotalNumber(n_synapses=int(np.rint(full[i, 0] * scale.k))),
            weight_pa=_weight(weight_pa),
            delay_ms=_delay(DELAY_EXC_MS, dt_ms),
        )
        for i, target in enumerate(POPULATIONS)
        if THALAMUS_PROBABILITY[i] > 0
    ]


@checked_arguments
def pd14(
    *,
    scale: Scale = 1.0,
    n_scale: Scale | None = None,
    k_scale: Scale | None = None,
    drive: DriveName = "poisson",
    v_init: Literal["optimised", "original", "spinnaker"] = "optimised",
    thalamus: bool = False,
    dt_ms: StepMs = 0.1,
) -> Network:
    """Build the microcircuit.

    Parameters
    ----------
    scale : float
        Factor of neuron numbers and in-degrees, unless ``n_scale`` or ``k_scale`` is given.
    n_scale, k_scale : float, optional
        Factor of neuron numbers; factor of in-degrees (recurrent and external). With ``k_scale != 1`` weights are
        divided by its square root and a constant current compensates for the lost mean (`compensation_pa`).
    drive : {"poisson", "dc"}
        Background: ``K_ext`` Poisson inputs of 8 Hz each, or the constant current of the same mean.
    v_init : {"optimised", "original", "spinnaker"}
        Initial potentials. optimised: per population, close to the stationary state; original: N(-58, 10) mV for all;
        spinnaker: per population, as in the model script for SpiNNaker.
    thalamus : bool
        Add the 902 thalamic sources that fire at 120 Hz from 700 to 710 ms.
    dt_ms : float, ms
        Time step; delays below half of it are redrawn.

    Returns
    -------
    Network
        Populations in the order of `POPULATIONS`; 298,880,968 synapses at full scale.

    Raises
    ------
    ParameterError
        If a scale or the step is not positive, a population would be empty, or the refractory period is not a
        whole number of steps.
    UnknownNameError
        If ``drive`` or ``v_init`` is not one of the names above.
    """
    factors = _Scale(n=scale if n_scale is None else n_scale, k=scale if k_scale is None else k_scale)
    ms_to_steps(LifCurrExp().t_ref_ms, dt_ms, name="pd14: t_ref_ms")
    projections = _recurrent_projections(factors, dt_ms)
    sources: tuple[PoissonSource, ...] = ()
    if thalamus:
        projections += _thalamic_projections(factors, dt_ms)
        sources = (
            PoissonSource(
                name=THALAMUS,
                n_neurons=N_THALAMUS,
                rate_hz=THALAMUS_RATE_HZ,
                start_ms=THALAMUS_START_MS,
                stop_ms=THALAMUS_STOP_MS,
            ),
        )
    return Network(
        name="pd14",
        populations=_populations(factors, drive, v_init),
        projections=tuple(projections),
        sources=sources,
        dt_ms=dt_ms,
        scale=factors.n,
        reference="nest_pd14_poisson",
    )
