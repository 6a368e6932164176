"""Run rig's placer, router and tables on PD14 with 64 neurons a core; the Python environment needs rig.

python rig_place_route.py --nets nets.json --place sequential --seed 1 result.json

``nets.json``: ``n_slices`` of each population, and its ``targets``. Every slice has one net, to all slices of every
target. The machine is a 24 x 24 torus with 17 cores a chip. The router uses Python's random numbers, seeded by
``--seed``. Python 3.11 no longer has ``inspect.getargspec``, which rig 2.4.1 uses; it is added here.
"""

import argparse
import inspect
import json
import random
import time
from importlib import import_module
from pathlib import Path

if not hasattr(inspect, "getargspec"):
    inspect.getargspec = lambda function: inspect.getfullargspec(function)[:4]  # type: ignore[attr-defined]

WIDTH, HEIGHT, N_CORES = 24, 24, 17


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nets", type=Path)
    parser.add_argument("--place", default="sequential")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    core_nets = json.loads(options.nets.read_text(encoding="utf-8"))
    par = import_module("rig.place_and_route")
    net_of = import_module("rig.netlist").Net
    place = import_module(f"rig.place_and_route.place.{options.place}").place
    vertices = {name: [(name, i) for i in range(n)] for name, n in core_nets["n_slices"].items()}
    resources = {vertex: {par.Cores: 1} for own in vertices.values() for vertex in own}
    sinks = {name: [v for target in names for v in vertices[target]] for name, names in core_nets["targets"].items()}
    nets = [net_of(vertex, sinks[name]) for name, own in vertices.items() for vertex in own if sinks[name]]
    machine = par.Machine(WIDTH, HEIGHT, chip_resources={par.Cores: N_CORES})
    random.seed(options.seed)
    start, start_cpu = time.perf_counter(), time.process_time()
    placement = place(resources, nets, machine, [])
    placed = time.perf_counter()
    allocation = par.allocate(resources, nets, machine, [], placement)
    routes = par.route(resources, nets, machine, [], placement, allocation)
    routed = time.perf_counter()
    tables = import_module("rig.routing_table").routing_tree_to_tables(
        routes, {net: (i << 6, 0xFFFFFFC0) for i, net in enumerate(nets)}
    )
    done, done_cpu = time.perf_counter(), time.process_time()
    tree = import_module("rig.place_and_route.routing_tree").RoutingTree
    n_hops = sum(
        sum(isinstance(child, tree) for node in root if isinstance(node, tree) for _, child in node.children)
        for root in routes.values()
    )
    result = {
        "place_s": placed - start,
        "route_s": routed - placed,
        "tables_s": done - routed,
        "cpu_s": done_cpu - start_cpu,
        "n_nets": len(nets),
        "n_sinks": sum(len(net.sinks) for net in nets),
        "mean_link_hops": n_hops / len(nets),
        "max_table_entries": max(len(table) for table in tables.values()),
        "n_table_entries": sum(len(table) for table in tables.values()),
    }
    options.out.write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
