"""Packets and memory of SpiNNaker's software of 2017."""

import math

import numpy as np
import pytest

from mapping.partition.row import ROW_TAIL, binomial_bound
from models.errors import ParameterError
from models.machine.file import load_machine
from models.network import FixedTotalNumber, LifCurrExp, Network, Normal, Population, Projection
from models.networks import NETWORKS
from neuromap.studies.published.software import (
    delay_share,
    extend_spikes,
    matrix_bytes_2017,
    packets_per_spike,
    volley_ticks,
)


def two_populations(mean_ms=1.5, sd_ms=0.75, n_synapses=2000):
    populations = tuple(Population(name=name, n_neurons=n, neuron=LifCurrExp()) for name, n in (("A", 20), ("B", 10)))
    projection = Projection(
        source="A",
        target="B",
        connector=FixedTotalNumber(n_synapses=n_synapses),
        weight_pa=Normal(mean=50.0, sd=1.0, low=0.0),
        delay_ms=Normal(mean=mean_ms, sd=sd_ms, low=0.05),
    )
    return Network(name="two", populations=populations, projections=(projection,), dt_ms=0.1)


def test_shares_of_the_stages_are_those_of_the_truncated_normal():
    projection = two_populations().projections[0]
    shares = [delay_share(projection, stage, 0.1) for stage in range(8)]
    assert sum(shares) == pytest.approx(1.0)

    def cdf(x_ms):
        return 0.5 * (1 + math.erf((x_ms - 1.5) / 0.75 / math.sqrt(2)))

    assert shares[0] == pytest.approx((cdf(1.65) - cdf(0.05)) / (1 - cdf(0.05)))  # 1.65 ms rounds to 17 steps
    assert shares[1] == pytest.approx((cdf(3.25) - cdf(1.65)) / (1 - cdf(0.05)))


def test_pd14_sends_excitatory_spikes_three_times_and_inhibitory_ones_twice():
    packets = packets_per_spike(NETWORKS["pd14"]())
    assert packets == {name: 3 if name.endswith("E") else 2 for name in packets}


def test_spikes_are_sent_again_every_16_steps_and_not_beyond_the_run():
    network = two_populations()  # 100 synapses a neuron of A: 45 in stage 1, one in stage 2, none of B
    assert packets_per_spike(network) == {"A": 3, "B": 1}
    step, neuron = np.array([0, 5, 30], np.int32), np.array([3, 25, 4], np.int32)
    sent = extend_spikes(network, step, neuron, 48)
    assert sent.step.tolist() == [0, 5, 16, 30, 32, 46]
    assert sent.neuron.tolist() == [3, 25, 3, 4, 3, 4]
    assert sent.packets_per_spike == pytest.approx(7 / 3)
    assert sent.step.dtype == sent.neuron.dtype == np.int32


def test_no_spikes_are_none():
    sent = extend_spikes(two_populations(), np.zeros(0, np.int32), np.zeros(0, np.int32), 10)
    assert (sent.step.size, sent.packets_per_spike) == (0, 1.0)


def test_memory_has_a_row_for_every_stage_of_the_longest_delay_allowed():
    network, machine = two_populations(), load_machine("spinnaker1")
    direct = delay_share(network.projections[0], 0, 0.1)
    tail = ROW_TAIL / (20 * 2)  # 20 sources, two slices of five neurons
    short = binomial_bound(2000, 5 / (10 * 20) * direct, tail)
    long = binomial_bound(2000, 5 / (10 * 20) * (1 - direct), tail)
    assert matrix_bytes_2017(machine, network, "B", 5) == 20 * ((12 + 4 * short) + 7 * (12 + 4 * long))
    assert matrix_bytes_2017(machine, network, "A", 5) == 0


def test_ticks_of_a_volley_by_hand():
    network = two_populations()
    machine = load_machine("spinnaker1", {"cost.combined_spike_cycles": 500.0, "cost.synapse_cycles": 10.0})
    per_tick = 20_000 * 2 - 200 - 5 * (170 + 28)  # two steps' cycles, less the timer and five neurons
    cycles = 0.5 * (20 * 3 * 500 + 2000 / 10 * 5 * 10)  # half of A fires; its spikes are three packets
    found = volley_ticks(machine, network, n_neurons=5, fired_ratio=0.5, time_scale_factor=2.0)
    assert found == pytest.approx(cycles / per_tick)


def test_other_delays_are_refused():
    network = two_populations(sd_ms=0.0)
    expected = r"^delay of A -> B: needs Normal with sd > 0, has Normal\(mean=1\.5, sd=0\.0, .*\)$"
    with pytest.raises(ParameterError, match=expected):
        packets_per_spike(network)
