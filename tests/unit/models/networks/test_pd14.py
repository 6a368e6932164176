"""PD14 against the published integers and against hand calculations."""

import math

import numpy as np
import pytest

from models.errors import ParameterError, UnknownNameError
from models.network import FixedTotalNumber, LifCurrExp, Normal, PoissonSource, Receptor, Truncation
from models.networks import subthreshold_populations
from models.networks.pd14 import (
    POPULATIONS,
    compensation_pa,
    expected_synapses,
    full_dc_pa,
    full_synapses,
    full_weights_pa,
    pd14,
    psc_per_psp_pa_per_mv,
)

# Synapses per pair, row = target; computed from the reference model's probabilities and rule (INM helpers.py:66-68)
N_SYNAPSES = [
    [45499805, 22323577, 20253647, 9670918, 3293578, 0, 2271404, 0],
    [17443694, 5018763, 4105338, 1690074, 2221213, 0, 353461, 0],
    [3503670, 756561, 24482849, 17413576, 714524, 7003, 14624432, 0],
    [8114254, 92832, 9933538, 5223272, 87836, 0, 8810905, 0],
    [10613575, 1817058, 5507804, 151900, 2040738, 2407889, 1438969, 0],
    [1241436, 169424, 607667, 12851, 319602, 430444, 132414, 0],
    [4681225, 556108, 6727570, 1320234, 4112225, 305029, 8372649, 10827677],
    [2260836, 17207, 220033, 8078, 401638, 25218, 2888426, 1354320],
]
ROW_SUMS = [103312929, 30832543, 61502615, 32262637, 23977933, 2913838, 36902717, 7175756]
K_IN = [4995, 5285, 2806, 5888, 4944, 2736, 2564, 2434]
OUT_DEGREE = [4514, 5271, 3278, 6478, 2720, 2982, 2702, 4132]
DC_PA = [561.97, 526.85, 737.59, 667.34, 702.47, 667.34, 1018.58, 737.59]
SIZES = [20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948]
RATE_HZ = [0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829]


def matrix(network, value):
    """Arrange a value of every projection as [target][source]; 0 where there is no projection."""
    table = np.zeros((8, 8))
    for projection in network.projections:
        i, j = POPULATIONS.index(projection.target), POPULATIONS.index(projection.source)
        assert table[i, j] == 0, "one projection a pair"
        table[i, j] = value(projection)
    return table


def synapse_matrix(network):
    return matrix(network, lambda projection: projection.connector.n_synapses)


def currents(network):
    return [population.current.amplitude_pa for population in network.populations]


@pytest.fixture(scope="module")
def full():
    return pd14()


# the full network


def test_populations_and_sizes(full):
    assert [p.name for p in full.populations] == ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]
    assert [p.n_neurons for p in full.populations] == SIZES
    assert full.n_neurons == 77_169
    assert (full.name, full.scale, full.dt_ms, full.reference) == ("pd14", 1.0, 0.1, "nest_pd14_poisson")


def test_synapses_per_pair(full):
    assert np.abs(synapse_matrix(full) - N_SYNAPSES).max() <= 1
    assert np.abs(synapse_matrix(full).sum(axis=1) - ROW_SUMS).max() <= 1


def test_total_number_of_synapses(full):
    assert abs(full.expected_n_synapses() - 298_880_968) <= 2


def test_every_pair_draws_a_fixed_total_number(full):
    assert {type(projection.connector) for projection in full.projections} == {FixedTotalNumber}


def test_pairs_of_probability_zero_have_no_projection(full):
    pairs = {(p.target, p.source) for p in full.projections}
    assert len(full.projections) == len(pairs) == 55
    assert ("L4E", "L5I") in pairs
    assert not pairs & {("L23E", "L5I"), ("L23E", "L6I"), ("L5I", "L6I"), ("L4I", "L5I")}


def test_mean_in_and_out_degree(full):
    n_synapses = synapse_matrix(full)
    assert np.rint(n_synapses.sum(axis=1) / SIZES).tolist() == K_IN
    assert np.rint(n_synapses.sum(axis=0) / SIZES).tolist() == OUT_DEGREE


def test_synapse_count_inverts_the_connection_probability():
    # 3 sources, 2 targets: after Q draws with replacement a given pair is still unconnected with (1 - 1/6)^Q = 1 - C
    n = expected_synapses(np.array([[0.5]]), np.array([2.0]), np.array([3.0]))[0, 0]
    assert (5 / 6) ** n == pytest.approx(0.5, rel=1e-12)


