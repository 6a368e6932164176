"""``neurons_per_core="auto"``: the most neurons on a core that memory, limits and the cycles of a tick allow.

Work is counted at mean load and expected rates (`mapping.expected`), by the phases of the core model: fixed work of a
tick, spikes sent, packets that arrive, synaptic events. A busy step takes more than the mean, so only a share of the
tick is planned with: `MAX_LOAD_RATIO`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from mapping.expected import expected_rates_hz
from mapping.model import Partition
from mapping.neuron_cost import neuron_update_cycles
from mapping.partition.memory import hand_over_bytes
from mapping.partition.row import expected_row_length
from models.errors import CapacityError
from models.machine import Machine
from models.network import Network, Population

#: Share of a tick that mean load may take; a choice, not a measurement: it leaves a fifth for steps that are busier
#: than the mean. On PD14 in real time it gives the 64 neurons a core of Rhodes et al. (2019),
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
        If one neuron on a core is too many already: the recipe's own error, or ``cycles of a tick``.
    """
    budget = machine.budget_cycles(network.dt_ms, time_scale_factor) * MAX_LOAD_RATIO
    largest = max((population.n_neurons for population in network.populations), default=1)
    low, high = 0, min(machine.core.max_neurons, largest)  # low fits, what is above high does not
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
    """Return the mean cycles a tick of the core with the most work, and which core that is."""
    rates_hz = expected_rates_hz(network, machine)
    n_slice: dict[str, int] = {}
    for part in partition.slices:
        n_slice[part.population] = max(n_slice.get(part.population, 0), part.n_neurons)
    found = [(0.0, "every core")]
    for population in network.populations:
        n = n_slice[population.name]
        packets, events = _arriving(network, population, n, rates_hz)
        n_lanes = partition.n_lanes.get(population.name, 0)
        sent = n * rates_hz[population.name]
        work = _core_cycles(network, machine, population, (n, n_lanes), (sent, packets, events), partition.recipe)
        found += [(cycles, f"a {kind} core of {population.name}") for kind, cycles in work.items()]
    return max(found)


def combined_cycles(network: Network, machine: Machine, population: str, n_neurons: int) -> float:
    """Return the mean cycles a tick of a core with neurons and synapses of ``n_neurons`` neurons of a population."""
    rates_hz = expected_rates_hz(network, machine)
    one = next(one for one in network.populations if one.name == population)
    packets, events = _arriving(network, one, n_neurons, rates_hz)
    per_s = (n_neurons * rates_hz[population], packets, events)
    return _core_cycles(network, machine, one, (n_neurons, 1), per_s, "combined")["combined"]


def _arriving(network: Network, population: Population, n: int, rates_hz: dict[str, float]) -> tuple[float, float]:
    """Packets and synaptic events a second that arrive at a slice of ``n`` neurons."""
    sources, events = set(), 0.0
    for projection in network.projections:
        if projection.target != population.name:
            continue
        row = expected_row_length(projection, network, n)
        if row > 0:
            sources.add(projection.source)
            events += network.group(projection.source).n_neurons * rates_hz[projection.source] * row
    packets = sum(network.group(name).n_neurons * rates_hz[name] for name in sources)
    return packets, events


def _core_cycles(
    network: Network,
    machine: Machine,
    population: Population,
    size: tuple[int, int],
    per_s: tuple[float, float, float],
    recipe: str,
) -> dict[str, float]:
    """Mean cycles a tick of each kind of core of a slice.

    ``size``: neurons and lanes; ``per_s``: spikes sent, packets and synaptic events that arrive.
    """
    cost, (n, n_lanes), step_s = machine.cost, size, network.dt_ms * 1e-3
    sent, packets, events = (step_s * value for value in per_s)
    drive = population.poisson
    n_draws = 0.0 if drive is None else drive.total_rate_hz * step_s
    one_draw = 0.0 if drive is None else cost.poisson_source_cycles + n_draws * cost.poisson_event_cycles
    update = n * (neuron_update_cycles(machine, population) + cost.ring_buffer_drain_cycles_per_neuron)
    update += cost.timer_cycles + sent * cost.spike_send_cycles
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
