"""Every kind of limit on every shipped machine: the error names the resource that binds, and a change that helps.

Each hint is taken at its word: the change it names is made by this test, which maps again.
"""

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest

from machines import network
from mapping.flow import map_network
from mapping.recipe import FixedChip, Recipe, ReservedChip, ReservedCores, SameChip
from mapping.usual import usual_recipe, usual_router
from models.errors import CapacityError
from models.machine.file import list_machines, load_machine
from models.network import AllToAll, Constant, Network, Projection, Uniform
from models.networks import pd14


@dataclass(frozen=True)
class Limit:
    """A limit of a machine, and a network that breaks it as long as nothing is changed."""

    what: str
    settings: dict
    weight: float | None = 80.0
    delay_ms: float = 1.0
    options: dict | None = None


LIMITS = {
    "neurons": Limit("neurons", {"core.max_neurons": 20}, options={"neurons_per_core": 32}),
    "row": Limit("synaptic row", {"core.max_row_synapses": 7}),
    "ring buffer": Limit("ring-buffer index", {"core.ring_buffer_index_bits": 8, "core.max_delay_steps": 1000}),
    "long delay": Limit(
        "ring-buffer index", {"core.ring_buffer_index_bits": 8, "core.max_delay_steps": 1000}, delay_ms=60.0
    ),
    "DTCM": Limit("DTCM", {"core.dtcm_bytes": 3000, "core.dtcm_reserved_bytes": 100, "core.spike_buffer_packets": 16}),
    "fan-in": Limit("fan-in", {"core.max_fan_in": 5}),
    "fan-out": Limit("fan-out", {"core.max_fan_out": 5}),
    "weights": Limit("different weights", {"core.n_weight_values": 5}, weight=None),
    "delay": Limit("delay", {"core.max_delay_steps": 4}),
    "synapses": Limit("synapses", {"core.max_synapses": 500}),
    "in-axons": Limit("in-axons", {"core.max_in_axons": 39}),
    "out-axons": Limit("out-axons", {"core.max_out_axons": 39}),
}
_CORES = ["core.n_per_chip", "core.n_monitor_per_chip"]


def net(limit: Limit) -> Network:
    weight = Constant(value=limit.weight) if limit.weight is not None else Uniform(low=10.0, high=90.0)
    populations = network({"A": 40, "B": 40}, []).populations
    joined = [
        Projection(source=a, target=b, connector=AllToAll(), weight_pa=weight, delay_ms=Constant(value=limit.delay_ms))
        for a, b in (("A", "B"), ("B", "A"))
    ]
    return Network(name="pair", populations=populations, projections=tuple(joined))


def recipe_for(machine, given):
    """The usual recipe and router, but few large slices where it is usual to spread neurons over all cores."""
    usual = usual_recipe(machine)
    return Recipe(name="combined" if usual == "spread" else usual, route=usual_router(machine), **(given or {}))


def change(words: str, network, machine, recipe):
    """Make the change that a hint names; return network, machine and recipe after it."""
    for one in re.split(r" and (?=lower|raise|take|set|shorten|leave|list|reserve|fix|enlarge)", words):
        if found := re.fullmatch(r"(?:lower|raise) neurons_per_core \(now [\d]+\) to (\d+)", one):
            recipe = replace(recipe, neurons_per_core=int(found[1]))
        elif found := re.fullmatch(r"set neurons_per_core to 'auto'", one):
            recipe = replace(recipe, neurons_per_core="auto")
        elif found := re.fullmatch(r"take recipe '(\w+)'", one):
            recipe = replace(recipe, name=found[1], neurons_per_core=None, n_synapse_cores=None)
        elif found := re.fullmatch(r"take another machine: (\w+) with recipe '(\w+)'", one):
            machine = load_machine(found[1])
            recipe = Recipe(name=found[2], route=usual_router(machine))
        elif found := re.fullmatch(r"shorten the delays \(now up to [\d.]+ ms\) to at most ([\d.]+) ms", one):
            limit = Constant(value=float(found[1]))
            network = replace(network, projections=tuple(replace(item, delay_ms=limit) for item in network.projections))
        elif found := re.fullmatch(r"leave n_synapse_cores \(now \d+\) to the recipe", one):
            recipe = replace(recipe, n_synapse_cores=None)
        elif found := re.fullmatch(r"lower n_synapse_cores \(now \d+\) to (\d+)", one):
            recipe = replace(recipe, n_synapse_cores=int(found[1]))
        elif found := re.fullmatch(r"set minimise \(now '\w+'\) to 'auto'", one):
            recipe = replace(recipe, minimise="auto")
        elif found := re.fullmatch(r"set machine.topology.n_boards \(now \d+\) to 'auto'", one):
            machine = replace(machine, topology=replace(machine.topology, n_boards="auto"))
        elif found := re.fullmatch(r"enlarge machine.topology.shape \(now .*\) to \[(.*)\]", one):
            shape = tuple(int(n) for n in found[1].split(", "))
            machine = replace(machine, topology=replace(machine.topology, shape=shape, n_boards="auto"))
        elif found := re.fullmatch(r"raise time_scale_factor \(now [\d.]+\) to ([\d.]+)", one):
            recipe = replace(recipe, time_scale_factor=float(found[1]))
        elif one == "list no dead chips, cores and links":
            machine = replace(machine, dead_chips=(), dead_cores=(), dead_links=())
        elif one in _DROPPED:
            kept = tuple(item for item in recipe.constraints if not isinstance(item, _DROPPED[one]))
            recipe = replace(recipe, constraints=kept)
        else:
            raise AssertionError(f"no change known by these words: {one}")
    return network, machine, recipe


