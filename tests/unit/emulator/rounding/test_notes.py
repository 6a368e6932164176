"""What fixed point does not hold: effective values by hand, errors with a value that works, else silence."""

import linecache
import math
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest

from emulator.engine.options import SimulationOptions
from emulator.engine.recorder import MOST_LOOK_STEPS, look_steps
from emulator.engine.simulate import run_simulation, simulate
from emulator.numbers.number_format import NumberFormat
from emulator.numbers.population_rows import population_rows
from emulator.numbers.weight_scale import weight_scales
from emulator.rounding.deviation import Deviation, deviation_notes, nearest_held
from emulator.rounding.notes import fixed_point_deviations, format_deviations
from emulator.rounding.weight_effect import charge_raw
from models.errors import NeuromapWarning, ParameterError
from models.network import (
    Constant,
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
    Population,
    SpikeArraySource,
    Uniform,
)
from models.networks import NETWORKS
from models.vocabulary import WeightRounding
from one_cell import one_cell

KINDS = (LifCurrExp, LifCurrAlpha, LifCondExp, LifAdaptThresh, LifDelta, Izhikevich)


def network_of(neuron, *, dt_ms=0.1, **options):
    """One neuron, with a spike in the first step if it has a synapse."""
    return one_cell(neuron, dt_ms=dt_ms, times_ms=(dt_ms,), **options)


def found(neuron, **options):
    """Effective values by parameter."""
    return {one.parameter: one.effective for one in fixed_point_deviations(network_of(neuron, **options))}


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"vogels_abbott", "layered_conv"}))
def test_built_in_networks_are_held(name):
    assert fixed_point_deviations(NETWORKS[name]()) == []


