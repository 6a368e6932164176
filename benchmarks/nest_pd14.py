"""Build and run a network in NEST 3 from the JSON of ``export_network``; write times, memory and rates as JSON.

The Python environment needs nest-simulator, but not neuromap.

    python nest_pd14.py network.json result.json --model-ms 200 --threads 2 --seed 55
    python nest_pd14.py poisson.json result.json --then dc.json      # same synapses, second drive: one build for both
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import nest

PRESIM_MS = 10.0  # the first call of Run also sorts the connections; it is timed apart


def peak_rss_bytes() -> int:
    """Return the largest resident size of this process so far (VmHWM of /proc/self/status)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def parameter(distribution):
    """Return NEST's parameter of one distribution."""
    if distribution["kind"] == "Constant":
        return distribution["value"]
    low, high = distribution["low"], distribution["high"]
    if distribution["kind"] == "Uniform":
        return nest.random.uniform(low, high)
    if distribution["sd"] == 0:
        return distribution["mean"]
    normal = nest.random.normal(distribution["mean"], distribution["sd"])
    low, high = -float("inf") if low is None else low, float("inf") if high is None else high
    if (low, high) == (-float("inf"), float("inf")):
        return normal
    if distribution["truncation"] == "redraw":
        return nest.math.redraw(normal, min=low, max=high)
    return nest.math.min(nest.math.max(normal, low), high)


def rule(connector):
    """Return NEST's connection rule of one connector."""
    match connector["kind"]:
        case "FixedTotalNumber":
            return {"rule": "fixed_total_number", "N": connector["n_synapses"]}
        case "FixedProbability":
            return {
                "rule": "pairwise_bernoulli",
                "p": connector["probability"],
                "allow_autapses": connector["allow_autapses"],
            }
        case "AllToAll":
            return {"rule": "all_to_all", "allow_autapses": connector["allow_autapses"]}
        case "OneToOne":
            return {"rule": "one_to_one"}
    raise ValueError(f"connector {connector['kind']}: needs a rule that NEST has")


def create(network):
    """Create neurons, background and spike sources; return node collections and background generators by name."""
    groups, generators = {}, {}
    for population in network["populations"]:
        neuron, current = population["neuron"], population["current"]
        nodes = nest.Create("iaf_psc_exp", population["n_neurons"])
        nodes.set(
            C_m=neuron["c_m_pf"],
            tau_m=neuron["tau_mem_ms"],
            tau_syn_ex=neuron["tau_syn_exc_ms"],
            tau_syn_in=neuron["tau_syn_inh_ms"],
            t_ref=neuron["t_ref_ms"],
            E_L=neuron["v_rest_mv"],
            V_reset=neuron["v_reset_mv"],
            V_th=neuron["v_thresh_mv"],
            I_e=0.0 if current is None else current["amplitude_pa"],
        )
        nodes.V_m = parameter(population["v_init_mv"])
        if population["poisson"] is not None:
            drive = population["poisson"]
            generator = nest.Create("poisson_generator", params={"rate": drive["n_inputs"] * drive["rate_hz"]})
            nest.Connect(generator, nodes, syn_spec={"weight": drive["weight_pa"], "delay": drive["delay_ms"]})
            generators[population["name"]] = generator
        groups[population["name"]] = nodes
    for source in network["sources"]:
        params = {"rate": source["rate_hz"], "start": source["start_ms"]}
        if source["stop_ms"] is not None:
            params["stop"] = source["stop_ms"]
        nodes = nest.Create("parrot_neuron", source["n_neurons"])
        nest.Connect(nest.Create("poisson_generator", params=params), nodes)
        groups[source["name"]] = nodes
    return groups, generators


def switch_drive(network, groups, generators):
    """Give the populations the current of another network, and its background rate where there is a generator."""
    for population in network["populations"]:
        current, drive = population["current"], population["poisson"]
        groups[population["name"]].I_e = 0.0 if current is None else current["amplitude_pa"]
        if population["name"] in generators:
            generators[population["name"]].rate = 0.0 if drive is None else drive["n_inputs"] * drive["rate_hz"]


def timed_run(model_ms):
    """Simulate after a few steps that are timed apart; return the seconds of both."""
    start = time.perf_counter()
    nest.Prepare()
    nest.Run(PRESIM_MS)
    prepared = time.perf_counter()
    nest.Run(model_ms)
    done = time.perf_counter()
    nest.Cleanup()
    return prepared - start, done - prepared


def connect(network, groups):
    """Make every projection, with a synapse model per source: NEST holds 2**27 connections of one in each thread."""
    for name in {projection["source"] for projection in network["projections"]}:
        nest.CopyModel("static_synapse", f"from_{name}")
    for projection in network["projections"]:
        nest.Connect(
            groups[projection["source"]],
            groups[projection["target"]],
            conn_spec=rule(projection["connector"]),
            syn_spec={
                "synapse_model": f"from_{projection['source']}",
                "weight": parameter(projection["weight_pa"]),
                "delay": parameter(projection["delay_ms"]),
            },
        )


def run(network, then, model_ms, n_threads, seed, record):
    """Build and simulate; return the measurements, with those of the second drive (a network or None) as ``then``."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.set(resolution=network["dt_ms"], local_num_threads=n_threads, rng_seed=seed, print_time=False)
    start = time.perf_counter()
    groups, generators = create(network)
    recorders = {}
    if record:
        for population in network["populations"]:
            recorders[population["name"]] = nest.Create("spike_recorder")
            nest.Connect(groups[population["name"]], recorders[population["name"]])
    created = time.perf_counter()
    connect(network, groups)
    connected = time.perf_counter()
    print(f"connected after {connected - start:.0f} s", flush=True)
    prepare_s, simulate_s = timed_run(model_ms)
    measured = {
        "simulator": f"NEST {nest.__version__}",
        "n_connections": nest.num_connections,
        "create_s": created - start,
        "connect_s": connected - created,
        "prepare_s": prepare_s,
        "build_s": connected - start + prepare_s,
        "model_ms": model_ms,
        "n_threads": n_threads,
        **outcome(network, recorders, simulate_s, model_ms),
    }
    if then is not None:
        switch_drive(then, groups, generators)
        for recorder in recorders.values():
            recorder.n_events = 0
        _, simulate_s = timed_run(model_ms)
        measured["then"] = outcome(then, recorders, simulate_s, model_ms)
    measured["peak_rss_bytes"] = peak_rss_bytes()
    return measured


def outcome(network, recorders, simulate_s, model_ms):
    """Return the time, the emulation factor and the rates of one run."""
    sizes = {population["name"]: population["n_neurons"] for population in network["populations"]}
    all_ms = PRESIM_MS + model_ms
    return {
        "simulate_s": simulate_s,
        "emulation_factor": simulate_s / (1e-3 * model_ms),
        "rate_hz": {name: 1e3 * recorder.n_events / (sizes[name] * all_ms) for name, recorder in recorders.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Run an exported network in NEST.")
    parser.add_argument("network", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--then", type=Path, help="network that differs in its drive only, simulated afterwards")
    parser.add_argument("--model-ms", type=float, default=200.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=55)
    parser.add_argument("--no-record", action="store_true", help="no spike recorders")
    options = parser.parse_args()
    network = json.loads(options.network.read_text(encoding="utf-8"))
    then = None if options.then is None else json.loads(options.then.read_text(encoding="utf-8"))
    measured = run(network, then, options.model_ms, options.threads, options.seed, not options.no_record)
    options.result.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
