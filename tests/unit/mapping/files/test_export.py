"""Files for other programs: they are compared with the mapping value by value; graphs hold its sizes and loads."""

import json
from pathlib import Path

import numpy as np
import pytest

from machines import machine, network, pair
from mapping.files.export import (
    LOADS_NAME,
    NETS_NAME,
    VERTICES_NAME,
    check_artefacts,
    machine_graph,
    population_graph,
    tree_graph,
    write_artefacts,
)
from mapping.flow import map_network
from mapping.load import static_load
from mapping.recipe import Recipe
from models.errors import ArrayFileError, ParameterError, UnknownNameError
from models.topology import build_topology

NET = pair()
MAPPING = map_network(NET, machine(), Recipe(name="combined", neurons_per_core=8))


@pytest.fixture
def folder(tmp_path) -> Path:
    files = write_artefacts(MAPPING, NET, tmp_path)
    assert [path.name for path in files] == [VERTICES_NAME, NETS_NAME, LOADS_NAME]
    return tmp_path


def found(folder: Path) -> list[str]:
    return [str(violation) for violation in check_artefacts(MAPPING, NET, folder)]


def test_files_are_those_of_the_mapping(folder):
    assert found(folder) == []


def test_network_without_synapses_has_no_nets(tmp_path):
    silent = network({"A": 20}, [])
    made = map_network(silent, machine(), Recipe(name="combined", neurons_per_core=8))
    write_artefacts(made, silent, tmp_path)
    assert (tmp_path / NETS_NAME).read_text() == "[]\n"
    assert list(check_artefacts(made, silent, tmp_path)) == []


def test_rows_that_are_no_list_or_too_few(folder):
    rows = json.loads((folder / VERTICES_NAME).read_text())
    (folder / VERTICES_NAME).write_text(json.dumps(rows[1:]))
    (folder / NETS_NAME).write_text("{}")
    n = len(rows)
    assert found(folder) == [
        f"file at vertices.json: needs {n} rows, has {n - 1} rows",
        "file at nets.json: needs 3 rows, has no list",
    ]


def test_rows_that_differ_are_counted(folder):
    rows = json.loads((folder / VERTICES_NAME).read_text())
    for i in (2, 5):
        rows[i]["p"] += 1
    (folder / VERTICES_NAME).write_text(json.dumps(rows))
    assert found(folder) == ["file at vertices.json: rows that differ from the mapping: 2, the first is 2"]


def test_loads_that_differ_are_named(folder):
    with np.load(folder / LOADS_NAME) as arrays:
        loads = dict(arrays)
    loads["table_entries"] = loads["table_entries"] + 1
    np.savez(folder / LOADS_NAME, **loads)
    assert found(folder) == ["file at loads.npz: table_entries differs from the mapping"]
    del loads["link_hops"]
    np.savez(folder / LOADS_NAME, **loads)
    with pytest.raises(ArrayFileError, match=r"link_hops"):
        found(folder)


def test_file_that_is_missing(folder):
    (folder / NETS_NAME).unlink()
    with pytest.raises(ParameterError, match=r"^file .*nets\.json: needs JSON, has 'No such file or directory'$"):
        found(folder)


def test_graph_of_populations():
    graph = population_graph(MAPPING, NET)
    assert list(graph) == ["A", "B", "S"]
    assert (graph.nodes["A"]["n_slices"], graph.nodes["A"]["n_neurons"], graph.nodes["S"]["rate_hz"]) == (25, 200, 10.0)
    assert sorted(graph.edges) == [("A", "A"), ("A", "B"), ("B", "A"), ("S", "A")]
    assert graph.edges["S", "A"]["n_deliveries_per_s"] == 30 * 10.0 * 25


def test_graph_of_a_tree():
    graph, tree = tree_graph(MAPPING, "A"), MAPPING.trees["A"]
    assert graph.graph["roots"] == [tuple(tree.chip[0].tolist())]
    assert graph.number_of_edges() == len(tree.chip) - 1
    topology = build_topology(MAPPING.machine)
    for parent, child, link in graph.edges(data="link"):
        assert topology.neighbour[topology.index_of(*child), link] == topology.index_of(*parent)
    message = r"^population with a routing tree: needs one of A, B, S, has 'X'$"
    with pytest.raises(UnknownNameError, match=message):
        tree_graph(MAPPING, "X")


def test_graph_of_the_machine():
    graph = machine_graph(MAPPING, NET)
    assert graph.number_of_nodes() == 48
    assert sum(n for _, n in graph.nodes(data="n_cores_used")) == len(MAPPING.partition.vertices)
    assert sum(n for _, n in graph.nodes(data="n_table_entries")) == len(MAPPING.tables.key)
    total = sum(rate for *_, rate in graph.edges(data="packets_per_s"))
    assert total == pytest.approx(static_load(MAPPING, NET).link_packets_per_s.sum())
    assert total > 0
