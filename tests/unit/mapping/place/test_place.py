"""The connected placer and the search for the smallest machine."""

from dataclasses import replace

import numpy as np
import pytest

from machines import SPINNAKER1, machine, network, pair
from mapping.model import Partition, Role, Slice, Vertex
from mapping.partition import combined, ensemble
from mapping.place.connected import place
from mapping.place.constraint import slice_number
from mapping.place.filling.chip_order import growth_order
from mapping.place.filling.choice import _Plan
from mapping.place.filling.smallest import place_on_boards
from mapping.site import Unplaced
from models.errors import CapacityError, ParameterError
from models.networks import pd14
from models.topology import build_topology


def stub(sizes: list[tuple[str, int]], sdram_bytes: int = 0) -> Partition:
    """Partition of slices (population, cores) whose first vertex needs ``sdram_bytes``."""
    slices, vertices, first = [], [], {}
    for slice_id, (name, n_cores) in enumerate(sizes):
        first.setdefault(name, slice_id)
        start = 8 * (slice_id - first[name])
        slices.append(Slice(name, start, start + 8))
        for i in range(n_cores):
            vertices.append(Vertex(len(vertices), slice_id, Role.SYNAPSE, i, 0, sdram_bytes if i == 0 else 0))
    return Partition("stub", tuple(slices), tuple(vertices), first, dict.fromkeys(first, 1), {})


def chips_of(partition: Partition, core: np.ndarray) -> list[tuple[int, int]]:
    """Chip of the first vertex of each slice."""
    slice_id = [vertex.slice_id for vertex in partition.vertices]
    return [tuple(core[slice_id.index(i), :2].tolist()) for i in range(len(partition.slices))]


def test_growth_visits_every_chip_next_to_an_earlier_one():
    topology = build_topology(machine(n_boards=5, dead_chips=((3, 3), (8, 8))))
    order = list(growth_order(topology))
    assert sorted(order) == list(range(topology.n_chips))
    for i, chip in enumerate(order[1:], start=1):
        assert set(topology.neighbour[chip].tolist()) & set(order[:i])


def test_growth_fills_one_board_before_the_next():
    topology = build_topology(machine(n_boards=6))
    boards = topology.board[list(growth_order(topology))]
    assert np.count_nonzero(np.diff(boards)) == 5


def test_growth_follows_a_curve_in_large_machines():
    topology = build_topology(machine(n_boards=48, wrap=True, dead_chips=((0, 1), (13, 20), (40, 40))))
    order = np.array(list(growth_order(topology)))
    assert np.sort(order).tolist() == list(range(topology.n_chips))
    position = np.argsort(order)
    neighbour = topology.neighbour[order[1:]]
    before = np.where(neighbour >= 0, position[neighbour], topology.n_chips).min(axis=1)
    assert (before < np.arange(1, topology.n_chips)).all()
    # 449 chips in a row (PD14) are 12.2 hops from the middle one on average; by distance from chip (0, 0) 17.2
    starts = range(0, topology.n_chips - 449, 50)
    assert np.mean([topology.distance(order[i + 224], order[i : i + 449]).mean() for i in starts]) < 12.5


def test_growth_goes_by_distance_where_chips_have_no_coordinates():
    links = tuple((i, i + 1) for i in range(1199))
    spec = replace(SPINNAKER1.topology, kind="graph", links=links, board_shape=(), n_boards="auto")
    assert list(growth_order(build_topology(replace(SPINNAKER1, topology=spec)))) == list(range(1200))


def test_growth_starts_in_the_largest_connected_part():
    island = ((1, 0), (1, 1), (0, 1))
    topology = build_topology(machine(n_boards=2, dead_chips=island))
    order = list(growth_order(topology))
    assert len(order) == 96 - 3 - 1
    assert topology.index_of(0, 0) not in order


def test_cores_of_a_chip_are_taken_from_the_lowest():
    net = network({"A": 8 * 16}, [("A", "A")])
    partition = combined.partition(net, machine(), neurons_per_core=8)
    core = place(Unplaced(net, machine(), build_topology(machine()), partition)).core
    assert core[:15].tolist() == [[0, 0, p] for p in range(3, 18)]
    assert core[15].tolist() == [1, 0, 2]


def test_ensembles_that_fill_a_chip_together_share_it():
    partition = stub([("A", 5)] * 3 + [("A", 6)] * 2 + [("B", 5)] * 4)
    topology = build_topology(machine(dead_cores=((0, 0, 17),)))
    core = place(Unplaced(pair(), machine(), topology, partition)).core
    # the Ethernet chip has 14 cores left: 6 + 6; a full chip has 16: 6 + 5 + 5 or 5 + 5 + 5
    assert chips_of(partition, core)[3:5] == [(0, 0), (0, 0)]
    chips = chips_of(partition, core)
    assert len(set(chips)) == 4


