"""Run single STDP synapses in NEST and write their weights to ``tests/data/nest_stdp.npz``, for neuromap's tests.

The Python environment needs nest-simulator (3.10 made the committed file), but not neuromap::

    python scripts/nest_stdp.py tests/data/nest_stdp.npz

Each case is one synapse between two parrot neurons that repeat given trains. Parrots ignore input at their port 1, so
only the plastic synapse changes. Spikes are on the grid of steps, and some spikes of both sides meet in one step. A
postsynaptic spike before the first presynaptic one is left out of the nearest-neighbour cases: NEST starts as if there
had been a presynaptic spike at time 0.

In ``loop`` 30 trains drive one ``iaf_psc_exp`` neuron through plastic synapses, which its spikes change in turn. Its
steps are counted as ours are, from 0; NEST's time of a spike is the end of its step.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nest
import numpy as np

DT_MS = 0.1
W_MAX_PA = 200.0
N_STEPS = 12_000

# name: (synapse model, mu, delay steps, tau_plus, tau_minus, a_plus, a_minus, first weight, Hz before, Hz after)
CASES = {
    "additive_all": ("stdp_synapse", 0.0, 10, 20.0, 20.0, 0.01, 0.012, 100.0, 30.0, 30.0),
    "additive_all_far": ("stdp_synapse", 0.0, 153, 16.8, 33.7, 0.05, 0.03, 40.0, 20.0, 60.0),
    "additive_all_bounds": ("stdp_synapse", 0.0, 1, 20.0, 20.0, 0.3, 0.31, 199.0, 50.0, 50.0),
    "multiplicative_all": ("stdp_synapse", 1.0, 15, 20.0, 25.0, 0.05, 0.06, 100.0, 40.0, 40.0),
    "multiplicative_all_fast": ("stdp_synapse", 1.0, 2, 5.0, 8.0, 0.1, 0.02, 10.0, 80.0, 90.0),
    "additive_nearest": ("stdp_nn_symm_synapse", 0.0, 10, 20.0, 20.0, 0.02, 0.02, 100.0, 40.0, 40.0),
    "additive_nearest_far": ("stdp_nn_symm_synapse", 0.0, 101, 16.8, 33.7, 0.02, 0.03, 120.0, 60.0, 20.0),
    "multiplicative_nearest": ("stdp_nn_symm_synapse", 1.0, 15, 20.0, 25.0, 0.05, 0.06, 60.0, 40.0, 70.0),
}
LOOP_NEURON = {"C_m": 250.0, "tau_m": 10.0, "tau_syn_ex": 0.5, "tau_syn_in": 0.5, "t_ref": 2.0, "E_L": -65.0}
LOOP_NEURON |= {"V_reset": -65.0, "V_th": -50.0, "V_m": -65.0, "tau_minus": 25.0}


def train(rng, rate_hz):
    """Return the steps of a Poisson train."""
    return np.flatnonzero(rng.random(N_STEPS) < rate_hz * DT_MS * 1e-3).astype(np.int64) + 1


def trains(rng, model, delay, pre_hz, post_hz):
    """Return steps of both sides; every fifth presynaptic spike also meets a postsynaptic one in the same step."""
    pre, post = train(rng, pre_hz), train(rng, post_hz)
    post = np.union1d(post, pre[2::5] - delay)
    first = pre[0] - delay if model == "stdp_nn_symm_synapse" else 0
    return pre, post[post > first]


def weights_of(case, pre, post):
    """Return the weight that NEST delivers with each presynaptic spike, pA."""
    model, mu, delay, tau_plus, tau_minus, a_plus, a_minus, weight, *_ = case
    nest.ResetKernel()
    nest.resolution = DT_MS
    sides = nest.Create("parrot_neuron", 2)
    sides[1].tau_minus = tau_minus
    for side, steps in zip(sides, (pre, post), strict=True):
        generator = nest.Create("spike_generator", params={"spike_times": np.round(steps * DT_MS, 6)})
        nest.Connect(generator, side, syn_spec={"delay": DT_MS})
    recorder = nest.Create("weight_recorder")
    parameters = {"tau_plus": tau_plus, "lambda": a_plus, "alpha": a_minus / a_plus, "Wmax": W_MAX_PA}
    parameters |= {"mu_plus": mu, "mu_minus": mu}
    nest.CopyModel(model, "plastic", {"weight_recorder": recorder, **parameters})
    spec = {"synapse_model": "plastic", "weight": weight, "delay": delay * DT_MS, "receptor_type": 1}
    nest.Connect(sides[0], sides[1], syn_spec=spec)
    nest.Simulate(N_STEPS * DT_MS + 30.0)
    return np.asarray(recorder.get("events", "weights"), np.float64)


def loop(n_sources=30, seed=77):
    """Return steps and sources of the trains, the neuron's spike steps, and all weights after the run, pA."""
    rng = np.random.default_rng(seed)
    fired = [train(rng, 40.0) for _ in range(n_sources)]
    fired = [steps[steps < N_STEPS - 10] for steps in fired]  # all arrive within the run
    nest.ResetKernel()
    nest.resolution = DT_MS
    neuron = nest.Create("iaf_psc_exp", params=LOOP_NEURON)
    sources = nest.Create("parrot_neuron", n_sources)
    for source, steps in zip(sources, fired, strict=True):
        generator = nest.Create("spike_generator", params={"spike_times": np.round(steps * DT_MS, 6)})
        nest.Connect(generator, source, syn_spec={"delay": DT_MS})
    spec = {"synapse_model": "stdp_synapse", "weight": 900.0, "delay": 1.5, "tau_plus": 15.0, "lambda": 0.05}
    spec |= {"alpha": 0.6, "Wmax": 1800.0, "mu_plus": 0.0, "mu_minus": 0.0}
    nest.Connect(sources, neuron, syn_spec=spec)
    recorder = nest.Create("spike_recorder")
    nest.Connect(neuron, recorder)
    nest.Simulate(N_STEPS * DT_MS + DT_MS)
    after = nest.GetConnections(sources, neuron)
    order = np.argsort(after.source)
    ids = np.repeat(np.arange(n_sources), [steps.size for steps in fired])
    sent = np.concatenate(fired)  # a parrot repeats a spike one step later, at the end of the step of this number
    spikes = np.rint(np.asarray(recorder.get("events", "times")) / DT_MS).astype(np.int64) - 1
    return sent, ids, spikes, np.asarray(after.weight)[order]