def test_weight_comes_from_the_potential_by_its_peak():
    factor = psc_per_psp_pa_per_mv(pd14().populations[0].neuron)
    assert factor == pytest.approx(585.390, abs=5e-4)
    assert 0.15 * factor == pytest.approx(87.80849, abs=5e-6)
    # independent: integrate dV/dt = -V/10 + I/250, I = exp(-t/0.5) numerically; its peak must be 1/factor
    dt, v, current, peak = 1e-4, 0.0, 1.0, 0.0
    for _ in range(60_000):
        v += dt * (-v / 10.0 + current / 250.0)
        current *= math.exp(-dt / 0.5)
        peak = max(peak, v)
    assert peak * factor == pytest.approx(1.0, rel=5e-4)


def test_mean_weights_by_source_and_the_doubled_one(full):
    weights = matrix(full, lambda projection: projection.weight_pa.mean)
    connected = synapse_matrix(full) > 0
    expected = np.tile([87.80849, -351.23397], (8, 4))
    expected[0, 2] = 175.61699
    np.testing.assert_allclose(weights[connected], expected[connected], atol=1e-4)


def test_weight_spread_is_a_tenth_and_the_sign_is_kept(full):
    for projection in full.projections:
        weight = projection.weight_pa
        assert weight.sd == pytest.approx(0.1 * abs(weight.mean), rel=1e-12)
        assert weight.truncation is Truncation.REDRAW
        bounds = (0.0, math.inf) if projection.source.endswith("E") else (-math.inf, 0.0)
        assert (weight.low, weight.high) == bounds
        assert projection.receptor is (Receptor.EXC if projection.source.endswith("E") else Receptor.INH)


def test_delays_by_source_type_redrawn_below_half_a_step(full):
    for projection in full.projections:
        mean, sd = (1.5, 0.75) if projection.source.endswith("E") else (0.75, 0.375)
        assert projection.delay_ms == Normal(mean=mean, sd=sd, low=0.05, truncation=Truncation.REDRAW)


def test_delay_bound_follows_the_step():
    lows = {projection.delay_ms.low for projection in pd14(dt_ms=0.2).projections}
    assert lows == {0.1}


def test_neurons_are_the_published_ones(full):
    neurons = {population.neuron for population in full.populations}
    assert len(neurons) == 1
    neuron = neurons.pop()
    assert (neuron.c_m_pf, neuron.tau_mem_ms, neuron.tau_syn_exc_ms, neuron.tau_syn_inh_ms) == (250.0, 10.0, 0.5, 0.5)
    assert (neuron.t_ref_ms, neuron.v_rest_mv, neuron.v_reset_mv, neuron.v_thresh_mv) == (2.0, -65.0, -65.0, -50.0)


def test_expected_rates(full):
    assert [population.rate_hz for population in full.populations] == RATE_HZ


# drives and initial conditions


def test_poisson_background(full):
    drives = [population.poisson for population in full.populations]
    assert [drive.n_inputs for drive in drives] == [1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100]
    assert {(drive.rate_hz, drive.delay_ms) for drive in drives} == {(8.0, 1.5)}
    assert [drive.weight_pa for drive in drives] == [pytest.approx(87.80849, abs=5e-6)] * 8
    assert [population.current for population in full.populations] == [None] * 8
    assert full.drive == "poisson"


def test_dc_background_has_the_mean_of_the_poisson_one():
    network = pd14(drive="dc")
    np.testing.assert_allclose(currents(network), DC_PA, atol=0.005)
    assert [population.poisson for population in network.populations] == [None] * 8
    assert network.drive == "dc"


def test_both_drives_share_the_connections(full):
    assert pd14(drive="dc").projections == full.projections


@pytest.mark.parametrize(
    ("v_init", "expected"),
    [
        (
            "optimised",
            [
                *((-68.28, 5.36), (-63.16, 4.57), (-63.33, 4.74), (-63.45, 4.94)),
                *((-63.11, 4.94), (-61.66, 4.55), (-66.72, 5.46), (-61.43, 4.48)),
            ],
        ),
        ("original", [(-58.0, 10.0)] * 8),
        (
            "spinnaker",
            [
                (-64.28, 4.36),
                (-59.16, 3.57),
                (-59.33, 3.74),
                (-59.45, 3.94),
                (-59.11, 3.94),
                (-57.66, 3.55),
                (-62.72, 4.46),
                (-57.43, 3.48),
            ],
        ),
    ],
)
def test_initial_potentials(v_init, expected):
    network = pd14(v_init=v_init)
    assert [population.v_init_mv for population in network.populations] == [
        Normal(mean=mean, sd=sd) for mean, sd in expected
    ]


