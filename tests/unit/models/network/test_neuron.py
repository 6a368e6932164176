"""Neuron models as data: their checks, and the units of the weights that act on them."""

import numpy as np
import pytest

from models.errors import ParameterError
from models.network import (
    AllToAll,
    Constant,
    Explicit,
    Izhikevich,
    LifAdaptThresh,
    LifCondExp,
    LifCurrAlpha,
    LifCurrExp,
    LifDelta,
    Network,
    PairStdp,
    PoissonDrive,
    Population,
    Projection,
    Receptor,
    WeightUnit,
)

LIF = (LifCurrExp, LifCurrAlpha, LifCondExp, LifAdaptThresh, LifDelta)
UNITS = {
    LifCurrExp: "pA",
    LifCurrAlpha: "pA",
    LifCondExp: "nS",
    LifAdaptThresh: "pA",
    LifDelta: "mV",
    Izhikevich: "pA",
}


@pytest.mark.parametrize("kind", LIF)
@pytest.mark.parametrize("name", ["c_m_pf", "tau_mem_ms"])
def test_membrane_must_be_positive(kind, name):
    with pytest.raises(ParameterError, match=rf"^{kind.__name__}\.{name}: needs a value > 0, has 0\.0$"):
        kind(**{name: 0.0})


@pytest.mark.parametrize("kind", [*LIF[:4], Izhikevich])
@pytest.mark.parametrize("name", ["tau_syn_exc_ms", "tau_syn_inh_ms"])
def test_synapses_must_decay(kind, name):
    with pytest.raises(ParameterError, match=rf"^{kind.__name__}\.{name}: needs a value > 0, has -1\.0$"):
        kind(**{name: -1.0})


@pytest.mark.parametrize("kind", LIF)
def test_reset_lies_below_the_threshold(kind):
    message = rf"^{kind.__name__}\.v_reset_mv: needs below v_thresh_mv = -50, has -50\.0$"
    with pytest.raises(ParameterError, match=message):
        kind(v_reset_mv=-50.0)
    with pytest.raises(ParameterError, match=rf"^{kind.__name__}\.t_ref_ms: needs a value >= 0 ms, has -0\.1$"):
        kind(t_ref_ms=-0.1)


def test_parameters_of_single_models_are_checked():
    with pytest.raises(ParameterError, match=r"^LifAdaptThresh\.thresh_jump_mv: needs a value >= 0 mV, has -1\.0$"):
        LifAdaptThresh(thresh_jump_mv=-1.0)
    with pytest.raises(ParameterError, match=r"^LifAdaptThresh\.tau_thresh_ms: needs a value > 0, has 0\.0$"):
        LifAdaptThresh(tau_thresh_ms=0.0)
    with pytest.raises(ParameterError, match=r"^Izhikevich\.v_reset_mv: needs below v_peak_mv = 30, has 31\.0$"):
        Izhikevich(v_reset_mv=31.0)


@pytest.mark.parametrize(("kind", "unit"), UNITS.items())
def test_model_decides_the_unit(kind, unit):
    assert kind().weight_unit.value == unit


def projection(**weight):
    return Projection(source="A", target="A", connector=AllToAll(), delay_ms=Constant(value=1.0), **weight)


def network(neuron, *projections, **changes):
    cells = Population(name="A", n_neurons=3, neuron=neuron, **changes)
    return Network(name="one", populations=(cells,), projections=projections)


@pytest.mark.parametrize(("kind", "unit"), UNITS.items())
def test_weight_is_given_in_the_unit_of_the_target(kind, unit):
    right = {"pA": "weight_pa", "nS": "weight_nsiemens", "mV": "weight_mv"}
    for given, name in right.items():
        joined = projection(**{name: Constant(value=-2.0)})
        assert joined.weight == Constant(value=-2.0)
        assert joined.weight_unit == WeightUnit(given)
        assert joined.receptor is Receptor.INH
        if given == unit:
            assert network(kind(), joined).projections == (joined,)
            continue
        message = (
            rf"^Projection\('A' -> 'A'\): needs {right[unit]}, since weights onto {kind.__name__} are in {unit}, "
            rf"has '{name}'$"
        )
        with pytest.raises(ParameterError, match=message):
            network(kind(), joined)


def test_weight_is_given_once():
    message = r"^Projection\('A' -> 'A'\): needs exactly one of weight_pa, weight_nsiemens, weight_mv, has 'none'$"
    with pytest.raises(ParameterError, match=message):
        projection()
    message = r"^Projection\('A' -> 'A'\): needs exactly one of .*, has 'weight_pa, weight_mv'$"
    with pytest.raises(ParameterError, match=message):
        projection(weight_pa=Constant(value=1.0), weight_mv=Constant(value=1.0))
    with pytest.raises(ParameterError, match=r"^PoissonDrive: needs exactly one of weight_pa, .*, has 'none'$"):
        PoissonDrive(n_inputs=1, rate_hz=1.0, delay_ms=0.0)


def test_drive_has_the_unit_of_its_population():
    drive = PoissonDrive(n_inputs=1, rate_hz=1.0, delay_ms=0.0, weight_nsiemens=2.0)
    assert (drive.weight, drive.weight_unit) == (2.0, WeightUnit.NSIEMENS)
    assert network(LifCondExp(), poisson=drive).populations[0].poisson is drive
    message = (
        r"^Population\('A'\)\.poisson: needs weight_mv, since weights onto LifDelta are in mV, has 'weight_nsiemens'$"
    )
    with pytest.raises(ParameterError, match=message):
        network(LifDelta(), poisson=drive)


def test_given_weights_have_the_unit_of_their_projection():
    ends = {"sources": np.array([0]), "targets": np.array([1])}
    right = Explicit(**ends, weights_mv=np.array([0.5]))
    assert right.weight_unit is WeightUnit.MV
    weight = {"weight_mv": Constant(value=1.0), "delay_ms": Constant(value=1.0)}
    given = Projection(source="A", target="A", connector=right, **weight)
    assert network(LifDelta(), given).projections == (given,)
    wrong = Projection(source="A", target="A", connector=Explicit(**ends, weights_pa=np.array([0.5])), **weight)
    message = (
        r"^Projection\('A' -> 'A'\)\.connector: needs weights_mv, as the projection's weight_mv, has 'weights_pa'$"
    )
    with pytest.raises(ParameterError, match=message):
        network(LifDelta(), wrong)
    negative = Projection(source="A", target="A", connector=Explicit(**ends, weights_mv=np.array([-0.5])), **weight)
    message = (
        r"^Projection\('A' -> 'A'\)\.connector\.weights_mv: needs the sign of the projection's weight_mv \(mV\), "
        r"has -0\.5$"
    )
    with pytest.raises(ParameterError, match=message):
        network(LifDelta(), negative)
    with pytest.raises(
        ParameterError, match=r"^Explicit: needs exactly one of weights_pa, .*, has 'weights_pa, weights_mv'$"
    ):
        Explicit(**ends, weights_pa=np.array([0.5]), weights_mv=np.array([0.5]))


def test_plastic_synapses_have_weights_in_pa():
    plastic = projection(weight_mv=Constant(value=1.0), plasticity=PairStdp(w_max_pa=2.0))
    message = (
        r"^Projection\('A' -> 'A'\) with plasticity: needs weight_pa, since weights onto plastic synapses are in pA, "
        r"has 'weight_mv'$"
    )
    with pytest.raises(ParameterError, match=message):
        network(LifDelta(), plastic)
