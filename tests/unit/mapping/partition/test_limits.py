"""Limits of cores that no placement can help with: each by a network that just keeps and one that just breaks it."""

from dataclasses import replace

import numpy as np
import pytest

from machines import machine, network, projection
from mapping.partition import combined, ensemble
from mapping.partition.limits import check_limits, check_shared_memory
from mapping.usual import usual_recipe, usual_router
from models.errors import CapacityError, ParameterError
from models.machine.file import load_machine
from models.network import AllToAll, Explicit, Network, Normal, OneToOne, Population


def joined(connector, *, n=(20, 10), **changes):
    """Two populations A and B, A joined to B."""
    one = replace(projection("A", "B", connector), **changes)
    populations = (Population(name="A", n_neurons=n[0]), Population(name="B", n_neurons=n[1]))
    return Network(name="joined", populations=populations, projections=(one,))


def limited(**limits):
    return machine(core=limits)


CASES = {
    "fan-in": (
        joined(AllToAll()),
        "max_fan_in",
        20,
        r"^fan-in at a neuron of B on spinnaker1: needs 20 synapses, has 19 synapses; scale the network down$",
    ),
    "fan-out": (
        joined(AllToAll()),
        "max_fan_out",
        10,
        r"^fan-out at a neuron of A on spinnaker1: needs 10 synapses, has 9 synapses; scale the network down$",
    ),
    "drawn weights": (
        joined(AllToAll(), weight_pa=Normal(mean=80.0, sd=8.0, low=0.0)),
        "n_weight_values",
        20,
        r"^different weights at a neuron of B on spinnaker1: needs 20 values, has 19 values; "
        r"take weights without spread, of fewer values$",
    ),
    "delay": (
        joined(AllToAll()),
        "max_delay_steps",
        10,
        r"^delay at A -> B on spinnaker1: needs 10 steps, has 9 steps; "
        r"shorten the delays to at most [\d.]+ ms$",
    ),
    "synapses of a core": (
        joined(AllToAll()),
        "max_synapses",
        20 * 4,
        r"^synapses at a core of B on spinnaker1: needs 80 synapses, has 79 synapses; "
        r"lower neurons_per_core \(now 4\) or scale the network down$",
    ),
    "in-axons": (
        joined(OneToOne(), n=(12, 12)),
        "max_in_axons",
        4,
        r"^in-axons at a core of B on spinnaker1: needs 4 axons, has 3 axons; "
        r"lower neurons_per_core \(now 4\) or scale the network down$",
    ),
    "out-axons": (
        joined(AllToAll()),
        "max_out_axons",
        4 * 3,
        r"^out-axons at a core of A on spinnaker1: needs 12 axons, has 11 axons; lower neurons_per_core \(now 4\) "
        r"or scale the network down$",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_limit_is_kept_exactly(case):
    net, name, need, message = CASES[case]
    check_limits(net, limited(**{name: need}), 4)
    with pytest.raises(CapacityError, match=message) as caught:
        check_limits(net, limited(**{name: need - 1}), 4)
    assert (caught.value.need, caught.value.have) == (need, need - 1)


def test_machine_without_limits_takes_anything():
    check_limits(joined(AllToAll(), n=(200_000, 100_000)), machine(), 256)


def test_listed_synapses_are_counted_one_by_one():
    listed = Explicit(
        sources=np.array([0, 1, 2, 2]), targets=np.array([5, 5, 5, 6]), weights_pa=np.array([1, 1, 2, 3.0])
    )
    check_limits(joined(listed), limited(max_fan_in=3, max_fan_out=2, n_weight_values=3), 4)
    for name, have in (("max_fan_in", 2), ("max_fan_out", 1), ("n_weight_values", 2)):
        with pytest.raises(CapacityError, match=rf"needs {have + 1} "):
            check_limits(joined(listed), limited(**{name: have}), 4)


def test_in_axons_of_a_random_network_are_the_expected_number():
    net = network({"A": 1000, "B": 100}, [("A", "B"), ("A", "B")])
    need = round(1000 * (1 - 0.9 ** (2 * 8)) + 0.5)
    check_limits(net, limited(max_in_axons=need), 8)
    with pytest.raises(CapacityError, match=rf"^in-axons .*: needs {need} axons"):
        check_limits(net, limited(max_in_axons=need - 1), 8)


def test_rows_in_the_cores_take_no_shared_memory():
    given = machine(core={"synapse_memory_bytes": 4000}, memory={"synapse_store": "core", "hand_over_bytes_per_s": 0.0})
    net = network({"A": 64}, [("A", "A")])
    small = combined.partition(net, given, neurons_per_core=16)
    assert [vertex.sdram_bytes for vertex in small.vertices] == [0] * 4
    with pytest.raises(
        CapacityError,
        match=r"^synapse memory at a core of A\[0:64\]: needs 4,?\d+ bytes, has 4,000 bytes; "
        r"lower neurons_per_core \(now 64\) or scale the network down$",
    ):
        combined.partition(net, given, neurons_per_core=64)


def test_ensemble_needs_shared_memory():
    given = machine(memory={"hand_over_bytes_per_s": 0.0})
    check_shared_memory(given, "combined")
    with pytest.raises(
        ParameterError, match=r"^recipe: needs 'combined' on spinnaker1, whose cores share no memory, has 'ensemble'$"
    ):
        ensemble.partition(network({"A": 8}, []), given)


def test_neurons_of_a_core_are_those_that_the_machine_plans():
    net = network({"A": 1000}, [("A", "A")])
    given = machine(plan={"neurons_per_core": 230})
    assert [part.n_neurons for part in combined.partition(net, given).slices] == [230] * 4 + [80]
    assert combined.partition(net, given, neurons_per_core=100).slices[0].n_neurons == 100


@pytest.mark.parametrize(
    ("name", "recipe", "router"),
    [
        ("spinnaker1", "ensemble", "shared_tree"),
        ("neuroaix", "spread", "two_phase"),
        ("loihi1", "combined", "unicast"),
    ],
)
def test_usual_way_to_use_a_machine(name, recipe, router):
    given = load_machine(name)
    assert (usual_recipe(given), usual_router(given)) == (recipe, router)