# thalamus


def test_thalamus_is_off_by_default(full):
    assert full.sources == ()
    assert full.n_sources == 77_169


def test_thalamic_source_and_its_synapses(full):
    network = pd14(thalamus=True)
    source = PoissonSource(name="TC", n_neurons=902, rate_hz=120.0, start_ms=700.0, stop_ms=710.0)
    assert network.sources == (source,)
    assert network.projections[:55] == full.projections
    thalamic = network.projections[55:]
    assert {p.target: p.connector.n_synapses for p in thalamic} == {
        "L4E": 2_045_393,
        "L4I": 315_791,
        "L6E": 682_419,
        "L6I": 52_636,
    }
    for projection in thalamic:
        assert projection.source == "TC"
        assert projection.weight_pa.mean == pytest.approx(87.80849, abs=5e-6)
        assert projection.weight_pa.sd == pytest.approx(8.780849, abs=5e-6)
        assert projection.delay_ms == Normal(mean=1.5, sd=0.75, low=0.05)


def test_thalamus_keeps_its_size_when_the_cortex_is_scaled():
    network = pd14(scale=0.25, thalamus=True)
    assert network.sources[0].n_neurons == 902
    first = network.projections[55]
    assert (first.target, first.connector.n_synapses) == ("L4E", round(2_045_393 / 4))
    assert first.weight_pa.mean == pytest.approx(2 * 87.80849, abs=1e-5)


# scaling


@pytest.mark.parametrize(
    ("scale", "n_neurons", "n_synapses"),
    [(0.1, 7_717, 2.99e6), (0.2, 15_435, 11.96e6), (0.5, 38_586, 74.7e6)],
)
def test_scaled_sizes(scale, n_neurons, n_synapses):
    network = pd14(scale=scale)
    assert abs(network.n_neurons - n_neurons) <= 1  # halves round to even: 0.5 * 20683
    assert network.expected_n_synapses() == pytest.approx(n_synapses, rel=1e-3)
    assert network.scale == scale


def test_each_pair_scales_with_neurons_times_in_degree():
    n_synapses = synapse_matrix(pd14(n_scale=0.5, k_scale=0.2))
    assert np.abs(n_synapses - 0.1 * np.array(N_SYNAPSES)).max() <= 1


def test_n_scale_and_k_scale_are_independent():
    thin = pd14(n_scale=0.1, k_scale=1.0)
    assert thin.n_neurons == 7_717
    assert thin.scale == 0.1
    assert thin.populations[0].current is None
    in_degrees = synapse_matrix(thin).sum(axis=1) / [p.n_neurons for p in thin.populations]
    np.testing.assert_allclose(in_degrees, K_IN, rtol=0.01)  # 0.1 * 1065 neurons is not a whole number


def test_in_degree_scaling_divides_weights_by_its_root(full):
    quarter = pd14(n_scale=1.0, k_scale=0.25)
    for one, other in zip(full.projections, quarter.projections, strict=True):
        assert other.weight_pa.mean == pytest.approx(2 * one.weight_pa.mean, rel=1e-12)
        assert other.weight_pa.sd == pytest.approx(2 * one.weight_pa.sd, rel=1e-12)
    assert [p.poisson.n_inputs for p in quarter.populations] == [400, 375, 525, 475, 500, 475, 725, 525]
    assert quarter.populations[0].poisson.weight_pa == pytest.approx(2 * 87.80849, abs=1e-5)


def hand_compensation(population, k_scale):
    """Recurrent part, from the published integers: (1 - sqrt k) * tau * sum(w K nu), pA."""
    i = POPULATIONS.index(population)
    total = 0.0
    for j, source in enumerate(POPULATIONS):
        weight = 87.80849 if source.endswith("E") else -4 * 87.80849
        weight *= 2 if (population, source) == ("L23E", "L4E") else 1
        total += weight * N_SYNAPSES[i][j] / SIZES[i] * RATE_HZ[j]
    return (1 - math.sqrt(k_scale)) * 0.5e-3 * total


@pytest.mark.parametrize("k_scale", [0.1, 0.25, 0.5])
def test_compensation_current_with_poisson_drive_includes_the_background(k_scale):
    expected = [
        hand_compensation(name, k_scale) + (1 - math.sqrt(k_scale)) * dc
        for name, dc in zip(POPULATIONS, DC_PA, strict=True)
    ]
    np.testing.assert_allclose(currents(pd14(scale=k_scale)), expected, atol=0.01)


