"""Spikes of the spike sources by step."""

import itertools

import numpy as np
import pytest

from emulator.source import SpikeSources
from models.network import Network, PoissonSource, Population
from reference_case import spikes_at

CELLS = Population(name="A", n_neurons=10)


def by_step(*sources, first_step=0, n_steps=20, seed=1):
    network = Network(name="one", populations=(CELLS,), sources=sources)
    ptr, neurons = SpikeSources(network, seed).spikes(first_step, n_steps)
    return [neurons[a:b].tolist() for a, b in itertools.pairwise(ptr)]


def test_given_spikes_fall_on_the_nearest_step():
    steps = by_step(spikes_at("T", 3, [(0.3, 2), (0.04, 0), (0.26, 1), (1.99, 0), (5.0, 1)]))
    assert {i: ids for i, ids in enumerate(steps) if ids} == {0: [10], 3: [11, 12]}


def test_window_does_not_change_the_spikes():
    sources = (PoissonSource(name="S", n_neurons=50, rate_hz=500.0), spikes_at("T", 3, [(0.7, 2), (1.2, 0)]))
    whole = by_step(*sources, n_steps=20)
    assert whole == by_step(*sources, n_steps=8) + by_step(*sources, first_step=8, n_steps=12)
    assert whole != by_step(*sources, n_steps=20, seed=2)


def test_poisson_source_is_active_between_start_and_stop():
    steps = by_step(PoissonSource(name="S", n_neurons=200, rate_hz=3000.0, start_ms=0.5, stop_ms=1.2))
    assert [i for i, ids in enumerate(steps) if ids] == list(range(5, 12))


def test_no_source_has_no_spikes():
    assert by_step() == [[]] * 20


def test_poisson_source_has_its_rate():
    n = sum(map(len, by_step(PoissonSource(name="S", n_neurons=1000, rate_hz=100.0), n_steps=1000)))
    mean = 1000 * 1000 * -np.expm1(-0.01)  # at most one spike a step
    assert n == pytest.approx(mean, abs=4 * np.sqrt(mean))


def test_source_neuron_fires_at_most_once_a_step():
    assert by_step(spikes_at("T", 1, [(0.1, 0), (0.1, 0), (0.12, 0)]), n_steps=2) == [[], [10]]
