"""Weight scales: the sixteen shifts that sPyNNaker chose for PD14, and bounds by hand."""

import numpy as np
import pytest

from emulator.numbers.weight_scale import RingBufferBound, sigma_for_larger_shift, weight_scales
from models.errors import ParameterError
from models.network import AllToAll, Explicit, FixedTotalNumber, Network, Population, Receptor
from models.networks.pd14 import pd14
from reference_case import drive, projection, spikes_at

# facts/spinnaker.md 2.6, from sPyNNaker 7.4.1: exc, inh
PD14_SHIFTS = {
    "L23E": (2, 3), "L23I": (2, 3), "L4E": (1, 3), "L4I": (2, 3),
    "L5E": (2, 3), "L5I": (1, 2), "L6E": (1, 3), "L6I": (1, 2),
}  # fmt: skip


def test_pd14_has_the_shifts_of_spynnaker():
    scales = weight_scales(pd14())
    assert {
        name: (scales[name, Receptor.EXC].shift, scales[name, Receptor.INH].shift) for name in PD14_SHIFTS
    } == PD14_SHIFTS
    for scale in scales.values():
        assert scale.raw_per_pa == 2.0 ** (15 - scale.shift) / 1000.0


def one_projection(weight_pa, connector=None, **changes):
    cells = Population(name="A", n_neurons=10, **changes)
    joined = projection("T", "A", connector or AllToAll(), weight_pa=weight_pa)
    return Network(name="one", populations=(cells,), sources=(spikes_at("T", 1, []),), projections=(joined,))


@pytest.mark.parametrize(
    ("weight_pa", "shift"),
    [(999.0, 0), (1000.0, 1), (1001.0, 1), (1999.0, 1), (2000.0, 2), (1e-3, 0), (100_000.0, 7)],
)
def test_largest_weight_fits_below_its_power_of_two(weight_pa, shift):
    for sign, receptor in ((1, Receptor.EXC), (-1, Receptor.INH)):
        # one source at 30 Hz: the sum is bounded by the single weight, up to the 4-sd in-degree
        scale = weight_scales(one_projection(sign * weight_pa, FixedTotalNumber(n_synapses=1)))["A", receptor]
        assert scale.shift == shift
        assert weight_pa * scale.raw_per_pa < 2**15


def test_receptor_without_input_has_no_shift():
    scale = weight_scales(one_projection(500.0))["A", Receptor.INH]
    assert (scale.shift, scale.raw_per_pa) == (0, 2**15 / 1000.0)


def test_drive_is_bounded_by_its_mean_and_five_sd():
    # 20 kHz x 0.1 ms = 2 events a step, 2 + 5 sqrt(2) = 9.07 events of 1000 pA
    scales = weight_scales(one_projection(1.0, poisson=drive(20_000.0, 1000.0)))
    assert scales["A", Receptor.EXC].shift == 4
    assert scales["A", Receptor.INH].shift == 0


def test_given_weights_decide_the_scale_not_the_distribution_beside_them():
    cells = Population(name="cells", n_neurons=2)
    given = Explicit(sources=np.array([0]), targets=np.array([1]), weights_pa=np.array([5000.0]))
    network = Network(
        name="given", populations=(cells,), projections=(projection("cells", "cells", given, weight_pa=1.0),)
    )
    assert weight_scales(network)["cells", Receptor.EXC].shift == 3  # 5 nA lies between 2**2 and 2**3


def test_sigma_and_rate_of_the_bound_are_settings():
    network = one_projection(100.0, FixedTotalNumber(n_synapses=10_000))
    # T has one neuron with 1,000 + 4 sqrt(1000) synapses at 30 Hz x 0.1 ms: 3.38 of 100 pA, sd 1.84
    shifts = [
        weight_scales(network, RingBufferBound(sigma=sigma, rate_hz=rate_hz))["A", Receptor.EXC].shift
        for sigma, rate_hz in ((5.0, 30.0), (3.0, 30.0), (10.0, 30.0), (5.0, 300.0))
    ]
    assert shifts == [1, 0, 2, 3]  # bounds of 1.26, 0.89, 2.18 and 6.29 nA


@pytest.mark.parametrize(("sigma", "wanted"), [(5.0, 9.5), (9.0, 9.5), (9.4, 20.0), (9.5, 20.0), (0.0, 4.0)])
def test_sigma_for_one_bit_more(sigma, wanted):
    network = one_projection(100.0, FixedTotalNumber(n_synapses=10_000))
    bound = RingBufferBound(sigma=sigma)
    found = sigma_for_larger_shift(network, network.populations[0], Receptor.EXC, bound)
    assert found == wanted
    now, before, after = (
        weight_scales(network, RingBufferBound(sigma=s))["A", Receptor.EXC].shift for s in (sigma, found - 0.5, found)
    )
    assert after == before + 1 == now + 1


def test_no_sigma_helps_where_all_synapses_fit_already():
    network = one_projection(100.0, FixedTotalNumber(n_synapses=10))
    assert sigma_for_larger_shift(network, network.populations[0], Receptor.EXC) is None
    assert sigma_for_larger_shift(network, network.populations[0], Receptor.INH) is None


@pytest.mark.parametrize(("name", "value"), [("sigma", -1.0), ("rate_hz", float("nan"))])
def test_wrong_bound(name, value):
    with pytest.raises(ParameterError, match=rf"^ring_buffer_{name}: needs a value >= 0, has {value}$"):
        RingBufferBound(**{name: value})
