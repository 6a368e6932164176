"""Static loads against a hand count."""

import numpy as np
import pytest

from machines import machine, network
from mapping.flow import map_network
from mapping.keys.allocate import allocate_keys
from mapping.load import static_load
from mapping.model import Mapping, Placement
from mapping.partition import combined
from mapping.route.shared_tree import route
from mapping.site import Site
from mapping.tables import build_tables
from models.errors import UnknownNameError
from models.networks import pd14
from models.topology import build_topology


def mapped(net, places):
    given = machine()
    partition = combined.partition(net, given, neurons_per_core=8)
    placement = Placement(core=np.array(places, dtype=np.int32))
    site = Site(net, given, build_topology(given), partition, placement)
    trees = route(site)
    keys = allocate_keys(partition)
    tables = build_tables(site, trees, keys)
    return Mapping(given, partition, placement, trees, keys, tables, net.name, 0)


def test_load_of_a_line_of_chips():
    net = network({"A": 16, "B": 8}, [("A", "B"), ("B", "B")])
    mapping = mapped(net, [(0, 0, 4), (1, 0, 5), (2, 0, 9)])
    load = static_load(mapping, net, {"A": 10.0, "B": 1.0})
    topology = build_topology(mapping.machine)
    first, second, third = topology.index_of([0, 1, 2], 0).tolist()
    assert load.link_packets_per_s[first, 0] == 80.0
    assert load.link_packets_per_s[second, 0] == 160.0
    assert load.link_packets_per_s.sum() == 240.0
    assert load.link_hops.tolist() == [2, 1, 0]
    assert load.mean_link_hops == 1.0
    assert load.max_link_packets_per_s == 160.0
    assert load.vertex_packets_per_s.tolist() == [0.0, 0.0, 168.0]
    assert third == topology.index_of(2, 0)


def test_silent_slices_do_not_count_in_the_mean():
    net = network({"A": 8, "B": 8}, [("A", "B")])
    load = static_load(mapped(net, [(0, 0, 4), (2, 0, 9)]), net)
    assert load.link_hops.tolist() == [2, -1]
    assert load.mean_link_hops == 2.0
    assert load.rate_hz == {"A": 30.0, "B": 30.0}


def test_unknown_population_is_refused():
    net = network({"A": 8, "B": 8}, [("A", "B")])
    with pytest.raises(UnknownNameError, match=r"^population: needs one of A, B, has 'C'"):
        static_load(mapped(net, [(0, 0, 4), (2, 0, 9)]), net, {"C": 1.0})


def test_pd14_beats_pacman():
    net = pd14()
    load = static_load(map_network(net, machine(n_boards="auto")), net)
    # PACMAN 7.4.1: 481 hops, busiest link 254,720 and core 97,535 packets/s (fact sheet spinnaker.md 4.1)
    assert load.mean_link_hops < 436
    assert load.max_link_packets_per_s < 166_000
    assert load.vertex_packets_per_s.max() < 86_000
    n_neurons = {population.name: population.n_neurons for population in net.populations}
    sent = sum(n_neurons[name] * rate for name, rate in load.rate_hz.items())
    assert load.max_link_packets_per_s < sent
