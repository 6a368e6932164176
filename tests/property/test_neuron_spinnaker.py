"""Kernels of the SpiNNaker neuron models = plain-Python reference, bit for bit, where the recordings do not go.

Parameters over the whole range of S16.15 and of the shifts, saturated ring words, wrapping currents and potentials,
refractory times of 0, 1 and more steps than there are, and a reset at or above the threshold.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.kernels.neuron import spinnaker as kernel
from emulator.loop.trace_replay import TraceFile, TraceKind, derived_constants, replay_kernel, replay_reference

N_STEPS = 60
MS = 1 << 15
EDGES = [0, 1, -1, 2**31 - 1, -(2**31), -(2**31) + 1, 1 << 14]
potentials = st.integers(-100 * MS, 50 * MS)
any_raw = st.one_of(st.sampled_from(EDGES), st.integers(-(2**31), 2**31 - 1))
dts = st.one_of(st.just(3277), st.integers(3277, MS))
taus = st.integers(9830, 40 * MS)
shifts = st.integers(0, 12)
ring_words = st.sampled_from([0, 0, 0, 1, 700, 65535])


@st.composite
def lif_rows(draw, kind):
    v_thresh = draw(potentials)
    row = [
        draw(potentials),
        draw(potentials),
        draw(st.integers(33, 33 * MS)),
        draw(st.integers(3 * MS, 40 * MS)),
        draw(st.one_of(st.integers(-MS, MS), any_raw)),
        v_thresh - draw(st.integers(-3, 30)) * MS,
        draw(st.sampled_from([0, 1, 3276, 3277, 3278, 2 * MS, 500 * MS])),
        draw(dts),
        draw(taus),
        draw(taus),
        v_thresh,
        draw(shifts),
        draw(shifts),
        N_STEPS,
    ]
    return row + ([0, draw(potentials)] if kind is TraceKind.LIF_CONDUCTANCE else [])


@st.composite
def izhikevich_rows(draw):
    return [
        draw(st.integers(0, MS)),
        draw(st.integers(0, MS)),
        draw(potentials),
        draw(st.integers(0, 10 * MS)),
        draw(st.one_of(potentials, any_raw)),
        draw(st.one_of(st.integers(-20 * MS, 20 * MS), any_raw)),
        draw(st.integers(-MS, 20 * MS)),
        draw(dts),
        draw(taus),
        draw(taus),
        30 * MS,
        draw(shifts),
        draw(shifts),
        N_STEPS,
    ]


@pytest.mark.parametrize("kind", TraceKind)
@given(st.data())
@settings(max_examples=60)
def test_kernel_equals_reference(kind, data):
    row = data.draw(izhikevich_rows() if kind is TraceKind.IZHIKEVICH else lif_rows(kind))
    pattern = data.draw(st.lists(ring_words, min_size=2, max_size=12))
    ring = np.resize(np.array(pattern, np.uint16), (1, N_STEPS, 2))
    traces = TraceFile(kind, np.array([row], np.int64), ring, None, {})
    constants = derived_constants(traces, 0)
    reference, compiled = replay_reference(traces, 0, constants), replay_kernel(traces, 0, constants)
    for name in kind.variables:
        np.testing.assert_array_equal(compiled[name], reference[name], err_msg=name)


def random_state(seed, n=64):
    """Random state arrays with the edges of int32 among them: two potentials or so, two currents."""
    rng = np.random.default_rng(seed)
    state = [rng.integers(-(2**31), 2**31, n).astype(np.int32) for _ in range(4)]
    for array in state:
        array[rng.integers(0, n, len(EDGES))] = EDGES
    ring = rng.choice(np.array([0, 1, 65535], np.uint16), (2, n))
    synapse = np.array([3516383004, 3892683849, 2**32 - 1, 2**32 - 1, 12, 3], np.int64)
    return state, ring, synapse


@pytest.mark.parametrize("has_conductance", [0, 1], ids=["current", "conductance"])
def test_compiled_lif_step_equals_its_python_source(has_conductance):
    (v, refractory, i_exc, i_inh), ring, synapse = random_state(5)
    refractory %= 3
    lif = np.array([40 * MS, 32442, -65 * MS, -65 * MS, -50 * MS, 2**31 - 1, 2, has_conductance, 0, -80 * MS], np.int64)
    results = []
    for step in (kernel.step_lif_spinnaker_s1615, kernel.step_lif_spinnaker_s1615.py_func):
        arrays = [a.copy() for a in (v, i_exc, i_inh, refractory)]
        spikes = np.zeros((3, v.size), np.uint8)
        for spike in spikes:
            step(lif, synapse, *ring, *arrays, spike)
        results.append([*arrays, spikes])
    for compiled, source in zip(*results, strict=True):
        np.testing.assert_array_equal(compiled, source)
    assert 0 < results[0][-1].any(axis=0).sum() < v.size


def test_compiled_izhikevich_step_equals_its_python_source():
    (v, u, i_exc, i_inh), ring, synapse = random_state(6)
    izhikevich = np.array([655, 6554, -65 * MS, 8 * MS, 2**31 - 1, 3277, 30 * MS], np.int64)
    results = []
    for step in (kernel.step_izhikevich_s1615, kernel.step_izhikevich_s1615.py_func):
        arrays = [a.copy() for a in (v, u, i_exc, i_inh)]
        spike = np.arange(v.size, dtype=np.uint8) % 2
        for _ in range(3):
            step(izhikevich, synapse, *ring, *arrays, spike, spike)
        results.append([*arrays, spike])
    for compiled, source in zip(*results, strict=True):
        np.testing.assert_array_equal(compiled, source)
    assert 0 < results[0][-1].sum() < v.size
