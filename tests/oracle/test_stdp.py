"""STDP kernels against the plain-Python reference, and both against NEST's weights."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from emulator.numbers.weight_scale import weight_scales
from models.network import AllToAll, Constant, Network, Population, Projection, Receptor, SpikeArraySource
from models.network.plasticity import PairStdp
from stdp_case import DT_MS, kernel_weights, one_synapse, reference_weights

NEST = np.load(Path(__file__).parents[1] / "data" / "nest_stdp.npz")
NEST_CASES = sorted({name.split("/")[0] for name in NEST if name.endswith("/rule")})
ROOT = Path(__file__).parents[2]
NEST_PYTHONS = (Path("/opt/nestenv/bin/python"), ROOT / "benchmarks" / ".nestenv" / "bin" / "python")


def random_train(rng, rate_hz, n_steps=3000):
    return np.flatnonzero(rng.random(n_steps) < rate_hz * DT_MS * 1e-3).tolist()


def random_case(seed):
    """A rule, a delay, a weight and two trains; every third has bursts, every fourth starts on a bound."""
    rng = np.random.default_rng(seed)
    w_max_pa = float(10 ** rng.uniform(0.5, 4.5))
    w_min_pa = 0.0 if seed % 2 else 0.1 * w_max_pa
    rule = PairStdp(
        w_min_pa=w_min_pa,
        w_max_pa=w_max_pa,
        tau_plus_ms=float(rng.uniform(0.5, 60.0)),
        tau_minus_ms=float(rng.uniform(0.5, 60.0)),
        a_plus=float(rng.uniform(0, 0.4)),
        a_minus=float(rng.uniform(0, 0.4)),
        weight_dependence=("additive", "multiplicative")[seed // 2 % 2],
        pairing=("all", "nearest")[seed // 4 % 2],
    )
    share = (0.0, 0.3, 0.7, 1.0)[seed % 4]
    weight_pa = w_min_pa + share * (w_max_pa - w_min_pa)
    rates = rng.uniform(5.0, 2000.0 if seed % 3 == 0 else 150.0, 2)
    pre, post = (random_train(rng, rate_hz) for rate_hz in rates)
    return rule, int(rng.integers(1, 200)), weight_pa, pre, [*post, 3000]


@pytest.mark.parametrize("seed", range(48))
def test_fixed_kernel_is_the_reference_bit_for_bit(seed):
    rule, delay_steps, weight_pa, pre, post = random_case(seed)
    network = one_synapse(rule, delay_steps, weight_pa)
    weights, _ = kernel_weights(network, pre, post, is_fixed=True)
    assert weights == reference_weights(network, pre, post, is_fixed=True)


@pytest.mark.parametrize("seed", range(48))
def test_float_kernel_is_the_reference(seed):
    rule, delay_steps, weight_pa, pre, post = random_case(seed)
    network = one_synapse(rule, delay_steps, weight_pa)
    weights, n_cut = kernel_weights(network, pre, post, is_fixed=False)
    expected = reference_weights(network, pre, post, is_fixed=False)
    np.testing.assert_allclose(weights, expected, rtol=1e-11, atol=1e-12 * rule.w_max_pa)
    assert n_cut == 0


def test_traces_wrap_at_sixteen_as_16_bits_do():
    rule = PairStdp(w_max_pa=1000.0, tau_plus_ms=200.0, tau_minus_ms=200.0, a_plus=0.001, a_minus=0.0)
    network = one_synapse(rule, 1, 500.0)
    pre, post = [*range(5, 60), 100], [80]
    weights, _ = kernel_weights(network, pre, post, is_fixed=True)
    assert weights == reference_weights(network, pre, post, is_fixed=True)
    few, _ = kernel_weights(network, pre[-12:], post, is_fixed=True)
    assert weights[-1] < weights[0] < few[-1]  # 55 spikes make a trace of -9, 11 one of 11


def nest_case(name):
    """The network and trains of a case, and NEST's weights."""
    mu, pairs_all, tau_plus_ms, tau_minus_ms, a_plus, a_minus = NEST[f"{name}/rule"].tolist()
    rule = PairStdp(
        w_max_pa=float(NEST["w_max_pa"]),
        tau_plus_ms=tau_plus_ms,
        tau_minus_ms=tau_minus_ms,
        a_plus=a_plus,
        a_minus=a_minus,
        weight_dependence="multiplicative" if mu else "additive",
        pairing="all" if pairs_all else "nearest",
    )
    delay_steps = int(NEST[f"{name}/delay_steps"])
    network = one_synapse(rule, delay_steps, float(NEST[f"{name}/first_weight_pa"]), float(NEST["dt_ms"]))
    pre, post = NEST[f"{name}/pre_step"].tolist(), NEST[f"{name}/post_step"].tolist()
    return network, pre, post, NEST[f"{name}/weight_pa"]