@pytest.mark.parametrize("dt_ms", [0.1, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_usual_neurons_are_held(kind, dt_ms):
    deviations = fixed_point_deviations(network_of(kind(), dt_ms=dt_ms, current_pa=500.0))
    assert [one.parameter for one in deviations] == (["dt_ms"] if kind is Izhikevich and dt_ms == 1.0 else [])


@pytest.mark.parametrize(
    ("neuron", "options", "parameter", "effective"),
    [
        # exp(-3 / 2^15) is cut to 1 - 4 / 2^15
        (LifCurrExp(tau_mem_ms=1000.0), {}, "tau_mem_ms", -0.1 / math.log1p(-4 / 2**15)),
        (LifDelta(tau_mem_ms=2000.0), {}, "tau_mem_ms", -0.1 / math.log1p(-2 / 2**15)),
        (LifCondExp(tau_mem_ms=20.0), {"dt_ms": 0.002}, "tau_mem_ms", -0.002 / math.log1p(-4 / 2**15)),
        # dt/tau is 3277 2^15 / 3276800 = 32.77, cut
        (LifCurrExp(tau_syn_exc_ms=100.0), {}, "tau_syn_exc_ms", 102.4),
        (Izhikevich(tau_syn_inh_ms=100.0), {}, "tau_syn_inh_ms", 102.4),
        (LifAdaptThresh(tau_syn_inh_ms=300.0), {}, "tau_syn_inh_ms", 327.7),
        (LifCurrExp(c_m_pf=1e7), {}, "tau_mem_ms / c_m_pf", 32 / 2**15),
        (LifCurrExp(c_m_pf=0.2), {}, "tau_mem_ms / c_m_pf", 10 / (7 / 2**15)),
        (LifCurrExp(), {"current_pa": 0.5}, "current.amplitude_pa", 16 / 2**15 * 1e3),
        (LifCurrExp(), {"current_pa": -0.01}, "current.amplitude_pa", 0.0),
        (Izhikevich(), {"current_pa": 0.5}, "current.amplitude_pa", 16 / 2**15 * 1e3),
        (LifCurrExp(v_thresh_mv=-64.9999), {}, "v_thresh_mv - v_reset_mv", 3 / 2**15),
        (LifCondExp(e_rev_inh_mv=-65.0005), {}, "e_rev_inh_mv - v_rest_mv", -16 / 2**15),
        (LifAdaptThresh(thresh_jump_mv=1e-4), {}, "thresh_jump_mv", 3 / 2**15),
        # 655 * 1638 / 2^15 = 32.7, cut
        (Izhikevich(), {"dt_ms": 0.05}, "a_per_ms", 32 / 2**15 / 0.05),
        (Izhikevich(a_per_ms=0.5), {"dt_ms": 0.0006}, "dt_ms", 20 / 2**15),
        (Izhikevich(b_per_ms=0.0005), {}, "b_per_ms", 16 / 2**15),
        (Izhikevich(d_mv_per_ms=1e-5), {}, "d_mv_per_ms", 0.0),
    ],
)
def test_effective_value_is_what_the_rounded_constant_stands_for(neuron, options, parameter, effective):
    # the device's exponential in U0.32 is off by 5294 / 2^32 near 0
    assert found(neuron, **options)[parameter] == pytest.approx(effective, rel=0.005)


@pytest.mark.parametrize(
    ("neuron", "options", "parameter"),
    [
        (LifCurrExp(tau_mem_ms=3000.0), {}, "tau_mem_ms"),
        (LifCurrExp(tau_mem_ms=6000.0), {}, "tau_mem_ms"),
        (LifCurrExp(tau_mem_ms=70.0), {"dt_ms": 0.001}, "tau_mem_ms"),
        (LifAdaptThresh(tau_mem_ms=9000.0), {}, "tau_mem_ms"),
        (LifCondExp(tau_mem_ms=5000.0), {}, "tau_mem_ms"),
        (LifCurrAlpha(tau_mem_ms=5000.0), {}, "tau_mem_ms"),
        (LifDelta(tau_mem_ms=3000.0), {}, "tau_mem_ms"),
        (LifCurrExp(tau_syn_exc_ms=2000.0), {}, "tau_syn_exc_ms"),
        (Izhikevich(tau_syn_inh_ms=2000.0), {}, "tau_syn_inh_ms"),
        (LifCurrAlpha(tau_syn_inh_ms=3e9), {}, "tau_syn_inh_ms"),
        (Izhikevich(a_per_ms=0.001), {"dt_ms": 0.05}, "a_per_ms"),
        (Izhikevich(), {"dt_ms": 0.001}, "a_per_ms"),
    ],
)
def test_parameter_that_is_far_off_is_refused_with_one_that_is_not(neuron, options, parameter):
    pattern = (
        rf"^Population\('N'\)\.{parameter}: needs (?:at (most|least) ([\d.e+]+) /?ms, or )?a longer dt_ms, or "
        r"arithmetic 'float' \(.* asked for, .* in effect.*\), has [\d.e+]+$"
    )
    with pytest.raises(ParameterError, match=pattern) as caught:
        simulate(network_of(neuron, **options), n_steps=1, seed=1)
    side, value = re.match(pattern, str(caught.value)).groups()
    if value is None:
        assert isinstance(neuron, LifCurrAlpha)
        return
    better = replace(neuron, **{parameter: float(value)})
    fixed_point_deviations(network_of(better, **options))
    worse = replace(neuron, **{parameter: float(value) * (1.02 if side == "most" else 0.98)})
    with pytest.raises(ParameterError):
        fixed_point_deviations(network_of(worse, **options))


def test_resistance_that_rounds_to_nothing_is_refused():
    message = (
        r"^Population\('N'\)\.tau_mem_ms / c_m_pf: needs another c_m_pf or tau_mem_ms, or arithmetic 'float' "
        r"\(1\.66667e-05 MOhm asked for, 0 MOhm in effect \(-100 %\): .*\), has 1\.66\d+e-05$"
    )
    with pytest.raises(ParameterError, match=message):
        found(LifCurrExp(c_m_pf=6e7, tau_mem_ms=1.0))


def test_step_that_is_far_off_is_refused():
    with pytest.raises(ParameterError, match=r"^Population\('N'\)\.dt_ms: needs a longer dt_ms, .* has 2e-05$"):
        found(Izhikevich(a_per_ms=0.0, tau_syn_exc_ms=0.5, tau_syn_inh_ms=0.5), dt_ms=2e-5)


def test_membrane_that_delta_inputs_do_not_move_is_refused():
    message = r"^Population\('N'\)\.tau_mem_ms: needs a decay over 0\.1 ms that is below 1 in S16\.15: .* has 9000\.0$"
    with pytest.raises(ParameterError, match=message):
        simulate(network_of(LifDelta(tau_mem_ms=9000.0)), n_steps=1, seed=1)


def test_current_that_leads_out_of_the_range_is_refused():
    message = (
        r"^Population\('N'\)\.current\.amplitude_pa: needs at most 32735\.5 pA in fixed point, where the potential "
        r"that it leads to must be below 65,536 mV, has 60000\.0$"
    )
    with pytest.raises(ParameterError, match=message):
        found(LifCurrExp(tau_mem_ms=500.0), current_pa=60_000.0)


def test_delta_input_that_leads_out_of_the_range_is_refused():
    with pytest.raises(
        ParameterError, match=r"^weight_mv of S -> N: needs at most 7\.99 mV in fixed point: .* has 9\.0$"
    ):
        found(LifDelta(tau_mem_ms=1000.0), weight=9.0)
    uniform = replace(
        network_of(LifDelta(tau_mem_ms=1000.0), weight=1.0).projections[0], weight_mv=Uniform(low=0.0, high=9.0)
    )
    with pytest.raises(ParameterError, match=r"^weight_mv of S -> N: needs at most .* mV in fixed point: .* has 9\.0$"):
        fixed_point_deviations(replace(network_of(LifDelta(tau_mem_ms=1000.0), weight=1.0), projections=(uniform,)))
    assert "weight_mv" not in found(LifDelta(tau_mem_ms=1000.0), weight=7.9)


@pytest.mark.parametrize(
    ("neuron", "largest"),
    [
        (LifCurrExp(tau_mem_ms=500.0), 30_000.0),
        (LifAdaptThresh(tau_mem_ms=500.0), 30_000.0),
        (LifCurrAlpha(tau_mem_ms=500.0), 30_000.0),
        (LifCondExp(tau_mem_ms=100.0), 9_000.0),
    ],
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_one_spike_that_leads_out_of_the_range_is_refused(neuron, largest, sign):
    """A spike may not move the potential away from where its synapse pulls; the value that the error names works."""
    start = replace(
        network_of(neuron, weight=sign * 2.0 * largest),
        sources=(SpikeArraySource(name="S", n_neurons=1, times_ms=np.array([0.1]), ids=np.array([0])),),
    )
    with pytest.raises(
        ParameterError, match=r"^weight_\w+ of S -> N: needs at most [\d,.]+ \w+ in fixed point"
    ) as caught:
        fixed_point_deviations(start)
    most = float(re.search(r"at most ([\d,.]+)", str(caught.value)).group(1).replace(",", ""))
    assert most >= 0.9 * largest
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuromapWarning)
        v = simulate(network_of(neuron, weight=sign * most), n_steps=3, seed=1, probes=[0]).v_mv[:, 0]
    assert (sign * (v[1:] - v[0]) >= 0).all()


def test_truncated_weights_are_judged_by_what_is_drawn():
    """The mean of Normal(0, 30, high=0) is -23.9: beyond what a delta synapse on 500 ms can step by."""
    network = network_of(LifDelta(tau_mem_ms=500.0), weight=1.0)
    drawn = replace(network.projections[0], weight_mv=Normal(mean=0.0, sd=30.0, high=0.0))
    with pytest.raises(ParameterError, match=r"^weight_mv of S -> N: needs at most 1\d\.\d mV .* has 23\.9"):
        fixed_point_deviations(replace(network, projections=(drawn,)))


def test_delta_inputs_whose_sum_leads_out_of_the_range_are_noted():
    """8 mV twice in a step of a membrane of 500 ms is 16 mV down instead of up; both alone are right."""
    network = network_of(LifDelta(tau_mem_ms=500.0), weight=8.0)
    (note,) = [note for note in deviation_notes(fixed_point_deviations(network)) if "one step" in note]
    limit_mv = float(re.match(r"input of one step of N: a sum beyond ([\d.]+) mV", note).group(1))
    assert 8.0 < limit_mv < 16.0
    twice = SpikeArraySource(name="S", n_neurons=1, times_ms=np.array([0.1, 0.1]), ids=np.array([0, 0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuromapWarning)
        network = replace(network, sources=(twice,))
        assert note in simulate(network, n_steps=3, seed=1).notes
    assert not any(
        "one step" in note for note in deviation_notes(fixed_point_deviations(network_of(LifDelta(), weight=8.0)))
    )


@pytest.mark.parametrize(
    ("neuron", "weight"),
    [
        (LifCurrExp(tau_mem_ms=500.0, v_thresh_mv=1e3), 20_000.0),
        (LifCurrExp(tau_mem_ms=500.0, v_thresh_mv=1e3), -20_000.0),
        (LifAdaptThresh(tau_mem_ms=500.0, v_thresh_mv=1e3), 20_000.0),
        (LifCurrAlpha(tau_mem_ms=500.0, v_thresh_mv=1e3), 15_000.0),
        (LifCondExp(tau_mem_ms=100.0, v_thresh_mv=1e3), 9_000.0),
    ],
)
@pytest.mark.parametrize("first_step", [1, 7, 150])
def test_currents_that_wrap_for_a_moment_are_seen(neuron, weight, first_step):
    """Three spikes at once lead beyond the range for a few steps, long over when all state is looked at again."""
    network = network_of(neuron, weight=weight)
    at_once = SpikeArraySource(name="S", n_neurons=1, times_ms=np.full(3, 0.1 * first_step), ids=np.zeros(3, int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuromapWarning)
        assert simulate(network, n_steps=400, seed=1).near_overflow == ()
        found = simulate(replace(network, sources=(at_once,)), n_steps=400, seed=1)
    assert found.near_overflow == ("N",)


@pytest.mark.parametrize("name", ["pd14", "brunel", "vogels_abbott"])
def test_built_in_networks_are_looked_at_no_more_often(name):
    network = NETWORKS[name]()
    rows = population_rows(network, weight_scales(network))
    for population, row in zip(network.populations, rows, strict=True):
        assert look_steps(population, row) == MOST_LOOK_STEPS


@pytest.mark.parametrize(
    "neurons", [(LifCurrExp(tau_syn_exc_ms=5000.0),), (LifCurrExp(tau_syn_exc_ms=5000.0), LifCondExp())]
)
def test_errors_of_constants_name_the_population(neurons):
    cells = tuple(Population(name=f"N{i}", n_neurons=1, neuron=neuron) for i, neuron in enumerate(neurons))
    with pytest.raises(ParameterError, match=r"^Population\('N0'\)\.tau_syn_exc_ms: needs at most 3277 ms"):
        fixed_point_deviations(Network(name="one", populations=cells))


def test_synaptic_currents_that_lead_out_of_the_range_are_watched():
    """21 nA into 1660 MOhm are 34,860 mV, more than half of the range, long before the potential is there."""
    network = network_of(LifCurrExp(tau_mem_ms=415.0, tau_syn_exc_ms=50.0), weight=21_000.0)
    assert simulate(network, n_steps=20, seed=1).near_overflow == ("N",)
    network = network_of(LifCurrExp(tau_mem_ms=10.0, tau_syn_exc_ms=50.0), weight=21_000.0)
    assert simulate(network, n_steps=20, seed=1).near_overflow == ()


def test_further_state_that_nears_the_end_of_the_range_is_watched():
    """The rising variable of an alpha current is e times its peak: two of 8 uA make 43,500 nA of the 65,536."""
    network = network_of(LifCurrAlpha(c_m_pf=1e6), weight=8e6)
    twice = SpikeArraySource(name="S", n_neurons=1, times_ms=np.array([0.1, 0.2]), ids=np.array([0, 0]))
    assert simulate(network, n_steps=5, seed=1).near_overflow == ()
    assert simulate(replace(network, sources=(twice,)), n_steps=5, seed=1).near_overflow == ("N",)


def test_potential_at_which_a_falling_membrane_stops():
    deviation = next(
        one for one in fixed_point_deviations(network_of(LifCurrExp(tau_mem_ms=1200.0))) if one.parameter == "v_rest_mv"
    )
    cell = Population(
        name="N",
        n_neurons=1,
        neuron=LifCurrExp(tau_mem_ms=1200.0),
        v_init_mv=Constant(value=deviation.effective + 1e-3),
    )
    with pytest.warns(NeuromapWarning, match=r"^tau_mem_ms of N: 1200 ms asked for, 109\d ms in effect"):
        v = simulate(Network(name="one", populations=(cell,)), n_steps=4000, seed=1, probes=[0]).v_mv[:, 0]
    assert v[-1] == v[-1000]
    assert v[-1] == pytest.approx(deviation.effective, abs=1e-4)


def by_steps(weight_pa, tau_ms, cut_bits=0):
    """Charge of one input over that of the exact synapse, from floats with every rounding spelled out."""
    h = math.floor(3277 / (tau_ms * 32768) * 32768) / 32768
    decay, unit = math.exp(-h), 2.0**-15
    value, total = weight_pa / 1e3 * (1 - decay) / (3277 / 32768 / tau_ms), 0.0
    while value >= unit:
        value = math.floor(value / unit) * unit
        total += math.floor(value / unit / 2**cut_bits) * 2**cut_bits * unit
        value *= decay
    return total * 1e3 * 0.1 / tau_ms


@pytest.mark.parametrize("tau_ms", [5.0, 20.0, 100.0, 1000.0])
def test_worth_of_a_spike(tau_ms):
    effective = found(LifCurrExp(tau_syn_exc_ms=tau_ms), weight=100.0).get("weight_pa", 100.0)
    assert effective == pytest.approx(by_steps(100.0, tau_ms), rel=0.05)
    assert (effective < 95.0) == (tau_ms > 5.0)


def test_conductance_loses_its_ten_bits():
    assert found(LifCondExp(), weight=0.02) == {"weight_nsiemens": 0.0}  # below 2^-15 uS
    assert found(LifCondExp(), weight=0.5)["weight_nsiemens"] == pytest.approx(0.43, abs=0.01)
    assert found(LifCondExp(), weight=50.0) == {}


def test_charge_is_the_sum_of_the_integers():
    half = 1 << 31
    assert charge_raw(16, (1 << 32) - 1, half, 0) == 15 + 7 + 3 + 1
    assert charge_raw(16, (1 << 32) - 1, half, 1) == 7 + 3 + 1
    assert charge_raw(0, half, half, 0) == 0


def test_poisson_drive_is_looked_at_as_a_projection_is():
    drive = PoissonDrive(n_inputs=1, rate_hz=10.0, weight_pa=0.01, delay_ms=0.1)
    cells = Population(name="N", n_neurons=2, poisson=drive)
    notes = deviation_notes(fixed_point_deviations(Network(name="one", populations=(cells,))))
    assert len(notes) == 1
    assert notes[0].startswith("weight_pa of Poisson drive -> N: 0.01 pA asked for, 0 pA in effect (-100 %); ")


def test_weights_that_are_rounded_stochastically_keep_their_mean():
    network = network_of(LifCurrAlpha(), weight=0.005)  # 0.45 units of 2^-15 nA / e
    assert [one.effective for one in fixed_point_deviations(network)] == [0.0]
    assert fixed_point_deviations(network, weight_rounding=WeightRounding.STOCHASTIC) == []


@pytest.mark.parametrize("dependence", ["additive", "multiplicative"])
def test_amplitudes_of_plasticity_below_a_unit_of_the_weight(dependence):
    """0.01 of 5 pA are 1.6 units of 2^-15 nA: 2 of them as an additive constant.

    A weight of 4 pA changes by 0.01 of what is left to its bounds: 1 pA up, 0.33 units, are cut to none; 4 pA down,
    1.31 units, to 1.
    """
    rule = PairStdp(w_max_pa=5.0, a_plus=0.01, a_minus=0.01, weight_dependence=dependence)
    effective = found(LifCurrExp(), weight=4.0, plasticity=rule)
    unit = 0.01 / 1.6384
    up, down = (2 * unit, 2 * unit) if dependence == "additive" else (0.0, unit * 5.0 / 4.0)
    assert effective["plasticity.a_plus"] == pytest.approx(up, rel=0.01)
    assert effective["plasticity.a_minus"] == pytest.approx(down, rel=0.01)


def test_other_formats_are_noted_and_never_refused():
    network = network_of(LifCurrExp(tau_mem_ms=1000.0, c_m_pf=25_000.0))
    (tau, *_) = format_deviations(network, NumberFormat.parse("S8.7"))  # 32764.7 / 2^15, to nearest
    assert (tau.parameter, tau.effective) == ("tau_mem_ms", pytest.approx(-0.1 / math.log1p(-3 / 2**15), rel=1e-9))
    assert format_deviations(network, NumberFormat.parse("S8.23")) == []
    assert format_deviations(network, NumberFormat.parse("float32")) == []
    stuck = format_deviations(network_of(LifCurrExp(tau_mem_ms=6000.0)), NumberFormat.parse("S16.15"))
    assert stuck[0].effective == math.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulation = simulate(network, n_steps=1, seed=1, arithmetic=NumberFormat.parse("S8.7"))
    assert simulation.notes[0].startswith("tau_mem_ms of N: 1000 ms asked for, 1092 ms in effect (+9.22 %); ")


def test_large_deviations_of_time_constants_are_warned_of():
    with pytest.warns(
        NeuromapWarning, match=r"^tau_mem_ms of N: 1000 ms asked for, 819\.1 ms in effect \(-18\.1 %\); "
    ):
        simulation = simulate(network_of(LifCurrExp(tau_mem_ms=1000.0)), n_steps=1, seed=1)
    assert [note.split()[0] for note in simulation.notes] == ["tau_mem_ms", "v_rest_mv"]
    small = simulate(network_of(LifCurrExp(tau_syn_exc_ms=100.0)), n_steps=1, seed=1)  # 2.3 %: no warning
    assert [note.split()[0] for note in small.notes] == ["tau_syn_exc_ms"]
    assert simulate(network_of(LifCurrExp(tau_mem_ms=6000.0)), n_steps=1, seed=1, arithmetic="float").notes == ()


@pytest.mark.parametrize(
    "call",
    [
        lambda network: simulate(network, n_steps=1, seed=1),
        lambda network: run_simulation(network, SimulationOptions(n_steps=1, seed=1)),
    ],
)
def test_the_warning_points_at_the_line_of_the_caller(call):
    with pytest.warns(NeuromapWarning) as given:
        call(network_of(LifCurrExp(tau_mem_ms=1000.0)))
    assert {warning.filename for warning in given} == {__file__}
    assert linecache.getline(__file__, given[0].lineno).strip().startswith("lambda network: ")


def test_coarse_step_of_the_device_is_noted():
    network = network_of(Izhikevich(a_per_ms=0.1), dt_ms=1.0, current_pa=8000.0)
    n_spikes = [simulate(network, n_steps=3000, seed=1, arithmetic=a).spike_step.size for a in ("fixed", "float")]
    assert n_spikes[0] / n_spikes[1] == pytest.approx(0.82, abs=0.01)
    (note,) = simulate(network, n_steps=1, seed=1).notes
    assert note == (
        "dt_ms of N: the device takes one midpoint step of 1 ms, which is coarse; measured rates are up to 8 % below "
        "float64's at 0.4 ms, 18 % at 1 ms"
    )


def test_one_sentence_for_all_populations_that_share_a_deviation():
    ones = [
        Deviation(where=name, parameter="p_ms", asked=2.0, effective=1.0, unit="ms", reason="why") for name in "ABCDA"
    ]
    assert deviation_notes(ones) == ("p_ms of A, B, C and 1 more: 2 ms asked for, 1 ms in effect (-50 %); why",)


def test_nearest_value_that_is_held():
    assert nearest_held(100.0, lambda x: x <= 12.345) == 12.3
    assert nearest_held(1.0, lambda x: x >= 12.345, upwards=True) == 12.4
    assert nearest_held(100.0, lambda x: False) is None
