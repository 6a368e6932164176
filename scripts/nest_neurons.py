"""Run single neurons of every model in NEST with given spikes; tests compare the float models with this data.

    NEST_PYTHON scripts/nest_neurons.py tests/data/nest_neurons.npz

The script needs NEST 3.10 and numpy, but not neuromap. The file holds ``cases`` (JSON: by model the parameters under
neuromap's names, weights and constant current), ``spike_exc``, ``spike_inh`` (int64, steps in which the two inputs
spike), and for each model ``v_<model>`` (float64, mV, at the end of every step) and ``fired_<model>`` (int64, steps).

Step k of neuromap ends at (k + 1) dt, and a spike of step k is a spike at that time in NEST. Some of NEST's models
differ:

- ``gif_psc_exp`` compares with a threshold that has not decayed in the step of the comparison; its jump is lowered by
  that decay. Escape noise is made a step function (Delta_V = 1e-9 mV). Its currents act in the step of their arrival,
  as ours do in the device's delay convention.
- ``iaf_cond_exp`` solves to a fixed absolute error of 1e-3 a step (RKF45). A resolution of dt / 100, recorded every dt,
  makes it exact enough for the comparison. Reset and spikes would be on the finer grid, so it stays below threshold.
- ``izhikevich`` has only Euler steps and inputs that step the potential. It runs at a resolution of dt / 1000 with a
  current given by its value in every such step.
"""

from __future__ import annotations

import json
import math
import sys

import nest
import numpy as np

DT_MS = 0.1
N_STEPS = 2000
DELAY_STEPS = 10
N_SPIKES = 150
LIF = {
    "c_m_pf": 250.0,
    "tau_mem_ms": 10.0,
    "t_ref_ms": 2.0,
    "v_rest_mv": -65.0,
    "v_reset_mv": -70.0,
    "v_thresh_mv": -50.0,
}
SYNAPSES = {"tau_syn_exc_ms": 0.5, "tau_syn_inh_ms": 2.0}
CASES = {
    "LifCurrExp": {"neuron": LIF | SYNAPSES, "weights": [900.0, -250.0], "current_pa": 360.0},
    "LifCurrAlpha": {"neuron": LIF | SYNAPSES, "weights": [400.0, -100.0], "current_pa": 360.0},
    "LifCondExp": {
        "neuron": LIF | SYNAPSES | {"v_thresh_mv": 0.0, "e_rev_exc_mv": 0.0, "e_rev_inh_mv": -75.0},
        "weights": [40.0, -20.0], "current_pa": 100.0,
    },
    "LifAdaptThresh": {
        "neuron": LIF | SYNAPSES | {"thresh_jump_mv": 2.0, "tau_thresh_ms": 50.0},
        "weights": [900.0, -250.0], "current_pa": 360.0,
    },
    "LifDelta": {"neuron": LIF, "weights": [2.0, -1.5], "current_pa": 360.0},
    "Izhikevich": {
        "neuron": {"a_per_ms": 0.02, "b_per_ms": 0.2, "v_reset_mv": -65.0, "d_mv_per_ms": 8.0, "v_peak_mv": 30.0}
        | {"tau_syn_exc_ms": 2.0, "tau_syn_inh_ms": 5.0},
        "weights": [6000.0, -2000.0], "current_pa": 4000.0,
    },
}  # fmt: skip
SYNAPSE_NAMES = {"tau_syn_exc_ms": "tau_syn_ex", "tau_syn_inh_ms": "tau_syn_in"}
LIF_NAMES = {
    "c_m_pf": "C_m",
    "tau_mem_ms": "tau_m",
    "t_ref_ms": "t_ref",
    "v_rest_mv": "E_L",
    "v_reset_mv": "V_reset",
    "v_thresh_mv": "V_th",
}


