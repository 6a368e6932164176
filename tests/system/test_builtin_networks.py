"""The built-in networks do what their documentation says when they are simulated."""

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from models.networks import brunel, chain, layered_conv, modular, pd14, small_world, vogels_abbott


def trains(network, simulation):
    """Return {group: [(step, neuron within the group), ...]} in order of time."""
    found = {}
    groups = (*network.populations, *network.sources)
    for group in groups:
        first = network.offsets[group.name]
        is_own = (simulation.spike_neuron >= first) & (simulation.spike_neuron < first + group.n_neurons)
        steps, ids = simulation.spike_step[is_own].tolist(), (simulation.spike_neuron[is_own] - first).tolist()
        found[group.name] = list(zip(steps, ids, strict=True))
    return found


@pytest.mark.parametrize("arithmetic", ["fixed", "float"])
@pytest.mark.parametrize("delay_ms", [0.1, 1.5, 3.0])
def test_chain_hands_every_spike_on_once_after_delay_and_rise(arithmetic, delay_ms):
    network = chain(n_populations=3, n_neurons=4, delay_ms=delay_ms)
    found = trains(network, simulate(network, n_steps=500, seed=1, arithmetic=arithmetic))
    stimulus = found["stimulus"]
    assert stimulus == [(50, 0), (100, 1), (150, 2), (200, 3)]
    per_link = found["C0"][0][0] - 50
    rise_steps = per_link - round(delay_ms / 0.1)
    # 22.5 mV at the peak, 1.66 ms after the onset; 15 mV are reached earlier
    assert 1 <= rise_steps <= 16
    for link, name in enumerate(("C0", "C1", "C2")):
        assert found[name] == [(step + (link + 1) * per_link, (neuron + link) % 4) for step, neuron in stimulus]


def test_chain_is_one_step_earlier_per_link_with_the_device_convention():
    network = chain(n_populations=2, n_neurons=1)
    nest, device = (
        trains(network, simulate(network, n_steps=200, seed=1, delay_convention=convention))
        for convention in ("nest", "device")
    )
    assert nest["C0"][0][0] - device["C0"][0][0] == 1
    assert nest["C1"][0][0] - device["C1"][0][0] == 2


def test_brunel_fires_near_its_balance_rate_and_irregularly():
    network = brunel(scale=0.1)
    simulation = simulate(network, n_steps=6000, seed=3, arithmetic="float")
    is_kept = simulation.spike_step >= 1000
    step, neuron = simulation.spike_step[is_kept], simulation.spike_neuron[is_kept]
    rate_hz = neuron.size / (network.n_neurons * 0.5)
    # 31 to 43 Hz over eight seeds; the balance rate is 40
    assert rate_hz == pytest.approx(network.populations[0].rate_hz, rel=0.3)
    cvs = []
    for one in range(0, network.n_neurons, 10):
        intervals = np.diff(step[neuron == one])
        if intervals.size > 5:
            cvs.append(intervals.std() / intervals.mean())
    assert 0.4 < np.mean(cvs) < 1.2


def rates_hz(network, simulation, skip_steps):
    """Mean rate of every population after the first steps, Hz."""
    kept = simulation.spike_neuron[simulation.spike_step >= skip_steps]
    edges = [network.offsets[p.name] for p in network.populations] + [network.n_neurons]
    seconds = (simulation.n_steps - skip_steps) * network.dt_ms * 1e-3
    return np.histogram(kept, edges)[0] / np.diff(edges) / seconds


def test_areas_fire_like_the_column_that_they_are_made_of():
    column, network = pd14(scale=0.05), modular(n_areas=3, scale=0.05)
    alone = rates_hz(column, simulate(column, n_steps=6000, seed=3), 1000)
    together = rates_hz(network, simulate(network, n_steps=6000, seed=3), 1000).reshape(3, 8)
    np.testing.assert_allclose(together, np.tile(alone, (3, 1)), rtol=0.2, atol=0.3)


def test_vogels_abbott_sustains_itself_near_its_planned_rate():
    network = vogels_abbott()
    rates = rates_hz(network, simulate(network, n_steps=8000, seed=3), 2000)
    np.testing.assert_allclose(rates, 6.0, rtol=0.3)


def test_small_world_groups_neither_fall_silent_nor_run_away():
    network = small_world(n_groups=6, n_neighbours=2)
    rates = rates_hz(network, simulate(network, n_steps=3000, seed=3), 1000)
    assert rates.min() > 10
    assert rates.max() < 25


def test_layers_hand_activity_on():
    network = layered_conv(n_bands=2)
    rates = rates_hz(network, simulate(network, n_steps=4000, seed=3), 1000)
    assert rates.min() > 5
    assert rates.max() < 30
