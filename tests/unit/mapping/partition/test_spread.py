"""Partition *spread*: equal shares, cores by work, one share a chip."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from machines import machine, network, pair
from mapping.files.io import load_mapping, save_mapping
from mapping.flow import map_network
from mapping.model import Slice
from mapping.partition import spread
from mapping.partition.automatic import combined_cycles
from mapping.place import PLACERS
from mapping.recipe import FixedChip, Recipe, SameChip
from mapping.verify import verify
from models.errors import CapacityError, ParameterError
from models.machine.file import load_machine
from models.networks import pd14
from models.topology import build_topology

NEUROAIX = load_machine("neuroaix")


def four_chips(**changes):
    """A mesh of 2 x 2 chips with 4 application cores each."""
    given = load_machine("generic_mesh")
    core = replace(given.core, n_per_chip=4, n_monitor_per_chip=0, n_monitor_per_ethernet_chip=0)
    return replace(given, core=core, topology=replace(given.topology, shape=(2, 2), board_shape=(2, 2)), **changes)


def neurons_of_parts(partition):
    n = [part.n_neurons for part in partition.slices]
    return np.bincount(partition.part_of_slice, weights=n).astype(int).tolist()


def test_shares_and_slices_of_a_small_network():
    net = network({"A": 10, "B": 7}, [("A", "B")])
    result = spread.partition(net, four_chips(), neurons_per_core=2)
    bounds = [0, 1, 3, 4, 6, 7, 8, 9, 10]  # 3, 3, 2, 2 neurons on two cores each: chips 0 and 1 have one more
    assert result.slices[:8] == tuple(Slice("A", a, b) for a, b in pairwise(bounds))
    assert [part.n_neurons for part in result.slices[8:]] == [2, 1, 2, 2]  # chips 2, 3 and 0 have one more of B
    assert result.part_of_slice.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 0, 1, 2, 3]
    assert neurons_of_parts(result) == [5, 4, 4, 4]
    assert (result.recipe, result.first_slice, result.n_lanes) == ("spread", {"A": 0, "B": 8}, {"A": 1, "B": 1})


def test_full_scale_pd14_loads_every_node_of_neuroaix_alike():
    net = pd14()
    result = spread.partition(net, NEUROAIX)
    assert set(neurons_of_parts(result)) == {2204, 2205}
    assert np.bincount(result.part_of_slice).tolist() == [10] * 35
    work = np.zeros(35)
    for part, chip in zip(result.slices, result.part_of_slice, strict=True):
        work[chip] += combined_cycles(net, NEUROAIX, part.population, part.n_neurons)
    assert work.max() / work.min() < 1.001


def test_idle_cores_go_where_the_work_is():
    net = network({"A": 40, "B": 40}, [("A", "A"), ("B", "A")], rates_hz={"A": 5000.0, "B": 5000.0})
    result = spread.partition(net, four_chips())
    assert [part.n_neurons for part in result.slices if part.population == "A"] == [3, 3, 4] * 4
    assert [part.n_neurons for part in result.slices if part.population == "B"] == [10] * 4


def test_neurons_that_cannot_be_split_leave_cores_idle():
    result = spread.partition(network({"A": 3, "B": 9}, []), four_chips())
    assert neurons_of_parts(result) == [3, 3, 3, 3]
    assert all(part.n_neurons == 1 for part in result.slices)


def test_spike_sources_are_spread_too():
    result = spread.partition(network({"A": 8}, [("S", "A")], source_sizes={"S": 6}), four_chips())
    assert [part.n_neurons for part in result.slices if part.population == "S"] == [2, 2, 1, 1]
    with pytest.raises(CapacityError, match=r"^sources at a core of spinnaker1: needs 1 sources, has 0 sources; raise"):
        spread.partition(pair(), machine(core={"max_poisson_sources": 0}))


def test_boards_are_as_many_as_shares_need():
    net = network({"A": 48 * 15 * 80}, [])
    result = spread.partition(net, machine(n_boards="auto"))
    assert neurons_of_parts(result) == [15 * 80] * 48
    more = spread.partition(network({"A": 48 * 15 * 80 + 1}, []), machine(n_boards="auto"))
    assert len(neurons_of_parts(more)) == 96
    assert map_network(net, machine(n_boards="auto"), Recipe(name="spread")).machine.topology.n_boards == 1


def test_chip_with_the_fewest_cores_decides():
    given = four_chips(dead_cores=((1, 1, 0),))
    assert len(spread.partition(network({"A": 48}, []), given).slices) == 4 * 3


@pytest.mark.parametrize("place", PLACERS)
def test_every_placer_gives_each_share_a_chip_of_its_own(place):
    net = pair()
    mapping = map_network(net, four_chips(), Recipe(name="spread", place=place, neurons_per_core=50))
    assert verify(mapping, net) == ()
    assert len(np.unique(mapping.placement.core[:, :2], axis=0)) == 4


def test_shares_that_are_torn_or_joined_are_found():
    net = network({"A": 8}, [("A", "A")])
    mapping = map_network(net, four_chips(), Recipe(name="spread", neurons_per_core=1))
    core = mapping.placement.core.copy()
    core[[0, -1]] = core[[-1, 0]]  # both chips now hold slices of both parts
    found = {
        str(one)
        for one in verify(replace(mapping, placement=replace(mapping.placement, core=core)), net)
        if one.invariant == "part"
    }
    assert found == {
        "part at generic_mesh: on several chips: part 0, part 3",
        "part at generic_mesh: several on one chip: chip (0, 0), chip (0, 1)",
    }


def test_constraints_may_fix_a_share_but_not_join_two():
    net = network({"A": 8}, [("A", "A")])
    last = (FixedChip("A", (1, 1), start=0),)
    mapping = map_network(net, four_chips(), Recipe(name="spread", neurons_per_core=1, constraints=last))
    assert mapping.placement.core[:2, :2].tolist() == [[1, 1], [1, 1]]
    assert verify(mapping, net) == ()
    message = (
        r"^chip of A\[2:3\] by constraints: needs constraints that leave each part a chip of its own, "
        r"has 'a chip that slices of another part have \(recipe spread\)'$"
    )
    for joined in (SameChip((("A", 0), ("A", 2))), FixedChip("A", (0, 0))):
        with pytest.raises(ParameterError, match=message):
            map_network(net, four_chips(), Recipe(name="spread", neurons_per_core=1, constraints=(joined,)))


def test_parts_come_back_from_disk(tmp_path):
    mapping = map_network(pair(), four_chips(), Recipe(name="spread", neurons_per_core=50))
    again = load_mapping(save_mapping(mapping, tmp_path / "m"))
    assert np.array_equal(again.partition.part_of_slice, mapping.partition.part_of_slice)
    assert not again.partition.part_of_slice.flags.writeable
    assert again.partition.recipe == "spread"


def test_what_does_not_fit_is_refused():
    message = (
        r"^cores at each of 35 chips of neuroaix \(a share of 8 populations and sources\): needs 13 cores, "
        r"has 10 cores; raise neurons_per_core \(now 230\), take a larger machine, or recipe 'combined', "
        r"where a chip need not hold every population$"
    )
    with pytest.raises(CapacityError, match=message):
        spread.partition(pd14(), NEUROAIX, neurons_per_core=230)
    with pytest.raises(CapacityError, match=r"^cores at .*: needs 5 cores, has 4 cores; take a larger machine, or"):
        spread.partition(network(dict.fromkeys("ABCDE", 4), []), four_chips())
    with pytest.raises(
        ParameterError, match=r"^n_synapse_cores: needs None: the cores of spread have no synapse cores, has 2$"
    ):
        spread.partition(pair(), NEUROAIX, n_synapse_cores=2)
    with pytest.raises(CapacityError, match=r"^neurons at a core of neuroaix: needs 3,000 neurons, has 2,205 neurons;"):
        spread.partition(pair(), NEUROAIX, neurons_per_core=3000)


def test_limits_count_the_slices_of_each_population():
    net = network({"A": 400, "B": 8}, [("A", "B")])  # a core of B: 2 neurons, 2 x 40 synapses
    given = four_chips()
    assert spread.partition(net, replace(given, core=replace(given.core, max_synapses=80)), neurons_per_core=100)
    with pytest.raises(CapacityError, match=r"^synapses at a core of B on generic_mesh: needs 80 synapses, has 79"):
        spread.partition(net, replace(given, core=replace(given.core, max_synapses=79)), neurons_per_core=100)


def test_machine_of_open_size_grows_until_the_shares_fit(monkeypatch):
    """On 48 chips each of 10 populations takes 2 cores of a chip, which has 15; on 96 chips it takes 1."""
    names = [f"P{i}" for i in range(10)]
    net = network(dict.fromkeys(names, 400), [(names[0], name) for name in names])
    cut = spread.partition(net, machine(n_boards="auto"), neurons_per_core=8)
    assert cut.part_of_slice.max() + 1 > 48
    monkeypatch.setattr("models.topology.build.MAX_CHIPS", 48)
    for given in (machine(), machine(n_boards="auto")):  # an open machine of which one board is the largest
        with pytest.raises(CapacityError, match=r"^cores at each of 48 chips of spinnaker1 .*: needs 20 cores, has 15"):
            spread.partition(net, given, neurons_per_core=8)


def test_machine_of_open_size_grows_until_a_connected_part_has_cores():
    """On one board the larger of two parts has only dead cores."""
    given = four_chips(dead_cores=tuple((x, 0, p) for x in (0, 1) for p in range(4)), dead_links=((1, 0, 0),))
    row = replace(given, topology=replace(given.topology, shape=(), board_shape=(3, 1), n_boards="auto"))
    assert build_topology(row, 1).neighbour[1, 0] < 0
    assert spread.usable_chips(row, 1).n_chips == 0
    cut = spread.partition(network({"A": 40}, [("A", "A")]), row, neurons_per_core=4)
    assert spread.usable_chips(row, 2).n_chips == cut.part_of_slice.max() + 1
