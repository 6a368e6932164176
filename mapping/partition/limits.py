"""Checks the limits of a machine that no placement can help with, before populations are cut.

Random connectors are judged by their means, since a network with a mean above a limit certainly breaks it; a network
with a mean below the limit is accepted, although a draw could exceed it. In-axons of a core are counted as on Loihi:
source neurons with a synapse onto the core. Out-axons are pairs of a neuron of the core and a core that it has a
synapse onto.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mapping.partition.hints import fewer_neurons
from mapping.partition.row import longest_delay_steps
from models.errors import CapacityError, ParameterError
from models.machine import Machine
from models.network import (
    AllToAll,
    Explicit,
    FixedProbability,
    Network,
    OneToOne,
    Projection,
)
from models.network.distribution import moments

_SMALLER = "scale the network down"


def check_shared_memory(machine: Machine, recipe: str) -> None:
    """Raise ParameterError if ``recipe`` is ``ensemble`` on a machine whose cores share no memory."""
    if recipe == "ensemble" and machine.memory.hand_over_bytes_per_s == 0:
        raise ParameterError("recipe", recipe, f"'combined' on {machine.name}, whose cores share no memory")


def check_limits(network: Network, machine: Machine, neurons_per_core: int | Mapping[str, int]) -> None:
    """Check the limits of cores full with ``neurons_per_core`` neurons (one number, or one for each population).

    Raises
    ------
    CapacityError
        For ``core.max_fan_in``, ``max_fan_out``, ``n_weight_values``, ``max_delay_steps``, ``max_synapses``,
        ``max_in_axons`` and ``max_out_axons``; limits that the machine does not state are not checked.
    """
    sizes = {name: network.group(name).n_neurons for name in network.offsets}
    if isinstance(neurons_per_core, int):
        per_core = {name: min(neurons_per_core, n) for name, n in sizes.items()}
        now = neurons_per_core
    else:
        per_core = {name: neurons_per_core.get(name, n) for name, n in sizes.items()}
        now = max(neurons_per_core.values(), default=0)
    for demand in _demands(network, machine, per_core, now):
        if demand.need > demand.have:
            raise CapacityError(
                demand.what,
                f"{demand.where} on {machine.name}",
                need=demand.need,
                have=demand.have,
                unit=demand.unit,
                hint=demand.hint,
            )


@dataclass(frozen=True, slots=True)
class _Demand:
    """The largest need of one resource, and the place that has it."""

    what: str
    where: str
    need: int
    have: int
    unit: str
    hint: str


def _demands(network: Network, machine: Machine, per_core: dict[str, int], now: int) -> Iterator[_Demand]:
    """Yield the demands on the limits that the machine states; limits that no recipe can help with come first.

    ``per_core``: neurons of a full core of each population or source; ``now``: neurons_per_core in messages.
    """
    core = machine.core
    targets = {population.name: population.n_neurons for population in network.populations}
    sizes = {name: network.group(name).n_neurons for name in network.offsets}
    fewer = fewer_neurons(now, _SMALLER)

    def most(names: dict[str, int], need: Callable[[str], float]) -> tuple[str, int]:
        name = max(names, key=need)
        return name, math.ceil(need(name) - 1e-9)

    if core.max_fan_in is not None:
        name, need = most(targets, lambda one: _degree(network, one, is_in=True))
        yield _Demand("fan-in", f"a neuron of {name}", need, core.max_fan_in, "synapses", _SMALLER)
    if core.max_fan_out is not None:
        name, need = most(sizes, lambda one: _degree(network, one, is_in=False))
        yield _Demand("fan-out", f"a neuron of {name}", need, core.max_fan_out, "synapses", _SMALLER)
    if core.n_weight_values is not None:
        name, need = most(targets, lambda one: _n_weights(network, one))
        hint = "take weights without spread, of fewer values"
        yield _Demand("different weights", f"a neuron of {name}", need, core.n_weight_values, "values", hint)
    if core.max_delay_steps is not None and network.projections:
        slowest = max(network.projections, key=lambda one: longest_delay_steps(one, network.dt_ms))
        steps = longest_delay_steps(slowest, network.dt_ms)
        hint = f"shorten the delays to at most {core.max_delay_steps * network.dt_ms:g} ms"
        yield _Demand("delay", f"{slowest.source} -> {slowest.target}", steps, core.max_delay_steps, "steps", hint)
    if core.max_synapses is not None:
        name, need = most(targets, lambda n: _degree(network, n, is_in=True) * per_core[n])
        yield _Demand("synapses", f"a core of {name}", need, core.max_synapses, "synapses", fewer)
    if core.max_in_axons is not None:
        name, need = most(targets, lambda one: _n_in_axons(network, one, per_core))
        yield _Demand("in-axons", f"a core of {name}", need, core.max_in_axons, "axons", fewer)
    if core.max_out_axons is not None:
        name, need = most(sizes, lambda one: _n_out_axons(network, one, per_core))
        yield _Demand("out-axons", f"a core of {name}", need, core.max_out_axons, "axons", fewer)


def _between(network: Network, projection: Projection) -> tuple[int, int, float]:
    """Return the numbers of sources, targets and expected synapses of a projection."""
    n_sources = network.group(projection.source).n_neurons
    n_targets = network.group(projection.target).n_neurons
    return n_sources, n_targets, projection.expected_n_synapses(n_sources, n_targets)


def _degree(network: Network, name: str, *, is_in: bool) -> float:
    """Return the mean synapses onto (or from) one neuron of a population; of listed synapses, the most of a neuron."""
    total = 0.0
    for projection in network.projections:
        if (projection.target if is_in else projection.source) != name:
            continue
        n_sources, n_targets, n_synapses = _between(network, projection)
        if isinstance(projection.connector, Explicit):
            ends = projection.connector.targets if is_in else projection.connector.sources
            total += int(np.bincount(ends).max(initial=0))
        else:
            total += n_synapses / (n_targets if is_in else n_sources)
    return total


def _n_weights(network: Network, name: str) -> float:
    """Return the number of different weights onto one neuron; every drawn weight is taken to be different."""
    values: set[float] = set()
    drawn = 0.0
    for projection in network.projections:
        if projection.target != name:
            continue
        _, n_targets, n_synapses = _between(network, projection)
        if n_synapses == 0:
            continue
        given = projection.connector.weights if isinstance(projection.connector, Explicit) else None
        if given is not None:
            values.update(np.unique(given).tolist())
        elif moments(projection.weight).sd == 0:
            values.add(moments(projection.weight).mean)
        else:
            drawn += n_synapses / n_targets
    return len(values) + drawn


def _reach(network: Network, projection: Projection, n_slice: int) -> float:
    """Return the probability that a source neuron has a synapse onto a slice of ``n_slice`` targets.

    It is an estimate for a total number or a list of synapses, else exact.
    """
    n_sources, n_targets, n_synapses = _between(network, projection)
    share = min(n_slice, n_targets) / n_targets
    match projection.connector:
        case AllToAll():
            return 1.0
        case OneToOne():
            return share
        case FixedProbability(probability=p):
            return 1.0 - math.exp(n_targets * share * math.log1p(-p)) if p < 1 else 1.0
        case _:  # a total number or a list: as if each synapse were drawn at random
            return 1.0 - math.exp(-n_synapses / n_sources * share)


def _n_in_axons(network: Network, name: str, per_core: dict[str, int]) -> float:
    """Return the mean number of source neurons with a synapse onto a full core of population ``name``."""
    missed: dict[str, float] = {}
    for projection in network.projections:
        if projection.target == name:
            reach = _reach(network, projection, per_core[projection.target])
            missed[projection.source] = missed.get(projection.source, 1.0) * (1.0 - reach)
    return sum(network.group(source).n_neurons * (1.0 - miss) for source, miss in missed.items())


def _n_out_axons(network: Network, name: str, per_core: dict[str, int]) -> float:
    """Return the mean number of pairs of a neuron of a full core of ``name`` and a core that it has a synapse onto."""
    missed: dict[str, float] = {}
    for projection in network.projections:
        if projection.source == name:
            reach = _reach(network, projection, per_core[projection.target])
            missed[projection.target] = missed.get(projection.target, 1.0) * (1.0 - reach)
    n_own = per_core[name]
    n_cores = {target: math.ceil(network.group(target).n_neurons / per_core[target]) for target in missed}
    return n_own * sum(n_cores[target] * (1.0 - miss) for target, miss in missed.items())
