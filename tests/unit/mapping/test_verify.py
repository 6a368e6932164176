"""The verifier: a valid mapping broken in one way gives exactly that violation."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from machines import machine, network, pair
from mapping.flow import map_network
from mapping.keys.allocate import allocate_keys
from mapping.model import KeyMask, Mapping, Placement, Role, RoutingTree, Slice, Tables
from mapping.partition import combined
from mapping.recipe import Recipe
from mapping.route.shared_tree import route
from mapping.site import Site
from mapping.tables import build_tables
from mapping.verify import Asked, verify
from models.network import Network
from models.topology import build_topology

NET = pair()
MAPPING = map_network(NET, machine(), Recipe(neurons_per_core=16, n_synapse_cores=2))


def kinds(mapping: Mapping, net: Network = NET) -> set[str]:
    """Names of the broken invariants."""
    return {violation.invariant for violation in verify(mapping, net)}


def with_partition(mapping: Mapping, **changes) -> Mapping:
    return replace(mapping, partition=replace(mapping.partition, **changes))


def with_core(mapping: Mapping, vertex_id: int, core: tuple[int, int, int]) -> Mapping:
    moved = mapping.placement.core.copy()
    moved[vertex_id] = core
    return replace(mapping, placement=Placement(core=moved))


def with_tables(mapping: Mapping, **changes) -> Mapping:
    return replace(mapping, tables=replace(mapping.tables, **changes))


def first_of(role: Role) -> int:
    return next(v.vertex_id for v in MAPPING.partition.vertices if v.role is role)


def entry_of(tables: Tables, chip: tuple[int, int]) -> range:
    i = tables.chip.tolist().index(list(chip))
    return range(tables.indptr[i], tables.indptr[i + 1])


def line() -> tuple[Mapping, Network]:
    """A sends to B and B to itself; combined cores on given chips in the corner of one board."""
    net = network({"A": 8, "B": 24}, [("A", "B")])
    given = machine()
    partition = combined.partition(net, given, neurons_per_core=8)
    places = [(0, 0, 4), (1, 1, 5), (2, 2, 6), (1, 0, 7)]
    placement = Placement(core=np.array(places, dtype=np.int32))
    site = Site(net, given, build_topology(given), partition, placement)
    trees = route(site)
    keys = allocate_keys(partition)
    tables = build_tables(site, trees, keys)
    return Mapping(given, partition, placement, trees, keys, tables, net.name, 0), net


def with_route(mapping: Mapping, chip: tuple[int, int], change: Callable[[int], int]) -> Mapping:
    """Change the first entry of a chip."""
    routes = mapping.tables.route.copy()
    entry = entry_of(mapping.tables, chip)[0]
    routes[entry] = change(int(routes[entry]))
    return with_tables(mapping, route=routes)


def test_whole_mappings_have_no_violation():
    assert verify(MAPPING, NET) == ()
    assert verify(*line()) == ()


@pytest.mark.parametrize(
    "slices",
    [
        lambda s: (replace(s[0], stop=15), *s[1:]),
        lambda s: (replace(s[0], stop=17), *s[1:]),
        lambda s: (*s[:-1], replace(s[-1], stop=29)),
        lambda s: (replace(s[0], population="X"), *s[1:]),
        lambda s: (s[0], s[2], s[1], *s[3:]),
    ],
    ids=["gap", "overlap", "short", "unknown population", "swapped"],
)
def test_slices_that_do_not_cover_a_population_once(slices):
    assert "coverage" in kinds(with_partition(MAPPING, slices=slices(MAPPING.partition.slices)))


def test_slice_of_nobody_says_so():
    slices = (*MAPPING.partition.slices[:-1], Slice("X", 0, 4))
    violations = verify(with_partition(MAPPING, slices=slices), NET)
    assert str(violations[0]) == f"coverage at X: slice {len(slices) - 1} is of no population of test"


def test_first_slice_that_is_wrong():
    first = {**MAPPING.partition.first_slice, "B": 12}
    assert kinds(with_partition(MAPPING, first_slice=first)) == {"coverage"}


def test_missing_synapse_core():
    vertices = [replace(v, lane=0) if v.lane == 1 and v.slice_id == 0 else v for v in MAPPING.partition.vertices]
    assert kinds(with_partition(MAPPING, vertices=tuple(vertices))) == {"ensemble"}


def test_vertices_of_a_slice_that_are_not_consecutive():
    v = list(MAPPING.partition.vertices)
    v[0], v[-1] = replace(v[0], slice_id=v[-1].slice_id), replace(v[-1], slice_id=0)
    assert kinds(with_partition(MAPPING, vertices=tuple(v))) == {"ensemble"}


def test_lane_that_does_not_exist():
    lanes = dict(MAPPING.partition.lane_of_source)
    lanes["A", "A"] = np.full_like(lanes["A", "A"], 2)
    assert kinds(with_partition(MAPPING, lane_of_source=lanes)) == {"lane"}


def test_pair_without_lanes():
    lanes = dict(MAPPING.partition.lane_of_source)
    del lanes["A", "B"]
    violations = verify(with_partition(MAPPING, lane_of_source=lanes), NET)
    assert [str(v) for v in violations] == ["lane at A -> B: lanes do not match the projections"]


@pytest.mark.parametrize("p", [0, 2, 18, -1])
def test_vertex_on_a_core_that_is_no_application_core(p):
    # a Poisson core takes no packets, so nothing else breaks; (0, 0) is an Ethernet chip with three monitors
    vertex = first_of(Role.POISSON)
    x, y, _ = MAPPING.placement.core[vertex].tolist()
    assert (x, y) == (0, 0)
    assert kinds(with_core(MAPPING, vertex, (x, y, p))) == {"core"}


def test_vertex_on_a_dead_core():
    x, y, p = MAPPING.placement.core[first_of(Role.POISSON)].tolist()
    assert kinds(replace(MAPPING, machine=machine(dead_cores=((x, y, p),)))) == {"core"}


def test_two_vertices_on_one_core():
    vertex = first_of(Role.POISSON)
    assert kinds(with_core(MAPPING, vertex, tuple(MAPPING.placement.core[vertex - 1]))) == {"core shared"}


def test_ensemble_on_two_chips():
    used = {tuple(row) for row in MAPPING.placement.core[:, :2].tolist()}
    free = next(tuple(c) for c in build_topology(machine()).chip.tolist() if tuple(c) not in used)
    assert kinds(with_core(MAPPING, first_of(Role.POISSON), (*free, 5))) == {"same chip"}


@pytest.mark.parametrize(("field", "kind"), [("dtcm_bytes", "dtcm"), ("sdram_bytes", "sdram")])
def test_memory_that_overflows(field, kind):
    vertices = list(MAPPING.partition.vertices)
    vertices[3] = replace(vertices[3], **{field: 1 << 30})
    assert kinds(with_partition(MAPPING, vertices=tuple(vertices))) == {kind}


def test_memory_of_a_chip_counts_all_its_vertices():
    have = MAPPING.machine.memory.sdram_bytes
    vertices = tuple(replace(v, sdram_bytes=have // 3) for v in MAPPING.partition.vertices)
    assert kinds(with_partition(MAPPING, vertices=vertices)) == {"sdram"}


def test_key_with_two_owners():
    # B's slices send nothing in this network, so only the keys themselves are wrong
    mapping, net = line()
    key = mapping.keys.key.copy()
    key[2] = key[1]
    assert kinds(replace(mapping, keys=replace(mapping.keys, key=key)), net) == {"key clash"}


def test_key_that_lies_inside_a_wider_one():
    mapping, net = line()
    mask = mapping.keys.mask.copy()
    key = mapping.keys.key.copy()
    mask[1] = mask[1] << 1
    key[1] = key[2] & mask[1]
    assert kinds(replace(mapping, keys=replace(mapping.keys, key=key, mask=mask)), net) == {"key clash"}


def test_fewer_keys_than_neurons():
    mapping, net = line()
    mask = mapping.keys.mask.copy()
    mask[3] |= 4
    violations = verify(replace(mapping, keys=replace(mapping.keys, mask=mask)), net)
    assert {v.invariant for v in violations} == {"key clash"}
    assert violations[0].what == f"slice 3 has {KeyMask(int(mapping.keys.key[3]), int(mask[3]))} for 8 neurons"


def test_table_longer_than_the_router():
    small = machine(router={"n_table_entries": 2})
    violations = verify(replace(MAPPING, machine=small), NET)
    assert {v.invariant for v in violations} == {"table length"}
    assert violations[0].what.startswith("a router has 2 entries: chip (")


def test_entry_that_looks_at_neuron_bits():
    mapping, net = line()
    mask = mapping.tables.mask.copy()
    mask[entry_of(mapping.tables, (2, 2))[0]] |= 1
    assert kinds(with_tables(mapping, mask=mask), net) == {"entry"}


def test_core_bit_that_is_missing():
    mapping, net = line()
    violations = verify(with_route(mapping, (2, 2), lambda route: 0), net)
    assert [str(v) for v in violations] == ["missed at A: 1 deliveries: slice 0 to core (2, 2, 6)"]


def test_chip_without_its_entry():
    mapping, net = line()
    t = mapping.tables
    keep = np.ones(len(t.key), dtype=bool)
    keep[entry_of(t, (0, 0))] = False
    i = t.chip.tolist().index([0, 0])
    indptr = np.concatenate((t.indptr[: i + 1], t.indptr[i + 1 :] - 1))
    broken = with_tables(mapping, indptr=indptr, key=t.key[keep], mask=t.mask[keep], route=t.route[keep])
    violations = verify(broken, net)
    assert [v.invariant for v in violations] == ["missed"]
    assert violations[0].what.startswith("3 deliveries (1 slices without entry): slice 0 to core (1, 0, 7), ")


def test_core_bit_too_many():
    mapping, net = line()
    violations = verify(with_route(mapping, (2, 2), lambda route: route | 1 << (6 + 9)), net)
    assert [str(v) for v in violations] == ["extra at A: 1 deliveries: slice 0 to core (2, 2, 9)"]


def test_packet_that_leaves_over_a_dead_link():
    mapping, net = line()
    broken = with_route(mapping, (1, 0), lambda route: route | 1 << 5)  # nothing lies south of (1, 0)
    violations = verify(broken, net)
    assert [str(v) for v in violations] == [
        "link at A: packets leave by a dead link or off the machine: S of chip (1, 0)"
    ]


def test_link_that_died_after_mapping():
    mapping, net = line()
    dead = replace(mapping, machine=machine(dead_links=((1, 1, 1),)))
    assert kinds(dead, net) == {"link", "missed", "tree"}


def test_packet_that_comes_to_a_chip_twice():
    mapping, net = line()
    # (1, 0) and (1, 1) are both entered from (0, 0); (1, 0) has a link north to (1, 1), which does not send back
    broken = with_route(mapping, (1, 0), lambda route: route | 1 << 2)
    violations = verify(broken, net)
    assert [str(v) for v in violations] == ["duplicate at A: packets of 1 slices come again to chip (1, 1)"]


def test_packet_that_goes_round():
    mapping, net = line()
    broken = with_route(mapping, (2, 2), lambda route: route | 1 << 4)  # back to (1, 1), which sends it on again
    violations = verify(broken, net)
    assert [str(v) for v in violations] == ["loop at A: packets of 1 slices come again to chip (1, 1)"]


def test_packet_that_strays_on_an_idle_way():
    mapping, net = line()
    # one hop off the tree and no core there: nothing is delivered, but the link is loaded. (3, 3) has no table, so the
    # packet goes straight on and leaves the board at the far corner
    broken = with_route(mapping, (2, 2), lambda route: route | 1 << 1)
    assert kinds(broken, net) == {"link"}


def test_packets_that_leave_the_tree():
    mapping, net = line()
    tree = mapping.trees["A"]
    # the tree says that (1, 0) is reached over (1, 1), the packets come over (0, 0)
    chips = [tuple(chip) for chip in tree.chip.tolist()]
    node = chips.index((1, 0))
    order = [i for i in range(len(chips)) if i != node] + [node]
    place = {chips[i]: n for n, i in enumerate(order)}
    parent = [-1 if tree.parent[i] < 0 else place[chips[tree.parent[i]]] for i in order]
    link = tree.parent_link[order].copy()
    parent[-1], link[-1] = place[1, 1], 2
    other = RoutingTree(
        chip=tree.chip[order], parent=np.array(parent, dtype=np.int32), parent_link=link.astype(np.int8)
    )
    violations = verify(replace(mapping, trees={"A": other}), net)
    assert [str(v) for v in violations] == ["tree at A: packets leave it by link E of chip (0, 0)"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda tree: {}, "there is none"),
        (lambda tree: {"A": replace(tree, parent=tree.parent[::-1].copy())}, "not a tree of working chips, the root"),
        (lambda tree: {"A": replace(tree, chip=tree.chip + np.int32(20))}, "not a tree of working chips, the root"),
        (
            lambda tree: {"A": replace(tree, parent_link=np.where(tree.parent >= 0, 0, -1).astype(np.int8))},
            "no working link to the parent of chip",
        ),
    ],
    ids=["missing", "order", "no chips", "links"],
)
def test_tree_that_is_broken(change, what):
    mapping, net = line()
    violations = verify(replace(mapping, trees=change(mapping.trees["A"])), net)
    assert [v.invariant for v in violations] == ["tree"]
    assert violations[0].what.startswith(what)


def test_many_offenders_are_counted_and_five_named():
    vertices = tuple(replace(v, dtcm_bytes=1 << 20) for v in MAPPING.partition.vertices)
    wrong, large = verify(with_partition(MAPPING, vertices=vertices), NET)
    for violation in (wrong, large):
        assert violation.invariant == "dtcm"
        assert violation.what.count("vertex") == 5
        assert violation.what.endswith(f" and {len(vertices) - 5} more")


# ---- what a mapping needs and says of itself ---------------------------------------------------------------------


def with_vertex(vertex_id: int, **changes) -> Mapping:
    vertices = list(MAPPING.partition.vertices)
    vertices[vertex_id] = replace(vertices[vertex_id], **changes)
    return with_partition(MAPPING, vertices=tuple(vertices))


@pytest.mark.parametrize("n_bytes", [0, -8, 12_345])
def test_dtcm_is_counted_again(n_bytes):
    (violation,) = verify(with_vertex(0, dtcm_bytes=n_bytes), NET)
    needed = MAPPING.partition.vertices[0].dtcm_bytes
    assert str(violation) == f"dtcm at vertices: vertex 0 needs {needed:,} bytes, has {n_bytes:,}"


def test_sdram_is_counted_again():
    vertex = MAPPING.partition.vertices[first_of(Role.SYNAPSE)]
    broken = with_vertex(vertex.vertex_id, sdram_bytes=vertex.sdram_bytes // 2)
    (violation,) = verify(broken, NET)
    assert violation.invariant == "sdram"
    assert violation.what == (
        f"vertex {vertex.vertex_id} needs {vertex.sdram_bytes:,} bytes, has {vertex.sdram_bytes // 2:,}"
    )


def test_slices_above_what_a_core_takes():
    violations = verify(replace(MAPPING, machine=machine(core={"max_neurons": 15})), NET)
    assert str(violations[0]) == "coverage at A: slice 0 has 16 neurons, a core takes 15"


def test_core_in_another_role():
    poisson = first_of(Role.POISSON)
    assert kinds(with_vertex(poisson, role=Role.SOURCE)) == {"ensemble"}
    (violation,) = verify(with_vertex(first_of(Role.SYNAPSE), role=Role.POISSON), NET)
    assert violation.what == (
        "slice 0 needs the cores neuron0 synapse0 synapse1 poisson0, has neuron0 poisson0 synapse1 poisson0"
    )


@pytest.mark.parametrize("zone", ["population_bits", "slice_bits", "neuron_bits"])
def test_zone_bits_that_are_wrong(zone):
    keys = replace(MAPPING.keys, **{zone: getattr(MAPPING.keys, zone) + 1})
    assert kinds(replace(MAPPING, keys=keys)) == {"key zone"}


def test_entry_with_a_key_bit_outside_its_mask():
    mapping, net = line()
    key = mapping.tables.key.copy()
    key[0] |= 1
    violations = verify(with_tables(mapping, key=key), net)
    assert [v.invariant for v in violations] == ["entry"]
    assert violations[0].what.startswith("has key bits outside its mask: 0x")


def test_entry_that_no_packet_meets():
    mapping, net = line()
    t = mapping.tables
    more = with_tables(
        mapping,
        indptr=t.indptr + (t.indptr > 0),
        key=np.append(np.uint32(0xFF00), t.key),
        mask=np.append(np.uint32(0xFF00), t.mask),
        route=np.append(np.uint32(1), t.route),
    )
    violations = verify(more, net)
    assert [str(v) for v in violations] == [
        "entry at spinnaker1: no packet meets it: 0x0000ff00/0x0000ff00 on chip (0, 0)"
    ]


def test_table_in_two_rows_and_table_on_no_chip():
    t = MAPPING.tables
    i = int(np.argmax(np.diff(t.indptr)))
    twice = with_tables(
        MAPPING, chip=np.insert(t.chip, i, t.chip[i], axis=0), indptr=np.insert(t.indptr, i + 1, t.indptr[i] + 1)
    )
    assert kinds(twice) == {"table"}
    chip = np.vstack((t.chip, [[99, 99]])).astype(np.int32)
    nowhere = with_tables(MAPPING, chip=chip, indptr=np.append(t.indptr, t.indptr[-1]))
    (violation,) = verify(nowhere, NET)
    assert str(violation) == "table at spinnaker1: on no working chip: chip (99, 99)"


def test_branch_without_use():
    mapping, net = line()
    tree = mapping.trees["A"]
    at = tree.chip.tolist().index([2, 2])
    longer = RoutingTree(  # (3, 2) lies east of (2, 2), which lies west (link 3) of it
        chip=np.vstack((tree.chip, [[3, 2]])).astype(np.int32),
        parent=np.append(tree.parent, at).astype(np.int32),
        parent_link=np.append(tree.parent_link, 3).astype(np.int8),
    )
    violations = verify(replace(mapping, trees={"A": longer}), net)
    assert [str(v) for v in violations] == ["tree at A: no packet takes the branch to chip (3, 2)"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 9}, "record at seed: made with 9, asked for 0"),
        ({"network_name": "other"}, "record at network_name: needs 'test', has 'other'"),
        ({"recipe": None}, "record at recipe: the mapping does not say how it was made"),
        (
            {"recipe": replace(MAPPING.recipe, place="random")},
            "record at recipe.place: made with 'random', asked for 'conn",
        ),
        (
            {"machine": machine(core={"clock_hz": 1e8})},
            "record at machine.core.clock_hz: made with 100000000.0, asked for 2",
        ),
        ({"network_digest": "0"}, "record at network_digest: made of a network with digest '0', asked for '"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_records_are_those_asked_for(change, message):
    asked = Asked(machine(), MAPPING.recipe, 0)
    assert verify(MAPPING, NET, asked) == ()
    lines = [str(violation) for violation in verify(replace(MAPPING, **change), NET, asked)]
    assert len(lines) == 1
    assert lines[0].startswith(message)


def test_parts_of_a_wrong_type_are_named():
    core = MAPPING.placement.core + 0.5
    (violation,) = verify(replace(MAPPING, placement=Placement(core=core)), NET)
    assert str(violation) == "layout at mapping: placement.core: needs whole numbers, has float64"
