"""Every placer and router on every topology, under constraints, and whatever the order of what they are given."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from machines import SPINNAKER1, machine, network
from mapping.flow import map_network
from mapping.load import static_load
from mapping.model import Mapping
from mapping.partition import combined
from mapping.place import PLACERS
from mapping.place.filling.fill import largest_part
from mapping.recipe import FixedChip, Recipe, ReservedChip, ReservedCores, SameChip
from mapping.route import ROUTERS
from mapping.site import Unplaced
from mapping.verify import verify
from models.errors import CapacityError, ParameterError, UnknownNameError
from models.machine import Machine, TopologySpec
from models.network import Network
from models.topology import build_topology

#: Placers whose result does not depend on the order in which the network lists its populations.
ORDER_FREE = ("random", "breadth_first", "spectral", "force_directed", "annealing", "annealing_links", "annealing_both")
PER_SOURCE = ("two_phase", "unicast")

LINKS = (*((i, i + 1) for i in range(22)), *((i, (i + 9) % 23) for i in range(0, 23, 3)))
TOPOLOGIES = {
    "mesh": TopologySpec(kind="mesh", shape=(6, 4)),
    "mesh 3-D": TopologySpec(kind="mesh", shape=(3, 2, 4)),
    "torus": TopologySpec(kind="torus", shape=(5, 4)),
    "torus of two": TopologySpec(kind="torus", shape=(2, 6)),
    "torus 3-D": TopologySpec(kind="torus", shape=(3, 4, 2)),
    "hyperx": TopologySpec(kind="hyperx", shape=(5, 4)),
    "ring": TopologySpec(kind="ring", shape=(20,)),
    "all to all": TopologySpec(kind="all_to_all", shape=(12,)),
    "tree": TopologySpec(kind="tree", shape=(3, 2, 4)),
    "graph": TopologySpec(kind="graph", links=LINKS),
    "triangular torus": TopologySpec(n_boards=3, wrap=True),
}


def four(*, is_turned: bool = False) -> Network:
    """Four populations and a source; populations and projections listed forwards or backwards."""
    pairs = [("A", "B"), ("B", "C"), ("C", "C"), ("S", "A"), ("C", "A"), ("D", "D"), ("D", "A")]
    sizes = {"A": 300, "B": 75, "C": 230, "D": 150}
    if is_turned:
        pairs, sizes = pairs[::-1], dict(reversed(sizes.items()))
    return network(sizes, pairs, rates_hz={"A": 3.0, "B": 7.0, "C": 1.0, "D": 2.0}, source_sizes={"S": 40})


def on(spec: TopologySpec, **changes: object) -> Machine:
    """SpiNNaker's cores and memories on another topology."""
    return replace(SPINNAKER1, topology=spec, **changes)


def map_small(given: Machine, net: Network | None = None, *, seed: int = 0, **choices: object) -> Mapping:
    recipe = Recipe(name="combined", neurons_per_core=8, **choices)
    return map_network(four() if net is None else net, given, recipe, seed=seed)


def cores_of(mapping: Mapping) -> dict[tuple[str, int], list[int]]:
    """Core of every vertex by what it holds."""
    slices = mapping.partition.slices
    return {
        (slices[vertex.slice_id].population, slices[vertex.slice_id].start): core
        for vertex, core in zip(mapping.partition.vertices, mapping.placement.core.tolist(), strict=True)
    }


@pytest.mark.parametrize("spec", TOPOLOGIES.values(), ids=TOPOLOGIES)
@pytest.mark.parametrize("place", PLACERS)
def test_placer_works_on_every_topology(place, spec):
    mapping = map_small(on(spec), place=place)
    assert verify(mapping, four()) == ()


@pytest.mark.parametrize("spec", TOPOLOGIES.values(), ids=TOPOLOGIES)
@pytest.mark.parametrize("route", ROUTERS)
def test_router_works_on_every_topology(route, spec):
    mapping = map_small(on(spec), place="random", route=route)
    assert verify(mapping, four()) == ()


