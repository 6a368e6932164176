"""Compare neuromap's table builder and minimisers with PACMAN's on the routing tables of full-scale PD14.

Cases: our own routes with one entry per source core, PACMAN's routes with one entry per source core (*hard*) and as
PACMAN merges them by default (*merged*). Every minimised table is proven equal to its original. PACMAN runs in its own
environment (``pip install sPyNNaker``) in the same session; its compressors are too slow for all hard tables, so both
programs are compared on an even sample of these.

    python benchmarks/bench_tables.py --pacman /tmp/pacman/bin/python
    python benchmarks/bench_tables.py                                   # without PACMAN
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from export_network import export_network
from harness import HERE, measure, print_table, row, write_results

from mapping.files.equal import compare_tables
from mapping.flow import map_network
from mapping.minimise import MINIMISERS
from mapping.model import Tables
from mapping.site import site_of
from mapping.tables import build_tables, table_lengths
from models.machine.file import load_machine
from models.networks import pd14

TARGET = 1023  # entries of a router that mapping may use
METHODS = ("pair", "layered")


def time_method(tables: Tables, name: str, target: int | None, n_runs: int) -> dict[str, Any]:
    """Minimise ``n_runs`` times; return seconds of each, the lengths, and whether the result is proven equal."""
    seconds = []
    for _ in range(n_runs):
        start = time.perf_counter()
        shorter = MINIMISERS[name](tables, target_length=target)
        seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    violations = compare_tables(tables, shorter)
    lengths = table_lengths(shorter)
    return {
        "seconds": seconds,
        "max": int(lengths.max()),
        "total": int(lengths.sum()),
        "n_violations": len(violations),
        "proof_s": time.perf_counter() - start,
    }


def own_tables(n_runs: int) -> tuple[Tables, dict[str, Any]]:
    """Return our tables with one entry per source core, and times and lengths of the ordinary tables."""
    network, machine = pd14(), load_machine("spinnaker1")
    map_network(pd14(scale=0.02), machine)  # imports and caches
    map_s, build_s = [], []
    for _ in range(n_runs):
        start = time.perf_counter()
        mapping = map_network(network, machine)
        map_s.append(time.perf_counter() - start)
        made = (site_of(mapping, network), mapping.trees, mapping.keys)
        start = time.perf_counter()
        tables = build_tables(*made)
        build_s.append(time.perf_counter() - start)
    lengths = table_lengths(tables)
    about = {"map_s": map_s, "build_s": build_s, "max": int(lengths.max()), "total": int(lengths.sum())}
    return build_tables(*made, entries="core", keep_default=True), about


def run_pacman(python: Path, folder: Path, seconds: float, sample: int) -> tuple[dict[str, Any], dict[str, Tables]]:
    """Map PD14 with PACMAN; return its times and lengths, and its tables."""
    (folder / "network.json").write_text(json.dumps(export_network(pd14())))
    options = ["--tables", str(folder / "tables.npz"), "--seconds", str(seconds), "--sample", str(sample)]
    script = str(HERE / "pacman_tables.py")
    # measure() appends the path of the result after the network's
    found = measure([str(python), script, *options, str(folder / "network.json")], "PACMAN")
    with np.load(folder / "tables.npz") as arrays:
        tables = {
            name: Tables(
                chip=arrays[f"{name}_chip"],
                indptr=arrays[f"{name}_indptr"],
                key=arrays[f"{name}_key"],
                mask=arrays[f"{name}_mask"],
                route=arrays[f"{name}_route"],
                is_default=arrays[f"{name}_is_defaultable"],
            )
            for name in ("hard", "merged")
        }
    return found, tables


def chips_of(tables: Tables, chips: list[list[int]]) -> Tables:
    """Return only the tables of some chips."""
    index = {tuple(chip): i for i, chip in enumerate(tables.chip.tolist())}
    rows = [index[tuple(chip)] for chip in chips]
    entries = np.concatenate([np.arange(tables.indptr[i], tables.indptr[i + 1]) for i in rows])
    return replace(
        tables,
        chip=tables.chip[rows],
        indptr=np.concatenate(([0], np.cumsum(np.diff(tables.indptr)[rows]))),
        key=tables.key[entries],
        mask=tables.mask[entries],
        route=tables.route[entries],
        is_default=None if tables.is_default is None else tables.is_default[entries],
    )


def rows_of_pacman(
    found: dict[str, Any], tables: dict[str, Tables], n_runs: int, raw: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return rows of our minimisers beside PACMAN's compressors, on the tables that each compressor finished."""
    rows = []
    merged = found["merged"]["pair"]
    ours = raw["merged"] = time_method(tables["merged"], "layered", None, n_runs)
    baseline = ("PACMAN pair", merged["seconds"])
    rows.append(row("merged tables, layered, time", "s", ours["seconds"], baseline=baseline, goal=1.5))
    for what, value in (("total", sum(merged["lengths"])), ("max", max(merged["lengths"]))):
        name = f"merged tables, layered, {what}"
        rows.append(row(name, "entries", [ours[what]], baseline=("PACMAN pair", value), goal=value))
    for method, target in (("pair", None), ("ordered_covering", None), ("ordered_covering_1023", TARGET)):
        theirs = found["hard"][method]
        part = chips_of(tables["hard"], theirs["chips"])
        ours = raw[f"hard sample, {method}"] = time_method(part, "layered", target, n_runs)
        label = f"hard sample ({len(theirs['lengths'])} tables)"
        name = f"PACMAN {method}"
        rows.append(row(f"{label}, layered, time", "s", ours["seconds"], baseline=(name, theirs["seconds"])))
        total = sum(theirs["lengths"])
        rows.append(row(f"{label}, layered, total", "entries", [ours["total"]], baseline=(name, total), goal=total))
    return rows


