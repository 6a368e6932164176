"""Random small networks: the engine does what the reference does, whatever the network, threads and shards."""

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.network import (
    AllToAll,
    CurrentDrive,
    FixedProbability,
    FixedTotalNumber,
    LifCurrExp,
    Network,
    PoissonSource,
    Population,
    Uniform,
)
from reference_case import assert_identical, drive, projection, run_both, spikes_at, spikes_of

TAU_MS = st.floats(0.3, 40.0)
STEPS = st.integers(0, 40)


@st.composite
def populations(draw: Any, name: str) -> Population:
    v_reset_mv = draw(st.floats(-80.0, -55.0))
    neuron = LifCurrExp(
        c_m_pf=draw(st.floats(50.0, 500.0)),
        tau_mem_ms=draw(TAU_MS),
        tau_syn_exc_ms=draw(TAU_MS),
        tau_syn_inh_ms=draw(TAU_MS),
        t_ref_ms=0.1 * draw(STEPS),
        v_rest_mv=draw(st.floats(-75.0, -60.0)),
        v_reset_mv=v_reset_mv,
        v_thresh_mv=draw(st.floats(-54.0, -40.0)),
    )
    poisson = drive(draw(st.floats(0.0, 40_000.0)), draw(st.floats(0.0, 300.0)), 0.1 * draw(STEPS))
    return Population(
        name=name,
        n_neurons=draw(st.integers(1, 12)),
        neuron=neuron,
        v_init_mv=Uniform(low=-70.0, high=-45.0),
        poisson=draw(st.sampled_from([None, poisson])),
        current=draw(st.sampled_from([None, CurrentDrive(amplitude_pa=draw(st.floats(-500.0, 1500.0)))])),
    )


@st.composite
def networks(draw: Any) -> Network:
    """One to three populations, up to two sources, up to six projections."""
    names = ["A", "B", "C"][: draw(st.integers(1, 3))]
    spikes = draw(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 2)), max_size=10, unique=True))
    sources = (
        PoissonSource(name="S", n_neurons=3, rate_hz=draw(st.floats(0.0, 3000.0)), stop_ms=draw(st.floats(0.0, 9.0))),
        spikes_at("T", 3, [(0.1 * step, i) for step, i in spikes]),
    )
    connectors = st.one_of(
        st.builds(FixedTotalNumber, n_synapses=st.integers(0, 60)),
        st.builds(FixedProbability, probability=st.floats(0.0, 1.0), allow_autapses=st.booleans()),
        st.builds(AllToAll, allow_autapses=st.booleans()),
    )
    joined = [
        projection(
            draw(st.sampled_from([*names, "S", "T"])),
            draw(st.sampled_from(names)),
            draw(connectors),
            weight_pa=draw(st.floats(-900.0, 900.0)),
            delay_ms=0.1 * draw(STEPS),
        )
        for _ in range(draw(st.integers(0, 6)))
    ]
    return Network(
        name="random",
        populations=tuple(draw(populations(name)) for name in names),
        projections=tuple(joined),
        sources=sources,
    )


SEED = st.integers(0, 2**63 - 1)
RANDOM = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


@RANDOM
@given(networks(), SEED, st.sampled_from([1, 2, 3]), st.sampled_from(["nest", "device"]))
def test_engine_equals_the_reference_bit_for_bit(network, seed, n_threads, delay_convention):
    assert_identical(*run_both(network, n_steps=60, seed=seed, n_threads=n_threads, delay_convention=delay_convention))


@RANDOM
@given(networks(), SEED)
def test_float_engine_does_not_depend_on_threads(network, seed):
    one, two = (run_both(network, n_steps=40, seed=seed, arithmetic="float", n_threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one[0].v_mv, two[0].v_mv)
    assert spikes_of(one[0]) == spikes_of(two[0])
    if spikes_of(one[0]) == one[1].spikes:  # else a potential touched the threshold within rounding
        np.testing.assert_allclose(one[0].v_mv, np.array(one[1].v), rtol=0, atol=1e-8)
