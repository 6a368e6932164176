"""Which populations of a network send packets to which, and the rates at which they are expected to fire."""

from __future__ import annotations

from models.machine import Machine
from models.network import Network, PoissonSource, SpikeArraySource


def targets_of(network: Network) -> dict[str, tuple[str, ...]]:
    """Return the target populations of every population and spike source, in network order, each once.

    A projection without synapses (probability or number 0) does not count, since no packets are sent for it.
    """
    order = {population.name: i for i, population in enumerate(network.populations)}
    found: dict[str, set[str]] = {name: set() for name in network.offsets}
    for projection in network.projections:
        n_sources = network.group(projection.source).n_neurons
        if projection.expected_n_synapses(n_sources, network.group(projection.target).n_neurons) > 0:
            found[projection.source].add(projection.target)
    return {name: tuple(sorted(targets, key=order.__getitem__)) for name, targets in found.items()}


def planned_rates_hz(network: Network, machine: Machine) -> dict[str, float]:
    """Return the rate per neuron that the machine's tools assume: ``plan.default_rate_hz``, except for Poisson sources.

    The rate of a Poisson source is the one that the network states.
    """
    return {
        group.name: group.rate_hz if isinstance(group, PoissonSource) else machine.plan.default_rate_hz
        for group in (*network.populations, *network.sources)
    }


def expected_rates_hz(network: Network, machine: Machine) -> dict[str, float]:
    """Return the best known mean rate per neuron: the measured or given rate if there is one, else the planned rate."""
    rates = planned_rates_hz(network, machine)
    for population in network.populations:
        if population.rate_hz is not None:
            rates[population.name] = population.rate_hz
    for source in network.sources:
        if isinstance(source, SpikeArraySource) and source.times_ms.size:
            duration_s = max(float(source.times_ms.max()) * 1e-3, network.dt_ms * 1e-3)
            rates[source.name] = source.times_ms.size / source.n_neurons / duration_s
    return rates
