"""Measure the packet model: events per second of both engines, the parts of the compiled one's time, and SANA-FE.

    python benchmarks/bench_packets.py                      # PD14 at full scale, 0.2 s of model time
    python benchmarks/bench_packets.py --scale 0.1 --seconds 0.1 --no-sanafe
    python benchmarks/bench_packets.py --sanafe-python /tmp/sanafe/bin/python

An event is a packet sent, a hop over a link, or a delivery to a core. Log entries are more: a hop is a start on a link,
an arrival and a routing decision. Times are processor times, since other work on the machine makes wall times
meaningless; every measurement has a process of its own. SANA-FE's time is a wall time and includes its (idle) neurons.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import HERE, measure, peak_rss_bytes, print_table, row, write_results

from emulator.packets.adaptor import SentSpikes, mean_row_length, scenario_of
from emulator.packets.compiled import run_compiled
from emulator.packets.drawn_spikes import random_spikes
from emulator.packets.machine_numbers import PacketOptions
from emulator.packets.model import FOREVER, Parameters
from emulator.packets.outcome import Outcome
from emulator.packets.routes import NO_ENTRY, Routes, routes_to_single_outputs
from emulator.packets.scenario import Fabric, Scenario, idle_work, make_packets
from emulator.packets.simpy_model.model import SimpyRun
from mapping.expected import expected_rates_hz
from mapping.flow import map_network
from mapping.recipe import Recipe
from models.machine.file import load_machine
from models.networks import pd14
from models.vocabulary import EndOfTick

GOAL_COMPILED_US, GOAL_SIMPY_US = 0.1, 1 / 0.3  # ten million and 300,000 events a second
GOAL_SECOND_S, GOAL_GIB = 40.0, 4.0
MESH = (8, 4, 4)  # tiles along x and y, cores a tile: Loihi
SANAFE_PYTHONS = (HERE / ".sanafeenv" / "bin" / "python", Path("/tmp/sanafe/bin/python"))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Benchmark the packet model.")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=0.2, help="model time of the compiled engine")
    parser.add_argument("--recipe", choices=("ensemble", "combined"), default="ensemble")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sanafe-python", type=Path, help="Python of an environment that has sanafe")
    parser.add_argument("--no-sanafe", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "packets.json")
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "RESULT"), help=argparse.SUPPRESS)
    return parser.parse_args()


def pd14_scenario(scale: float, seconds: float, recipe: str) -> Scenario:
    """Return the scenario of PD14 on SpiNNaker 1 at its published rates."""
    network = pd14(scale=scale)
    mapping = map_network(network, load_machine("spinnaker1"), Recipe(name=recipe))
    n_steps = round(seconds * 1e4)
    step, neuron = random_spikes(network, expected_rates_hz(network, mapping.machine), n_steps, 1)
    lengths, row_of = mean_row_length(mapping, network)
    spikes = SentSpikes(step=step, neuron=neuron, n_steps=n_steps, row_length=lengths, row=row_of)
    return scenario_of(mapping, network, spikes, PacketOptions())


def n_events(outcome: Outcome) -> int:
    return outcome.total("n_sent") + int(outcome.link_packets.sum()) + outcome.n_delivered


def without_cores(case: Scenario) -> Scenario:
    """Return the scenario with the same hops but without deliveries."""
    routes, is_link = case.routes, case.routes.output < case.fabric.n_slots
    first = np.concatenate([[0], np.cumsum(is_link)])[routes.first]
    return remade(case, routes=Routes(destination=routes.destination, first=first, output=routes.output[is_link]))


def remade(case: Scenario, **changes: Any) -> Scenario:
    names = [name for name in Scenario.__dataclass_fields__ if name not in ("n_sinks", "n_hops")]
    return Scenario(**({name: getattr(case, name) for name in names} | changes))


def timed(case: Scenario, **options: bool) -> tuple[float, Outcome]:
    """Return processor time and outcome of one run; the code is compiled before."""
    run_compiled(remade(case, max_cycles=1), **options)
    start = time.process_time()
    outcome = run_compiled(case, **options)
    return time.process_time() - start, outcome


def one_compiled(options: argparse.Namespace, what: str) -> dict[str, Any]:
    case = pd14_scenario(options.scale, options.seconds, options.recipe)
    case = without_cores(case) if what == "hops" else case
    case = remade(case, packets=make_packets([])) if what == "idle" else case
    cpu_s, outcome = timed(case)
    return {
        "cpu_s": cpu_s,
        "n_events": n_events(outcome),
        "n_log": outcome.n_events,
        "n_lost": outcome.n_lost,
        "n_hops": int(outcome.link_packets.sum()),
        "n_delivered": outcome.n_delivered,
        "model_s": options.seconds,
        "peak_rss_bytes": peak_rss_bytes(),
    }


def one_simpy(options: argparse.Namespace) -> dict[str, Any]:
    case = pd14_scenario(options.scale, 0.001, options.recipe)
    run = SimpyRun(case, with_log=True)
    run.add_packets(case.packets, case.n_ticks)
    start = time.process_time()
    run.advance()
    cpu_s = time.process_time() - start
    outcome = run.finish(case)
    return {
        "cpu_s": cpu_s,
        "n_events": n_events(outcome),
        "n_log": outcome.n_events,
        "n_simpy_events": run.env.n_events,
        "peak_rss_bytes": peak_rss_bytes(),
    }


# ---- unicast on a mesh ----


def mesh_targets(n_per_core: int, n_targets: int) -> list[tuple[int, list[int]]]:
    """Return (core, target cores) of every neuron."""
    n_cores = MESH[0] * MESH[1] * MESH[2]
    rng = np.random.default_rng(1)
    return [
        (core, rng.choice(n_cores, n_targets, replace=False).tolist())
        for core in range(n_cores)
        for _ in range(n_per_core)
    ]


def mesh_scenario(targets: list[tuple[int, list[int]]], n_steps: int) -> Scenario:
    """Return a scenario with a packet for every (neuron, target core), along x, then y; a cycle is a nanosecond."""
    width, height, n_cores = MESH
    n_routers = width * height
    steps = ((1, 0), (0, 1), (-1, 0), (0, -1))
    far_router, far_slot = np.full((n_routers, 4), -1, np.int32), np.zeros((n_routers, 4), np.int32)
    for router in range(n_routers):
        x, y = divmod(router, height)
        for slot, (dx, dy) in enumerate(steps):
            if 0 <= x + dx < width and 0 <= y + dy < height:
                far_router[router, slot] = (x + dx) * height + y + dy
                far_slot[router, slot] = (slot + 2) % 4
    shape = np.ones((n_routers, 4), np.int32)
    fabric = Fabric(
        far_router=far_router,
        far_slot=far_slot,
        is_dead=far_router < 0,
        period=shape * 2,
        delay=shape * 3,
        straight=np.array([2, 3, 0, 1], np.int32),
        n_cores=n_cores,
        has_triangles=False,
    )
    pairs = sorted({(core, target) for core, ends in targets for target in ends})
    number = {pair: i for i, pair in enumerate(pairs)}
    route = np.full((len(pairs), n_routers), NO_ENTRY, np.int32)
    for net, (core, target) in enumerate(pairs):
        x, y = divmod(core // n_cores, height)
        end_x, end_y = divmod(target // n_cores, height)
        while (x, y) != (end_x, end_y):
            slot = (0 if end_x > x else 2) if x != end_x else (1 if end_y > y else 3)
            route[net, x * height + y] = slot
            x, y = x + steps[slot][0], y + steps[slot][1]
        route[net, x * height + y] = 4 + target % n_cores
    packets = [
        (step, core, 0, number[core, target], -1)
        for step in range(n_steps)
        for core, ends in targets
        for target in ends
    ]
    return Scenario(
        fabric=fabric,
        work=idle_work(n_routers * n_cores, spike_cycles=16),
        packets=make_packets(packets),
        routes=routes_to_single_outputs(route, 4 + n_cores),
        # deep output buffers: routers that hold up everything behind a blocked packet deadlock on a full mesh
        parameters=Parameters(
            wait1_cycles=FOREVER,
            end_of_tick=EndOfTick.WAIT,
            receive_cycles=1,
            output_buffer_packets=4096,
            spike_buffer_packets=1 << 16,
        ),
        n_ticks=n_steps,
        tick_cycles=1000,
        max_cycles=1 << 60,
        cycle_ns=1.0,
    )


def one_mesh(n_per_core: int, n_targets: int, n_steps: int) -> dict[str, Any]:
    case = mesh_scenario(mesh_targets(n_per_core, n_targets), n_steps)
    cpu_s, outcome = timed(case)
    return {
        "cpu_s": cpu_s,
        "n_messages": case.packets.n_packets,
        "n_hops": int(outcome.link_packets.sum()),
        "step_ns": float(outcome.tick_start[-1] / n_steps),
        "n_in_flight": outcome.n_in_flight,
    }


def run_sanafe(options: argparse.Namespace, size: tuple[int, int, int]) -> dict[str, Any]:
    """Return the wall times of SANA-FE's timing models for the same messages; empty if SANA-FE is not found."""
    candidates = SANAFE_PYTHONS if options.sanafe_python is None else (options.sanafe_python,)
    python = next((path for path in candidates if path.exists()), None)
    if options.no_sanafe or python is None:
        print("SANA-FE: skipped", file=sys.stderr)
        return {}
    found = {}
    for model in ("simple", "detailed"):
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            content = {"targets": mesh_targets(size[0], size[1]), "n_steps": size[2], "timing_model": model}
            json.dump(content, file)
            file.flush()
            try:
                found[model] = measure([str(python), str(HERE / "sanafe_mesh.py"), file.name], f"SANA-FE, {model}")
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"SANA-FE, {model}: left out: {error}", file=sys.stderr)
    return found


