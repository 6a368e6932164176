"""A chain for teaching: given spikes enter at one end, and every population passes each of them to the next.

Neuron ``i`` of the stimulus fires once, at ``start_ms + i * interval_ms``. It drives neuron ``i`` of the first
population; neuron ``i`` of each population drives neuron ``i + 1`` of the next (the last one drives neuron 0). Every
synapse is strong enough for one spike to cause one spike. The raster therefore shows parallel lines, in which a spike
that a machine loses or delays is a gap or a kink.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import numpy as np

from models.bounds import Bound, checked_arguments
from models.errors import CapacityError
from models.network import Constant, Explicit, LifCurrExp, Network, OneToOne, Population, Projection, SpikeArraySource
from models.networks.check import DelayMs, StepMs
from models.networks.pd14 import psc_per_psp_pa_per_mv
from models.units import ms_to_steps

SAFETY_FACTOR = 1.5  # ratio of the potential that one spike would reach without reset to the threshold, from rest
MAX_NEURONS = 10_000_000  # the synapse of each is listed
TimeMs = Annotated[float, Bound(1e-3, 1e6, "ms")]


@checked_arguments
def chain(
    *,
    n_populations: Annotated[int, Bound(1, 10_000, "populations")] = 4,
    n_neurons: Annotated[int, Bound(1, 1_000_000, "neurons")] = 16,
    delay_ms: DelayMs = 1.5,
    start_ms: TimeMs = 5.0,
    interval_ms: TimeMs = 5.0,
    dt_ms: StepMs = 0.1,
) -> Network:
    """Build the chain.

    Parameters
    ----------
    n_populations, n_neurons : int
        Populations ``C0``, ``C1`` ... in the chain; neurons in each and in the source ``stimulus``.
    delay_ms : float, ms
        Delay of every synapse.
    start_ms, interval_ms : float, ms
        Time of the first given spike; interval between given spikes.
    dt_ms : float, ms

    Returns
    -------
    Network
        ``n_populations * n_neurons`` neurons with as many synapses.

    Raises
    ------
    ParameterError
        If a value is out of its bounds, or a time is not a whole number of steps.
    """
    if n_populations * n_neurons > MAX_NEURONS:
        hint = "lower n_populations or n_neurons"
        need = n_populations * n_neurons
        raise CapacityError("neurons", "chain", need=need, have=MAX_NEURONS, unit="neurons", hint=hint)
    for name, value in (("delay_ms", delay_ms), ("start_ms", start_ms), ("interval_ms", interval_ms)):
        ms_to_steps(value, dt_ms, name=f"chain({name})")
    neuron = LifCurrExp()
    rise_mv = SAFETY_FACTOR * (neuron.v_thresh_mv - neuron.v_rest_mv)
    weight = Constant(value=rise_mv * psc_per_psp_pa_per_mv(neuron))
    delay = Constant(value=delay_ms)
    ids = np.arange(n_neurons, dtype=np.int64)
    names = [f"C{i}" for i in range(n_populations)]
    first = Projection(source="stimulus", target="C0", connector=OneToOne(), weight_pa=weight, delay_ms=delay)
    shift = Explicit(sources=ids, targets=np.roll(ids, -1))
    links = [
        Projection(source=source, target=target, connector=shift, weight_pa=weight, delay_ms=delay)
        for source, target in pairwise(names)
    ]
    rate_hz = 1000.0 / (start_ms + n_neurons * interval_ms)
    times_ms = np.array([start_ms + i * interval_ms for i in range(n_neurons)])
    return Network(
        name="chain",
        populations=tuple(Population(name=name, n_neurons=n_neurons, rate_hz=rate_hz) for name in names),
        projections=(first, *links),
        sources=(SpikeArraySource(name="stimulus", n_neurons=n_neurons, times_ms=times_ms, ids=ids),),
        dt_ms=dt_ms,
    )
