"""Names the counters of the kernels by population."""

from __future__ import annotations

from emulator.engine.state import EngineState
from emulator.numbers.number_format import COUNTERS
from models.network import Network, Receptor


def named_saturations(network: Network, state: EngineState) -> dict[tuple[str, Receptor], int]:
    """Return how many ring words were full, by population and receptor; zeros are left out."""
    counts = state.record.saturated.sum(axis=0).tolist()
    return {
        (population.name, receptor): n
        for population, row in zip(network.populations, counts, strict=True)
        for receptor, n in zip((Receptor.EXC, Receptor.INH), row, strict=True)
        if n
    }


def named_counters(network: Network, state: EngineState) -> dict[str, dict[str, int]]:
    """Return the counters of a number format for every population (``emulator.numbers.number_format.COUNTERS``)."""
    counts = state.population_counters().tolist()
    return {p.name: dict(zip(COUNTERS, row, strict=True)) for p, row in zip(network.populations, counts, strict=True)}
