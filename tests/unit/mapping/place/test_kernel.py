"""The compiled cost of placements against a plain recount, and what the placers built on it do."""

from dataclasses import replace

import numpy as np
import pytest

from machines import SPINNAKER1, machine, network
from mapping.kernels.place import all_hops, anneal, net_distance, net_links
from mapping.partition import combined
from mapping.place import PLACERS, annealing, load
from mapping.place.filling.chip_order import breadth_first_order, hilbert_order, raster_order
from mapping.place.filling.fill import core_numbers, fill, make_ground
from mapping.place.filling.order import breadth_first_populations, closest_populations
from mapping.place.load import gather, make_board, weighted_hops
from mapping.place.spectral import _slowest
from mapping.site import Unplaced
from models.errors import CapacityError, ParameterError, UnknownNameError
from models.machine import TopologySpec
from models.topology import build_topology

MESH = replace(SPINNAKER1, topology=TopologySpec(kind="mesh", shape=(6, 5)))
PAIRS = [("A", "B"), ("B", "C"), ("C", "A"), ("C", "C"), ("D", "A"), ("D", "C")]


def case(given=MESH, seed=0):
    """Four populations of many slices, their loads on chips drawn at random."""
    net = network(dict.fromkeys("ABCD", 8 * 40), PAIRS, rates_hz={"A": 2.0, "B": 3.0, "C": 5.0, "D": 7.0})
    partition = combined.partition(net, given, neurons_per_core=8)
    ground = make_ground(Unplaced(net, given, build_topology(given), partition))
    chips = np.random.default_rng(seed).permutation(ground.chips)
    loads = gather(ground, fill(ground, chips.tolist()))
    return net, loads, make_board(ground, with_links=True)


def recount(loads, board, net):
    """Hops of one net, its links by plain sets of (chip, next chip); and packets/s on each directed link."""
    nets, chip_of_load = loads.nets, loads.chip_of_load
    root = int(chip_of_load[nets.root[net]])

    def way(chip):
        links = []
        while chip != root:
            links.append((chip, int(board.toward[root, chip])))
            chip = links[-1][1]
        return links

    targets = nets.target[nets.target_ptr[net] : nets.target_ptr[net + 1]]
    tree = {link for target in targets for link in way(int(chip_of_load[target]))}
    total, on_link = nets.weight[net] * len(tree), {}
    for chip, above in tree:
        on_link[above, chip] = nets.weight[net]
    for i in range(nets.source_ptr[net], nets.source_ptr[net + 1]):
        for chip, above in way(int(chip_of_load[nets.source[i]])):
            on_link[chip, above] = on_link.get((chip, above), 0.0) + nets.source_weight[i]
            if (chip, above) in tree:
                on_link[above, chip] -= nets.source_weight[i]
            else:
                total += nets.source_weight[i]
    return total, on_link


@pytest.mark.parametrize("seed", range(3))
def test_hops_of_nets_are_those_of_a_recount(seed):
    _, loads, board = case(seed=seed)
    expected = [recount(loads, board, net)[0] for net in range(4)]
    np.testing.assert_allclose(all_hops(loads.nets, board, loads.chip_of_load), expected)
    np.testing.assert_allclose(all_hops.py_func(loads.nets, board, loads.chip_of_load), expected)


@pytest.mark.parametrize("seed", range(3))
def test_loads_of_links_are_those_of_a_recount(seed):
    _, loads, board = case(seed=seed)
    mark, link_load = np.zeros(30, dtype=np.int64), np.zeros(board.neighbour.size)
    power = 0.0
    expected = np.zeros(board.neighbour.shape)
    for net in range(4):
        power += net_links(net, 1.0, loads.nets, board, loads.chip_of_load, mark, net + 1, link_load)
        for (a, b), packets_per_s in recount(loads, board, net)[1].items():
            expected[a, board.neighbour[a].tolist().index(b)] += packets_per_s
    np.testing.assert_allclose(link_load, expected.ravel(), atol=1e-9)
    assert power == pytest.approx((expected**6).sum())
    for net in range(4):
        power += net_links(net, -1.0, loads.nets, board, loads.chip_of_load, mark, net + 5, link_load)
    np.testing.assert_allclose(link_load, 0.0, atol=1e-9)
    assert abs(power) < 1e-6 * (expected**6).sum()


def test_unicast_distance_counts_every_target():
    _, loads, board = case()
    nets, topology = loads.nets, loads.ground.topology
    for net in range(4):
        ends = loads.chip_of_load[nets.target[nets.target_ptr[net] : nets.target_ptr[net + 1]]]
        root = loads.chip_of_load[nets.root[net]]
        hops = int(topology.distance(np.full(len(ends), root), ends).sum())
        assert net_distance(net, nets, board, loads.chip_of_load) == pytest.approx(nets.weight[net] * hops)


