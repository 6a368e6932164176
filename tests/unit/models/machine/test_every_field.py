"""Every field of every dataclass that describes a network refuses what it cannot mean, when it is made."""

import dataclasses
import math
import typing
from types import ModuleType

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from models import network
from models.errors import ParameterError
from models.network import (
    AllToAll,
    Constant,
    CurrentDrive,
    Explicit,
    FixedProbability,
    FixedTotalNumber,
    Network,
    Normal,
    OneToOne,
    PoissonDrive,
    PoissonSource,
    Population,
    Projection,
    SpikeArraySource,
    Uniform,
    connector,
    distribution,
    neuron,
    plasticity,
    stimulus,
)
from models.network.plasticity import PairStdp

MODULES: list[ModuleType] = [connector, distribution, network, neuron, plasticity, stimulus]
ONE = Constant(value=1.0)
DRIVE = {"n_inputs": 2, "rate_hz": 8.0, "weight_pa": 1.0, "delay_ms": 1.5}
#: A value for each field that has no default, or that a test of it needs.
EXAMPLES: dict[type, dict[str, object]] = {
    FixedTotalNumber: {"n_synapses": 3},
    FixedProbability: {"probability": 0.5},
    AllToAll: {},
    OneToOne: {},
    Explicit: {"sources": [0, 1], "targets": [1, 0], "weights_pa": [1.0, 2.0], "delays_ms": [1.0, 1.0]},
    Constant: {"value": 1.0},
    Uniform: {"low": 1.0, "high": 2.0},
    Normal: {"mean": 1.0, "sd": 1.0, "low": 0.0, "high": 3.0},
    PairStdp: {"w_max_pa": 100.0},
    PoissonDrive: DRIVE,
    CurrentDrive: {"amplitude_pa": 1.0},
    PoissonSource: {"name": "S", "n_neurons": 2, "rate_hz": 1.0, "start_ms": 1.0, "stop_ms": 2.0},
    SpikeArraySource: {"name": "S", "n_neurons": 2, "times_ms": [1.0, 1.0], "ids": [1, 0]},
    Population: {
        "name": "A",
        "n_neurons": 2,
        "rate_hz": 3.0,
        "poisson": PoissonDrive(**DRIVE),
        "current": CurrentDrive(amplitude_pa=1.0),
    },
    Projection: {
        "source": "A",
        "target": "A",
        "connector": AllToAll(),
        "weight_pa": ONE,
        "delay_ms": ONE,
        "plasticity": PairStdp(w_max_pa=100.0),
    },
    Network: {"name": "x", "populations": (Population(name="A", n_neurons=2),), "reference": "pd14"},
    **{kind: {} for kind in typing.get_args(neuron.NeuronModel)},
}
#: What only describes a result and is never given.
DERIVED = {distribution.Moments}
MAY_BE_INFINITE = {"v_thresh_mv": [math.inf], "stop_ms": [math.inf], "low": [-math.inf], "high": [math.inf]}
WRONG: dict[str, list[object]] = {
    "float": [math.nan, math.inf, -math.inf, "1", True, 1j, [1.0], np.array([1.0]), 10**400],
    "int": [1.5, 2.0, math.nan, math.inf, "1", True, -1, 10**30, [1], np.array([1])],
    "bool": [1, 0, "yes", None],
    "str": ["", 3, b"A"],
    "array": [[math.nan, 1.0], [math.inf, 1.0], [-1.0, 1.0], ["a", "b"], [True, False], [[1.0, 1.0]], 1.0, [1.0],
              [None, 1], [1j, 1]],
    "ids": [[0.9, 1.0], [0, 10**30], [0, 2**63]],
    "object": [3, "x", math.nan, [1]],
}  # fmt: skip


def kind_of(kind, field):
    """Return which list of wrong values a field gets."""
    hint = str(field.type).removesuffix(" | None")
    if "NDArray" in hint:
        return "array"
    return hint if hint in WRONG else "object"


def cases():
    for kind in EXAMPLES:
        for field in dataclasses.fields(kind):
            if not field.init:
                continue
            found = kind_of(kind, field)
            wrong = WRONG[found] + (WRONG["ids"] if "int64" in str(field.type) else [])
            if not str(field.type).endswith("None") and found not in ("bool",):
                wrong = [*wrong, None]
            for value in wrong:
                allowed = (
                    MAY_BE_INFINITE.get(field.name, [])
                    if kind in (Normal, PoissonSource) or field.name == "v_thresh_mv"
                    else []
                )
                if isinstance(value, float) and value in allowed:
                    continue
                if field.name == "weights_pa" and value == [-1.0, 1.0]:  # a projection refuses two signs
                    continue
                yield pytest.param(kind, field.name, value, id=f"{kind.__name__}.{field.name}={value!r:.40}")


