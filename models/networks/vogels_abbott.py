"""The Vogels-Abbott network with current-based synapses (CUBA), benchmark 2 of Brette et al. (2007).

3,200 excitatory and 800 inhibitory neurons, connected with a probability of 2 %, sustain irregular activity without any
input, since the resting potential lies above the threshold. The benchmark's cell of 20,000 um^2 has 200 pF (1 uF/cm^2)
and 10 nS (5e-5 S/cm^2), hence a time constant of 20 ms. Its weights are conductances times a fixed driving force: 0.27
nS times 60 mV, and 4.5 nS times 20 mV. The benchmark has no delay; the default here is 0.1 ms, one time step.

References
----------
Vogels & Abbott (2005), J Neurosci 25(46), 10786-10795, doi:10.1523/JNEUROSCI.3508-05.2005: the network.
Brette et al. (2007), J Comput Neurosci 23, 349-398, doi:10.1007/s10827-007-0038-6: appendix B, benchmark 2. Resting
potential, reset and initial potentials as in the version of Brian (brian2.readthedocs.io/en/stable/examples/CUBA.html).
"""

from __future__ import annotations

from models.bounds import checked_arguments
from models.errors import ParameterError
from models.network import Constant, FixedProbability, LifCurrExp, Network, Population, Projection, Uniform
from models.networks.check import DelayMs, Scale, StepMs
from models.units import ms_to_steps

N_EXC, N_INH = 3_200, 800
PROBABILITY = 0.02
WEIGHT_EXC_PA, WEIGHT_INH_PA = 0.27 * 60.0, -4.5 * 20.0  # nS times mV
RATE_HZ = 6.0  # from our own simulations; mappings plan with it
NEURON = LifCurrExp(
    c_m_pf=200.0,
    tau_mem_ms=20.0,
    tau_syn_exc_ms=5.0,
    tau_syn_inh_ms=10.0,
    t_ref_ms=5.0,
    v_rest_mv=-49.0,
    v_reset_mv=-60.0,
    v_thresh_mv=-50.0,
)


@checked_arguments
def vogels_abbott(*, scale: Scale = 1.0, delay_ms: DelayMs = 0.1, dt_ms: StepMs = 0.1) -> Network:
    """Build the network.

    Parameters
    ----------
    scale : float
        Factor of the numbers of neurons; the mean in-degrees (64 and 16), and so the rates, do not change.
    delay_ms, dt_ms : float, ms
        Delay of every synapse; time step.

    Returns
    -------
    Network
        Populations ``E`` and ``I``.

    Raises
    ------
    ParameterError
        If a value is not positive, the network is too small for its in-degrees, or a time is not a whole number of
        steps.
    """
    ms_to_steps(delay_ms, dt_ms, name="vogels_abbott(delay_ms)")
    ms_to_steps(NEURON.t_ref_ms, dt_ms, name="vogels_abbott: t_ref_ms")
    if scale < PROBABILITY:
        raise ParameterError("vogels_abbott(scale)", scale, f"a number >= {PROBABILITY:g} (in-degrees 64 and 16)")
    sizes = {"E": round(N_EXC * scale), "I": round(N_INH * scale)}
    weights_pa = {"E": WEIGHT_EXC_PA, "I": WEIGHT_INH_PA}
    populations = tuple(
        Population(
            name=name,
            n_neurons=n_neurons,
            neuron=NEURON,
            v_init_mv=Uniform(low=NEURON.v_reset_mv, high=NEURON.v_thresh_mv),
            rate_hz=RATE_HZ,
        )
        for name, n_neurons in sizes.items()
    )
    projections = tuple(
        Projection(
            source=source,
            target=target,
            connector=FixedProbability(probability=min(1.0, PROBABILITY / scale)),
            weight_pa=Constant(value=weights_pa[source]),
            delay_ms=Constant(value=delay_ms),
        )
        for target in sizes
        for source in sizes
    )
    return Network(name="vogels_abbott", populations=populations, projections=projections, dt_ms=dt_ms, scale=scale)
