"""Machines and small networks that the mapping tests share."""

from dataclasses import replace
from typing import Any

from models.machine import Machine
from models.machine.file import load_machine
from models.network import (
    Connector,
    Constant,
    FixedProbability,
    Network,
    PoissonDrive,
    PoissonSource,
    Population,
    Projection,
    SpikeSource,
)

SPINNAKER1 = load_machine("spinnaker1")
DRIVE = PoissonDrive(n_inputs=100, rate_hz=8.0, weight_pa=87.8, delay_ms=1.5)


def machine(*, n_boards: Any = 1, wrap: bool = False, **changes: Any) -> Machine:
    """SpiNNaker 1 with ``n_boards`` boards; ``core``, ``memory``, ``router`` take dicts of fields, others values."""
    topology = replace(SPINNAKER1.topology, n_boards=n_boards, wrap=wrap)
    parts = {
        name: replace(getattr(SPINNAKER1, name), **value) if isinstance(value, dict) else value
        for name, value in changes.items()
    }
    return replace(SPINNAKER1, topology=topology, **parts)


def projection(source: str, target: str, connector: Connector | float = 0.1, delay_ms: float = 1.0) -> Projection:
    """Excitatory projection; a number is a connection probability."""
    rule = FixedProbability(probability=connector) if isinstance(connector, float) else connector
    return Projection(
        source=source, target=target, connector=rule, weight_pa=Constant(value=80.0), delay_ms=Constant(value=delay_ms)
    )


def network(
    sizes: dict[str, int],
    pairs: list[tuple[str, str]],
    *,
    poisson: bool = False,
    rates_hz: dict[str, float] | None = None,
    source_sizes: dict[str, int] | None = None,
) -> Network:
    """Populations of the given sizes, joined pair by pair with probability 0.1; sources fire at 10 Hz."""
    populations = tuple(
        Population(name=name, n_neurons=n, poisson=DRIVE if poisson else None, rate_hz=(rates_hz or {}).get(name))
        for name, n in sizes.items()
    )
    sources: tuple[SpikeSource, ...] = tuple(
        PoissonSource(name=name, n_neurons=n, rate_hz=10.0) for name, n in (source_sizes or {}).items()
    )
    return Network(
        name="test",
        populations=populations,
        projections=tuple(projection(source, target) for source, target in pairs),
        sources=sources,
    )


def pair() -> Network:
    """Two populations of 200 and 100 neurons, all pairs joined, Poisson drive, and a source of 30."""
    pairs = [("A", "A"), ("A", "B"), ("B", "A"), ("S", "A")]
    return network({"A": 200, "B": 100}, pairs, poisson=True, source_sizes={"S": 30})
