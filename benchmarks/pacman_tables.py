"""Map a network with sPyNNaker's own tools (PACMAN) on a virtual machine; keep its routing tables and time it.

The Python environment needs sPyNNaker 7, but not neuromap. The process ends after the routing tables, since sPyNNaker
would go on to draw every synapse on the host.

    python pacman_tables.py network.json result.json --tables tables.npz --seconds 170 --sample 40

``tables.npz``: for ``hard`` (one entry per source core) and ``merged`` (PACMAN's default tables) the arrays
``<name>_chip`` (n_chips, 2), ``_indptr``, ``_key``, ``_mask``, ``_route`` and ``_is_defaultable``. ``result.json``:
seconds of each stage, and of each compressor the seconds, the tables it finished and their lengths.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

CFG = """[Machine]
version = 5
virtual_board = True
[Mode]
mode = Production
[Reports]
default_report_file_path = {folder}
[Mapping]
router_table_compress_as_far_as_possible = True
"""


class MappedError(Exception):
    """Raised to leave sPyNNaker when the tables are made."""


def build(network, neurons_per_core):
    """Build the network in sPyNNaker (the module ``pyNN.spiNNaker``) and return the module."""
    from pyNN import spiNNaker as sim  # noqa: N813

    sim.setup(network["dt_ms"])
    sim.set_number_of_neurons_per_core(sim.IF_curr_exp, neurons_per_core)
    sim.set_number_of_neurons_per_core(sim.SpikeSourcePoisson, neurons_per_core)
    made = {}
    for population in network["populations"]:
        n = population["n_neurons"]
        made[population["name"]] = sim.Population(n, sim.IF_curr_exp(), label=population["name"])
        drive = population["poisson"]
        if drive is not None:
            rate_hz = drive["n_inputs"] * drive["rate_hz"]
            source = sim.Population(n, sim.SpikeSourcePoisson(rate=rate_hz), label=population["name"] + "_drive")
            synapse = sim.StaticSynapse(weight=0.1, delay=drive["delay_ms"])
            sim.Projection(source, made[population["name"]], sim.OneToOneConnector(), synapse)
    for projection in network["projections"]:
        n_synapses = projection["connector"]["n_synapses"]
        if not n_synapses:
            continue
        mean = projection["weight_pa"]["mean"]
        delay = sim.RandomDistribution(
            "normal_clipped", mu=projection["delay_ms"]["mean"], sigma=projection["delay_ms"]["sd"], low=0.1, high=6.4
        )
        sim.Projection(
            made[projection["source"]],
            made[projection["target"]],
            sim.FixedTotalNumberConnector(n_synapses, with_replacement=True),
            sim.StaticSynapse(weight=abs(mean) * 1e-3, delay=delay),
            receptor_type="inhibitory" if mean < 0 else "excitatory",
        )
    return sim


def arrays_of(tables):
    """Return the arrays of a MulticastRoutingTables, chips sorted."""
    chips, indptr, rows = [], [0], []
    for table in sorted(tables.routing_tables, key=lambda table: (table.x, table.y)):
        entries = list(table.multicast_routing_entries)
        chips.append((table.x, table.y))
        indptr.append(indptr[-1] + len(entries))
        rows += [(entry.key, entry.mask, entry.spinnaker_route, entry.defaultable) for entry in entries]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return {
        "chip": np.array(chips, dtype=np.int32),
        "indptr": np.array(indptr, dtype=np.int64),
        "key": columns[:, 0].astype(np.uint32),
        "mask": columns[:, 1].astype(np.uint32),
        "route": columns[:, 2].astype(np.uint32),
        "is_defaultable": columns[:, 3].astype(bool),
    }


def compress(tables, limit_s, n_sample):
    """Run each of PACMAN's compressors for up to ``limit_s`` seconds, on ``n_sample`` tables, evenly taken (0: all)."""
    from pacman.operations.router_compressors.ordered_covering_router_compressor.ordered_covering import (
        _OrderedCoveringCompressor,
        ordered_covering,
    )
    from pacman.operations.router_compressors.pair_compressor import _PairCompressor

    found = {}
    ordered = sorted(tables.routing_tables, key=lambda table: (table.x, table.y))
    if n_sample and n_sample < len(ordered):
        ordered = [ordered[i] for i in np.linspace(0, len(ordered) - 1, n_sample).astype(int)]
    methods = {
        "pair": _PairCompressor(True, True, False).compress_table,
        "ordered_covering": _OrderedCoveringCompressor().compress_table,
        "ordered_covering_1023": lambda table: ordered_covering(
            table.multicast_routing_entries, 1023, {}, no_raise=True
        )[0],
    }
    for name, method in methods.items():
        lengths, start = [], time.perf_counter()
        for table in ordered:
            lengths.append(len(list(method(table))))
            if time.perf_counter() - start > limit_s:
                break
        seconds = time.perf_counter() - start
        chips = [[table.x, table.y] for table in ordered[: len(lengths)]]
        found[name] = {"seconds": seconds, "n_tables": len(ordered), "lengths": lengths, "chips": chips}
        print(name, round(seconds, 2), len(lengths), max(lengths), sum(lengths), flush=True)
    return found


def main():
    """Parse the arguments, map, compress, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--neurons-per-core", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=170.0, help="limit of each compressor")
    parser.add_argument("--sample", type=int, default=40, help="tables of the hard input to compress, 0 for all")
    options = parser.parse_args()
    folder = tempfile.mkdtemp()
    network = json.loads(options.network.read_text())
    result_path, tables_path = options.result.absolute(), options.tables.absolute()
    os.environ["HOME"] = folder  # its settings file would be made in the home folder
    (Path(folder) / ".spynnaker.cfg").write_text(CFG.format(folder=folder))
    os.chdir(folder)
    from spinn_front_end_common.interface import abstract_spinnaker_base as base

    sim = build(network, options.neurons_per_core)
    result = {}

    def stop(self):
        start = time.perf_counter()
        merged = base.merged_routing_table_generator()
        result["merged_s"] = time.perf_counter() - start
        result["until_tables_s"] = time.perf_counter() - begin
        start = time.perf_counter()
        hard = base.basic_routing_table_generator()
        result["hard_s"] = time.perf_counter() - start
        arrays = {"merged": arrays_of(merged), "hard": arrays_of(hard)}
        np.savez_compressed(
            tables_path, **{f"{kind}_{key}": value for kind, one in arrays.items() for key, value in one.items()}
        )
        result["merged"] = compress(merged, options.seconds, 0)
        result["hard"] = compress(hard, options.seconds, options.sample)
        result_path.write_text(json.dumps(result))
        raise MappedError

    base.AbstractSpinnakerBase._do_routing_table_generator = stop
    begin = time.perf_counter()
    try:
        sim.run(1)
    except MappedError:
        return
    raise RuntimeError("sPyNNaker did not reach its routing tables")


if __name__ == "__main__":
    main()
