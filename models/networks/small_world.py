"""A small-world network: balanced groups on a ring that are connected as in Watts & Strogatz (1998).

Every group is a small version of the balanced network of Brunel (2000), model A, with four excitatory neurons per
inhibitory one. A neuron receives all of its inhibition and a part of its excitation from its own group, and the rest of
its excitation in equal parts from ``n_neighbours`` other groups. These are the nearest on the ring, each replaced with
a given probability by a random group. The source of a connection is replaced, not its target, so that in-degrees do not
change and no group becomes silent or unstable.

With a replacement probability of 0, the graph of groups is a ring lattice; with 1, it is a random graph. In between,
paths are short and clustering is high, which tests placers that do well only on regular or on random graphs.

References
----------
Watts & Strogatz (1998), Nature 393, 440-442, doi:10.1038/30918: the construction.
Brunel (2000), J Comput Neurosci 8, 183-208, doi:10.1023/A:1008925309027: neuron, weights, drive.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from models.bounds import Bound, checked_arguments
from models.errors import ParameterError
from models.network import Constant, FixedTotalNumber, Network, PoissonDrive, Population, Projection, Uniform
from models.networks.brunel import INHIBITORY_FRACTION, NEURON, balance_rate_hz, threshold_rate_hz
from models.networks.check import DelayMs, Factor, Ratio, Seed, StepMs, check_projections
from models.units import ms_to_steps

EXCITATORY_FRACTION = 0.8  # of the neurons of a group
J_MV = 0.2  # jump of the potential per excitatory spike; twice that of Brunel's figure 8, for fewer synapses


def ring_graph(n_groups: int, n_neighbours: int, rewire_probability: float, seed: int) -> tuple[tuple[int, ...], ...]:
    """Draw the groups that send to each group.

    Parameters
    ----------
    n_groups, n_neighbours : int
        ``n_neighbours`` is even: half of the neighbours lie on either side.
    rewire_probability : float
        Probability that a source is replaced by one that does not send to the group yet.
    seed : int

    Returns
    -------
    tuple of tuple of int
        The sources of every group in ascending order, without the group itself.
    """
    rng = np.random.default_rng(seed)
    graph = []
    for target in range(n_groups):
        sources = {(target + side * k) % n_groups for k in range(1, n_neighbours // 2 + 1) for side in (-1, 1)}
        for source in sorted(sources):
            free = [g for g in range(n_groups) if g != target and g not in sources]
            if free and rng.random() < rewire_probability:
                sources.remove(source)
                sources.add(free[rng.integers(len(free))])
        graph.append(tuple(sorted(sources)))
    return tuple(graph)


def _check(n_groups: int, n_neighbours: int) -> None:
    check_projections("small_world(n_groups)", n_groups, 2 * n_groups * (n_neighbours + 2))
    if n_neighbours % 2 or n_neighbours >= n_groups:
        allowed = f"an even number below n_groups = {n_groups}"
        raise ParameterError("small_world(n_neighbours)", n_neighbours, allowed)


@checked_arguments
def small_world(
    *,
    n_groups: Annotated[int, Bound(1, 10_000, "groups")] = 32,
    neurons_per_group: Annotated[int, Bound(5, 10_000_000, "neurons")] = 1000,
    n_neighbours: Annotated[int, Bound(0, 10_000, "groups")] = 4,
    rewire_probability: Ratio = 0.1,
    in_degree_exc: Annotated[int, Bound(5, 10_000_000, "synapses")] = 200,
    outside: Ratio = 0.5,
    g: Factor = 6.0,
    eta: Factor = 1.2,
    delay_ms: DelayMs = 1.5,
    graph_seed: Seed = 1,
    dt_ms: StepMs = 0.1,
) -> Network:
    """Build the network.

    Parameters
    ----------
    n_groups, neurons_per_group : int
        Number of groups on the ring; neurons per group, a fifth of them inhibitory.
    n_neighbours : int
        Number of other groups that send to a group; even.
    rewire_probability : float
        Probability that a neighbour is replaced by a random group.
    in_degree_exc : int
        Excitatory synapses per neuron, and external inputs per neuron; there are a quarter as many inhibitory synapses.
    outside : float
        Fraction of the excitatory synapses that come from other groups.
    g, eta : float
        Ratio of inhibitory to excitatory weight; ratio of the external rate to the threshold rate.
    delay_ms, dt_ms : float, ms
    graph_seed : int
        Seed of the graph; the synapses are drawn from the seed of the run.

    Returns
    -------
    Network
        Populations ``G0_E``, ``G0_I``, ``G1_E`` ...

    Raises
    ------
    ParameterError
        If a value is out of range, or there are too few groups for ``n_neighbours``.
    """
    _check(n_groups, n_neighbours)
    ms_to_steps(delay_ms, dt_ms, name="small_world(delay_ms)")
    ms_to_steps(NEURON.t_ref_ms, dt_ms, name="small_world: t_ref_ms")
    graph = ring_graph(n_groups, n_neighbours, rewire_probability, graph_seed)
    sizes = {"E": round(neurons_per_group * EXCITATORY_FRACTION)}
    sizes["I"] = neurons_per_group - sizes["E"]
    populations = _populations(n_groups, sizes, in_degree_exc, g, eta, delay_ms)
    n_outside = round(in_degree_exc * outside) if n_neighbours else 0
    weight_pa = J_MV * NEURON.c_m_pf / NEURON.tau_syn_exc_ms
    projections = []
    for group, sources in enumerate(graph):
        for target, n_neurons in sizes.items():
            inside = {"E": (in_degree_exc - n_outside) * n_neurons, "I": _n_inh(in_degree_exc) * n_neurons}
            numbers = {f"G{group}_{kind}": n for kind, n in inside.items()}
            numbers |= {f"G{source}_E": round(n_outside * n_neurons / len(sources)) for source in sources}
            projections += [
                Projection(
                    source=source,
                    target=f"G{group}_{target}",
                    connector=FixedTotalNumber(n_synapses=n),
                    weight_pa=Constant(value=weight_pa if source.endswith("E") else -g * weight_pa),
                    delay_ms=Constant(value=delay_ms),
                )
                for source, n in numbers.items()
                if n
            ]
    return Network(name="small_world", populations=populations, projections=tuple(projections), dt_ms=dt_ms)


def _n_inh(in_degree_exc: int) -> int:
    return round(in_degree_exc * INHIBITORY_FRACTION)


def _populations(
    n_groups: int, sizes: dict[str, int], in_degree_exc: int, g: float, eta: float, delay_ms: float
) -> tuple[Population, ...]:
    threshold_hz = threshold_rate_hz(J_MV, in_degree_exc)
    weight_pa = J_MV * NEURON.c_m_pf / NEURON.tau_syn_exc_ms
    drive = PoissonDrive(n_inputs=in_degree_exc, rate_hz=eta * threshold_hz, weight_pa=weight_pa, delay_ms=delay_ms)
    return tuple(
        Population(
            name=f"G{group}_{kind}",
            n_neurons=n_neurons,
            neuron=NEURON,
            v_init_mv=Uniform(low=NEURON.v_rest_mv, high=NEURON.v_thresh_mv),
            poisson=drive,
            rate_hz=balance_rate_hz(g, eta, threshold_hz),
        )
        for group in range(n_groups)
        for kind, n_neurons in sizes.items()
    )
