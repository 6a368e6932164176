"""Statistics against scipy, numpy, hand-made trains, and the published table of the packaged NEST runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from models.errors import ParameterError
from models.network import CurrentDrive, Network, Population
from models.published import NEST_PD14_SEEDS, PD14_POPULATIONS, PD14_RATES_HZ, PD14_SYSTEMS, nest_pd14_spikes
from neuromap.measures.statistics import (
    correlations,
    cv_isi,
    emd,
    has_nest_reference,
    ks_critical,
    ks_distance,
    nest_reference,
    population_statistics,
    rates_hz,
    summarise_activity,
    window,
)

# rate mean (sd), CV mean (sd) of seed 55, and KS distances between the seeds: computed independently of this
# package (with other code, from the raw NEST output), 9.6 s after 500 ms
NEST_TABLE = {
    "L23E": (0.887, 0.910, 0.772, 0.268, 0.0149, 0.0139),
    "L23I": (2.965, 2.052, 0.852, 0.183, 0.0139, 0.0127),
    "L4E": (4.391, 2.999, 0.843, 0.158, 0.0065, 0.0054),
    "L4I": (5.875, 3.830, 0.838, 0.144, 0.0159, 0.0251),
    "L5E": (7.667, 4.859, 0.816, 0.135, 0.0115, 0.0167),
    "L5I": (8.635, 4.978, 0.782, 0.126, 0.0282, 0.0362),
    "L6E": (1.122, 1.335, 0.784, 0.254, 0.0132, 0.0114),
    "L6I": (7.835, 4.591, 0.795, 0.128, 0.0173, 0.0245),
}
# mean and sd of correlations; the mean depends on which 200 neurons are drawn
NEST_CORRELATION = {
    "L23E": (0.00200, 0.0220),
    "L23I": (0.00192, 0.0167),
    "L4E": (0.00279, 0.0167),
    "L4I": (0.00137, 0.0152),
    "L5E": (0.00504, 0.0170),
    "L5I": (0.00128, 0.0153),
    "L6E": (0.00057, 0.0163),
    "L6I": (0.00070, 0.0150),
}


def ints(*values):
    return np.array(values, dtype=np.int32)


@pytest.fixture(scope="module")
def reference():
    return nest_reference(9600.0)


def random_trains(seed=3, n_neurons=40, n_steps=20_000, n_spikes=6_000):
    rng = np.random.default_rng(seed)
    flat = np.sort(rng.choice(n_neurons * n_steps, size=n_spikes, replace=False))
    return (flat // n_neurons).astype(np.int32), (flat % n_neurons).astype(np.int32)


def test_rates_count_spikes_and_leave_out_sources():
    np.testing.assert_array_equal(rates_hz(ints(0, 2, 2, 7), 3, 500.0), [2.0, 0.0, 4.0])


def test_rates_of_no_time_are_nan():
    assert np.isnan(rates_hz(ints(), 2, 0.0)).all()


def test_cv_equals_numpy_neuron_by_neuron():
    step, neuron = random_trains()
    expected = []
    for i in range(40):
        isi = np.diff(step[neuron == i].astype(float))
        expected.append(isi.std() / isi.mean())
    np.testing.assert_allclose(cv_isi(step, neuron, 40), expected, rtol=1e-12)


def test_cv_of_a_regular_train_is_zero_and_two_spikes_give_nan():
    step, neuron = ints(10, 15, 20, 30, 40, 50), ints(0, 1, 0, 0, 1, 0)
    cv = cv_isi(step, neuron, 3)
    assert cv[0] == pytest.approx(np.std([10, 10, 20]) / np.mean([10, 10, 20]), rel=1e-12)
    assert np.isnan(cv[1:]).all()
    assert cv_isi(ints(0, 5, 10), ints(0, 0, 0), 1)[0] == 0.0


def test_cv_does_not_depend_on_spike_order_and_ignores_sources():
    step, neuron = random_trains()
    order = np.random.default_rng(0).permutation(step.size)
    np.testing.assert_array_equal(cv_isi(step[order], neuron[order], 40), cv_isi(step, neuron, 40))
    np.testing.assert_array_equal(cv_isi(step, neuron, 10), cv_isi(step, neuron, 40)[:10])


def test_correlations_equal_corrcoef_of_binned_counts():
    step, neuron = random_trains()
    rng = np.random.default_rng(0)
    got = correlations(step, neuron, (5, 25), n_steps=20_000, bin_steps=20, rng=rng)
    counts = np.array([np.histogram(step[neuron == i], bins=1000, range=(0, 20_000))[0] for i in range(5, 25)])
    np.testing.assert_allclose(got, np.corrcoef(counts)[np.triu_indices(20, 1)], atol=1e-12)


def test_correlations_sample_only_active_neurons():
    step, neuron = random_trains(n_neurons=40)
    rng = np.random.default_rng(0)
    assert correlations(step, neuron, (0, 400), n_steps=20_000, bin_steps=20, rng=rng).size == 40 * 39 // 2
    rng = np.random.default_rng(0)
    some = correlations(step, neuron, (0, 400), n_steps=20_000, bin_steps=20, rng=rng, n_sample=7)
    assert some.size == 21


@pytest.mark.parametrize(
    ("step", "neuron", "n_steps"),
    [
        pytest.param(ints(), ints(), 1000, id="no spikes"),
        pytest.param(ints(3, 9), ints(0, 0), 1000, id="one active neuron"),
        pytest.param(ints(3, 9), ints(0, 1), 30, id="one bin"),
        pytest.param(ints(1, 1, 21, 21), ints(0, 1, 0, 1), 40, id="the same count in every bin"),
    ],
)
def test_correlations_are_empty_where_not_defined(step, neuron, n_steps):
    rng = np.random.default_rng(0)
    assert correlations(step, neuron, (0, 5), n_steps=n_steps, bin_steps=20, rng=rng).size == 0


@pytest.mark.parametrize("decimals", [1, 12], ids=["with ties", "without ties"])
def test_distances_equal_scipy(decimals):
    rng = np.random.default_rng(5)
    a, b = np.round(rng.normal(0, 1, 300), decimals), np.round(rng.gamma(2, 1, 211), decimals)
    assert ks_distance(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic, abs=1e-12)
    assert emd(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-12)


def test_distances_of_simple_samples():
    assert ks_distance([0, 0, 0, 1], [0, 1, 1, 1]) == 0.5
    assert emd([0.0, 1.0], [3.0, 4.0]) == 3.0
    assert ks_distance([1.0, np.nan], [1.0]) == 0.0
    assert np.isnan(ks_distance([], [1.0]))
    assert np.isnan(emd([1.0], []))


def test_ks_critical_agrees_with_the_exact_distribution():
    level = stats.kstwo.isf(0.05, 1000)  # one-sample limit: the second sample so large that it does not matter
    assert ks_critical(1000, 10**9, 0.05) == pytest.approx(level, rel=0.01)
    assert ks_critical(100, 100, 0.05) == pytest.approx(0.19206, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5, 0.05), r"^n, m: needs samples of at least 1 value, has \(0, 5\)$"),
        ((5, 5, 1.0), r"^alpha: needs a probability between 0 and 1, has 1\.0$"),
    ],
)
def test_ks_critical_refuses(arguments, message):
    with pytest.raises(ParameterError, match=message):
        ks_critical(*arguments)


def test_window_is_half_open_and_counts_from_its_start():
    step, neuron = window(ints(4, 5, 6, 9, 10), ints(1, 2, 3, 4, 5), 5, 10)
    np.testing.assert_array_equal(step, [0, 1, 4])
    np.testing.assert_array_equal(neuron, [2, 3, 4])


@pytest.mark.parametrize(("seed", "n_spikes"), [(55, 2_521_859), (1234, 2_517_158)])
def test_packaged_spikes_are_whole_and_sorted(seed, n_spikes):
    run = nest_pd14_spikes(seed)
    assert (run.step.size, run.n_steps, run.dt_ms) == (n_spikes, 101_000, 0.1)
    assert run.step.dtype == run.neuron.dtype == np.int32
    assert (run.step[0], run.step[-1]) == (0, 100_999)
    assert (run.neuron.min(), run.neuron.max()) == (0, 77_168)
    key = run.step.astype(np.int64) * 77_169 + run.neuron
    assert (np.diff(key) > 0).all()
    assert not run.step.flags.writeable
    assert run.population_edges.tolist() == [0, 20683, 26517, 48432, 53911, 58761, 59826, 74221, 77169]


def test_unknown_reference_seed_is_refused():
    with pytest.raises(ParameterError, match=r"^seed: needs one of 55, 1234, has 3$"):
        nest_pd14_spikes(3)


@pytest.mark.parametrize("name", PD14_POPULATIONS)
def test_nest_statistics_equal_the_independent_table(reference, name):
    one, other = (reference.seeds[seed][name] for seed in NEST_PD14_SEEDS)
    rate, rate_sd, cv, cv_sd, ks_rate, ks_cv = NEST_TABLE[name]
    assert one.rate_hz.mean() == pytest.approx(rate, abs=6e-4)
    assert one.rate_hz.std() == pytest.approx(rate_sd, abs=6e-4)
    assert one.cv_isi.mean() == pytest.approx(cv, abs=6e-4)
    assert one.cv_isi.std() == pytest.approx(cv_sd, abs=6e-4)
    assert ks_distance(one.rate_hz, other.rate_hz) == pytest.approx(ks_rate, abs=6e-5)
    assert ks_distance(one.cv_isi, other.cv_isi) == pytest.approx(ks_cv, abs=6e-5)
    mean, sd = NEST_CORRELATION[name]
    assert one.correlation.mean() == pytest.approx(mean, abs=5e-4)
    assert one.correlation.std() == pytest.approx(sd, rel=0.08)


def test_reference_says_when_it_is_shorter_than_asked(reference):
    assert reference.duration_ms == pytest.approx(9600)
    assert "9.6 s after 500 ms" in reference.label
    assert "all there is" not in reference.label
    assert nest_reference(20_000.0).label.endswith(
        "9.6 s after 500 ms (all there is; CV and correlation depend on the duration)"
    )


def pd14_shell(scale=1.0, reference="nest_pd14_poisson"):
    edges = nest_pd14_spikes(55).population_edges
    populations = tuple(
        Population(name=name, n_neurons=int(size)) for name, size in zip(PD14_POPULATIONS, np.diff(edges), strict=True)
    )
    return Network(name="pd14", populations=populations, scale=scale, reference=reference)


def test_summary_of_a_nest_run_agrees_with_its_own_reference():
    run = nest_pd14_spikes(55)
    step, neuron = window(run.step, run.neuron, 0, 15_000)
    activity = summarise_activity(pd14_shell(), step, neuron, 5_000, 15_000)
    own = nest_reference(1000.0).seeds
    n_kept = int(np.count_nonzero(step >= 5_000))
    assert (activity.model_time_ms, activity.warmup_ms, activity.n_spikes) == (1000.0, 500.0, n_kept)
    for name in PD14_POPULATIONS:
        assert activity.rate_hz[name] == pytest.approx(own[55][name].rate_hz.mean(), rel=1e-12)
        means = [own[seed][name].rate_hz.mean() for seed in NEST_PD14_SEEDS]
        assert activity.reference_rate_hz[name] == pytest.approx(np.mean(means), rel=1e-12)
        # one of the two reference runs is this run: half the distance between them remains
        for statistic in ("rate_hz", "cv_isi", "correlation"):
            between = activity.reference_ks_distance[statistic][name]
            assert activity.ks_distance[statistic][name] == pytest.approx(between / 2, rel=1e-9)


def test_summary_names_the_scale_of_a_scaled_network():
    step, neuron = ints(*range(0, 12_000, 3)), np.arange(4000, dtype=np.int32)
    activity = summarise_activity(pd14_shell(scale=0.1), step, neuron, 2_000, 12_000)
    assert activity.reference.endswith("1 s after 500 ms; this network is scaled to 0.1, the reference is not")


def test_summary_without_reference_and_without_spikes():
    network = Network(name="two", populations=(Population(name="A", n_neurons=3), Population(name="B", n_neurons=1)))
    activity = summarise_activity(network, ints(), ints(), 100, 1100)
    assert activity.rate_hz == {"A": 0.0, "B": 0.0}
    assert activity.cv_isi == activity.correlation == {"A": None, "B": None}
    assert activity.reference is None
    assert activity.reference_rate_hz is None
    assert activity.ks_distance is None


def test_summary_of_a_run_that_ended_in_its_warmup_has_no_rates():
    activity = summarise_activity(pd14_shell(), ints(5), ints(0), 1000, 400)
    assert (activity.model_time_ms, activity.warmup_ms, activity.n_spikes) == (0.0, 40.0, 0)
    assert all(np.isnan(rate) for rate in activity.rate_hz.values())
    assert activity.reference is None


def test_statistics_of_the_same_spikes_are_the_same():
    step, neuron = random_trains(n_neurons=300, n_spikes=9000)
    once, again = (population_statistics({"A": 300}, step, neuron, (0, 20_000), 0.1)["A"] for _ in range(2))
    np.testing.assert_array_equal(once.correlation, again.correlation)
    assert once.correlation.size == 200 * 199 // 2


def test_nest_is_the_reference_of_pd14_only():
    assert has_nest_reference("nest_pd14_poisson", PD14_POPULATIONS)
    assert not has_nest_reference(None, PD14_POPULATIONS)
    assert not has_nest_reference("nest_pd14_poisson", ("E", "I"))


def test_published_systems_are_consistent():
    ids = [one.system_id for one in PD14_SYSTEMS]
    assert len(set(ids)) == len(ids) == 14
    assert all(
        one.energy_per_event_uj is None or one.energy_per_event_uj[0] <= one.energy_per_event_uj[1]
        for one in PD14_SYSTEMS
    )
    by_id = {one.system_id: one for one in PD14_SYSTEMS}
    assert by_id["vAl18c"].energy_per_event_uj == (4.4, 5.9)
    assert by_id["Rho19b"].real_time_factor == 1.0
    assert [len(rates) for rates in PD14_RATES_HZ.values()] == [8, 8, 8]


def test_summary_says_when_the_drive_is_not_that_of_the_reference():
    shell = pd14_shell()
    driven = [dataclasses.replace(one, current=CurrentDrive(amplitude_pa=500.0)) for one in shell.populations]
    network = dataclasses.replace(shell, populations=tuple(driven))
    activity = summarise_activity(network, ints(3000), ints(0), 2_000, 4_000)
    assert activity.reference.endswith("0.2 s after 500 ms; this network has DC drive")