def test_fillers_come_from_the_next_runs_or_from_populations_with_the_same_partners():
    apart = stub([("A", 11)] * 3 + [("B", 11), ("C", 11)] + [("D", 5)] * 2)
    topology = build_topology(machine())
    chips = chips_of(apart, place(Unplaced(pair(), machine(), topology, apart)).core)
    assert chips == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (3, 0), (4, 0)]  # D is next when B's turn comes
    joined = {(source, target): np.zeros(1, dtype=np.int8) for source in "AD" for target in "AD"}
    akin = replace(apart, lane_of_source=joined)
    chips = chips_of(akin, place(Unplaced(pair(), machine(), topology, akin)).core)
    assert chips == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (1, 0), (2, 0)]  # (0, 0) has 15 cores, the others 16


@pytest.mark.parametrize("seed", range(12))
def test_repeated_choices_are_those_that_every_chip_would_make_by_itself(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    names = list("ABCDEFGHIJKLMNOPQRSTU")
    sizes = [(name, int(n)) for name in names for n in [rng.integers(1, 9)] for _ in range(rng.integers(1, 40))]
    slots = np.zeros(1, dtype=np.int8)
    pairs = {(a, b): slots for a in names for b in rng.choice(names, 4).tolist()}
    partition = replace(stub(sizes, sdram_bytes=int(rng.integers(1, 60))), lane_of_source=pairs)
    given = machine(memory={"sdram_bytes": 100})
    topology = build_topology(machine(n_boards=24, dead_cores=((1, 0, 17), (5, 5, 3))))
    planned = place(Unplaced(pair(), given, topology, partition)).core
    monkeypatch.setattr("mapping.place.filling.choice.Filler._plan_of", lambda *arguments: _Plan(0, 0, [], 0))
    np.testing.assert_array_equal(place(Unplaced(pair(), given, topology, partition)).core, planned)


def test_small_populations_that_have_nothing_in_common_still_fill_a_chip():
    partition = stub([(f"P{i}", 1) for i in range(15)])
    core = place(Unplaced(pair(), machine(), build_topology(machine()), partition)).core
    assert np.unique(core[:, :2], axis=0).tolist() == [[0, 0]]


def test_pd14_takes_fewer_chips_when_populations_may_share_them():
    net = pd14()
    partition = ensemble.partition(net, machine())
    topology = build_topology(machine(n_boards=12))
    unplaced = Unplaced(net, machine(), topology, partition)
    n_chips = {
        is_mixed: len(np.unique(place(unplaced, is_mixed=is_mixed).core[:, :2], axis=0)) for is_mixed in (True, False)
    }
    assert n_chips == {True: 449, False: 501}


def test_sdram_limits_what_a_chip_holds():
    partition = stub([("A", 1)] * 6, sdram_bytes=40)
    core = place(Unplaced(pair(), machine(memory={"sdram_bytes": 100}), build_topology(machine()), partition)).core
    assert np.unique(core[:, :2], axis=0, return_counts=True)[1].tolist() == [2, 2, 2]


def test_smallest_machine_is_found():
    net = pd14()
    partition = ensemble.partition(net, machine())
    found = place_on_boards(place, partition, net, machine(n_boards="auto"))
    assert found.machine.topology.n_boards == found.topology.n_boards == 10
    assert (found.placement.core >= 0).all()
    with pytest.raises(CapacityError):
        place(Unplaced(net, machine(), build_topology(machine(n_boards=9)), partition))


def test_smallest_torus_has_whole_triads():
    net = pd14()
    partition = ensemble.partition(net, machine())
    found = place_on_boards(place, partition, net, machine(n_boards="auto", wrap=True))
    assert (found.machine.topology.n_boards, found.topology.width, found.topology.height) == (12, 24, 24)


def test_each_size_of_a_torus_is_tried_once():
    partition = stub([("A", 16)] * 600)
    n_chips = []

    def counted(unplaced, *, rng):
        n_chips.append(unplaced.topology.n_chips)
        return place(unplaced, rng=rng)

    found = place_on_boards(counted, partition, pair(), machine(n_boards="auto", wrap=True))
    assert found.topology.n_boards == 18  # 864 chips; 12 boards have 576
    assert sorted(n_chips) == sorted(set(n_chips))


def test_smallest_machine_gallops_past_what_the_totals_say():
    # 9 cores an ensemble: one a chip, although the totals suggest 16 / 9
    partition = stub([("A", 9)] * 480)
    found = place_on_boards(place, partition, pair(), machine(n_boards="auto"))
    assert found.topology.n_boards == 10


def test_given_number_of_boards_is_kept():
    net = pair()
    found = place_on_boards(place, ensemble.partition(net, machine()), net, machine(n_boards=4))
    assert found.machine.topology.n_boards == found.topology.n_boards == 4


def test_full_machine_is_refused():
    message = (
        r"^room for stub vertices \(784 cores\) at spinnaker1 with 1 board \(767 application cores\): "
        r"needs 49 slices, has 47 slices; raise topology.n_boards \(now 1\) or set it to auto$"
    )
    with pytest.raises(CapacityError, match=message):
        place(Unplaced(pair(), machine(), build_topology(machine()), stub([("A", 16)] * 49)))


def test_chips_that_dead_ones_cut_off_are_named_when_there_is_no_room():
    board = build_topology(machine()).chip.tolist()
    cut = machine(dead_chips=tuple((x, y) for x, y in board if y == 3))
    topology = build_topology(cut)
    with pytest.raises(
        CapacityError, match=r"list fewer dead chips and links, \d+ working chips are cut off by them; or"
    ):
        place(Unplaced(pair(), cut, topology, stub([("A", 16)] * 40)))


def test_what_the_largest_machine_does_not_hold_is_refused(monkeypatch):
    monkeypatch.setattr("models.topology.build.MAX_CHIPS", 192)
    with pytest.raises(CapacityError, match=r"^room for stub vertices .* with 4 boards .*: needs 200 slices"):
        place_on_boards(place, stub([("A", 16)] * 200), pair(), machine(n_boards="auto"))


def test_ensemble_beyond_the_sdram_of_a_chip_is_refused():
    message = (
        r"^SDRAM at one chip \(ensemble of A\[0:8\]\): needs 101 bytes, has 100 bytes; "
        r"lower neurons_per_core \(now 8\) or scale the network down$"
    )
    small = machine(memory={"sdram_bytes": 100})
    with pytest.raises(CapacityError, match=message):
        place(Unplaced(pair(), small, build_topology(small), stub([("A", 2)], sdram_bytes=101)))


def test_mixed_placement_never_needs_an_application_core_twice():
    partition = stub([("A", 6)] * 20 + [("B", 5)] * 30 + [("C", 3)] * 9)
    core = place(Unplaced(pair(), machine(), build_topology(machine()), partition)).core
    assert len(np.unique(core, axis=0)) == len(core) == len(partition.vertices)


def test_parts_beyond_the_chips_of_a_machine_are_refused():
    partition = stub([("A", 1)] * 49)
    parts = replace(partition, part_of_slice=np.arange(49, dtype=np.int32))
    message = (
        r"^room for stub vertices \(49 cores\) at spinnaker1 with 1 board .*: needs 49 slices, has 48 slices; raise "
    )
    with pytest.raises(CapacityError, match=message):
        place(Unplaced(pair(), machine(), build_topology(machine()), parts))


def places_on(n_boards):
    """A placer that needs ``n_boards`` boards, and the numbers of boards that it was tried on."""
    tried = []

    def placer(unplaced, *, rng):
        tried.append(unplaced.topology.n_boards)
        if tried[-1] < n_boards:
            raise CapacityError("room of a test", "here", need=n_boards, have=tried[-1], unit="boards", hint="none")
        return place(unplaced, rng=rng)

    return placer, tried


def test_placer_that_needs_more_boards_than_the_quick_one():
    placer, tried = places_on(4)
    found = place_on_boards(placer, stub([("A", 16)] * 60), pair(), machine(n_boards="auto"), probe=place)
    assert (tried, found.topology.n_boards) == ([2, 3, 4], 4)


def test_placer_that_no_machine_is_large_enough_for(monkeypatch):
    monkeypatch.setattr("models.topology.build.MAX_CHIPS", 192)
    placer, tried = places_on(9)
    with pytest.raises(CapacityError, match=r"^room of a test at here: needs 9 boards, has 4 boards; none$"):
        place_on_boards(placer, stub([("A", 16)] * 60), pair(), machine(n_boards="auto"), probe=place)
    assert tried == [2, 3, 4]


def test_placer_that_is_its_own_probe_runs_once_on_each_size():
    placer, tried = places_on(3)
    found = place_on_boards(placer, stub([("A", 16)] * 60), pair(), machine(n_boards="auto"), probe=placer)
    assert (tried, found.topology.n_boards) == ([2, 3], 3)


def test_neuron_at_which_no_slice_starts():
    partition = stub([("A", 1)] * 6 + [("B", 1)] * 2)
    assert slice_number(partition, "B", 8) == 7
    for population, start, starts in (("A", 48, r"0, 8, 16, 24, \.\.\."), ("B", 4, "0, 8")):
        message = (
            rf"^slice of {population} in a constraint: needs the first neuron of a slice \({starts}\), has {start}$"
        )
        with pytest.raises(ParameterError, match=message):
            slice_number(partition, population, start)
