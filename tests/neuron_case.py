"""One neuron of any model, driven step by step through its kernel and through its reference."""

import numpy as np

from emulator.kernels.neuron import parts as part
from emulator.kernels.neuron.model import step_model_f64, step_model_s1615
from emulator.numbers.lif_constants import raw_s1615
from emulator.numbers.neuron_constants import model_code, neuron_constants_f64, neuron_constants_s1615
from emulator.reference.neuron.model import fixed_neuron, float_neuron
from models.network import Izhikevich

RING_MAX = 65535


def _run_kernel(step, row, code, inputs, v, number, u):
    """Potentials and spikes of one neuron whose input of step t is ``inputs[t]`` (excitatory, inhibitory)."""
    state = [np.full(1, v, number), np.zeros(1, number), np.zeros(1, number)]
    extra = np.zeros((part.N_EXTRA, 1), number)
    if code == part.IZHIKEVICH:
        extra[part.E_U] = u
    accumulator = np.zeros(2, np.uint32 if number is np.int32 else np.float64)
    spikes, counters = np.zeros(1, np.int32), np.zeros(2, np.int64)
    potentials, fired = [], []
    for exc_inh in inputs:
        accumulator[:] = exc_inh
        n = step(code, 0, 1, 0, 0, row, np.zeros(1, np.uint16), accumulator, *state, extra, spikes, 0, counters)
        potentials.append(state[0][0])
        fired.append(bool(n))
        assert not accumulator.any()
    return np.array(potentials), fired, counters


def kernel_fixed(neuron, words, *, dt_ms=0.1, v_mv=-65.0, current_pa=0.0, shifts=(0, 0), step=step_model_s1615):
    """Raw potentials, spikes and saturated words of the fixed-point kernel; ``words``: (n_steps, 2)."""
    row = neuron_constants_s1615(
        neuron, dt_ms, current_pa=current_pa, shift_exc=shifts[0], shift_inh=shifts[1], poisson_weight_raw=0
    )
    u = raw_s1615(neuron.b_per_ms * v_mv, "u") if isinstance(neuron, Izhikevich) else 0
    return _run_kernel(step, row, model_code(neuron), words, raw_s1615(v_mv, "v"), np.int32, u)


def reference_fixed(neuron, words, *, dt_ms=0.1, v_mv=-65.0, current_pa=0.0, shifts=(0, 0)):
    """Raw potentials and spikes of the reference."""
    cell = fixed_neuron(neuron, dt_ms, current_pa=current_pa, shift_exc=shifts[0], shift_inh=shifts[1], v_mv=v_mv)
    potentials, fired = [], []
    for exc, inh in np.asarray(words).tolist():
        fired.append(cell.step(min(exc, RING_MAX), min(inh, RING_MAX)))
        potentials.append(cell.v)
    return np.array(potentials), fired


def kernel_float(neuron, inputs, *, dt_ms=0.1, v_mv=-65.0, current_pa=0.0, step=step_model_f64):
    """Potentials (mV) and spikes of the float kernel; ``inputs``: (n_steps, 2), weights."""
    row = neuron_constants_f64(neuron, dt_ms, current_pa=current_pa, poisson_magnitude=0.0)
    u = neuron.b_per_ms * v_mv if isinstance(neuron, Izhikevich) else 0.0
    return _run_kernel(step, row, model_code(neuron), inputs, v_mv, np.float64, u)[:2]


def reference_float(neuron, inputs, *, dt_ms=0.1, v_mv=-65.0, current_pa=0.0):
    """Potentials (mV) and spikes of the reference."""
    cell = float_neuron(neuron, dt_ms, current_pa=current_pa, v_mv=v_mv)
    potentials, fired = [], []
    for exc, inh in np.asarray(inputs).tolist():
        fired.append(cell.step(exc, inh))
        potentials.append(cell.v_mv)
    return np.array(potentials), fired
