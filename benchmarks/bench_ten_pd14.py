"""Measure ten times PD14 in a given memory: the modular network of ten areas, 771,690 neurons, 3.0 billion synapses.

    python benchmarks/bench_ten_pd14.py                                  # full size: 20, 10 and 5 GiB; many minutes
    python benchmarks/bench_ten_pd14.py --n-scale 0.02 --memory-gib 1 0.5

Rows of synapses that do not fit the memory are drawn again at every spike, and the spikes are the same. Each memory
size is measured in a process of its own. ``--n-scale`` takes a part of each area's neurons with the full in-degrees, so
that memory and time shrink in proportion. The rows go to ``benchmarks/results/ten_pd14.json``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from harness import HERE, measure, print_table, row, write_results

GIB = 1024.0**3
GOAL_RSS_GIB = 20.0  # issue 3


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Benchmark neuromap on ten times PD14.")
    parser.add_argument("--areas", type=int, default=10)
    parser.add_argument("--n-scale", type=float, default=1.0, help="factor of the neurons of an area; in-degrees stay")
    parser.add_argument("--drive", choices=("poisson", "dc"), default="poisson")
    parser.add_argument("--seconds", type=float, default=0.2, help="model time")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-gib", type=float, nargs="+", default=[20.0, 10.0, 5.0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "ten_pd14.json")
    return parser.parse_args()


def run_cases(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Measure the network with every memory limit."""
    command = [sys.executable, str(HERE / "neuromap_modular.py"), "--drive", options.drive]
    command += ["--threads", str(options.threads), "--seed", str(options.seed)]
    for memory_gib in (1.0, 0.0):  # all rows stored, none stored
        tiny = ["--areas", "2", "--n-scale", "0.002", "--model-ms", "1", "--memory-gib", str(memory_gib)]
        measure([*command, *tiny], "compile (not measured)")
    size = ["--areas", str(options.areas), "--n-scale", str(options.n_scale)]
    size += ["--model-ms", str(1e3 * options.seconds)]
    return {
        f"{memory_gib:g} GiB": measure([*command, *size, "--memory-gib", str(memory_gib)], f"in {memory_gib:g} GiB")
        for memory_gib in options.memory_gib
    }


def rows_of(cases: dict[str, dict[str, Any]], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Turn the measurements into rows; the baseline of a factor is the factor with the first memory limit."""
    first = next(iter(cases))
    is_full = (options.areas, options.n_scale) == (10, 1.0)
    rows = []
    for name, case in cases.items():
        baseline = None if name == first else (first, cases[first]["emulation_factor"])
        rows += [
            row(f"build; {name}", "s", [case["build_s"]]),
            row(f"emulation factor; {name}", "1", [case["emulation_factor"]], baseline=baseline),
            row(f"peak memory; {name}", "GiB", [case["peak_rss_bytes"] / GIB], goal=GOAL_RSS_GIB if is_full else None),
            row(f"synapses stored; {name}", "1", [case["stored_ratio"]]),
            row(f"synaptic events of redrawn rows; {name}", "1", [case["redrawn_ratio"]]),
        ]
    return rows


def main() -> None:
    options = parse()
    cases = run_cases(options)
    spikes = {case["n_spikes"] for case in cases.values()}
    if len(spikes) > 1:
        raise SystemExit(f"number of spikes: needs one number for all memory limits, has {sorted(spikes)}")
    rows = rows_of(cases, options)
    one = next(iter(cases.values()))
    print(f"{one['n_neurons']:,} neurons, {one['n_synapses']:,} synapses, {options.threads} threads")
    print_table(rows)
    kept = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    write_results(options.out, options=kept, rows=rows, raw=cases)
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
