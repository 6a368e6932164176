"""Weight scales: the sixteen shifts that sPyNNaker chose for PD14, and bounds by hand."""

import numpy as np
import pytest

from emulator.weight_scale import weight_scales
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
