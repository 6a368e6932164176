"""``neurons_per_core="auto"``: the most neurons on a core that memory, limits and the cycles of a tick allow.

The work of a core is its mean work at expected rates (`mapping.expected`), added up by the phases of the core model:
fixed work of a tick, packets sent, packets that arrive, synaptic events. With unicast a spike is sent once for each
core that it has synapses on, and no other core gets it. Some steps take more than the mean, so the mean may fill only a
share of the tick, `MAX_LOAD_RATIO`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from mapping.expected import expected_rates_hz
from mapping.model import Partition
from mapping.neuron_cost import neuron_update_cycles, sending_cycles
from mapping.partition.memory import hand_over_bytes
from mapping.partition.row import expected_row_length, row_probability
from models.errors import CapacityError
from models.machine import Machine
from models.network import Network, Population

#: Share of a tick that mean work may take. It is a choice, not a measurement, and leaves a fifth for steps that are
#: busier than the mean. For PD14 in real time it gives the 64 neurons a core of Rhodes et al. (2019),
#: doi:10.1098/rsta.2019.0160.
MAX_LOAD_RATIO = 0.8


def automatic_neurons_per_core(
    network: Network,
    machine: Machine,
    partition: Callable[..., Partition],
    *,
    n_synapse_cores: int | None = None,
    time_scale_factor: float = 1.0,
) -> int:
    """Return the largest number of neurons per core that fits.

    Parameters
    ----------
    network, machine
    partition : callable
        A recipe of `mapping.partition`; it knows the limits and the memory.
    n_synapse_cores : int, optional
        As for the recipe.
    time_scale_factor : float
        Slow-down that the machine is given: a tick lasts dt times this.

    Raises
    ------
    CapacityError
        If even one neuron on a core is too many: the recipe's own error, or ``cycles of a tick``.
    """
    budget = machine.budget_cycles(network.dt_ms, time_scale_factor) * MAX_LOAD_RATIO
    largest = max((population.n_neurons for population in network.populations), default=1)
    low, high = 0, min(machine.core.max_neurons, largest)  # low fits, numbers above high do not
    failure: CapacityError | None = None
    while low < high:
        middle = (low + high + 1) // 2
        try:
            cut = partition(network, machine, neurons_per_core=middle, n_synapse_cores=n_synapse_cores)
            need, where = busiest_cycles(cut, network, machine)
            if need > budget:
                raise _too_slow(machine, where, need, budget, time_scale_factor)
        except CapacityError as error:
            failure, high = error, middle - 1
        else:
            low = middle
    if low == 0 and failure is not None:
        raise failure
    return max(low, 1)


def _too_slow(machine: Machine, where: str, need: float, budget: float, time_scale_factor: float) -> CapacityError:
    factor = math.ceil(10 * time_scale_factor * need / budget) / 10
    return CapacityError(
        "cycles of a tick",
        f"{where} on {machine.name}",
        need=math.ceil(need),
        have=math.floor(budget),
        unit="cycles",
        hint=f"raise time_scale_factor to {factor:g}, or use another recipe",
    )


def busiest_cycles(partition: Partition, network: Network, machine: Machine) -> tuple[float, str]:
    """Return the mean cycles per tick of the core with the most work, and the name of that core."""
    rates_hz = expected_rates_hz(network, machine)
    n_slice: dict[str, int] = {}
    for part in partition.slices:
        n_slice[part.population] = max(n_slice.get(part.population, 0), part.n_neurons)
    found = [(0.0, "every core")]
    for population in network.populations:
        n = n_slice[population.name]
        n_lanes = partition.n_lanes.get(population.name, 0)
        per_s = _per_s(network, machine, population, n_slice, rates_hz)
        work = _core_cycles(network, machine, population, (n, n_lanes), per_s, partition.recipe)
        found += [(cycles, f"a {kind} core of {population.name}") for kind, cycles in work.items()]
    return max(found)


def combined_cycles(network: Network, machine: Machine, population: str, n_neurons: int) -> float:
    """Return the mean cycles per tick of a core with neurons and synapses of ``n_neurons`` neurons of a population."""
    rates_hz = expected_rates_hz(network, machine)
    one = next(one for one in network.populations if one.name == population)
    per_s = _per_s(network, machine, one, dict.fromkeys(network.offsets, n_neurons), rates_hz)
    return _core_cycles(network, machine, one, (n_neurons, 1), per_s, "combined")["combined"]


@dataclass(frozen=True, slots=True)
class _PerSecond:
    """Events of a slice in a second of model time.

    ``spikes`` of its neurons, ``copies`` of them if each destination core gets its own packet, ``packets`` and synaptic
    ``events`` that arrive.
    """

    spikes: float
    copies: float
    packets: float
    events: float


def _per_s(
    network: Network, machine: Machine, population: Population, n_slice: dict[str, int], rates_hz: dict[str, float]
) -> _PerSecond:
    """Return the events of a population's largest slice; ``n_slice``: neurons of the largest slice of every group."""
    n = n_slice[population.name]
    packets, events = _arriving(network, machine, population, n, rates_hz)
    spikes = n * rates_hz[population.name]
    copies = spikes * _copies_of_spike(network, population.name, n_slice)
    return _PerSecond(spikes, copies, packets, events)


