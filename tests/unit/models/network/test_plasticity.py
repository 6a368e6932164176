"""PairStdp: what it refuses, and the weights a plastic projection may start with."""

import dataclasses
import math
import re

import numpy as np
import pytest

from models.errors import ParameterError, UnknownNameError
from models.network import AllToAll, Constant, Explicit, Network, Normal, Population, Projection
from models.network.plasticity import Pairing, PairStdp, WeightDependence, n_decays

RULE = PairStdp(w_min_pa=10.0, w_max_pa=100.0)


def refuses(message, make, kind=ParameterError):
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tau_plus_ms": 0.0}, "PairStdp.tau_plus_ms: needs a value > 0 ms, has 0.0"),
        ({"tau_minus_ms": float("inf")}, "PairStdp.tau_minus_ms: needs a finite number, has inf"),
        ({"a_plus": -0.1}, "PairStdp.a_plus: needs a value >= 0, has -0.1"),
        ({"a_minus": float("nan")}, "PairStdp.a_minus: needs a value >= 0, has nan"),
        ({"w_min_pa": -1.0}, "PairStdp.w_min_pa: needs a value >= 0 pA, has -1.0"),
        ({"w_max_pa": 10.0}, "PairStdp.w_max_pa: needs a magnitude above w_min_pa = 10 pA, has 10.0"),
    ],
)
def test_values_that_make_no_rule_are_refused(change, message):
    refuses(message, lambda: dataclasses.replace(RULE, **change))


def test_unknown_choices_are_refused_with_the_known_ones():
    message = "PairStdp.pairing: needs one of all, nearest, has 'nearst'; did you mean 'nearest'?"
    refuses(message, lambda: PairStdp(w_max_pa=1.0, pairing="nearst"), UnknownNameError)
    message = "PairStdp.weight_dependence: needs one of additive, multiplicative, has 'power'"
    refuses(message, lambda: PairStdp(w_max_pa=1.0, weight_dependence="power"), UnknownNameError)


def test_choices_are_given_by_name_or_as_members():
    rule = PairStdp(w_max_pa=1.0, weight_dependence="multiplicative", pairing=Pairing.NEAREST)
    assert rule.weight_dependence is WeightDependence.MULTIPLICATIVE
    assert (rule.is_additive, rule.pairs_all) == (False, False)
    assert (RULE.is_additive, RULE.pairs_all) == (True, True)


def network_with(weight, connector=None):
    projection = Projection(
        source="A",
        target="A",
        connector=connector or AllToAll(),
        weight_pa=weight,
        delay_ms=Constant(value=1.0),
        plasticity=RULE,
    )
    return Network(name="plastic", populations=(Population(name="A", n_neurons=2),), projections=(projection,))


@pytest.mark.parametrize("value", [10.0, 100.0, -10.0])
def test_bounds_are_magnitudes_and_included(value):
    assert network_with(Constant(value=value)).projections[0].plasticity is RULE


def test_a_mean_outside_the_bounds_is_refused():
    message = "Projection('A' -> 'A').weight_pa: needs a magnitude within its plasticity's 10 to 100 pA, has {}"
    refuses(message.format(101.0), lambda: network_with(Constant(value=101.0)))
    refuses(message.format(-9.0), lambda: network_with(Normal(mean=-9.0, sd=1.0, high=0.0)))


def test_each_given_weight_is_checked():
    ids = np.array([0, 1])
    connector = Explicit(sources=ids, targets=ids, weights_pa=np.array([50.0, 200.0]))
    message = (
        "Projection('A' -> 'A').connector.weights_pa: needs a magnitude within its plasticity's 10 to 100 pA, has 200.0"
    )
    refuses(message, lambda: network_with(Constant(value=1.0), connector))


@pytest.mark.parametrize("tau_ms", [0.5, 7.0, 20.0])
def test_decay_table_ends_below_one_unit(tau_ms):
    n = n_decays(tau_ms, 1.0)
    assert n % 2 == 0
    assert 2048 * math.exp(-n / tau_ms) <= 1 < 2048 * math.exp(-(n - 2) / tau_ms)