def nest_model(model: str, p: dict[str, float], current_pa: float) -> tuple[str, dict[str, object]]:
    """Return NEST's model and parameters."""
    if model == "Izhikevich":
        names = {"a_per_ms": "a", "b_per_ms": "b", "v_reset_mv": "c", "d_mv_per_ms": "d", "v_peak_mv": "V_th"}
        start = {"V_m": -65.0, "U_m": -65.0 * p["b_per_ms"], "consistent_integration": True}
        return "izhikevich", {names[key]: value for key, value in p.items() if key in names} | start
    names = LIF_NAMES | SYNAPSE_NAMES
    translated: dict[str, object] = {names[key]: value for key, value in p.items() if key in names}
    translated |= {"V_m": p["v_rest_mv"], "I_e": current_pa}
    if model in ("LifCondExp", "LifAdaptThresh"):
        del translated["tau_m"]
        translated["g_L"] = p["c_m_pf"] / p["tau_mem_ms"]
    if model == "LifCondExp":
        return "iaf_cond_exp", translated | {"E_ex": p["e_rev_exc_mv"], "E_in": p["e_rev_inh_mv"]}
    if model == "LifAdaptThresh":
        translated["V_T_star"] = translated.pop("V_th")
        jump = p["thresh_jump_mv"] * math.exp(-DT_MS / p["tau_thresh_ms"])
        noiseless = {"Delta_V": 1e-9, "lambda_0": 1.0, "tau_stc": [], "q_stc": []}
        return "gif_psc_exp", translated | {"tau_sfa": [p["tau_thresh_ms"]], "q_sfa": [jump]} | noiseless
    return {"LifCurrExp": "iaf_psc_exp", "LifCurrAlpha": "iaf_psc_alpha", "LifDelta": "iaf_psc_delta"}[
        model
    ], translated


def izhikevich_current(case: dict, spikes: list[np.ndarray], dt_ms: float) -> tuple[np.ndarray, np.ndarray]:
    """Return times (ms) and values (nA, NEST's number) of the current in every step of ``dt_ms``."""
    times_ms = (np.arange(round(N_STEPS * DT_MS / dt_ms)) + 1) * dt_ms
    current = np.full(times_ms.size, case["current_pa"] / 1000)
    taus = case["neuron"]["tau_syn_exc_ms"], case["neuron"]["tau_syn_inh_ms"]
    for steps, weight, tau in zip(spikes, case["weights"], taus, strict=True):
        for step in steps:
            since = times_ms - (step + 1 + DELAY_STEPS) * DT_MS
            late = since > -dt_ms / 2
            current[late] += weight / 1000 * np.exp(-since[late] / tau)
    return times_ms, current


def run(model: str, spikes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return potentials at the ends of the steps, and the steps of the spikes."""
    case = CASES[model]
    finer = {"LifCondExp": 100, "Izhikevich": 1000}.get(model, 1)
    nest.ResetKernel()
    nest.set(tics_per_ms=100_000, resolution=DT_MS / finer)
    name, parameters = nest_model(model, case["neuron"], case["current_pa"])
    neuron = nest.Create(name, params=parameters)
    if model == "Izhikevich":
        times_ms, values = izhikevich_current(case, spikes, DT_MS / finer)
        times_ms = np.round(times_ms, 9)
        generator = nest.Create(
            "step_current_generator",
            params={
                "amplitude_times": times_ms[:-2],
                "amplitude_values": values[:-2],
                "allow_offgrid_times": True,
            },
        )
        nest.Connect(generator, neuron, syn_spec={"delay": DT_MS / finer})
    else:
        for steps, weight in zip(spikes, case["weights"], strict=True):
            generator = nest.Create("spike_generator", params={"spike_times": np.round((steps + 1) * DT_MS, 6)})
            nest.Connect(generator, neuron, syn_spec={"weight": weight, "delay": DELAY_STEPS * DT_MS})
    meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": DT_MS})
    recorder = nest.Create("spike_recorder")
    nest.Connect(meter, neuron, syn_spec={"delay": DT_MS / finer})
    nest.Connect(neuron, recorder, syn_spec={"delay": DT_MS / finer})
    nest.Simulate(N_STEPS * DT_MS + 2 * DT_MS)
    v = np.array(meter.events["V_m"])[:N_STEPS]
    fired = np.ceil(np.array(recorder.events["times"]) / DT_MS - 1e-6).astype(np.int64) - 1
    return v, fired[fired < N_STEPS]


def main() -> None:
    """Run every model and write the file."""
    rng = np.random.default_rng(2026)
    spikes = [np.sort(rng.choice(N_STEPS - 100, N_SPIKES, replace=False)).astype(np.int64) for _ in range(2)]
    arrays: dict[str, np.ndarray] = {"spike_exc": spikes[0], "spike_inh": spikes[1]}
    for model in CASES:
        arrays[f"v_{model}"], arrays[f"fired_{model}"] = run(model, spikes)
        print(f"{model}: {arrays[f'fired_{model}'].size} spikes")
    facts = {"cases": CASES, "dt_ms": DT_MS, "n_steps": N_STEPS, "delay_steps": DELAY_STEPS, "nest": nest.__version__}
    np.savez_compressed(sys.argv[1], cases=np.array(json.dumps(facts)), **arrays)


if __name__ == "__main__":
    main()