@pytest.mark.parametrize("name", NEST_CASES)
def test_float_weights_are_those_of_nest(name):
    network, pre, post, expected = nest_case(name)
    delay_steps = int(NEST[f"{name}/delay_steps"])
    assert len(set(pre) & {step + delay_steps for step in post}) > 3  # some meet in the same step
    weights, _ = kernel_weights(network, pre, post, is_fixed=False)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(reference_weights(network, pre, post, is_fixed=False), expected, rtol=0, atol=1e-10)
    assert np.ptp(expected) > 10.0  # pA: the weight has moved far


@pytest.mark.parametrize("name", NEST_CASES)
def test_fixed_weights_stay_near_those_of_nest(name):
    """An update loses a unit of 1/32.768 pA or two; the one exception are postsynaptic spikes that are lost."""
    network, pre, post, expected = nest_case(name)
    raw, n_cut = kernel_weights(network, pre, post, is_fixed=True)
    difference_pa = np.abs(np.array(raw) / weight_scales(network)["post", Receptor.EXC].raw_per_pa - expected).max()
    if name == "additive_all_far":
        assert n_cut > 0
        assert difference_pa > 1.0
    else:
        assert n_cut == 0
        assert difference_pa < 0.5


def test_history_of_the_device_keeps_fifteen_spikes():
    rule = PairStdp(w_max_pa=1000.0, a_plus=0.01, a_minus=0.0, tau_plus_ms=1000.0)
    network = one_synapse(rule, 1, 100.0)
    raw_per_pa = weight_scales(network)["post", Receptor.EXC].raw_per_pa
    post = list(range(10, 10 + 20 * 30, 30))
    for n, n_cut in ((15, 0), (16, 1), (20, 1)):
        weights, cut = kernel_weights(network, [5, 800], post[:n], is_fixed=True)
        assert cut == n_cut
        exact, _ = kernel_weights(network, [5, 800], post[:n], is_fixed=False)
        missing = (exact[1] - weights[1] / raw_per_pa) / (rule.a_plus * rule.w_max_pa)
        assert missing == pytest.approx(max(0, n - 15), abs=0.2)


def test_a_neuron_that_changes_its_own_inputs_does_as_in_nest():
    """Closed loop: every spike of the neuron, and all weights in the end."""
    steps, ids = NEST["loop/source_step"], NEST["loop/source_id"]
    source = SpikeArraySource(name="pre", n_neurons=30, times_ms=steps * DT_MS, ids=ids)
    rule = PairStdp(w_max_pa=1800.0, tau_plus_ms=15.0, tau_minus_ms=25.0, a_plus=0.05, a_minus=0.03)
    plastic = Projection(
        source="pre",
        target="post",
        connector=AllToAll(),
        weight_pa=Constant(value=900.0),
        delay_ms=Constant(value=1.5),
        plasticity=rule,
    )
    cells = Population(name="post", n_neurons=1)
    network = Network(name="loop", populations=(cells,), projections=(plastic,), sources=(source,))
    run = simulate(network, n_steps=12_001, seed=1, arithmetic="float")
    expected = NEST["loop/spike_step"].tolist()
    assert len(expected) > 20
    assert run.spike_step[run.spike_neuron == 0].tolist() == expected
    np.testing.assert_allclose(run.plastic_weights[0].last_pa, NEST["loop/weight_pa"], rtol=0, atol=1e-9)
    assert np.ptp(NEST["loop/weight_pa"]) > 500.0


@pytest.mark.slow
def test_nest_still_computes_the_weights(tmp_path):
    python = next((path for path in NEST_PYTHONS if path.exists()), None)
    if python is None:
        pytest.skip("no NEST; benchmarks/bench_pd14.py --install-nest puts one into benchmarks/.nestenv")
    subprocess.run([python, ROOT / "scripts" / "nest_stdp.py", tmp_path / "nest.npz"], check=True, cwd=tmp_path)
    with np.load(tmp_path / "nest.npz") as made:
        assert sorted(made.files) == sorted(NEST.files)
        for name in set(made.files) - {"nest_version"}:
            np.testing.assert_allclose(made[name], NEST[name], rtol=0, atol=1e-9, err_msg=name)