def _copies_of_spike(network: Network, source: str, n_slice: dict[str, int]) -> float:
    """Return the mean number of target slices that a spike of ``source`` has synapses on."""
    none: dict[tuple[str, int], float] = {}
    for projection in network.projections:
        if projection.source != source:
            continue
        n_targets = network.group(projection.target).n_neurons
        size = min(n_slice[projection.target], n_targets)
        for n in {size, n_targets % size} - {0}:
            key = (projection.target, n)
            none[key] = none.get(key, 1.0) * (1.0 - row_probability(projection, network, n))
    copies = 0.0
    for (target, n), probability in none.items():
        n_targets = network.group(target).n_neurons
        size = min(n_slice[target], n_targets)
        copies += (1.0 - probability) * (n_targets // size if n == size else 1)
    return copies


def _arriving(
    network: Network, machine: Machine, population: Population, n: int, rates_hz: dict[str, float]
) -> tuple[float, float]:
    """Return packets and synaptic events per second that arrive at a slice of ``n`` neurons."""
    none, events = dict[str, float](), 0.0
    for projection in network.projections:
        if projection.target != population.name:
            continue
        row = expected_row_length(projection, network, n)
        if row > 0:
            is_met = row_probability(projection, network, n) if machine.router.casting == "unicast" else 1.0
            none[projection.source] = none.get(projection.source, 1.0) * (1.0 - is_met)
            events += network.group(projection.source).n_neurons * rates_hz[projection.source] * row
    packets = sum(network.group(name).n_neurons * rates_hz[name] * (1.0 - empty) for name, empty in none.items())
    return packets, events


def _core_cycles(
    network: Network,
    machine: Machine,
    population: Population,
    size: tuple[int, int],
    per_s: _PerSecond,
    recipe: str,
) -> dict[str, float]:
    """Return the mean cycles per tick of each kind of core of a slice; ``size``: its neurons and lanes."""
    cost, (n, n_lanes), step_s = machine.cost, size, network.dt_ms * 1e-3
    packets, events = step_s * per_s.packets, step_s * per_s.events
    of_spike, of_copy = sending_cycles(machine)
    drive = population.poisson
    n_draws = 0.0 if drive is None else drive.total_rate_hz * step_s
    one_draw = 0.0 if drive is None else cost.poisson_source_cycles + n_draws * cost.poisson_event_cycles
    update = n * (neuron_update_cycles(machine, population) + cost.ring_buffer_drain_cycles_per_neuron)
    update += cost.timer_cycles + step_s * (per_s.spikes * of_spike + per_s.copies * of_copy)
    if recipe != "ensemble":
        arriving = packets * cost.combined_spike_cycles + events * cost.synapse_cycles
        return {"combined": update + n * one_draw + arriving}
    n_poisson = 0 if drive is None else -(-n // max(machine.core.max_poisson_sources, 1))
    n_cores = machine.core.n_per_chip - machine.core.n_monitor_per_chip
    n_ensembles = max(1, n_cores // (1 + n_lanes + n_poisson))
    written = n_ensembles * (n_lanes * hand_over_bytes(n) + n_poisson * hand_over_bytes(n) / 2)
    wait = written / machine.memory.hand_over_bytes_per_s * machine.core.clock_hz + cost.hand_over_cycles
    work = {"neuron": update + wait}
    if n_lanes:
        arriving = (packets * cost.spike_cycles + events * cost.synapse_cycles) / n_lanes
        work["synapse"] = cost.timer_cycles + wait + arriving
    if n_poisson:
        work["Poisson"] = cost.timer_cycles + wait + min(n, machine.core.max_poisson_sources) * one_draw
    return work