@pytest.mark.parametrize("k_scale", [0.1, 0.25, 0.5])
def test_compensation_current_with_dc_drive_adds_the_recurrent_part_to_the_full_current(k_scale):
    expected = [hand_compensation(name, k_scale) + dc for name, dc in zip(POPULATIONS, DC_PA, strict=True)]
    np.testing.assert_allclose(currents(pd14(scale=k_scale, drive="dc")), expected, atol=0.01)


def test_mean_input_does_not_depend_on_the_scale():
    """Recurrent, external and constant input at the published rates add up to the same mean, whatever k is."""
    full_mean = (full_weights_pa() * full_synapses() * RATE_HZ / np.array(SIZES)[:, None]).sum(axis=1) * 0.5e-3
    full_mean += full_dc_pa()
    network = pd14(n_scale=1.0, k_scale=0.3)
    mean = currents(network)
    for projection in network.projections:
        i, j = POPULATIONS.index(projection.target), POPULATIONS.index(projection.source)
        mean[i] += projection.weight_pa.mean * projection.connector.n_synapses / SIZES[i] * RATE_HZ[j] * 0.5e-3
    for i, population in enumerate(network.populations):
        mean[i] += population.poisson.weight_pa * population.poisson.total_rate_hz * 0.5e-3
    np.testing.assert_allclose(mean, full_mean, rtol=1e-5)


def test_no_compensation_at_full_scale():
    assert not compensation_pa(1.0, is_poisson=True).any()


@pytest.mark.parametrize(
    ("population", "critical_scale"),
    list(zip(POPULATIONS, [0.410, 0.338, 0.134, 0.172, 0.136, 0.118, 0.106, 0.086], strict=True)),
)
def test_downscaled_dc_falls_below_rheobase_where_published(population, critical_scale):
    below = subthreshold_populations(pd14(scale=critical_scale - 0.002, drive="dc"))
    above = subthreshold_populations(pd14(scale=critical_scale + 0.002, drive="dc"))
    assert population in below
    assert population not in above


def test_poisson_drive_has_no_subthreshold_population():
    assert subthreshold_populations(pd14(scale=0.05)) == ()


# bad input


@pytest.mark.parametrize("name", ["scale", "n_scale", "k_scale"])
@pytest.mark.parametrize("value", [0.0, -0.5, math.nan, math.inf, "half", True], ids=repr)
def test_scales_are_positive_numbers(name, value):
    message = rf"^pd14\({name}\): needs a (finite )?number from 1e-06 to 1000( or null)?, has {value!r}$"
    with pytest.raises(ParameterError, match=message):
        pd14(**{name: value})


def test_step_is_positive_and_divides_the_refractory_period():
    with pytest.raises(ParameterError, match=r"^pd14\(dt_ms\): needs a number from 0\.001 to 100 ms, has -0\.1$"):
        pd14(dt_ms=-0.1)
    message = r"^pd14: t_ref_ms: needs a multiple of dt_ms = 0\.3 ms \(it is -0\.333 steps off\), has 2\.0$"
    with pytest.raises(ParameterError, match=message):
        pd14(dt_ms=0.3)


def test_scale_that_empties_a_population_is_refused():
    message = r"^pd14\(n_scale\): needs a value that leaves L5I \(full size 1065\) at least 1 neuron, has 0\.0004$"
    with pytest.raises(ParameterError, match=message):
        pd14(n_scale=0.0004)


def test_unknown_drive_and_initial_condition_are_refused_with_the_nearest_name():
    message = r"^pd14\(drive\): needs one of dc, poisson, has 'poison'; did you mean 'poisson'\?$"
    with pytest.raises(UnknownNameError, match=message):
        pd14(drive="poison")
    message = (
        r"^pd14\(v_init\): needs one of optimised, original, spinnaker, has 'optimized'; did you mean 'optimised'\?$"
    )
    with pytest.raises(UnknownNameError, match=message):
        pd14(v_init="optimized")


def test_amplitude_of_a_potential_where_both_time_constants_are_equal():
    equal, near = (LifCurrExp(tau_mem_ms=10.0, tau_syn_exc_ms=tau) for tau in (10.0, 10.0001))
    assert psc_per_psp_pa_per_mv(equal) == pytest.approx(psc_per_psp_pa_per_mv(near), rel=1e-4)
