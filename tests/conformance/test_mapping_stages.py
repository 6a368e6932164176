"""Every placer and every router on every kind of machine; each result must pass the verifier."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest

from machines import machine, network, pair, projection
from mapping.keys.allocate import allocate_keys
from mapping.model import Mapping, Placement
from mapping.partition import RECIPES, combined, ensemble
from mapping.place import PLACERS as ALL_PLACERS
from mapping.place import connected
from mapping.place.filling.smallest import place_on_boards
from mapping.route import ROUTERS, shared_tree
from mapping.site import Site
from mapping.tables import build_tables
from mapping.verify import verify
from models.errors import CapacityError, UnroutableError
from models.machine import Machine
from models.network import Explicit, Network, OneToOne
from models.topology import build_topology

PLACERS = {**ALL_PLACERS, "connected-unmixed": partial(connected.place, is_mixed=False)}
PAIRS = {
    **{name: (place, shared_tree.route) for name, place in PLACERS.items()},
    **{f"connected, {name}": (connected.place, route) for name, route in ROUTERS.items() if name != "shared_tree"},
}


@dataclass(frozen=True)
class Case:
    """A network, a machine and the options of the partition."""

    network: Network
    machine: Machine
    recipe: str = "ensemble"
    neurons_per_core: int | None = 8


def three() -> Network:
    """Three populations of unlike sizes, drive and source; not all pairs are joined."""
    pairs = [("A", "B"), ("B", "C"), ("C", "C"), ("S", "A"), ("C", "A")]
    return network({"A": 300, "B": 75, "C": 130}, pairs, poisson=True, source_sizes={"S": 40})


def one_to_one() -> Network:
    """Connectors whose slices have different target slices."""
    given = Explicit(sources=np.array([0, 60]), targets=np.array([3, 3]))
    return replace(
        network({"A": 64, "B": 64}, []),
        projections=(projection("A", "B", OneToOne()), projection("B", "A", given)),
    )


FEW_CORES = {"n_per_chip": 8}  # "spread" uses every core, and annealing takes seconds on large machines

CASES = {
    "nothing to send": Case(network({"A": 20}, []), machine()),
    "one slice": Case(network({"A": 5}, [("A", "A")]), machine()),
    "one board": Case(three(), machine()),
    "combined": Case(three(), machine(), "combined"),
    "two boards": Case(three(), machine(n_boards=2)),
    "boards found": Case(network({"A": 3000, "B": 999}, [("A", "B"), ("B", "A")]), machine(n_boards="auto")),
    "torus": Case(three(), machine(n_boards=3, wrap=True)),
    "small torus, all of it": Case(
        network({"A": 8 * 700, "B": 8 * 400}, [("A", "B"), ("B", "A"), ("A", "A")]),
        machine(n_boards=3, wrap=True),
        "combined",
    ),
    "dead chips": Case(three(), machine(dead_chips=((1, 0), (1, 1), (2, 2), (3, 5)))),
    "dead Ethernet chip": Case(three(), machine(dead_chips=((0, 0),))),
    "dead links": Case(three(), machine(dead_links=((0, 0, 0), (0, 0, 1), (1, 1, 2), (2, 1, 0), (2, 2, 5)))),
    "dead cores": Case(three(), machine(dead_cores=tuple((x, 0, p) for x in range(4) for p in range(2, 14)))),
    "dead column": Case(
        network({"A": 2000, "B": 1000}, [("A", "B"), ("B", "A")]),
        machine(n_boards=3, dead_chips=tuple((4, y) for y in range(6)), dead_links=((6, 6, 0), (6, 6, 1))),
    ),
    "one neuron a core": Case(network({"A": 70, "B": 9}, [("A", "A"), ("B", "A")]), machine(), "combined", 1),
    "spread": Case(three(), machine(core=FEW_CORES), "spread", None),
    "spread over dead chips": Case(three(), machine(n_boards=2, core=FEW_CORES, dead_chips=((1, 0), (5, 7))), "spread"),
    "spread, few neurons": Case(network({"A": 20}, [("A", "A")]), machine(), "spread", None),
    "spread, boards found": Case(
        network({"A": 3000, "B": 30}, [("A", "B"), ("B", "A")]), machine(n_boards="auto", core=FEW_CORES), "spread"
    ),
    "one to one": Case(one_to_one(), machine()),
    "little SDRAM": Case(three(), machine(n_boards="auto", memory={"sdram_bytes": 60_000})),
}


def run(case: Case, place, route) -> Mapping:
    """Map with one placer and one router."""
    net = case.network
    partition = RECIPES[case.recipe](net, case.machine, neurons_per_core=case.neurons_per_core)
    rng = np.random.default_rng(0)
    site = place_on_boards(place, partition, net, case.machine, rng=rng)
    trees = route(site, rng=rng)
    keys = allocate_keys(partition)
    tables = build_tables(site, trees, keys)
    return Mapping(site.machine, partition, site.placement, trees, keys, tables, net.name, 0)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize(("place", "route"), PAIRS.values(), ids=PAIRS)
def test_mapping_is_valid(place, route, case):
    mapping = run(case, place, route)
    assert verify(mapping, case.network) == ()
    assert (mapping.placement.core[:, 2] >= 2).all()


@pytest.mark.parametrize("place", PLACERS.values(), ids=PLACERS)
def test_placer_gives_the_same_again(place):
    first, again = (run(CASES["two boards"], place, shared_tree.route) for _ in range(2))
    assert np.array_equal(first.placement.core, again.placement.core)


@pytest.mark.parametrize("place", PLACERS.values(), ids=PLACERS)
def test_placer_refuses_a_machine_that_is_too_small(place):
    case = Case(network({"A": 48 * 16 * 8}, []), machine(), "combined")
    with pytest.raises(CapacityError, match=r"^room for combined vertices \(768 cores\) at spinnaker1 with 1 board"):
        run(case, place, shared_tree.route)


@pytest.mark.parametrize("place", PLACERS.values(), ids=PLACERS)
def test_placer_keeps_to_one_side_of_a_cut_machine(place):
    cut = machine(n_boards=2, dead_chips=tuple((x, 4) for x in range(1, 6)))
    mapping = run(Case(three(), cut), place, shared_tree.route)
    assert verify(mapping, three()) == ()


@pytest.mark.parametrize("route", ROUTERS.values(), ids=ROUTERS)
def test_router_copes_with_scattered_vertices(route):
    net = three()
    given = machine(n_boards=4, dead_chips=((5, 5), (9, 9)), dead_links=((3, 3, 1), (10, 8, 0)))
    topology = build_topology(given)
    partition = ensemble.partition(net, given, neurons_per_core=8)
    rng = np.random.default_rng(5)
    free = rng.permutation(np.flatnonzero(topology.n_app_cores >= 5))
    chip = free[[vertex.slice_id for vertex in partition.vertices]]
    first = np.searchsorted([v.slice_id for v in partition.vertices], [v.slice_id for v in partition.vertices])
    p = 3 + np.arange(len(chip)) - first
    placement = Placement(core=np.column_stack((topology.chip[chip], p)).astype(np.int32))
    site = Site(net, given, topology, partition, placement)
    trees = route(site)
    keys = allocate_keys(partition)
    tables = build_tables(site, trees, keys)
    assert verify(Mapping(given, partition, placement, trees, keys, tables, net.name, 0), net) == ()


@pytest.mark.parametrize("route", ROUTERS.values(), ids=ROUTERS)
def test_router_refuses_a_target_that_is_cut_off(route):
    net = pair()
    given = machine(n_boards=1, dead_chips=((1, 0), (1, 1), (0, 1)))
    topology = build_topology(given)
    partition = combined.partition(net, given)
    core = np.array([(0, 0, 5), (2, 2, 5), (2, 3, 5), (3, 3, 5), (3, 4, 5), (4, 4, 5)], dtype=np.int32)
    with pytest.raises(
        UnroutableError, match=r"^route of \w: needs a path from chip \(0, 0\) to chip \(2, 2\), has none"
    ):
        route(Site(net, given, topology, partition, Placement(core=core)))
