"""Measure place and route: comparison with rig, gains on a modular network, cost against size, routers on PD14.

    python benchmarks/bench_place_route.py                                     # everything, rig if it is found
    python benchmarks/bench_place_route.py --parts size --n-areas 1 4 10 25 100
    python benchmarks/bench_place_route.py --install-rig                       # puts rig into benchmarks/.rigenv first

Every measurement has a process of its own; compiled code is cached by a small run that is not measured. Cost against
size counts processor seconds, which other work on the machine does not change. Rows go to
``benchmarks/results/place_route.json``.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import HERE, measure, print_table, row, write_results

from mapping.expected import targets_of
from models.networks import pd14

CASE = [sys.executable, str(HERE / "place_route_case.py")]
RIG_PYTHONS = (Path("/opt/rigenv/bin/python"), HERE / ".rigenv" / "bin" / "python")
NEURONS_PER_CORE = 64
PARTS = ("rig", "modular", "size", "pd14")
MODULAR_PLACERS = (
    "sequential",
    "hilbert",
    "connected",
    "breadth_first",
    "spectral",
    "force_directed",
    "annealing",
    "annealing_links",
    "annealing_both",
)
PD14_ROUTERS = (
    "shared_tree",
    "congestion_aware",
    "ner",
    "dimension_order",
    "longest_dimension_first",
    "shortest_path",
    "two_phase",
    "unicast",
)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Benchmark place and route.")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--n-areas", type=int, nargs="+", default=[1, 4, 10, 25])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--rig-python", type=Path, help="Python of an environment that has rig")
    parser.add_argument(
        "--rig-places", nargs="+", default=["sequential", "hilbert"], help="hilbert takes over a minute"
    )
    parser.add_argument("--rig-seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--install-rig", action="store_true")
    parser.add_argument("--modular-places", nargs="+", default=list(MODULAR_PLACERS), help="sequential and hilbert too")
    parser.add_argument("--is-compiled", action="store_true", help="modular: kernels are in the cache already")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "place_route.json")
    return parser.parse_args()


def find_rig(options: argparse.Namespace) -> Path | None:
    """Return the Python that can import rig, or None after printing a note."""
    if options.install_rig:
        folder = RIG_PYTHONS[-1].parent.parent
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([RIG_PYTHONS[-1], "-m", "pip", "install", "--quiet", "rig==2.4.1"], check=True)
    for candidate in RIG_PYTHONS if options.rig_python is None else (options.rig_python,):
        if candidate.exists():
            return candidate
    print("rig: skipped, not found; --install-rig makes an environment", file=sys.stderr)
    return None


def bench_rig(options: argparse.Namespace, raw: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare with rig on 1,210 nets with 1.41 million sinks, on a 24 x 24 torus with 17 cores a chip."""
    python = find_rig(options)
    network = pd14()
    targets = targets_of(network)
    nets = {
        "n_slices": {p.name: -(-p.n_neurons // NEURONS_PER_CORE) for p in network.populations},
        "targets": {p.name: list(targets[p.name]) for p in network.populations},
    }
    rows: list[dict[str, Any]] = []
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(nets, file)
        file.flush()
        for place in options.rig_places:
            ours, theirs = [], []
            for seed in options.rig_seeds:
                case = [*CASE, "rig", "--place", place, "--seed", str(seed)]
                ours.append(measure(case, f"neuromap, {place}, 24 x 24 torus, seed {seed}"))
                if python is not None:
                    command = [str(python), str(HERE / "rig_place_route.py"), "--nets", file.name]
                    theirs.append(
                        measure([*command, "--place", place, "--seed", str(seed)], f"rig, {place}, seed {seed}")
                    )
            raw[f"rig, {place}"] = {"neuromap": ours, "rig": theirs}
            rows += rig_rows(place, ours, theirs)
    return rows


def rig_rows(place: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with the medians of both programs; ``baseline_spread`` is the range of rig's runs."""
    rows = []
    stages = ("place_s", "route_s", "tables_s")
    for metric, unit, keys, goal in (
        ("place + route + tables", "s", stages, 2.0),
        ("place + route + tables, processor time", "s", ("cpu_s",), 2.0),
        ("hops per source", "1", ("mean_link_hops",), 68.5),
        ("table entries in all", "1", ("n_table_entries",), None),
    ):
        mine, other = ([sum(run[key] for key in keys) for run in runs] for runs in (ours, theirs))
        baseline = ("rig 2.4.1", statistics.median(other)) if other else None
        one = row(f"{metric}; {place}", unit, mine, baseline=baseline, goal=goal)
        rows.append(one | {"baseline_spread": max(other) - min(other) if other else None})
    return rows


def bench_modular(options: argparse.Namespace, raw: dict[str, Any]) -> list[dict[str, Any]]:
    """Measure packets/s times hops of 4,096 cores in 64 modules, relative to sequential and Hilbert placement."""
    rows, hops, busiest = [], {}, {}
    for place in options.modular_places:
        if not options.is_compiled:
            measure([*CASE, "modular", "--place", place], f"modular, {place}: compile (not measured)")
        runs = [
            measure([*CASE, "modular", "--place", place, "--seed", str(seed)], f"modular, {place}, seed {seed}")
            for seed in options.seeds
        ]
        raw[f"modular, {place}"] = runs
        hops[place] = [run["packet_hops_per_s"] for run in runs]
        busiest[place] = [run["busiest_link_packets_per_s"] for run in runs]
        rows.append(row(f"modular, placing; {place}", "s", [run["place_s"] for run in runs], goal=60.0))
        cpu_s = [run["place_cpu_s"] for run in runs]
        rows.append(row(f"modular, placing, processor time; {place}", "s", cpu_s, goal=60.0))
    for place in options.modular_places:
        for other, goal in (("sequential", 0.7), ("hilbert", 0.9)):
            ratios = [a / b for a, b in zip(hops[place], hops[other], strict=True)]
            is_best = place == "annealing"
            rows.append(row(f"modular, hops / {other}; {place}", "1", ratios, goal=goal if is_best else None))
        rows.append(row(f"modular, busiest link; {place}", "packets/s", busiest[place]))
    return rows


def bench_size(options: argparse.Namespace, raw: dict[str, Any]) -> list[dict[str, Any]]:
    """Measure processor seconds of place and route for 1 .. n columns of PD14, against n log n of the pairs."""
    rows = []
    first: tuple[float, float] | None = None
    for n_areas in options.n_areas:
        run = measure([*CASE, "areas", "--n-areas", str(n_areas)], f"{n_areas} columns of PD14")
        raw[f"areas, {n_areas}"] = run
        cpu_s = run["place_cpu_s"] + run["route_cpu_s"]
        expected = run["n_pairs"] * math.log(run["n_pairs"])
        first = first or (cpu_s, expected)
        name = f"{n_areas} columns ({run['n_cores']:,} cores, {run['n_chips']:,} chips)"
        rows.append(row(f"place + route, processor time; {name}", "s", [cpu_s]))
        growth = cpu_s / first[0] / (expected / first[1])
        rows.append(row(f"growth / (pairs log pairs); {name}", "1", [growth], goal=1.0))
        rows.append(row(f"peak memory; {name}", "MB", [run["peak_rss_bytes"] / 1e6]))
    return rows


def bench_pd14(options: argparse.Namespace, raw: dict[str, Any]) -> list[dict[str, Any]]:
    """Measure PD14 in ensembles with every router.

    The goals are PACMAN 7.4.1's figures, measured on another day on the same machine.
    """
    rows = []
    for route in PD14_ROUTERS:
        measure([*CASE, "pd14", "--route", route], f"PD14, {route}: compile (not measured)")
        run = measure([*CASE, "pd14", "--route", route], f"PD14, {route}")
        raw[f"pd14, {route}"] = run
        is_shared = route not in ("two_phase", "unicast")
        rows.append(row(f"PD14, place + route; {route}", "s", [run["place_s"] + run["route_s"]]))
        goal = 481.0 if is_shared else None
        rows.append(row(f"PD14, hops per source; {route}", "1", [run["mean_link_hops"]], goal=goal))
        goal = 254_720.0 if is_shared else None
        rows.append(row(f"PD14, busiest link; {route}", "packets/s", [run["busiest_link_packets_per_s"]], goal=goal))
        goal = 35_132.0 if is_shared else None
        rows.append(row(f"PD14, table entries; {route}", "1", [run["n_table_entries"]], goal=goal))
    return rows


def main() -> None:
    options = parse()
    parts = {"rig": bench_rig, "modular": bench_modular, "size": bench_size, "pd14": bench_pd14}
    rows: list[dict[str, Any]] = []
    raw: dict[str, Any] = {}
    for part in options.parts:
        rows += parts[part](options, raw)
    print_table(rows)
    kept = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    write_results(options.out, options=kept, rows=rows, raw=raw)
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
