"""Every neuron model in float64 against NEST 3.10, and fixed point near it, through the whole engine.

The data are made by ``scripts/nest_neurons.py``; what it does where NEST's model is another stands there.
"""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

import models.network
from emulator.engine.simulate import simulate
from models.network import (
    AllToAll,
    Constant,
    CurrentDrive,
    Izhikevich,
    LifCurrExp,
    Network,
    Population,
    Projection,
    SpikeArraySource,
)

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests" / "data" / "nest_neurons.npz"
NEST_PYTHONS = (Path("/opt/nestenv/bin/python"), ROOT / "benchmarks" / ".nestenv" / "bin" / "python")
DATA = np.load(FILE)
FACTS = json.loads(str(DATA["cases"]))
N_STEPS = FACTS["n_steps"]
# gif_psc_exp, with which LifAdaptThresh is compared, moves the membrane in the step in which a spike arrives
CONVENTION = {"LifAdaptThresh": "device"}
FLOAT_ERROR_MV = {"LifCondExp": 1e-11, "Izhikevich": 0.1}  # NEST's Izhikevich: Euler steps of 0.1 us, in the upstroke
FIXED_ERROR_MV = {"LifCondExp": 0.25}


def network_of(name):
    case = FACTS["cases"][name]
    neuron = getattr(models.network, name)(**case["neuron"])
    cells = Population(name="A", n_neurons=1, neuron=neuron, current=CurrentDrive(amplitude_pa=case["current_pa"]))
    sources, projections = [], []
    for source, weight in zip(("exc", "inh"), case["weights"], strict=True):
        steps = DATA[f"spike_{source}"]
        sources.append(
            SpikeArraySource(
                name=source, n_neurons=1, times_ms=steps * FACTS["dt_ms"], ids=np.zeros(steps.size, np.int64)
            )
        )
        weight_argument = {f"weight_{neuron.weight_unit.suffix}": Constant(value=weight)}
        delay = Constant(value=FACTS["delay_steps"] * FACTS["dt_ms"])
        projections.append(
            Projection(source=source, target="A", connector=AllToAll(), delay_ms=delay, **weight_argument)
        )
    return Network(name=name, populations=(cells,), projections=tuple(projections), sources=tuple(sources))


def recorded(name):
    """Potentials of NEST; gif_psc_exp resets in the step after the spike, so that the step of it says nothing."""
    v = DATA[f"v_{name}"].copy()
    if name == "LifAdaptThresh":
        v[DATA[f"fired_{name}"]] = FACTS["cases"][name]["neuron"]["v_reset_mv"]
    return v


def run_of(name, arithmetic):
    """Potentials of every step and the steps of the spikes."""
    convention = CONVENTION.get(name, "nest")
    run = simulate(
        network_of(name),
        n_steps=N_STEPS,
        seed=1,
        arithmetic=arithmetic,
        delay_convention=convention,
        probes=[0],
        n_threads=1,
    )
    return run.v_mv[:, 0], run.spike_step[run.spike_neuron == 0].tolist()


@pytest.mark.parametrize("name", FACTS["cases"])
def test_float64_is_what_nest_computes(name):
    v, fired = run_of(name, "float")
    assert fired == DATA[f"fired_{name}"].tolist()
    np.testing.assert_allclose(v, recorded(name), rtol=0, atol=FLOAT_ERROR_MV.get(name, 1e-12))


@pytest.mark.parametrize("name", FACTS["cases"])
def test_fixed_point_fires_with_nest(name):
    v, fired = run_of(name, "fixed")
    assert fired == DATA[f"fired_{name}"].tolist()
    error = np.abs(v - recorded(name))
    if name == "Izhikevich":  # a midpoint step of 0.1 ms misses the upstroke by up to a step
        assert np.median(error) < 0.05
    else:
        assert error.max() < FIXED_ERROR_MV.get(name, 0.05)


def test_the_data_have_what_they_are_for():
    for name in FACTS["cases"]:
        assert np.ptp(DATA[f"v_{name}"]) > 5.0
        if name != "LifCondExp":  # stays below its threshold (scripts/nest_neurons.py)
            assert DATA[f"fired_{name}"].size >= 4
    assert isinstance(network_of("LifCurrExp").populations[0].neuron, LifCurrExp)
    assert isinstance(network_of("Izhikevich").populations[0].neuron, Izhikevich)


@pytest.mark.slow
def test_nest_still_computes_the_data(tmp_path):
    python = next((path for path in NEST_PYTHONS if path.exists()), None)
    if python is None:
        pytest.skip("no NEST; benchmarks/bench_pd14.py --install-nest puts one into benchmarks/.nestenv")
    subprocess.run([python, ROOT / "scripts" / "nest_neurons.py", tmp_path / "nest.npz"], check=True, cwd=tmp_path)
    with np.load(tmp_path / "nest.npz") as made:
        assert sorted(made.files) == sorted(DATA.files)
        for name in made.files:
            if name.startswith("v_"):
                np.testing.assert_allclose(made[name], DATA[name], rtol=0, atol=1e-9)
            elif name != "cases":
                np.testing.assert_array_equal(made[name], DATA[name])
