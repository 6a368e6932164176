"""Measure the cost of a mapping against its size: 1 to 100 columns of PD14 on a torus that grows with them.

    python benchmarks/bench_growth.py                          # all sizes, result file and figure
    python benchmarks/bench_growth.py --columns 1 2 --runs 1

Each column is a full-scale PD14 (`place_route_case.areas`: three populations of each also send to the next column),
64 neurons a core, in ensembles; the machine is a SpiNNaker 1 torus of the fewest triads that hold them (100 columns:
216 x 216 chips). Every run is a process of its own; compiled code is cached by a small run that is not measured. The
size n is the number of (source slice, target population) pairs. Neither time nor memory may grow faster than n log n
from one column on. Processor time is judged, since other work on the machine changes wall time, which is kept too.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import HERE, measure, peak_rss_bytes, print_table, row, write_results
from place_route_case import SLICE, areas

COLUMNS = (1, 2, 5, 10, 25, 50, 100)
STAGES = ("partition", "place", "route", "keys", "tables", "loads", "verify")
MAPPING_STAGES = STAGES[:5]
GROWING = ("mapping_cpu_s", "all_cpu_s", "memory_bytes")
FIGURE = HERE.parent / "docs" / "growth.png"


# ---- one measurement ---------------------------------------------------------------------------------------------


class Clock:
    """Wall and processor seconds, and memory, of stages."""

    def __init__(self) -> None:
        self.result: dict[str, Any] = {"start_rss_bytes": peak_rss_bytes()}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block inside."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.result[f"{name}_s"] = time.perf_counter() - wall
        self.result[f"{name}_cpu_s"] = time.process_time() - cpu
        self.result[f"{name}_peak_rss_bytes"] = peak_rss_bytes()


def measure_one(n_columns: int, place: str) -> dict[str, Any]:
    """Map ``n_columns`` columns stage by stage, check the result, return seconds, memory and quality."""
    from mapping.flow import make_tables
    from mapping.keys.allocate import allocate_keys
    from mapping.load import static_load
    from mapping.model import Mapping
    from mapping.partition import RECIPES
    from mapping.place import PLACERS
    from mapping.place.filling.smallest import place_on_boards
    from mapping.route import ROUTERS
    from mapping.tables import table_lengths
    from mapping.verify import verify
    from models.machine.file import load_machine

    network, machine = areas(n_columns), load_machine("spinnaker1")
    machine = replace(machine, topology=replace(machine.topology, wrap=True))
    clock = Clock()
    with clock.stage("partition"):
        partition = RECIPES["ensemble"](network, machine, neurons_per_core=SLICE)
    with clock.stage("place"):
        site = place_on_boards(PLACERS[place], partition, network, machine)
    with clock.stage("route"):
        trees = ROUTERS["shared_tree"](site)
    with clock.stage("keys"):
        keys = allocate_keys(partition)
    with clock.stage("tables"):
        tables = make_tables(site, trees, keys)
    mapping = Mapping(site.machine, partition, site.placement, trees, keys, tables, network.name, 0)
    with clock.stage("loads"):
        static = static_load(mapping, network)
    with clock.stage("verify"):
        violations = verify(mapping, network)
    lengths = table_lengths(tables)
    return clock.result | {
        "n_columns": n_columns,
        "n_pairs": sum(int(lane.size) for lane in partition.lane_of_source.values()),
        "n_slices": len(partition.slices),
        "n_cores": len(partition.vertices),
        "n_chips": site.topology.n_chips,
        "n_chips_used": len({tuple(core) for core in site.placement.core[:, :2].tolist()}),
        "n_boards": site.topology.n_boards,
        "width": site.topology.width,
        "height": site.topology.height,
        "mean_link_hops": static.mean_link_hops,
        "busiest_link_packets_per_s": static.max_link_packets_per_s,
        "n_table_entries": int(lengths.sum()),
        "max_table_entries": int(lengths.max()),
        "n_violations": len(violations),
    }


# ---- all of them -------------------------------------------------------------------------------------------------


def totals(run: dict[str, Any]) -> dict[str, float]:
    """Return wall and processor seconds of the mapping, and with loads and the check, and the peak memory in bytes."""
    sums = {
        f"{name}_{unit}": sum(run[f"{stage}_{unit}"] for stage in stages)
        for name, stages in (("mapping", MAPPING_STAGES), ("all", STAGES))
        for unit in ("s", "cpu_s")
    }
    return sums | {"memory_bytes": float(run["verify_peak_rss_bytes"])}


def growth(runs: list[dict[str, Any]], first: list[dict[str, Any]], key: str) -> float:
    """Return the median of ``key`` relative to the first size, divided by the growth of n log n of the pairs."""
    expected = [one[0]["n_pairs"] * math.log(one[0]["n_pairs"]) for one in (runs, first)]
    measured = [statistics.median(run[key] for run in one) for one in (runs, first)]
    return measured[0] / measured[1] / (expected[0] / expected[1])


def rows_of(by_size: dict[int, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the rows of the result: time, memory and their growth over n log n at each size."""
    rows = []
    first = by_size[min(by_size)]
    for n_columns, runs in sorted(by_size.items()):
        name = f"{n_columns} columns ({runs[0]['n_cores']:,} cores, {runs[0]['n_chips']:,} chips)"
        for key in (*(f"{stage}_s" for stage in STAGES), "mapping_s", "mapping_cpu_s", "all_s"):
            rows.append(row(f"{key.removesuffix('_s')}; {name}", "s", [run[key] for run in runs]))
        rows.append(row(f"peak memory; {name}", "MB", [run["memory_bytes"] / 1e6 for run in runs]))
        for key in GROWING:
            rows.append(row(f"{key}, growth / (n log n); {name}", "1", [growth(runs, first, key)], goal=1.0))
    return rows


