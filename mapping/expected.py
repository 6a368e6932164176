"""What a mapper may expect of a network: which populations send where, and how often."""

from __future__ import annotations

from models.machine import Machine
from models.network import Network, PoissonSource, SpikeArraySource


def targets_of(network: Network) -> dict[str, tuple[str, ...]]:
    """Return the target populations of every population and spike source, in network order, each once.

    Projections that hold no synapse (probability or number 0) do not count: nothing is sent for them.
    """
    order = {population.name: i for i, population in enumerate(network.populations)}
    found: dict[str, set[str]] = {name: set() for name in network.offsets}
    for projection in network.projections:
        n_sources = network.group(projection.source).n_neurons
        if projection.expected_n_synapses(n_sources, network.group(projection.target).n_neurons) > 0:
            found[projection.source].add(projection.target)
    return {name: tuple(sorted(targets, key=order.__getitem__)) for name, targets in found.items()}


def planned_rates_hz(network: Network, machine: Machine) -> dict[str, float]:
    """Return the rate that the machine's own tools assume: a Poisson source's own, else ``plan.default_rate_hz``."""
    return {
        group.name: group.rate_hz if isinstance(group, PoissonSource) else machine.plan.default_rate_hz
        for group in (*network.populations, *network.sources)
    }


def expected_rates_hz(network: Network, machine: Machine) -> dict[str, float]:
    """Return the best known mean rate per neuron: measured or given if there is one, else the planned rate."""
    rates = planned_rates_hz(network, machine)
    for population in network.populations:
        if population.rate_hz is not None:
            rates[population.name] = population.rate_hz
    for source in network.sources:
        if isinstance(source, SpikeArraySource) and source.times_ms.size:
            duration_s = max(float(source.times_ms.max()) * 1e-3, network.dt_ms * 1e-3)
            rates[source.name] = source.times_ms.size / source.n_neurons / duration_s
    return rates