def test_every_dataclass_has_an_example():
    made = {
        kind
        for module in MODULES
        for kind in vars(module).values()
        if dataclasses.is_dataclass(kind) and str(kind.__module__).startswith("models.")
    }
    assert made - DERIVED == set(EXAMPLES)


@pytest.mark.parametrize(("kind", "name", "value"), [*cases()])
def test_wrong_values_are_refused_when_made(kind, name, value):
    with pytest.raises(ParameterError, match=r"needs .*, has "):
        kind(**EXAMPLES[kind] | {name: value})


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_numpy_scalars_are_kept_as_plain_numbers(kind):
    defaults = {
        field.name: field.default for field in dataclasses.fields(kind) if field.default is not dataclasses.MISSING
    }
    plain = kind(**EXAMPLES[kind])
    narrow: dict[str, object] = {}
    for name, value in (defaults | EXAMPLES[kind]).items():
        if isinstance(value, bool):
            narrow[name] = np.bool_(value)
        elif isinstance(value, int):
            narrow[name] = np.uint8(value)
        else:
            narrow[name] = np.float64(value) if isinstance(value, float) else value
    made = kind(**narrow)
    for name in narrow:
        assert type(getattr(made, name)) is type(getattr(plain, name))
        assert_array_equal(getattr(made, name), getattr(plain, name))


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (PoissonSource, {"start_ms": 10.0, "stop_ms": 5.0}),
        (PoissonSource, {"start_ms": -1.0}),
        (PoissonSource, {"rate_hz": -1.0}),
        (Population, {"rate_hz": -5.0}),
        (PoissonDrive, {"delay_ms": -0.1}),
        (PoissonDrive, {"rate_hz": -0.1}),
        (Population, {"n_neurons": 0}),
        (Population, {"n_neurons": 2**31}),
        (FixedProbability, {"probability": 1.0 + 1e-9}),
        (FixedProbability, {"probability": -1e-9}),
        (FixedTotalNumber, {"n_synapses": 2**53 + 1}),
        (Uniform, {"low": 2.0}),
        (Uniform, {"low": -1.7e308, "high": 1.7e308}),
        (Normal, {"sd": -1.0}),
        (Normal, {"low": 3.0}),
        (Normal, {"low": 100.0, "high": 200.0}),
        (Normal, {"truncation": "wrap"}),
        (Normal, {"low": -math.inf, "high": -math.inf}),
        (Normal, {"low": math.inf, "high": math.inf}),
        (Network, {"dt_ms": 0.0}),
        (Network, {"dt_ms": -0.1}),
        (Network, {"dt_ms": 1e-30}),
        (Network, {"dt_ms": 1e9}),
        (Network, {"scale": 0.0}),
        (Projection, {"delay_ms": Constant(value=-0.1)}),
        (Projection, {"delay_ms": Uniform(low=-1.0, high=2.0)}),
        (Projection, {"delay_ms": Normal(mean=1.0, sd=1.0, low=-0.5)}),
        (Projection, {"delay_ms": Normal(mean=-1.0, sd=1.0)}),
        (Projection, {"weight_pa": Normal(mean=1.0, sd=1.0)}),
        (Projection, {"weight_mv": ONE}),
        (SpikeArraySource, {"ids": [0, 2]}),
        (Explicit, {"delays_ms": [1.0, -1.0]}),
        (Explicit, {"targets": [1]}),
    ],
)
def test_values_out_of_range_are_refused_when_made(kind, change):
    with pytest.raises(ParameterError, match=r"needs .*, has "):
        kind(**EXAMPLES[kind] | change)


def test_sizes_of_narrow_numpy_integers_do_not_wrap():
    """200 + 200 neurons of numpy's uint8 would be 144, and 200 x 200 pairs 64."""
    populations = tuple(Population(name=name, n_neurons=np.uint8(200)) for name in "AB")
    pairs = Projection(source="A", target="B", connector=AllToAll(), weight_pa=ONE, delay_ms=ONE)
    made = Network(name="x", populations=populations, projections=(pairs,))
    assert (made.n_neurons, made.expected_n_synapses()) == (400, 40_000.0)


def test_more_neurons_than_ids_are_refused():
    populations = tuple(Population(name=name, n_neurons=2**30) for name in "AB")
    with pytest.raises(
        ParameterError, match=r"^Network\.populations: needs at most 2,147,483,647 neurons and sources, has "
    ):
        Network(name="x", populations=populations)


def test_given_arrays_stay_writable():
    times, ids = np.array([1.0, 2.0]), np.array([0, 1])
    SpikeArraySource(name="S", n_neurons=2, times_ms=times, ids=ids)
    Explicit(sources=ids, targets=ids, delays_ms=times)
    times[0], ids[0] = 3.0, 1