_DROPPED = {
    "reserve no cores": ReservedCores,
    "reserve no chips": ReservedChip,
    "fix no slices to chips": FixedChip,
    "ask for no slices on the same chip": SameChip,
}


def check_hint(error: CapacityError, network, machine, recipe) -> str:
    """Assert that what an error says to change makes the network map; return the words of the change."""
    words, tried, _ = error.hint.partition(", which was tried: it takes ")
    assert tried, error.hint
    map_network(*change(words, network, machine, recipe), describe=None)
    return words


@pytest.mark.parametrize("name", list_machines())
@pytest.mark.parametrize("kind", LIMITS)
def test_the_error_names_what_binds_and_a_change_that_helps(kind, name):
    limit = LIMITS[kind]
    machine = load_machine(name, limit.settings)
    recipe, given = recipe_for(machine, limit.options), net(limit)
    with pytest.raises(CapacityError, match=rf"^{limit.what} at ") as caught:
        map_network(given, machine, recipe)
    assert "(now 1) to 1" not in caught.value.hint
    check_hint(caught.value, given, machine, recipe)


@pytest.mark.parametrize(
    "name", [name for name in list_machines() if load_machine(name).memory.synapse_store == "core"]
)
def test_memory_for_synapses_in_the_core(name):
    machine, given = load_machine(name, {"core.synapse_memory_bytes": 1000}), net(Limit("", {}))
    recipe = recipe_for(machine, None)
    with pytest.raises(CapacityError, match=r"^synapse memory at a core of A\[") as caught:
        map_network(given, machine, recipe)
    assert "neurons_per_core" in check_hint(caught.value, given, machine, recipe)


@pytest.mark.parametrize("name", [name for name in list_machines() if load_machine(name).memory.sdram_bytes])
def test_sdram(name):
    machine, given = load_machine(name, {"memory.sdram_bytes": 4000}), net(Limit("", {}))
    recipe = recipe_for(machine, None)
    with pytest.raises(CapacityError, match=r"^SDRAM at ") as caught:
        map_network(given, machine, recipe)
    check_hint(caught.value, given, machine, recipe)


@pytest.mark.parametrize("name", ["spinnaker1", "spinnaker2", "generic_mesh"])
def test_table(name):
    given = network({"A": 400, "B": 400}, [("A", "B"), ("B", "A")])
    recipe = recipe_for(load_machine(name), {"neurons_per_core": 1, "minimise": "none"})
    longest = np.diff(map_network(given, load_machine(name), recipe).tables.indptr).max()
    machine = load_machine(name, {"router.n_table_entries": int(longest) - 1})
    with pytest.raises(CapacityError, match=rf"^routing table at chip .*: needs {longest} entries, has ") as caught:
        map_network(given, machine, recipe)
    words = check_hint(caught.value, given, machine, recipe)
    assert words.startswith(("set minimise (now 'none') to 'auto'", "raise neurons_per_core (now 1) to "))


def test_fewer_neurons_are_the_most_that_fit():
    limit = LIMITS["row"]
    machine = load_machine("spinnaker1", limit.settings)
    with pytest.raises(CapacityError) as caught:
        map_network(net(limit), machine, Recipe(name="combined", neurons_per_core=30))
    assert caught.value.hint.startswith(
        "lower neurons_per_core (now 30) to 7, which was tried: it takes 12 cores on 1 "
    )
    with pytest.raises(CapacityError):
        map_network(net(limit), machine, Recipe(name="combined", neurons_per_core=8), describe=None)