def test_ways_are_shortest_ways_over_working_links():
    _, loads, board = case(replace(MESH, dead_links=((1, 1, 0), (2, 2, 2)), dead_chips=((4, 4), (3, 0))))
    topology = loads.ground.topology
    for root in range(topology.n_chips):
        hops = topology.hops_from(root)
        for chip in range(topology.n_chips):
            if chip != root:
                after = board.toward[root, chip]
                assert hops[after] == hops[chip] - 1
                assert topology.neighbour.ravel()[board.link[root, chip]] == after
                assert topology.neighbour.ravel()[board.back[root, chip]] == chip


@pytest.mark.parametrize("link_share", [0.0, 0.5])
def test_annealing_lowers_the_cost_and_keeps_loads_apart(link_share):
    _, loads, board = case()
    before = weighted_hops(loads, board, loads.chip_of_load)
    chip_of_load = loads.chip_of_load.copy()
    best = anneal(loads.nets, board, loads.fit, chip_of_load, np.uint64(5), 20, 200, 0.05, link_share)
    assert len(set(chip_of_load.tolist())) == len(chip_of_load)
    after = weighted_hops(loads, board, chip_of_load)
    assert best < 0.95
    if link_share == 0.0:
        assert after / before == pytest.approx(best)


def test_loads_stay_where_they_fit():
    dead = tuple((x, y, p) for x in range(3) for y in range(5) for p in range(10, 18))
    net, loads, board = case(replace(MESH, dead_cores=dead))
    chip_of_load = loads.chip_of_load.copy()
    anneal(loads.nets, board, loads.fit, chip_of_load, np.uint64(5), 20, 200, 0.05, 0.0)
    assert (loads.fit.cores_of_load <= loads.fit.cores_of_chip[chip_of_load]).all()
    assert not np.array_equal(chip_of_load, loads.chip_of_load)
    partition = combined.partition(net, loads.ground.machine, neurons_per_core=8)
    for place in ("spectral", "force_directed", "annealing"):
        core = PLACERS[place](Unplaced(net, loads.ground.machine, loads.ground.topology, partition)).core
        assert len(np.unique(core, axis=0)) == len(core)
        assert (core[:, 2] >= 2).all()


def test_eigenvector_separates_groups_that_share_one_net():
    groups = [[0, 3, 4], [1, 2, 5]]
    nets = [[a, b] for group in groups for a in group for b in group if a < b] + [[0, 1]]
    net = np.repeat(np.arange(len(nets)), 2)
    vector = _slowest(net, np.concatenate(nets), np.ones(len(nets)), 6)
    assert len({np.sign(vector[i]) for i in groups[0]}) == 1
    assert np.sign(vector[0]) == -np.sign(vector[1])


def test_orders_of_chips():
    topology = build_topology(replace(MESH, topology=TopologySpec(kind="mesh", shape=(4, 4))))
    assert topology.chip[raster_order(topology)].tolist() == [[x, y] for x in range(4) for y in range(4)]
    hilbert = topology.chip[hilbert_order(topology)]
    assert (np.abs(np.diff(hilbert, axis=0)).sum(axis=1) == 1).all()
    hops = topology.hops_from(0)[breadth_first_order(topology)]
    assert hops.tolist() == sorted(hops.tolist())


def test_orders_of_populations():
    net = network(
        dict.fromkeys("ABCDE", 80),
        [("A", "C"), ("C", "E"), ("B", "E"), ("D", "D")],
        rates_hz={"A": 9.0, "B": 4.0, "C": 1.0, "D": 0.5, "E": 1.0},
    )
    given = machine()
    partition = combined.partition(net, given, neurons_per_core=8)
    ground = make_ground(Unplaced(net, given, build_topology(given), partition))
    # C is the busiest (9 from A, 1 to E), then its neighbours by weight
    assert breadth_first_populations(ground) == ["C", "A", "E", "B", "D"]
    assert closest_populations(ground) == ["C", "A", "E", "B", "D"]


def test_core_numbers_leave_out_what_is_dead():
    topology = build_topology(machine(dead_cores=((0, 0, 5), (0, 0, 17))))
    row = core_numbers(topology)[int(topology.index_of(0, 0))]
    assert row[row >= 0].tolist() == [3, 4, *range(6, 17)]


def test_wrong_options_of_annealing_are_refused(monkeypatch):
    net, loads, _ = case()
    ground = loads.ground
    unplaced = Unplaced(net, ground.machine, ground.topology, ground.partition)
    with pytest.raises(UnknownNameError, match=r"^objective: needs one of both, busiest_link, hops, has 'hop'"):
        annealing.place(unplaced, objective="hop")
    with pytest.raises(ParameterError, match=r"^effort: needs a number > 0, has 0$"):
        annealing.place(unplaced, effort=0)
    monkeypatch.setattr(load, "MAX_TABLE_BYTES", 3000)
    message = (
        r"^table of ways between all chips at spinnaker1 with 30 chips: needs 3,600 bytes, has 3,000 bytes; "
        r"use fewer boards, or the placer connected, hilbert or spectral$"
    )
    with pytest.raises(CapacityError, match=message):
        annealing.place(unplaced)
