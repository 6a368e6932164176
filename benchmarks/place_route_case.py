"""Measure placement and routing once, and write times, hops and memory as JSON.

python place_route_case.py rig --place sequential --route shared_tree result.json
python place_route_case.py modular --place annealing result.json
python place_route_case.py areas --n-areas 10 result.json
python place_route_case.py pd14 --route congestion_aware result.json
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from harness import peak_rss_bytes

from mapping.keys.allocate import allocate_keys
from mapping.load import static_load
from mapping.model import Mapping
from mapping.partition import RECIPES
from mapping.place import PLACERS, connected
from mapping.place.filling.smallest import place_on_boards
from mapping.route import ROUTERS
from mapping.route.job import make_jobs
from mapping.route.link_load import add_tree
from mapping.tables import build_tables, table_lengths
from mapping.verify import verify
from models.machine import Machine
from models.machine.file import load_machine
from models.network import Constant, FixedProbability, Network, Population, Projection
from models.networks import pd14

N_MODULES = 64
N_LINKED = 6
SLICE = 64
AREA_LINKS = (("L23E", "L4E"), ("L5E", "L23E"), ("L6E", "L5E"))


def projection(source: str, target: str, probability: float) -> Projection:
    return Projection(
        source=source,
        target=target,
        connector=FixedProbability(probability=probability),
        weight_pa=Constant(value=80.0),
        delay_ms=Constant(value=1.0),
    )


def modular_cores(seed: int, sizes: tuple[int, int] = (48, 16), *, is_mixed: bool = False) -> Network:
    """Return 64 modules of 48 excitatory and 16 inhibitory slices; each sends to 6 others, drawn with exp(-distance).

    Modules lie on an 8 x 8 grid, and the order in which they are listed does not reveal their places. Rates are drawn.
    With ``is_mixed``, populations are listed in a random order.
    """
    rng = np.random.default_rng(seed)
    side = int(np.sqrt(N_MODULES))
    place = rng.permutation(N_MODULES)
    xy = np.stack((place % side, place // side), axis=1).astype(np.float64)
    populations: list[Population] = []
    projections: list[Projection] = []
    for module in range(N_MODULES):
        for kind, n_slices, low, high in (("E", sizes[0], 1.0, 9.0), ("I", sizes[1], 3.0, 15.0)):
            rate_hz = float(rng.uniform(low, high))
            populations.append(Population(name=f"M{module}{kind}", n_neurons=n_slices * SLICE, rate_hz=rate_hz))
            projections += [projection(f"M{module}{kind}", f"M{module}{other}", 0.1) for other in "EI"]
        chance = np.exp(-np.hypot(*(xy - xy[module]).T))
        chance[module] = 0.0
        for other in rng.choice(N_MODULES, N_LINKED, replace=False, p=chance / chance.sum()):
            projections.append(projection(f"M{module}E", f"M{other}E", 0.01))
    if is_mixed:
        populations = [populations[i] for i in rng.permutation(len(populations))]
    return Network(name="modular cores", populations=tuple(populations), projections=tuple(projections))


def areas(n_areas: int) -> Network:
    """Return PD14 ``n_areas`` times; three populations of each area also send to the next area."""
    column = pd14()
    populations = tuple(
        replace(population, name=f"A{area:03}_{population.name}")
        for area in range(n_areas)
        for population in column.populations
    )
    inner = tuple(
        replace(one, source=f"A{area:03}_{one.source}", target=f"A{area:03}_{one.target}")
        for area in range(n_areas)
        for one in column.projections
    )
    between = tuple(
        projection(f"A{area:03}_{a}", f"A{(area + 1) % n_areas:03}_{b}", 0.001)
        for area in range(n_areas if n_areas > 1 else 0)
        for a, b in AREA_LINKS
    )
    return replace(column, name="areas", populations=populations, projections=inner + between)


def machine_of(case: str) -> Machine:
    """Return SpiNNaker 1; for ``rig`` and the modules with so much memory that it never limits, as rig ignores it."""
    machine = load_machine("spinnaker1")
    if case in ("pd14", "areas"):
        return machine
    topology = replace(machine.topology, n_boards=12, wrap=True) if case == "rig" else machine.topology
    n_monitor = 1 if case == "rig" else 2
    return replace(
        machine,
        topology=topology,
        core=replace(machine.core, n_monitor_per_chip=n_monitor, n_monitor_per_ethernet_chip=n_monitor),
        memory=replace(machine.memory, sdram_bytes=10**10),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=("rig", "modular", "mixed", "areas", "pd14"))
    parser.add_argument("--place", default="connected", choices=PLACERS)
    parser.add_argument("--route", default="shared_tree", choices=ROUTERS)
    parser.add_argument("--recipe", choices=RECIPES, help="default: combined for modules and rig, else ensemble")
    parser.add_argument("--n-areas", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    builders = {
        "modular": lambda: modular_cores(options.seed),
        "mixed": lambda: modular_cores(options.seed, (44, 13), is_mixed=True),
        "areas": lambda: areas(options.n_areas),
    }
    network = builders.get(options.case, pd14)()
    options.out.write_text(json.dumps(measure_case(options, network)), encoding="utf-8")


def measure_case(options: argparse.Namespace, network: Network) -> dict[str, Any]:
    """Partition, place and route, and time each; up to four areas, also build the tables and check the mapping."""
    machine = machine_of(options.case)
    is_combined = options.case in ("rig", "modular", "mixed")
    recipe = options.recipe or ("combined" if is_combined else "ensemble")
    begin = time.perf_counter()
    partition = RECIPES[recipe](network, machine, neurons_per_core=SLICE)
    partition_s = time.perf_counter() - begin
    rng = np.random.Generator(np.random.Philox(key=options.seed))
    start, start_cpu = time.perf_counter(), time.process_time()
    place, probe = PLACERS[options.place], None if options.place == "connected" else connected.place
    site = place_on_boards(place, partition, network, machine, rng=rng, probe=probe)
    placed, placed_cpu = time.perf_counter(), time.process_time()
    trees = ROUTERS[options.route](site, rng=rng)
    routed, routed_cpu = time.perf_counter(), time.process_time()
    jobs, machine, topology, placement = make_jobs(site), site.machine, site.topology, site.placement
    result: dict[str, Any] = {
        "partition_s": partition_s,
        "place_s": placed - start,
        "route_s": routed - placed,
        "place_cpu_s": placed_cpu - start_cpu,
        "route_cpu_s": routed_cpu - placed_cpu,
        "n_slices": len(partition.slices),
        "n_cores": len(partition.vertices),
        "n_chips": topology.n_chips,
        "n_boards": topology.n_boards,
        "n_pairs": sum(int(lane.size) for lane in partition.lane_of_source.values()),
    }
    if options.route not in ("two_phase", "unicast"):
        load = np.zeros((topology.n_chips, topology.n_links))
        for name, job in jobs.items():
            add_tree(load, topology, job, trees[name], 1.0)
        result |= {"packet_hops_per_s": float(load.sum()), "busiest_link_packets_per_s": float(load.max(initial=0.0))}
    result["peak_rss_bytes"] = peak_rss_bytes()
    if options.n_areas <= 4:
        begin, begin_cpu = time.perf_counter(), time.process_time()
        keys = allocate_keys(partition)
        tables = build_tables(site, trees, keys)
        result["tables_s"] = time.perf_counter() - begin
        result["cpu_s"] = routed_cpu - start_cpu + time.process_time() - begin_cpu
        mapping = Mapping(machine, partition, placement, trees, keys, tables, network.name, options.seed)
        static = static_load(mapping, network)
        lengths = table_lengths(tables)
        result |= {
            "mean_link_hops": static.mean_link_hops,
            "busiest_link_packets_per_s": static.max_link_packets_per_s,
            "packet_hops_per_s": float(static.link_packets_per_s.sum()),
            "max_table_entries": int(lengths.max(initial=0)),
            "n_table_entries": int(lengths.sum()),
            "n_violations": len(verify(mapping, network)),
        }
    return result


if __name__ == "__main__":
    main()
