"""Computes the row of sizes: cores, memory and loading time of the two mappings of PD14 that are published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from emulator.timing.loading import load_times
from mapping.model import Mapping, Role
from models.machine import Machine
from models.network import Network
from neuromap.experiment.check import check_experiment
from neuromap.experiment.nouns import Experiment
from neuromap.runs.map import map_network
from neuromap.studies.published.measure import FACTOR_TARGET, REPRODUCED_TARGET, Measure, RowNumbers, against
from neuromap.studies.published.software import matrix_bytes_2017

_MB = 1e6
_S_PER_H = 3600.0


def numbers_of_sizes(experiment: Experiment) -> RowNumbers:
    """Return cores, memory and loading time of PD14 in cores of 80 neurons, and ensembles of 64 neurons."""
    recipe = experiment.recipe
    combined = replace(experiment, recipe=replace(recipe, name="combined", neurons_per_core=80, n_synapse_cores=None))
    ensemble = replace(experiment, recipe=replace(recipe, name="ensemble", neurons_per_core=64))
    network, machine = check_experiment(combined)
    mapping = map_network(combined)
    old_mb = _old_sdram_mb(machine, network, mapping)
    return RowNumbers(
        [
            *_core_counts(mapping, map_network(ensemble)),
            *_sdram(old_mb, [vertex.sdram_bytes / _MB for vertex in mapping.partition.vertices]),
            *_loading(mapping, network, sum(old_mb) * _MB),
        ]
    )


def _core_counts(combined: Mapping, ensemble: Mapping) -> list[Measure]:
    return [
        against(
            "vAl18c.cores",
            "predicted",
            [_roles(combined)[Role.COMBINED]],
            quantity="neuron cores, 80 neurons each",
            unit="cores",
            target=REPRODUCED_TARGET,
        ),
        against(
            "Rho19.ensembles",
            "predicted",
            [_roles(ensemble)[Role.NEURON]],
            quantity="ensembles, 64 neurons each",
            unit="ensembles",
            target=REPRODUCED_TARGET,
        ),
    ]


def _sdram(old_mb: list[float], today_mb: list[float]) -> list[Measure]:
    return [
        against(
            "vAl18c.sdram",
            "predicted",
            _spread(old_mb),
            quantity="SDRAM of a neuron core, layout of 2017",
            unit="MB",
            target=FACTOR_TARGET,
            note="range: of populations",
        ),
        against(
            "vAl18c.sdram",
            "open",
            _spread(today_mb),
            quantity="SDRAM of a neuron core, layout of today",
            unit="MB",
            note="range: of populations",
        ),
    ]


def _loading(mapping: Mapping, network: Network, old_bytes: float) -> list[Measure]:
    """Return the times to draw the synapses on the host and to send them, with ``old_bytes`` in the layout of 2017."""
    by_host = next(one for one in load_times(mapping, network) if one.generation == "host")
    host = mapping.machine.host
    assert host is not None
    return [
        against(
            "vAl18c.draw",
            "predicted",
            [by_host.draw_s / _S_PER_H],
            quantity="drawing synapses on the host",
            unit="h",
            target=FACTOR_TARGET,
            note="speed of sPyNNaker 7.4.1 on our computer, not of 2017 on theirs",
        ),
        against(
            "vAl18c.load",
            "calibrated",
            [old_bytes / host.load_bytes_per_s / _S_PER_H],
            quantity="sending them",
            unit="h",
            target=FACTOR_TARGET,
            note="our bytes at the speed of that run",
        ),
    ]


def _roles(mapping: Mapping) -> Counter[Role]:
    return Counter(vertex.role for vertex in mapping.partition.vertices)


def _old_sdram_mb(machine: Machine, network: Network, mapping: Mapping) -> list[float]:
    """Return the SDRAM in MB of every combined core in the layout of 2017."""
    known: dict[tuple[str, int], float] = {}
    found = []
    for part in mapping.partition.slices:
        key = part.population, part.n_neurons
        if key not in known:
            known[key] = matrix_bytes_2017(machine, network, *key) / _MB
        found.append(known[key])
    return found


def _spread(values: Iterable[float]) -> list[float]:
    """Return the mean, the smallest and the largest value."""
    listed = list(values)
    return [sum(listed) / len(listed), min(listed), max(listed)]
