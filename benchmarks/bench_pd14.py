"""Measure time and memory of neuromap and NEST to build and run PD14 on this machine.

    python benchmarks/bench_pd14.py                          # full scale; NEST too if it is found (17 GB, 20 minutes)
    python benchmarks/bench_pd14.py --scale 0.1 --no-nest
    python benchmarks/bench_pd14.py --install-nest           # puts NEST 3.10 into benchmarks/.nestenv first

Every measurement has a process of its own. Compiled code is cached on disk by a short run that is not measured. Times
are comparable only if nothing else runs: NEST with two threads becomes many times slower when it shares the cores. The
header keeps the load average. The rows go to ``benchmarks/results/pd14.json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from export_network import export_network
from harness import HERE, measure, print_table, row, write_results

from models.networks import pd14

NEST_VERSION = "3.10.0"
NEST_PYTHONS = (Path("/opt/nestenv/bin/python"), HERE / ".nestenv" / "bin" / "python")
GIB = 1024.0**3
N_PROBES = 100
# for full scale, fixed point and two threads on two quiet cores (docs/speed.md)
GOALS = {"build": 5.0, "peak memory": 2e9 / GIB, "mapping": 2.5}
FACTOR_GOALS = {"fixed, poisson": 2.0, "fixed, dc": 1.5, "float, poisson": 4.0, "float, dc": 4.0}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Benchmark neuromap and NEST on PD14.")
    parser.add_argument("--scale", type=float, default=1.0, help="factor of neurons and in-degrees, both simulators")
    parser.add_argument("--seconds", type=float, default=1.0, help="model time of neuromap")
    parser.add_argument("--nest-seconds", type=float, default=0.2, help="model time of NEST")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--nest-threads", type=int, nargs="+", default=[2])
    parser.add_argument("--drives", nargs="+", choices=("poisson", "dc"), default=["poisson", "dc"])
    parser.add_argument("--arithmetics", nargs="+", choices=("fixed", "float"), default=["fixed", "float"])
    parser.add_argument("--recipes", nargs="*", default=["ensemble", "combined"])
    parser.add_argument("--repeats", type=int, default=1, help="runs of neuromap per case; the median counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nest-python", type=Path, help="Python of an environment that has nest-simulator")
    parser.add_argument("--install-nest", action="store_true", help="make benchmarks/.nestenv with NEST")
    parser.add_argument("--no-nest", action="store_true")
    parser.add_argument("--no-probes", action="store_true", help="do not measure what recording potentials costs")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "pd14.json")
    return parser.parse_args()


def find_nest(options: argparse.Namespace) -> Path | None:
    """Return the Python that can import nest, or None after printing the reason."""
    if options.no_nest:
        return None
    if options.install_nest:
        folder = NEST_PYTHONS[-1].parent.parent
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run(
            [NEST_PYTHONS[-1], "-m", "pip", "install", "--quiet", f"nest-simulator=={NEST_VERSION}"], check=True
        )
        return NEST_PYTHONS[-1]
    candidates = NEST_PYTHONS if options.nest_python is None else (options.nest_python,)
    for candidate in candidates:
        found = candidate.exists() and subprocess.run(
            [candidate, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('nest') is None)"], check=False
        )
        if found and found.returncode == 0:
            return candidate
    tried = ", ".join(str(candidate) for candidate in candidates)
    print(f"NEST: skipped, no nest-simulator at {tried}; --install-nest makes an environment", file=sys.stderr)
    return None


def run_nest(options: argparse.Namespace, python: Path | None) -> dict[str, Any]:
    """Measure NEST for every thread count, both drives on one build; a case that fails (memory) is left out."""
    cases: dict[str, Any] = {}
    if python is None:
        return cases
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{drive}.json" for drive in options.drives]
        for drive, file in zip(options.drives, files, strict=True):
            file.write_text(json.dumps(export_network(pd14(scale=options.scale, drive=drive))), encoding="utf-8")
        for threads in options.nest_threads:
            command = [str(python), str(HERE / "nest_pd14.py"), str(files[0])]
            command += ["--model-ms", str(1e3 * options.nest_seconds), "--threads", str(threads)]
            command += ["--then", str(files[1])] if len(files) > 1 else []
            try:
                first = measure(command, f"NEST, {threads} threads")
            except RuntimeError as error:
                print(f"NEST, {threads} threads: left out: {error}", file=sys.stderr)
                continue
            for drive, measured in zip(options.drives, (first, {**first, **first.get("then", {})}), strict=False):
                cases[f"{drive}, {threads} threads"] = measured
    return cases


def run_neuromap(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Measure neuromap for every drive, arithmetic and thread count, ``repeats`` times."""
    command = [sys.executable, str(HERE / "neuromap_pd14.py"), "simulate"]
    cases: dict[str, list[dict[str, Any]]] = {}
    for arithmetic in options.arithmetics:
        for threads in options.threads:
            for drive in options.drives:
                case = [*command, "--drive", drive, "--arithmetic", arithmetic, "--threads", str(threads)]
                name = f"{arithmetic}, {drive}, {threads} threads"
                measure([*case, "--scale", "0.02", "--model-ms", "20"], f"neuromap, {name}: compile (not measured)")
                case += ["--scale", str(options.scale), "--model-ms", str(1e3 * options.seconds)]
                cases[name] = [
                    measure([*case, "--seed", str(options.seed + i)], f"neuromap, {name}")
                    for i in range(options.repeats)
                ]
    return cases


