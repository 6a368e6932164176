"""Partition *hypergraph*: the hypergraph itself, and what Mt-KaHyPar makes of it where it is installed."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from machines import machine, network, pair
from mapping.flow import map_network
from mapping.partition import combined, hypergraph
from mapping.partition.hypergraph import make_hypergraph
from mapping.place import PLACERS
from mapping.recipe import Recipe
from mapping.verify import verify
from models.errors import CapacityError, ParameterError
from models.machine.file import load_machine
from models.topology import build_topology


@pytest.fixture
def solver():
    return pytest.importorskip("mtkahypar")


def four_cores(shape=(3, 3)):
    """A mesh with 4 application cores a chip."""
    given = load_machine("generic_mesh")
    core = replace(given.core, n_per_chip=4, n_monitor_per_chip=0, n_monitor_per_ethernet_chip=0)
    return replace(given, core=core, topology=replace(given.topology, shape=shape, board_shape=shape))


def interleaved(n_pairs=8):
    """Pairs of populations of two slices that talk to each other; the two of a pair are listed far apart."""
    names = [f"{kind}{i}" for kind in "AB" for i in range(n_pairs)]
    links = [(f"{a}{i}", f"{b}{i}") for i in range(n_pairs) for a, b in ("AA", "AB", "BA", "BB")]
    return network(dict.fromkeys(names, 16), links, rates_hz=dict.fromkeys(names, 10.0))


def test_hypergraph_of_a_network_by_hand():
    net = network(
        {"A": 20, "B": 10}, [("A", "A"), ("A", "B"), ("S", "B")], rates_hz={"A": 2.0, "B": 5.0}, source_sizes={"S": 3}
    )
    given = four_cores()
    cut = combined.partition(net, given, neurons_per_core=8)  # A: slices 0 to 2, B: 3 and 4, S: 5
    graph = make_hypergraph(cut, net, given)
    assert graph.pins == ((0, 1, 2, 3, 4), (5, 3, 4))  # A sends to itself: one net; S does not; B sends nothing
    assert graph.net_weight.tolist() == [40, 30]
    assert (graph.vertex_weight.tolist(), graph.block_weight) == ([1000] * 6, 4000)
    assert graph.connectivity(np.array([0, 0, 0, 0, 1, 2], dtype=np.int32)) == 40 + 2 * 30
    assert graph.connectivity(np.zeros(6, dtype=np.int32)) == 0


def test_slices_of_a_source_that_others_listen_to_have_a_net_each():
    net = network({"A": 20, "B": 8}, [("A", "B")], rates_hz={"A": 2.0})
    graph = make_hypergraph(combined.partition(net, four_cores(), neurons_per_core=8), net, four_cores())
    assert graph.pins == ((0, 3), (1, 3), (2, 3))
    assert graph.net_weight.tolist() == [16, 16, 8]


def test_weight_is_the_larger_part_of_cores_and_memory():
    net = network({"A": 16}, [("A", "A")])
    given = four_cores()
    cut = combined.partition(net, given, neurons_per_core=8)
    sdram_bytes = cut.vertices[0].sdram_bytes * 3
    tight = replace(given, memory=replace(given.memory, sdram_bytes=sdram_bytes))
    assert make_hypergraph(cut, net, tight).vertex_weight.tolist() == [1334, 1334]  # a third of 4 cores, rounded up


def test_extra_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mtkahypar", None)
    message = (
        r"^recipe: needs another recipe, or Mt-KaHyPar \(pip install 'neuromap-toolchain\[hypergraph\]'\), "
        r"has 'hypergraph'$"
    )
    with pytest.raises(ParameterError, match=message):
        hypergraph.partition(pair(), four_cores())


def test_synapse_cores_are_refused():
    with pytest.raises(
        ParameterError, match=r"^n_synapse_cores: needs None: the cores of hypergraph have no synapse cores, has 2$"
    ):
        hypergraph.partition(pair(), four_cores(), n_synapse_cores=2)


@pytest.mark.usefixtures("solver")
class TestWithSolver:
    def test_slices_that_talk_share_a_chip(self):
        net = interleaved()
        result = hypergraph.partition(net, four_cores(), neurons_per_core=8)
        graph = make_hypergraph(result, net, four_cores())
        assert graph.connectivity(result.part_of_slice) == 0
        assert np.bincount(result.part_of_slice).tolist() == [4] * 8
        assert graph.connectivity((np.arange(32) // 4).astype(np.int32)) == 16 * 160

    def test_same_parts_again(self):
        first, again = (hypergraph.partition(pair(), four_cores(), neurons_per_core=30) for _ in range(2))
        assert np.array_equal(first.part_of_slice, again.part_of_slice)

    @pytest.mark.parametrize("place", PLACERS)
    def test_mapping_is_valid(self, place):
        net = interleaved()
        mapping = map_network(net, four_cores(), Recipe(name="hypergraph", neurons_per_core=8, place=place))
        assert verify(mapping, net) == ()
        assert mapping.partition.recipe == "hypergraph"

    @pytest.mark.parametrize(
        "net", [network({"A": 5}, []), network({"A": 5}, [("A", "A")]), pair()], ids=["silent", "one slice", "pair"]
    )
    def test_small_networks_on_spinnaker(self, net):
        mapping = map_network(net, machine(n_boards="auto"), Recipe(name="hypergraph"))
        assert verify(mapping, net) == ()
        assert mapping.machine.topology.n_boards == 1

    def test_machine_that_is_too_small(self):
        message = (
            r"^room for 32 slices in parts at generic_mesh: needs 8 chips, has 4 chips; take a larger machine, "
            r"other neurons_per_core, or recipe 'combined'$"
        )
        with pytest.raises(CapacityError, match=message):
            hypergraph.partition(interleaved(), four_cores((2, 2)), neurons_per_core=8)

    def test_slices_that_leave_room_on_every_chip_take_more_chips(self):
        """Three slices of 0.6 of a chip's memory weigh as much as two chips, but need three."""
        net = network({"A": 24}, [("A", "A")])
        cut = combined.partition(net, four_cores(), neurons_per_core=8)
        sdram_bytes = int(cut.vertices[0].sdram_bytes / 0.6)
        tight = replace(four_cores(), memory=replace(four_cores().memory, sdram_bytes=sdram_bytes))
        assert sorted(hypergraph.partition(net, tight, neurons_per_core=8).part_of_slice.tolist()) == [0, 1, 2]

    def test_chips_that_hang_together_but_have_no_cores(self):
        """The largest connected part of the machine is used, even if all its cores are dead."""
        given = four_cores((3, 1))
        dead = tuple((x, 0, p) for x in (0, 1) for p in range(4))
        east = build_topology(given).link_names.index("E")
        cut_off = replace(given, dead_cores=dead, dead_links=((1, 0, east),))
        message = r"^room for 25 slices in parts at generic_mesh: needs 26 chips, has 25 chips; take a larger machine, "
        with pytest.raises(CapacityError, match=message):
            hypergraph.partition(network({"A": 200}, [("A", "A")]), cut_off, neurons_per_core=8)
