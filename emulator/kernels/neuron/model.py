"""Chooses the kernel of a population's model by the code of the model: one function for each arithmetic."""

from numba import njit

from emulator.kernels.neuron.adapt import step_adapt_f64, step_adapt_s1615
from emulator.kernels.neuron.alpha import step_alpha_f64, step_alpha_s1615
from emulator.kernels.neuron.cond import step_cond_f64, step_cond_s1615
from emulator.kernels.neuron.delta import step_delta_f64, step_delta_s1615
from emulator.kernels.neuron.izhikevich import step_izhikevich_model_f64, step_izhikevich_model_s1615
from emulator.kernels.neuron.parts import IZHIKEVICH, LIF_ADAPT_THRESH, LIF_COND_EXP, LIF_CURR_ALPHA


@njit(cache=True)
def step_model_s1615(code, *args):
    """Advance a population of any model but ``LifCurrExp`` by one step in S16.15; arguments as in ``neuron.parts``."""
    if code == LIF_CURR_ALPHA:
        return step_alpha_s1615(*args)
    if code == LIF_COND_EXP:
        return step_cond_s1615(*args)
    if code == LIF_ADAPT_THRESH:
        return step_adapt_s1615(*args)
    if code == IZHIKEVICH:
        return step_izhikevich_model_s1615(*args)
    return step_delta_s1615(*args)


@njit(cache=True)
def step_model_f64(code, *args):
    """As ``step_model_s1615`` in float64."""
    if code == LIF_CURR_ALPHA:
        return step_alpha_f64(*args)
    if code == LIF_COND_EXP:
        return step_cond_f64(*args)
    if code == LIF_ADAPT_THRESH:
        return step_adapt_f64(*args)
    if code == IZHIKEVICH:
        return step_izhikevich_model_f64(*args)
    return step_delta_f64(*args)
