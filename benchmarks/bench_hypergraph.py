"""Compare the hypergraph partition with slices in population order: packets/s times hops on modular networks.

    pip install mtkahypar
    python benchmarks/bench_hypergraph.py

``modular``: 64 modules whose populations fill chips exactly (48 and 16 slices, 16 cores a chip). ``mixed``: 64 modules
of 44 and 13 slices, populations listed in random order. Rows go to ``benchmarks/results/hypergraph.json``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from harness import HERE, measure, print_table, row, write_results

CASE = [sys.executable, str(HERE / "place_route_case.py")]
NETWORKS = ("modular", "mixed")
PLACERS = ("connected", "spectral", "annealing")


def main() -> None:
    parser = argparse.ArgumentParser(description="Benchmark the hypergraph partition.")
    parser.add_argument("--places", nargs="+", default=PLACERS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--out", type=Path, default=HERE / "results" / "hypergraph.json")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    raw: dict[str, Any] = {}
    for network in NETWORKS:
        for place in options.places:
            runs: dict[str, list[dict[str, Any]]] = {}
            for recipe in ("combined", "hypergraph"):
                command = [*CASE, network, "--place", place, "--recipe", recipe]
                name = f"{network}, {place}, {recipe}"
                runs[recipe] = [measure([*command, "--seed", str(seed)], f"{name}, {seed}") for seed in options.seeds]
                raw[name] = runs[recipe]
            for key, metric in (("packet_hops_per_s", "weighted hops"), ("busiest_link_packets_per_s", "busiest link")):
                both = zip(runs["hypergraph"], runs["combined"], strict=True)
                ratios = [one[key] / other[key] for one, other in both]
                rows.append(row(f"{network}, {metric} / combined; {place}", "1", ratios))
        rows.append(row(f"{network}, hypergraph partition", "s", [run["partition_s"] for run in runs["hypergraph"]]))
    print_table(rows)
    kept = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    write_results(options.out, options=kept, rows=rows, raw=raw)
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
