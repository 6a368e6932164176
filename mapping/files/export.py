"""Exports a mapping for other programs: vertices and nets as JSON, loads as arrays, graphs for networkx.

``vertices.json``
    One object for each core: ``vertex_id``, ``population``, ``start``, ``stop`` (neurons, half open), ``role``,
    ``lane``, ``x``, ``y``, ``p`` (its place), ``dtcm_bytes``, ``sdram_bytes``.
``nets.json``
    One object for each population or source that sends: ``source``, ``targets``, ``rate_hz`` (expected, per neuron),
    ``n_targets`` (cores that one packet goes to), ``keys`` (key and mask of each slice, in hex).
``loads.npz``
    Expected traffic: ``link_xyl`` int32 (n_links, 3), chip and link number; ``link_packets_per_s`` float64 (n_links,);
    ``vertex_packets_per_s`` float64 (n_vertices,); ``link_hops`` int64 (n_slices,), -1 where a slice sends nothing;
    ``table_xy`` int32 (n_tables, 2) and ``table_entries`` int64 (n_tables,); ``chip_xy`` int32 (n_chips, 2) and
    ``chip_sdram_bytes`` int64 (n_chips,).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mapping.expected import expected_rates_hz, targets_of
from mapping.load import static_load
from mapping.model import Mapping, Violation
from mapping.traffic import slice_ranges
from models.errors import UnknownNameError
from models.files.array_file import read_arrays
from models.files.array_layout import ArrayLayout, ArraySpec
from models.files.atomic_file import write_arrays, write_text
from models.files.json_file import read_json
from models.network import Network
from models.topology import Topology, build_topology

if TYPE_CHECKING:
    import networkx as nx

VERTICES_NAME = "vertices.json"
NETS_NAME = "nets.json"
LOADS_NAME = "loads.npz"


def write_artefacts(mapping: Mapping, network: Network, folder: str | Path) -> tuple[Path, ...]:
    """Write ``vertices.json``, ``nets.json`` and ``loads.npz`` into a folder that exists; return their paths."""
    path = Path(folder)
    files = (path / VERTICES_NAME, path / NETS_NAME, path / LOADS_NAME)
    _write_rows(files[0], vertex_rows(mapping))
    _write_rows(files[1], net_rows(mapping, network))
    write_arrays(files[2], **_loads(mapping, network))
    return files


def check_artefacts(mapping: Mapping, network: Network, folder: str | Path) -> Iterator[Violation]:
    """Compare the files that `write_artefacts` wrote into a folder with the mapping, value by value.

    Raises
    ------
    ParameterError
        If a file is missing, damaged or not of this kind.
    """
    path = Path(folder)
    for name, rows in ((VERTICES_NAME, vertex_rows(mapping)), (NETS_NAME, net_rows(mapping, network))):
        found = read_json(path / name)
        if not isinstance(found, list) or len(found) != len(rows):
            has = f"{len(found)} rows" if isinstance(found, list) else "no list"
            yield Violation("file", name, f"needs {len(rows)} rows, has {has}")
            continue
        wrong = [i for i, (needs, has) in enumerate(zip(rows, found, strict=True)) if _text(needs) != _text(has)]
        if wrong:
            yield Violation("file", name, f"rows that differ from the mapping: {len(wrong)}, the first is {wrong[0]}")
    needed = _loads(mapping, network)
    specs = tuple(ArraySpec(name=key, dtype=array.dtype.name, shape=array.shape) for key, array in needed.items())
    loads = read_arrays(path / LOADS_NAME, ArrayLayout(what="the loads of this mapping", arrays=specs))
    for key, array in needed.items():
        if not np.array_equal(array, loads[key]):
            yield Violation("file", LOADS_NAME, f"{key} differs from the mapping")


def _text(row: Any) -> str:
    return json.dumps(row, sort_keys=True)


def vertex_rows(mapping: Mapping) -> list[dict[str, Any]]:
    """Return the rows of ``vertices.json``."""
    rows = []
    for vertex, (x, y, p) in zip(mapping.partition.vertices, mapping.placement.core.tolist(), strict=True):
        part = mapping.partition.slices[vertex.slice_id]
        rows.append(
            {
                "vertex_id": vertex.vertex_id,
                "population": part.population,
                "start": part.start,
                "stop": part.stop,
                "role": str(vertex.role),
                "lane": vertex.lane,
                "x": x,
                "y": y,
                "p": p,
                "dtcm_bytes": vertex.dtcm_bytes,
                "sdram_bytes": vertex.sdram_bytes,
            }
        )
    return rows


def net_rows(mapping: Mapping, network: Network) -> list[dict[str, Any]]:
    """Return the rows of ``nets.json``."""
    rates_hz, targets = expected_rates_hz(network, mapping.machine), targets_of(network)
    partition, keys = mapping.partition, mapping.keys
    ranges = slice_ranges(partition)
    rows = []
    for source in mapping.trees:
        start, stop = ranges[source]
        sizes = [ranges[target] for target in targets[source]]
        pairs = zip(keys.key[start:stop].tolist(), keys.mask[start:stop].tolist(), strict=True)
        rows.append(
            {
                "source": source,
                "targets": list(targets[source]),
                "rate_hz": rates_hz[source],
                "n_targets": sum(last - first for first, last in sizes),
                "keys": [f"0x{key:08x}/0x{mask:08x}" for key, mask in pairs],
            }
        )
    return rows


def population_graph(mapping: Mapping, network: Network) -> nx.DiGraph:
    """Return the graph of populations and sources (nodes) and of pairs that a projection joins (edges).

    Node attributes: ``n_slices``, ``n_neurons``, ``rate_hz``; edge attribute: ``n_deliveries_per_s`` (packets/s that
    arrive at the target's cores).
    """
    import networkx as nx

    rates_hz, targets = expected_rates_hz(network, mapping.machine), targets_of(network)
    graph = nx.DiGraph(network=network.name)
    ranges = slice_ranges(mapping.partition)
    for name in network.offsets:
        start, stop = ranges[name]
        n_neurons = network.group(name).n_neurons
        graph.add_node(name, n_slices=stop - start, n_neurons=n_neurons, rate_hz=rates_hz[name])
    for source, sinks in targets.items():
        packets_per_s = rates_hz[source] * network.group(source).n_neurons
        for target in sinks:
            graph.add_edge(source, target, n_deliveries_per_s=packets_per_s * graph.nodes[target]["n_slices"])
    return graph


def tree_graph(mapping: Mapping, population: str) -> nx.DiGraph:
    """Return the routing tree (or trees) of a population.

    Nodes are (x, y), from the root down; a forest over shared chips keeps every edge once. Edge attribute: ``link``,
    the number of the link from child to parent. Graph attribute ``roots``: list of (x, y).

    Raises
    ------
    UnknownNameError
        If the population has no tree.
    """
    import networkx as nx

    if population not in mapping.trees:
        raise UnknownNameError("population with a routing tree", population, mapping.trees)
    tree = mapping.trees[population]
    chips = [tuple(chip) for chip in tree.chip.tolist()]
    parents = tree.parent.tolist()
    graph = nx.DiGraph(population=population, roots=[chips[i] for i, parent in enumerate(parents) if parent < 0])
    graph.add_nodes_from(chips)
    for i, parent in enumerate(parents):
        if parent >= 0:
            graph.add_edge(chips[parent], chips[i], link=int(tree.parent_link[i]))
    return graph


def machine_graph(mapping: Mapping, network: Network) -> nx.DiGraph:
    """Return the graph of the machine's chips and links, with the load that the mapping puts on them.

    To `models.topology.Topology.to_networkx` it adds the node attributes ``n_cores_used`` and ``n_table_entries`` and
    the edge attribute ``packets_per_s`` (expected).
    """
    topology = build_topology(mapping.machine)
    graph = topology.to_networkx()
    load = static_load(mapping, network)
    chips = [tuple(chip) for chip in topology.chip.tolist()]
    used = np.bincount(_chip_of_vertex(mapping, topology), minlength=topology.n_chips)
    entries = dict.fromkeys(chips, 0)
    lengths = np.diff(mapping.tables.indptr).tolist()
    entries.update(zip([tuple(chip) for chip in mapping.tables.chip.tolist()], lengths, strict=True))
    for i, chip in enumerate(chips):
        graph.nodes[chip].update(n_cores_used=int(used[i]), n_table_entries=int(entries[chip]))
    for i, link in np.argwhere(topology.neighbour >= 0).tolist():
        graph.edges[chips[i], chips[topology.neighbour[i, link]]]["packets_per_s"] = load.link_packets_per_s[i, link]
    return graph


def _chip_of_vertex(mapping: Mapping, topology: Topology) -> NDArray[np.int32]:
    core = mapping.placement.core
    return topology.index_of(core[:, 0], core[:, 1])


def _loads(mapping: Mapping, network: Network) -> dict[str, NDArray[Any]]:
    load, topology = static_load(mapping, network), build_topology(mapping.machine)
    used = np.argwhere(load.link_packets_per_s > 0)
    sdram = [vertex.sdram_bytes for vertex in mapping.partition.vertices]
    chip_sdram = np.bincount(_chip_of_vertex(mapping, topology), weights=sdram, minlength=topology.n_chips)
    return {
        "link_xyl": np.column_stack((load.chip[used[:, 0]], used[:, 1])).astype(np.int32),
        "link_packets_per_s": load.link_packets_per_s[tuple(used.T)],
        "vertex_packets_per_s": load.vertex_packets_per_s,
        "link_hops": load.link_hops,
        "table_xy": mapping.tables.chip,
        "table_entries": np.diff(mapping.tables.indptr),
        "chip_xy": topology.chip,
        "chip_sdram_bytes": chip_sdram.astype(np.int64),
    }


def _write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a JSON list, one row a line."""
    text = ",\n".join(json.dumps(row) for row in rows)
    write_text(path, f"[\n{text}\n]\n" if rows else "[]\n")
