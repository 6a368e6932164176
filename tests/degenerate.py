"""Networks at the edge of what a network is, by name: nothing fires, nobody listens, one neuron, only sources."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.network import (
    AllToAll,
    Constant,
    CurrentDrive,
    Explicit,
    FixedProbability,
    Network,
    PoissonSource,
    Population,
    Projection,
    SpikeArraySource,
)


def _onto(source: str, target: str, weight_pa: float = 3000.0, connector: object = None) -> Projection:
    return Projection(
        source=source,
        target=target,
        connector=AllToAll() if connector is None else connector,
        weight_pa=Constant(value=weight_pa),
        delay_ms=Constant(value=1.0),
    )


def _cells(name: str, n_neurons: int, *, is_driven: bool = False) -> Population:
    drive = CurrentDrive(amplitude_pa=1000.0) if is_driven else None
    return Population(name=name, n_neurons=n_neurons, v_init_mv=Constant(value=-65.0), current=drive)


def _poisson(rate_hz: float = 500.0, n_neurons: int = 5) -> PoissonSource:
    return PoissonSource(name="S", n_neurons=n_neurons, rate_hz=rate_hz)


def _network(populations=(), projections=(), sources=()) -> Network:
    return Network(
        name="degenerate", populations=tuple(populations), projections=tuple(projections), sources=tuple(sources)
    )


def _no_synapses() -> Explicit:
    nothing = np.zeros(0, np.int64)
    return Explicit(sources=nothing, targets=nothing)


NETWORKS: dict[str, Callable[[], Network]] = {
    "silent": lambda: _network([_cells("A", 50)], [_onto("A", "A")]),
    "one neuron": lambda: _network([_cells("A", 1, is_driven=True)], [_onto("A", "A")]),
    "one silent neuron": lambda: _network([_cells("A", 1)]),
    "no projections": lambda: _network([_cells("A", 20, is_driven=True), _cells("B", 5)]),
    "silent without projections": lambda: _network([_cells("A", 20)]),
    "zero synapses": lambda: _network(
        [_cells("A", 20, is_driven=True)], [_onto("A", "A", connector=FixedProbability(probability=0.0))]
    ),
    "empty list of synapses": lambda: _network(
        [_cells("A", 20, is_driven=True)], [_onto("A", "A", connector=_no_synapses())]
    ),
    "never reached": lambda: _network(
        [_cells("A", 20, is_driven=True), _cells("B", 20), _cells("C", 20)], [_onto("A", "B"), _onto("C", "C")]
    ),
    "silent source": lambda: _network([_cells("A", 20)], [_onto("S", "A")], [_poisson(0.0)]),
    "source that nobody hears": lambda: _network([_cells("A", 20)], [], [_poisson()]),
    "source alone with one neuron": lambda: _network([_cells("A", 1)], [_onto("S", "A")], [_poisson()]),
    "empty spike array": lambda: _network(
        [_cells("A", 5)],
        [_onto("S", "A")],
        [SpikeArraySource(name="S", n_neurons=3, times_ms=np.zeros(0), ids=np.zeros(0, np.int64))],
    ),
    "weights of zero": lambda: _network([_cells("A", 20)], [_onto("S", "A", 0.0)], [_poisson()]),
}