def draw(by_size: dict[int, list[dict[str, Any]]], path: Path) -> None:
    """Draw time and memory against the number of pairs, each with its n log n line through the first point."""
    from neuromap.page.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, new_figure, styled

    sizes = sorted(by_size)
    pairs = [by_size[n][0]["n_pairs"] for n in sizes]

    def median(key: str, n_columns: int) -> float:
        return statistics.median(run[key] for run in by_size[n_columns])

    def add_line(axes: Any, first: float) -> None:
        allowed = [first * n * math.log(n) / (pairs[0] * math.log(pairs[0])) for n in pairs]
        axes.plot(pairs, allowed, "--", color=GREY, lw=1.2, label="n log n", zorder=1)

    with styled():
        figure = new_figure(9.6, 4.4)
        time_axes, memory_axes = figure.subplots(1, 2)
        colours = dict(zip(STAGES, (SKY, BLUE, GREEN, None, ORANGE, PURPLE, GREY), strict=True))
        for stage in (stage for stage in STAGES if stage != "keys"):  # at most 0.1 s
            values = [median(f"{stage}_cpu_s", n) for n in sizes]
            time_axes.plot(pairs, values, "o-", ms=3, lw=1, color=colours[stage], label=stage)
        mapping = [median("mapping_cpu_s", n) for n in sizes]
        time_axes.plot(pairs, mapping, "o-", ms=5, lw=2, color=VERMILLION, label="partition to tables")
        add_line(time_axes, mapping[0])
        time_axes.set(xscale="log", yscale="log", ylabel="processor time (s)", title="Time")
        memory = [median("memory_bytes", n) / 1e6 for n in sizes]
        memory_axes.plot(pairs, memory, "o-", ms=5, lw=2, color=VERMILLION, label="peak, check included")
        add_line(memory_axes, memory[0])
        memory_axes.set(xscale="log", yscale="log", ylabel="memory (MB)", title="Memory")
        for axes in (time_axes, memory_axes):
            axes.set_xlabel("pairs of source slice and target population")
            axes.legend(fontsize=8, frameon=False, loc="upper left")
        for n_columns, x, y in zip(sizes, pairs, memory, strict=True):
            offset, side = (0, -12), "center"
            memory_axes.annotate(f"{n_columns}x", (x, y), offset, textcoords="offset points", ha=side, fontsize=8)
        figure.savefig(path, dpi=150)


def main() -> None:
    """Parse the arguments, measure, print, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, nargs="+", default=list(COLUMNS))
    parser.add_argument("--runs", type=int, default=3, help="repetitions of sizes up to 10 columns; larger ones: 1")
    parser.add_argument("--place", default="connected")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "growth.json")
    parser.add_argument("--figure", type=Path, default=FIGURE)
    parser.add_argument("result", type=Path, nargs="?", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        options.result.write_text(json.dumps(measure_one(options.one, options.place)), encoding="utf-8")
        return
    case = [sys.executable, __file__, "--place", options.place, "--one"]
    measure([*case, "1"], "compile (not measured)")
    by_size: dict[int, list[dict[str, Any]]] = {}
    for n_columns in options.columns:
        for _ in range(options.runs if n_columns <= 10 else 1):
            run = measure([*case, str(n_columns)], f"{n_columns} columns")
            by_size.setdefault(n_columns, []).append(run | totals(run))
    rows = rows_of(by_size)
    print_table(rows)
    draw(by_size, options.figure)
    kept = {"columns": options.columns, "runs": options.runs, "place": options.place}
    write_results(options.out, options=kept, rows=rows, raw={str(n): runs for n, runs in by_size.items()})


if __name__ == "__main__":
    main()