MESH_SIZE = (8, 8, 10)  # neurons a core, target cores of each, steps


def measure_all(options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--scale", str(options.scale), "--seconds", str(options.seconds)]
    command += ["--recipe", options.recipe]
    raw: dict[str, Any] = {}
    for what in ("full", "hops", "idle", "simpy", "mesh"):
        raw[what] = [measure([*command, "--one", what], f"packet model, {what}") for _ in range(options.repeats)]
    raw["sanafe"] = run_sanafe(options, MESH_SIZE)
    return raw


def rows_of(raw: dict[str, Any]) -> list[dict[str, Any]]:
    full, hops, idle, simpy, mesh = (raw[name] for name in ("full", "hops", "idle", "simpy", "mesh"))
    goal = GOAL_COMPILED_US
    a_hop = [1e6 * (m["cpu_s"] - i["cpu_s"]) / m["n_hops"] for m, i in zip(hops, idle, strict=True)]
    a_delivery = [1e6 * (f["cpu_s"] - h["cpu_s"]) / f["n_delivered"] for f, h in zip(full, hops, strict=True)]
    rows = [
        row("compiled: an event", "us", [1e6 * m["cpu_s"] / m["n_events"] for m in full], goal=goal),
        row("compiled: a log entry", "us", [1e6 * m["cpu_s"] / m["n_log"] for m in full]),
        row("compiled: a second of model time", "s", [m["cpu_s"] / m["model_s"] for m in full], goal=GOAL_SECOND_S),
        row("compiled: peak memory", "GiB", [m["peak_rss_bytes"] / 2**30 for m in full], goal=GOAL_GIB),
        row("  of it: ticks of idle cores", "s", [m["cpu_s"] / m["model_s"] for m in idle]),
        row("  of it: a hop", "us", a_hop),
        row("  of it: a delivery", "us", a_delivery),
        row("SimPy: an event", "us", [1e6 * m["cpu_s"] / m["n_events"] for m in simpy]),
        row("SimPy: a log entry", "us", [1e6 * m["cpu_s"] / m["n_log"] for m in simpy], goal=GOAL_SIMPY_US),
        row("SimPy: an event of SimPy's own", "us", [1e6 * m["cpu_s"] / m["n_simpy_events"] for m in simpy]),
    ]
    ours = [1e6 * m["cpu_s"] / m["n_messages"] for m in mesh]
    for model, found in raw["sanafe"].items():
        theirs = 1e6 * found["wall_s"] / mesh[0]["n_messages"]
        rows.append(row(f"unicast on a mesh: a message; SANA-FE {model}", "us", ours, baseline=("SANA-FE", theirs)))
    if not raw["sanafe"]:
        rows.append(row("unicast on a mesh: a message", "us", ours))
    return rows


def main() -> None:
    options = parse()
    if options.one is not None:
        what, path = options.one
        if what == "simpy":
            result = one_simpy(options)
        elif what == "mesh":
            result = one_mesh(*MESH_SIZE)
        else:
            result = one_compiled(options, what)
        Path(path).write_text(json.dumps(result), encoding="utf-8")
        return
    raw = measure_all(options)
    rows = rows_of(raw)
    print(f"PD14 at scale {options.scale:g}, {options.recipe}, {options.seconds:g} s of model time; processor time")
    print_table(rows)
    kept = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    write_results(options.out, options=kept, rows=rows, raw=raw)
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