def test_the_longest_delay_that_fits_is_named_where_a_core_has_one_neuron():
    # 14 bits, one for the receptor: 8,192 slots of 0.1 ms
    given, machine = net(Limit("", {}, delay_ms=1000.0)), load_machine("spinnaker1")
    recipe = Recipe(name="combined", neurons_per_core=1)
    with pytest.raises(CapacityError, match=r"^ring-buffer index at ") as caught:
        map_network(given, machine, recipe)
    words = check_hint(caught.value, given, machine, recipe)
    assert words == "shorten the delays (now up to 1000 ms) to at most 819.2 ms"


def test_nothing_works_on_a_machine_without_chips():
    dead = [[x, y] for x in range(8) for y in range(8)]
    machine = load_machine(
        "generic_mesh", {"topology.shape": [8, 8], "topology.board_shape": [8, 8], "dead_chips": dead}
    )
    given = net(Limit("", {}))
    for name in ("combined", "ensemble", "spread"):
        with pytest.raises(CapacityError, match=r"^working chips at generic_mesh \(64 dead chips") as caught:
            map_network(given, machine, Recipe(name=name))
        assert check_hint(caught.value, given, machine, Recipe(name=name)) == "list no dead chips, cores and links"


def test_two_things_that_do_not_fit_are_both_named():
    machine = load_machine("spinnaker1", {"core.max_row_synapses": 7})
    recipe = Recipe(name="combined", constraints=(ReservedChip((100, 100)),))
    with pytest.raises(CapacityError, match=r"^synaptic row at ") as caught:
        map_network(net(LIMITS["row"]), machine, recipe)
    assert re.match(
        r"lower neurons_per_core \(now 80\) to 7; that alone is not enough, since then chip of a constraint: needs a "
        r"working chip of spinnaker1 with the 1 board that the network takes, x 0 to 7 and y 0 to 7",
        caught.value.hint,
    )
    recipe = replace(recipe, constraints=(ReservedCores(16),))
    with pytest.raises(CapacityError) as caught:
        map_network(net(LIMITS["row"]), machine, recipe)
    words = check_hint(caught.value, net(LIMITS["row"]), machine, recipe)
    assert words == "lower neurons_per_core (now 80) to 7 and reserve no cores"


def test_a_full_machine_gets_more_boards_or_a_larger_shape():
    given = network({"A": 4000}, [("A", "A")])
    machine = load_machine("spinnaker1", {"topology.n_boards": 1})
    recipe = Recipe(name="ensemble", neurons_per_core=4)
    with pytest.raises(CapacityError, match=r"^room for ensemble vertices ") as caught:
        map_network(given, machine, recipe)
    words = check_hint(caught.value, given, machine, recipe)
    assert words == "set machine.topology.n_boards (now 1) to 'auto'"
    mesh = load_machine("generic_mesh", {"topology.shape": [2, 2], "topology.board_shape": [2, 2]})
    recipe = Recipe(name="combined", neurons_per_core=20)
    with pytest.raises(CapacityError, match=r"^room for combined vertices ") as caught:
        map_network(given, mesh, recipe)
    assert check_hint(caught.value, given, mesh, recipe).startswith("enlarge machine.topology.shape (now [2, 2]) to [")


def test_no_change_is_tried_without_being_asked():
    machine = load_machine("spinnaker1", {"core.max_row_synapses": 7})
    with pytest.raises(CapacityError, match=r"; lower neurons_per_core \(now 40\) or give each source fewer synapses$"):
        map_network(net(LIMITS["row"]), machine, Recipe(name="combined"), describe=None)


def test_a_change_that_is_not_enough_comes_with_a_machine_that_is():
    machine, given = load_machine("spinnaker1", {"router.n_table_entries": 1}), pd14(scale=0.02)
    with pytest.raises(CapacityError, match=r"^routing table at ") as caught:
        map_network(given, machine, Recipe(name="combined"))
    found = re.fullmatch(
        r"raise neurons_per_core \(now 80\) to 160; that alone is not enough, since then ring-buffer index at .*; "
        r"or take another machine: (\w+) with recipe '(\w+)', which was tried: it takes \d+ cores on \d+ chips",
        caught.value.hint,
    )
    other = load_machine(found[1])
    map_network(given, other, Recipe(name=found[2], route=usual_router(other)), describe=None)