def run_probes(options: argparse.Namespace) -> dict[str, list[float]]:
    """Measure the cost of recording potentials: factors with and without, alternating."""
    case = [sys.executable, str(HERE / "neuromap_pd14.py"), "simulate", "--scale", str(options.scale)]
    case += ["--model-ms", str(1e3 * options.seconds), "--threads", str(max(options.threads))]
    factors: dict[str, list[float]] = {"with": [], "without": []}
    for i in range(max(3, options.repeats)):
        for name, n_probes in (("without", 0), ("with", N_PROBES)):
            probed = [*case, "--seed", str(options.seed + i), "--probes", str(n_probes)]
            factors[name].append(measure(probed, f"neuromap, {n_probes} probes")["emulation_factor"])
    return factors


def run_mapping(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Measure the mapping for every recipe."""
    cases: dict[str, list[dict[str, Any]]] = {}
    for recipe in options.recipes:
        case = [sys.executable, str(HERE / "neuromap_pd14.py"), "map", "--recipe", recipe, "--seed", str(options.seed)]
        measure([*case, "--scale", "0.05"], f"mapping, {recipe}: compile (not measured)")
        cases[recipe] = [
            measure([*case, "--scale", str(options.scale)], f"mapping, {recipe}") for _ in range(options.repeats)
        ]
    return cases


def rows_of(
    ours: dict[str, Any], nest: dict[str, Any], mapped: dict[str, Any], probed: dict[str, list[float]], scale: float
) -> list[dict[str, Any]]:
    """Turn the measurements into rows; the goals belong to full scale and two threads."""
    rows = []
    for name, runs in ours.items():
        other = nest.get(name.partition(", ")[2])
        kind, _, threads = name.rpartition(", ")
        goals = {**GOALS, "emulation factor": FACTOR_GOALS[kind]} if scale == 1.0 and threads == "2 threads" else {}
        for key, metric, unit, factor in (
            ("build_s", "build", "s", 1.0),
            ("emulation_factor", "emulation factor", "1", 1.0),
            ("peak_rss_bytes", "peak memory", "GiB", 1 / GIB),
        ):
            is_goal = metric == "emulation factor" or name.startswith("fixed")
            baseline = (other["simulator"], other[key] * factor) if other else None
            values = [run[key] * factor for run in runs]
            goal = goals.get(metric) if is_goal else None
            rows.append(row(f"{metric}; {name}", unit, values, baseline=baseline, goal=goal))
    if probed:
        without = statistics.median(probed["without"])
        rows.append(
            row(
                f"emulation factor; {N_PROBES} potentials recorded every step",
                "1",
                probed["with"],
                baseline=("none recorded", without),
                goal=1.1 * without,
            )
        )
    for recipe, runs in mapped.items():
        goal = GOALS["mapping"] if scale == 1.0 else None
        rows.append(row(f"mapping; {recipe}", "s", [run["map_s"] for run in runs], goal=goal))
        rows.append(row(f"mapping, peak memory; {recipe}", "GiB", [run["peak_rss_bytes"] / GIB for run in runs]))
    return rows


def main() -> None:
    options = parse()
    python = find_nest(options)
    ours = run_neuromap(options)
    probed = {} if options.no_probes else run_probes(options)
    mapped = run_mapping(options)
    nest = run_nest(options, python)
    rows = rows_of(ours, nest, mapped, probed, options.scale)
    print(f"PD14 at scale {options.scale:g}; ratio = neuromap / baseline; baseline = NEST, same network and session")
    print_table(rows)
    kept = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    write_results(
        options.out, options=kept, rows=rows, raw={"neuromap": ours, "probes": probed, "mapping": mapped, "nest": nest}
    )
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
