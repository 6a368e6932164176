"""The sparse random balanced network of Brunel (2000): 10,000 excitatory and 2,500 inhibitory neurons, model A.

The potential of the paper's neuron jumps by ``J`` at a spike. Here, synaptic currents are exponential, and the weight
carries the same charge within 0.5 ms, ``w = J C / tau_syn``, so that mean input and threshold rate are those of the
paper. There are two more deviations: in-degrees are fixed on average instead of per neuron (synapses are drawn with
replacement), and the membrane capacitance, which the paper does not need, is 250 pF.

References
----------
Brunel (2000), J Comput Neurosci 8, 183-208, doi:10.1023/A:1008925309027: parameters of section 2 and figure 8C
(g = 5, nu_ext / nu_thr = 2, asynchronous irregular).
"""

from __future__ import annotations

from typing import Annotated

from models.bounds import Bound, checked_arguments
from models.errors import ParameterError
from models.network import (
    Constant,
    FixedTotalNumber,
    LifCurrExp,
    Network,
    PoissonDrive,
    Population,
    Projection,
    Uniform,
)
from models.network.neuron import capped_rate_hz
from models.networks.check import DelayMs, Factor, Scale, StepMs
from models.units import ms_to_steps

N_EXC, N_INH = 10_000, 2_500
INHIBITORY_FRACTION = 0.25  # C_I / C_E, the paper's gamma
NEURON = LifCurrExp(
    c_m_pf=250.0,
    tau_mem_ms=20.0,
    tau_syn_exc_ms=0.5,
    tau_syn_inh_ms=0.5,
    t_ref_ms=2.0,
    v_rest_mv=0.0,
    v_reset_mv=10.0,
    v_thresh_mv=20.0,
)


def threshold_rate_hz(j_mv: float, in_degree_exc: int) -> float:
    """Return the rate per external input whose mean takes the membrane to threshold: theta / (J C_E tau), Hz."""
    return 1000.0 * (NEURON.v_thresh_mv - NEURON.v_rest_mv) / (j_mv * in_degree_exc * NEURON.tau_mem_ms)


def balance_rate_hz(g: float, eta: float, nu_threshold_hz: float) -> float | None:
    """Return the rate at which recurrent inhibition cancels the external excess, Hz; ``None`` without a balance.

    It is ``(nu_ext - nu_thr) / (gamma g - 1)``, the paper's limit for strong inhibition, and at most one spike in each
    refractory time. Mappings plan with it; it never enters the simulation.
    """
    if g * INHIBITORY_FRACTION <= 1 or eta <= 1:
        return None
    return capped_rate_hz(NEURON, nu_threshold_hz * (eta - 1) / (g * INHIBITORY_FRACTION - 1))


@checked_arguments
def brunel(
    *,
    scale: Scale = 1.0,
    g: Factor = 5.0,
    eta: Factor = 2.0,
    j_mv: Annotated[float, Bound(1e-6, 1000.0, "mV")] = 0.1,
    in_degree_exc: Annotated[int, Bound(4, 10_000_000, "synapses")] = 1000,
    delay_ms: DelayMs = 1.5,
    dt_ms: StepMs = 0.1,
) -> Network:
    """Build the network.

    Parameters
    ----------
    scale : float
        Factor of the numbers of neurons. In-degrees, and so rates, do not change; memory grows in proportion.
    g : float
        Ratio of inhibitory to excitatory weight.
    eta : float
        Ratio of the external rate to the threshold rate.
    j_mv : float, mV
        Jump of the membrane potential per excitatory spike in the paper's model.
    in_degree_exc : int
        Excitatory synapses per neuron, and external inputs per neuron; there are a quarter as many inhibitory synapses.
    delay_ms, dt_ms : float, ms

    Returns
    -------
    Network
        Populations ``E`` and ``I``.

    Raises
    ------
    ParameterError
        If a value is out of its bounds, a population would be empty, or a time is not a whole number of steps.
    """
    ms_to_steps(delay_ms, dt_ms, name="brunel(delay_ms)")
    ms_to_steps(NEURON.t_ref_ms, dt_ms, name="brunel: t_ref_ms")
    sizes = {"E": round(N_EXC * scale), "I": round(N_INH * scale)}
    if sizes["I"] < 1:
        raise ParameterError("brunel(scale)", scale, f"a value that leaves I (full size {N_INH}) at least 1 neuron")
    weight_pa = j_mv * NEURON.c_m_pf / NEURON.tau_syn_exc_ms
    threshold_hz = threshold_rate_hz(j_mv, in_degree_exc)
    drive = PoissonDrive(n_inputs=in_degree_exc, rate_hz=eta * threshold_hz, weight_pa=weight_pa, delay_ms=delay_ms)
    populations = tuple(
        Population(
            name=name,
            n_neurons=n_neurons,
            neuron=NEURON,
            v_init_mv=Uniform(low=NEURON.v_rest_mv, high=NEURON.v_thresh_mv),
            poisson=drive,
            rate_hz=balance_rate_hz(g, eta, threshold_hz),
        )
        for name, n_neurons in sizes.items()
    )
    in_degrees = {"E": in_degree_exc, "I": round(in_degree_exc * INHIBITORY_FRACTION)}
    weights_pa = {"E": weight_pa, "I": -g * weight_pa}
    projections = tuple(
        Projection(
            source=source,
            target=target,
            connector=FixedTotalNumber(n_synapses=in_degrees[source] * sizes[target]),
            weight_pa=Constant(value=weights_pa[source]),
            delay_ms=Constant(value=delay_ms),
        )
        for target in sizes
        for source in sizes
    )
    return Network(name="brunel", populations=populations, projections=projections, dt_ms=dt_ms, scale=scale)
