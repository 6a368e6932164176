"""One neuron with a constant current and one synapse, and its simulation without warnings."""

import warnings

import numpy as np

from emulator.engine.simulate import simulate
from models.errors import NeuromapWarning
from models.network import Constant, CurrentDrive, Network, OneToOne, Population, Projection, SpikeArraySource


def one_cell(
    neuron, *, dt_ms=0.1, current_pa=None, weight=None, times_ms=(1.0,), delay_ms=None, plasticity=None
) -> Network:
    """Make a network of one neuron with a constant current, and with one synapse if it has a weight."""
    current = None if current_pa is None else CurrentDrive(amplitude_pa=current_pa)
    cell = Population(name="N", n_neurons=1, neuron=neuron, current=current)
    if weight is None:
        return Network(name="one", dt_ms=dt_ms, populations=(cell,))
    source = SpikeArraySource(name="S", n_neurons=1, times_ms=np.array(times_ms), ids=np.zeros(len(times_ms), int))
    synapse = Projection(
        source="S",
        target="N",
        connector=OneToOne(),
        delay_ms=Constant(value=dt_ms if delay_ms is None else delay_ms),
        plasticity=plasticity,
        **{f"weight_{neuron.weight_unit.suffix}": Constant(value=weight)},
    )
    return Network(name="one", dt_ms=dt_ms, populations=(cell,), sources=(source,), projections=(synapse,))


def quietly(network: Network, **options):
    """Simulate with ``seed=1`` on one thread, without the warnings of what fixed point cannot represent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuromapWarning)
        return simulate(network, **{"seed": 1, "n_threads": 1} | options)
