"""Numbers at the ends of what a network may hold: a result, or an error that names the number; no other exception."""

import warnings
from contextlib import suppress

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from models.errors import NeuromapError, ParameterError
from models.network import (
    AllToAll,
    Constant,
    CurrentDrive,
    Izhikevich,
    LifAdaptThresh,
    LifCondExp,
    LifCurrAlpha,
    LifCurrExp,
    LifDelta,
    Network,
    Normal,
    PairStdp,
    PoissonDrive,
    PoissonSource,
    Population,
    Projection,
    Uniform,
)

DRIVE = {"n_inputs": 1, "rate_hz": 10.0, "weight_pa": 1.0, "delay_ms": 1.0}
SMALL, LARGE = (1e-12, 1e-6), (1e6, 1e15)


def network(population=(), source=(), projection=(), dt_ms=0.1):
    cells = Population(name="A", n_neurons=4, **dict(population))
    given = PoissonSource(**{"name": "S", "n_neurons": 4, "rate_hz": 100.0} | dict(source))
    unit = cells.neuron.weight_unit.suffix
    synapses = {"connector": AllToAll(), f"weight_{unit}": Constant(value=1.0), "delay_ms": Constant(value=1.0)}
    joined = Projection(**{"source": "S", "target": "A"} | synapses | dict(projection))
    return Network(name="x", populations=(cells,), sources=(given,), projections=(joined,), dt_ms=dt_ms)


def neurons():
    for kind in (LifCurrExp, LifCurrAlpha, LifCondExp, LifAdaptThresh, LifDelta, Izhikevich):
        for name in kind.__slots__:
            for value in (1e-12, 1e15, -1e15):
                yield (
                    f"{kind.__name__}.{name}={value:g}",
                    lambda k=kind, n=name, v=value: {"population": {"neuron": k(**{n: v})}},
                )


EXTREMES = dict(neurons())
for _value in (*SMALL, *LARGE):
    EXTREMES |= {
        f"weight {_value:g}": lambda v=_value: {"projection": {"weight_pa": Constant(value=v)}},
        f"weight -{_value:g}": lambda v=_value: {"projection": {"weight_pa": Constant(value=-v)}},
        f"normal weight {_value:g}": lambda v=_value: {"projection": {"weight_pa": Normal(mean=v, sd=v, low=0.0)}},
        f"delay {_value:g}": lambda v=_value: {"projection": {"delay_ms": Constant(value=v)}},
        f"uniform delay {_value:g}": lambda v=_value: {"projection": {"delay_ms": Uniform(low=0.0, high=v)}},
        f"normal delay {_value:g}": lambda v=_value: {"projection": {"delay_ms": Normal(mean=v, sd=v)}},
        f"rate {_value:g}": lambda v=_value: {"source": {"rate_hz": v}},
        f"start {_value:g}": lambda v=_value: {"source": {"start_ms": v}},
        f"stop {_value:g}": lambda v=_value: {"source": {"stop_ms": v}},
        f"current {_value:g}": lambda v=_value: {"population": {"current": CurrentDrive(amplitude_pa=v)}},
        f"potential {_value:g}": lambda v=_value: {"population": {"v_init_mv": Constant(value=v)}},
        f"stdp weight {_value:g}": lambda v=_value: {"projection": {"plasticity": PairStdp(w_max_pa=v)}},
        f"stdp time {_value:g}": lambda v=_value: {"projection": {"plasticity": PairStdp(w_max_pa=9.0, tau_plus_ms=v)}},
        f"stdp amplitude {_value:g}": lambda v=_value: {"projection": {"plasticity": PairStdp(w_max_pa=9.0, a_plus=v)}},
        **{
            f"drive {name} {_value:g}": lambda n=name, v=_value: {
                "population": {"poisson": PoissonDrive(**DRIVE | {n: v})}
            }
            for name in ("rate_hz", "weight_pa", "delay_ms")
        },
    }
EXTREMES |= {
    "drive n_inputs 2**53": lambda: {"population": {"poisson": PoissonDrive(**DRIVE | {"n_inputs": 2**53})}},
    "dt 1e-6": lambda: {"dt_ms": 1e-6},
    "dt 1000": lambda: {"dt_ms": 1000.0},
}


@pytest.mark.parametrize(("arithmetic", "poisson"), [("fixed", "counter"), ("float", "counter"), ("float", "kiss")])
def test_extreme_numbers_give_a_result_or_an_error_of_one_line(arithmetic, poisson):
    options = {"n_steps": 5, "seed": 1, "arithmetic": arithmetic, "poisson": poisson}
    n_run, wrong = 0, []
    for name, make in EXTREMES.items():
        if poisson == "kiss" and not name.startswith(("drive", "rate", "start", "stop", "dt")):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                with suppress(NeuromapError):
                    run = simulate(network(**make()), probes=[0], **options)
                    n_run += 1
                    if not np.isfinite(run.v_mv).all():
                        wrong.append(f"{name}: potential {run.v_mv[-1, 0]}")
            except Exception as error:
                wrong.append(f"{name}: {type(error).__name__} {error}")
    assert not wrong, "\n".join(wrong)
    assert n_run > 10


def test_a_potential_that_is_no_number_any_more_is_an_error():
    wild = network(population={"neuron": Izhikevich(a_per_ms=1e6)})
    message = (
        r"^Population\('A'\): needs parameters with which the potential stays finite; .*, has 'a potential that is no"
    )
    with pytest.raises(ParameterError, match=message):
        simulate(wild, n_steps=50, seed=1, arithmetic="float")