def rows_of(case: str, tables: Tables, n_runs: int, raw: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rows with time and lengths of our minimisers on tables with one entry per source core."""
    rows = []
    for method in METHODS:
        for target in (TARGET, None):
            one = raw[f"{case}, {method}, {target}"] = time_method(tables, method, target, n_runs)
            label = f"{case}, {method}, {'to 1,023' if target else 'as far as possible'}"
            rows.append(row(f"{label}, time", "s", one["seconds"], goal=10.0))
            rows.append(row(f"{label}, max", "entries", [one["max"]], goal=TARGET))
            rows.append(row(f"{label}, total", "entries", [one["total"]]))
            rows.append(row(f"{label}, keys that differ", "tables", [one["n_violations"]], goal=0))
    return rows


def write_mapping_times(options: argparse.Namespace, raw: dict[str, Any]) -> None:
    """Compare only the time of the whole mapping, which is measured sooner than the minimisers."""
    theirs_s: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.runs if options.pacman is not None else 0):
            found, _ = run_pacman(options.pacman, Path(folder), 0.0, 1)
            theirs_s.append(found["until_tables_s"])
    raw["pacman"] = {"until_tables_s": theirs_s}
    baseline = ("PACMAN", statistics.median(theirs_s)) if theirs_s else None
    rows = [row("PD14 mapping", "s", raw["own"]["map_s"], baseline=baseline, goal=2.5)]
    print_table(rows)
    write_results(options.out, options={"runs": options.runs, "only_mapping": True}, rows=rows, raw=raw)


def main() -> None:
    """Parse the arguments, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pacman", type=Path, help="Python of an environment with sPyNNaker 7")
    parser.add_argument("--seconds", type=float, default=60.0, help="limit of each of PACMAN's compressors")
    parser.add_argument("--sample", type=int, default=40, help="hard tables that PACMAN compresses")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only-mapping", action="store_true", help="time of whole mappings only")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "tables.json")
    options = parser.parse_args()
    raw: dict[str, Any] = {}
    tables, raw["own"] = own_tables(options.runs)
    if options.only_mapping:
        write_mapping_times(options, raw)
        return
    for method in METHODS:  # compile
        MINIMISERS[method](chips_of(tables, tables.chip[:2].tolist()))
    rows = [
        row("PD14 mapping", "s", raw["own"]["map_s"], goal=2.5),
        row("PD14 tables, time", "s", raw["own"]["build_s"], goal=1.5),
        row("PD14 tables, max", "entries", [raw["own"]["max"]], goal=91),
        row("PD14 tables, total", "entries", [raw["own"]["total"]], goal=21_133),
        *rows_of("own routes", tables, options.runs, raw),
    ]
    if options.pacman is not None:
        with tempfile.TemporaryDirectory() as folder:
            found, theirs = run_pacman(options.pacman, Path(folder), options.seconds, options.sample)
        raw["pacman"] = found
        rows += rows_of("PACMAN's routes", theirs["hard"], options.runs, raw)
        rows += rows_of_pacman(found, theirs, options.runs, raw)
        theirs_s = found["until_tables_s"]
        rows[0] = row("PD14 mapping", "s", raw["own"]["map_s"], baseline=("PACMAN", theirs_s), goal=2.5)
    print_table(rows)
    arguments = {"runs": options.runs, "seconds": options.seconds, "sample": options.sample}
    write_results(options.out, options=arguments, rows=rows, raw=raw)


if __name__ == "__main__":
    main()