def main(path):
    """Run all cases and write them."""
    arrays = {"dt_ms": DT_MS, "w_max_pa": W_MAX_PA, "nest_version": nest.__version__}
    for i, (name, case) in enumerate(CASES.items()):
        model, mu, delay, tau_plus, tau_minus, a_plus, a_minus, weight, pre_hz, post_hz = case
        pre, post = trains(np.random.default_rng(1000 + i), model, delay, pre_hz, post_hz)
        after = weights_of(case, pre, post)
        assert after.shape == pre.shape, (name, after.shape, pre.shape)
        arrays[f"{name}/pre_step"], arrays[f"{name}/post_step"], arrays[f"{name}/weight_pa"] = pre, post, after
        arrays[f"{name}/rule"] = np.array([mu, model == "stdp_synapse", tau_plus, tau_minus, a_plus, a_minus])
        arrays[f"{name}/delay_steps"], arrays[f"{name}/first_weight_pa"] = delay, weight
        print(f"{name}: {pre.size} before, {post.size} after, {after.min():.3f} to {after.max():.3f} pA")
    names = ("loop/source_step", "loop/source_id", "loop/spike_step", "loop/weight_pa")
    arrays |= dict(zip(names, loop(), strict=True))
    print(f"loop: {arrays['loop/spike_step'].size} spikes, {arrays['loop/weight_pa'].round(1)} pA")
    np.savez_compressed(Path(path), **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