@pytest.mark.parametrize("route", ROUTERS)
@pytest.mark.parametrize("kind", ["mesh", "torus", "hyperx", "triangular torus"])
def test_router_goes_round_dead_chips_and_links(route, kind):
    whole = build_topology(on(TOPOLOGIES[kind]))
    rng = np.random.default_rng(3)
    dead = whole.chip[rng.choice(whole.n_chips, whole.n_chips // 6, replace=False)].tolist()
    links = [(*whole.chip[i].tolist(), int(link)) for i, link in np.argwhere(whole.neighbour >= 0)]
    dead_links = [links[i] for i in rng.choice(len(links), len(links) // 10, replace=False)]
    given = on(TOPOLOGIES[kind], dead_chips=tuple(map(tuple, dead)), dead_links=tuple(dead_links))
    mapping = map_small(given, place="random", route=route)
    assert verify(mapping, four()) == ()


@pytest.mark.parametrize("place", PLACERS)
def test_placer_gives_the_same_for_a_seed(place):
    first, again = (map_small(machine(n_boards=2), place=place, seed=4) for _ in range(2))
    assert np.array_equal(first.placement.core, again.placement.core)


def test_seed_changes_what_is_drawn():
    first, other = (map_small(machine(n_boards=2), place="random", seed=seed) for seed in (4, 5))
    assert not np.array_equal(first.placement.core, other.placement.core)


@pytest.mark.parametrize("place", PLACERS)
def test_order_of_projections_does_not_matter_to_placers(place):
    net = four()
    turned = replace(net, projections=net.projections[::-1])
    first, other = (map_small(machine(n_boards=2), each, place=place) for each in (net, turned))
    assert np.array_equal(first.placement.core, other.placement.core)


@pytest.mark.parametrize("place", ORDER_FREE)
def test_order_of_populations_does_not_matter(place):
    first, other = (map_small(machine(n_boards=2), four(is_turned=turned), place=place) for turned in (False, True))
    chips = [{key: core[:2] for key, core in cores_of(mapping).items()} for mapping in (first, other)]
    assert chips[0] == chips[1]


@pytest.mark.parametrize("route", ROUTERS)
def test_order_of_populations_and_projections_does_not_matter_to_routers(route):
    mappings = [
        map_small(machine(n_boards=2), four(is_turned=turned), place="random", route=route) for turned in (False, True)
    ]
    assert cores_of(mappings[0]).keys() == cores_of(mappings[1]).keys()
    for name, tree in mappings[0].trees.items():
        other = mappings[1].trees[name]
        assert np.array_equal(tree.chip, other.chip)
        assert np.array_equal(tree.parent, other.parent)


@pytest.mark.parametrize("place", PLACERS)
def test_placer_takes_nothing_and_refuses_too_much(place):
    given = machine()
    topology = build_topology(given)
    nothing = replace(combined.partition(network({"A": 8}, []), given, neurons_per_core=8), slices=(), vertices=())
    placed = PLACERS[place](Unplaced(network({"A": 8}, []), given, topology, replace(nothing, first_slice={})))
    assert placed.core.shape == (0, 3)
    with pytest.raises(CapacityError, match=r"^room for combined vertices \(800 cores\) at spinnaker1 with 1 board"):
        map_small(given, network({"A": 6400}, [("A", "A")]), place=place)


@pytest.mark.parametrize("place", PLACERS)
def test_placer_keeps_constraints(place):
    constraints = (
        FixedChip("B", (3, 2), start=16),
        FixedChip("S", (0, 1)),
        SameChip((("A", 0), ("C", 64), ("D", 8))),
        ReservedCores(3),
        ReservedCores(10, chip=(1, 1)),
        ReservedChip((2, 0)),
    )
    given = machine(n_boards=2)
    mapping = map_small(given, place=place, constraints=constraints)
    assert verify(mapping, four()) == ()
    cores = cores_of(mapping)
    assert cores["B", 16][:2] == [3, 2]
    assert all(core[:2] == [0, 1] for (name, _), core in cores.items() if name == "S")
    assert cores["A", 0][:2] == cores["C", 64][:2] == cores["D", 8][:2]
    p = mapping.placement.core
    assert p[:, 2].max() <= 14
    assert p[(p[:, :2] == 1).all(axis=1), 2].max(initial=0) <= 7
    assert [2, 0] not in p[:, :2].tolist()


@pytest.mark.parametrize("place", PLACERS)
def test_placer_takes_one_vertex_on_one_chip(place):
    given = on(TopologySpec(kind="mesh", shape=(1, 1)))
    mapping = map_small(given, network({"A": 5}, [("A", "A")]), place=place)
    assert verify(mapping, network({"A": 5}, [("A", "A")])) == ()
    assert mapping.placement.core[:, :2].tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        (
            FixedChip("A", (0, 0)),
            r"^cores at chip \(0, 0\) \(slices fixed to it\): needs 38 cores, has 15 cores; "
            r"fix no slices to chips, which was tried: it takes 97 cores on 7 chips$",
        ),
        (FixedChip("A", (9, 9), 0), r"^FixedChip.chip: needs the coordinates of a working chip, has \(9, 9\)$"),
        (
            FixedChip("A", (0, 0), 3),
            r"^slice of A in a constraint: needs the first neuron of a slice \(0, 8, 16, 24, \.\.\.\), has 3$",
        ),
        (FixedChip("X", (0, 0)), r"^population of a constraint: needs one of A, B, C, D, S, has 'X'$"),
        (
            ReservedCores(20, (1, 1)),
            r"^reserved cores at chip \(1, 1\): needs 20 cores, has 16 cores; "
            r"reserve no cores, which was tried: it takes 97 cores on 7 chips$",
        ),
        (
            SameChip(tuple(("A", 8 * i) for i in range(17))),
            r"^cores at one chip \(ensemble of A\[0:8\] and the slices that share its chip\): "
            r"needs 17 cores, has 16 cores; "
            r"ask for no slices on the same chip, which was tried: it takes 97 cores on 7 chips$",
        ),
    ],
    ids=["too many fixed", "no chip", "no slice", "no population", "too many reserved", "too many together"],
)
def test_constraint_that_cannot_be_kept_is_refused(constraint, message):
    with pytest.raises((CapacityError, ParameterError), match=message):
        map_small(machine(), constraints=(constraint,))


def test_constraints_that_contradict_each_other_are_refused():
    both = (SameChip((("A", 0), ("B", 0))), FixedChip("A", (0, 1), 0), FixedChip("B", (1, 1), 0))
    message = r"^FixedChip of B: needs one chip for slices that share one, here also \(0, 1\), has \(1, 1\)$"
    with pytest.raises(ParameterError, match=message):
        map_small(machine(), constraints=both)
    with pytest.raises(ParameterError, match=r"^ReservedCores.n_cores: needs a number >= 0 cores, has -1$"):
        ReservedCores(-1)


@pytest.mark.parametrize("made", [partial(FixedChip, "A"), partial(ReservedCores, 1), ReservedChip])
def test_coordinates_that_no_machine_has_are_refused(made):
    """Larger ones would not fit the arrays of coordinates, and end in an OverflowError."""
    assert made(chip=(2**31 - 1, 0)).chip == (2**31 - 1, 0)
    with pytest.raises(ParameterError, match=r"\.chip: needs coordinates of at most 2,147,483,647, has \(\d+, 0\)$"):
        made(chip=(2**70, 0))


@pytest.mark.parametrize(("stage", "known"), [("place", "annealing, "), ("route", "congestion_aware, ")])
def test_unknown_algorithm_is_refused(stage, known):
    with pytest.raises(UnknownNameError, match=rf"^{stage}: needs one of {known}.*, has 'x'$"):
        map_small(machine(), **{stage: "x"})


@pytest.mark.parametrize("route", ROUTERS)
def test_hops_are_at_least_those_to_the_farthest_chip(route):
    mapping = map_small(machine(n_boards=3, wrap=True), place="random", route=route)
    load = static_load(mapping, four())
    topology = build_topology(mapping.machine)
    slices, core = mapping.partition.slices, mapping.placement.core
    chip = topology.index_of(core[:, 0], core[:, 1])
    targets = {"A": "B", "B": "C", "C": "AC", "D": "DA", "S": "A"}
    for i, part in enumerate(slices):
        ends = np.array([chip[k] for k, other in enumerate(slices) if other.population in targets[part.population]])
        far = int(topology.distance(np.full(len(ends), chip[i]), ends).max())
        n_chips = len(set(ends.tolist()) - {int(chip[i])})
        assert load.link_hops[i] >= max(far, n_chips)
        if route == "unicast":
            assert load.link_hops[i] == topology.distance(np.full(len(ends), chip[i]), ends).sum()


def test_congestion_aware_is_never_busier_than_where_it_starts():
    busiest = {
        route: static_load(map_small(machine(n_boards=3), place="random", route=route), four()).max_link_packets_per_s
        for route in ("shared_tree", "congestion_aware")
    }
    assert busiest["congestion_aware"] < busiest["shared_tree"]


def test_two_phase_takes_two_hops_at_most_on_a_hyperx():
    mapping = map_small(on(TOPOLOGIES["hyperx"]), place="random", route="two_phase")
    topology = build_topology(mapping.machine)
    for tree in mapping.trees.values():
        chip = topology.index_of(*tree.chip.T)
        inner = np.flatnonzero(tree.parent >= 0)
        above = tree.parent[inner]
        moves = topology.coordinate[chip[inner]] != topology.coordinate[chip[above]]
        is_second = tree.parent[above] >= 0
        assert is_second.any()
        assert (tree.parent[tree.parent[above[is_second]]] == -1).all()
        assert moves[is_second].tolist() == [[True, False]] * int(is_second.sum())  # the longer axis comes second


def test_chips_that_are_cut_off_are_not_used():
    cut = machine(n_boards=2, dead_chips=tuple((x, 4) for x in range(1, 6)))
    topology = build_topology(cut)
    part = set(largest_part(topology).tolist())
    for place in PLACERS:
        core = map_small(cut, place=place).placement.core
        assert set(topology.index_of(core[:, 0], core[:, 1]).tolist()) <= part


@pytest.mark.parametrize("place", ["spectral", "force_directed", "annealing", "annealing_both"])
def test_optimising_placers_beat_the_order_of_numbers(place):
    names = [f"P{i}" for i in (0, 5, 3, 1, 4, 2, 7, 6)]
    net = network(
        dict.fromkeys(names, 8 * 40),
        [(a, a) for a in names] + [(f"P{i}", f"P{(i + 1) % 8}") for i in range(8)],
        rates_hz=dict.fromkeys(names, 5.0),
    )
    hops = {
        name: static_load(map_small(machine(n_boards=2), net, place=name), net).link_packets_per_s.sum()
        for name in ("sequential", place)
    }
    assert hops[place] < 0.9 * hops["sequential"]
