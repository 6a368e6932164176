"""Cycles and bytes that a neuron takes on a machine, by its model, and the cycles of sending a spike."""

from __future__ import annotations

from models.errors import ParameterError
from models.machine import Machine
from models.network import LifCurrExp, Population

#: State and parameters of one LifCurrExp neuron, four bytes a word: membrane 8 words, threshold 1, two exponential
#: synapses 6 (neuron_model_lif_impl.h:87, exp_synapse_utils.h:44).
LIF_CURR_EXP_BYTES = 60
_KEY = {
    "LifCurrAlpha": "lif_curr_alpha",
    "LifCondExp": "lif_cond_exp",
    "LifAdaptThresh": "lif_adapt_thresh",
    "LifDelta": "lif_delta",
    "Izhikevich": "izhikevich",
}


def _stated(machine: Machine, population: Population, unit: str) -> float:
    """Return the cycles or bytes (``unit``) that the machine states for a neuron model other than LifCurrExp."""
    model = type(population.neuron).__name__
    if machine.neuron_models is None:
        raise ParameterError(
            f"Population({population.name!r}).neuron on {machine.name}",
            model,
            "LifCurrExp, or a section 'neuron_models' in the machine's file that states the cost of the others",
        )
    value: float = getattr(machine.neuron_models, f"{_KEY[model]}_{unit}")
    return value


def neuron_update_cycles(machine: Machine, population: Population) -> float:
    """Return the cycles of one neuron's update.

    Raises
    ------
    ParameterError
        If the machine does not state the cost of the model.
    """
    if isinstance(population.neuron, LifCurrExp):
        return machine.cost.neuron_update_cycles
    return _stated(machine, population, "cycles")


def neuron_bytes(machine: Machine, population: Population) -> int:
    """Return the bytes of one neuron's state and parameters; raises the errors of `neuron_update_cycles`."""
    if isinstance(population.neuron, LifCurrExp):
        return LIF_CURR_EXP_BYTES
    return int(_stated(machine, population, "bytes"))


def sending_cycles(machine: Machine) -> tuple[float, float]:
    """Return the sending core's cycles for each spike, and those in addition for each destination core of the spike."""
    if machine.neuro_core is not None and machine.core.kind == "neuro_core":
        return machine.cost.spike_send_cycles, machine.neuro_core.out_axon_cycles
    if machine.router.casting == "unicast":
        return 0.0, machine.cost.spike_send_cycles
    return machine.cost.spike_send_cycles, 0.0
