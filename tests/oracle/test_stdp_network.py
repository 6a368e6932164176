"""Networks with plastic projections: engine against reference, threads, connectivity, sampling."""

from dataclasses import replace

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from emulator.numbers.number_format import NumberFormat
from emulator.synapses.plasticity_weights import N_HISTOGRAM_BINS
from models.errors import ParameterError
from models.network import AllToAll, Constant, LifCurrExp, Network, Population, Uniform
from models.network.plasticity import PairStdp
from reference_case import assert_identical, crowded_network, drive, projection, rich_network, run_both, spikes_at

RULES = {
    0: PairStdp(w_max_pa=200.0, a_plus=0.05, a_minus=0.06, tau_plus_ms=5.0),
    1: PairStdp(w_max_pa=400.0, a_plus=0.1, a_minus=0.05, pairing="nearest", weight_dependence="multiplicative"),
    3: PairStdp(w_min_pa=100.0, w_max_pa=300.0, a_minus=0.3, tau_minus_ms=8.0),
    4: PairStdp(w_max_pa=900.0, a_plus=0.2, a_minus=0.3, weight_dependence="multiplicative"),
    5: PairStdp(w_max_pa=800.0, a_plus=0.1, pairing="nearest"),
}


def plastic_network(rules=RULES):
    """The rich network with plastic projections among static ones, from populations and from both kinds of source."""
    network = rich_network()
    plastic = [replace(p, plasticity=rules.get(i)) for i, p in enumerate(network.projections)]
    return replace(network, projections=tuple(plastic))


def raw_weights(run):
    """Stored weights of every plastic projection, sorted by source, target and delay."""
    weights = []
    for part in run.plastic_weights:
        p = run.network.projections[part.index]
        weights.append(np.rint(np.abs(part.last_pa) * run.scales[p.target, p.receptor].raw_per_pa).astype(int).tolist())
    return weights


def sorted_reference(run, reference):
    orders = [np.lexsort((rows.delay, rows.target, rows.source)) for rows in run.plastic_rows]
    return [np.array(w)[order] for w, order in zip(reference.plastic_weights, orders, strict=True)]


@pytest.mark.parametrize(("convention", "n_threads"), [("nest", 2), ("device", 1), ("nest", 3)])
def test_plastic_network_is_identical(convention, n_threads):
    run, reference = run_both(plastic_network(), n_steps=500, delay_convention=convention, n_threads=n_threads)
    assert_identical(run, reference)
    assert raw_weights(run) == [w.astype(int).tolist() for w in sorted_reference(run, reference)]
    assert len(reference.spikes) > 200
    moved = {part.index: int((part.first_pa != part.last_pa).sum()) for part in run.plastic_weights}
    assert set(moved) == set(RULES)
    assert min(moved.values()) > 10


@pytest.mark.parametrize("arithmetic", ["fixed", "float"])
def test_several_presynaptic_packets_in_a_step_are_several_spikes(arithmetic):
    network = crowded_network()
    rules = {4: RULES[4], 6: RULES[5]}
    plastic = tuple(replace(p, plasticity=rules.get(i)) for i, p in enumerate(network.projections))
    run, reference = run_both(replace(network, projections=plastic), n_steps=400, arithmetic=arithmetic)
    assert len(reference.spikes) - len(set(reference.spikes)) > 100
    assert all((part.first_pa != part.last_pa).any() for part in run.plastic_weights)
    if arithmetic == "fixed":
        assert_identical(run, reference)
        assert raw_weights(run) == [w.astype(int).tolist() for w in sorted_reference(run, reference)]
        return
    np.testing.assert_allclose(run.v_mv, np.array(reference.v), rtol=0, atol=1e-9)
    for part, expected in zip(run.plastic_weights, sorted_reference(run, reference), strict=True):
        np.testing.assert_allclose(np.abs(part.last_pa), expected, rtol=1e-12)


def test_float_twin_follows_its_reference():
    run, reference = run_both(plastic_network(), n_steps=500, arithmetic="float")
    np.testing.assert_allclose(run.v_mv, np.array(reference.v), rtol=0, atol=1e-9)
    for part, expected in zip(run.plastic_weights, sorted_reference(run, reference), strict=True):
        np.testing.assert_allclose(np.abs(part.last_pa), expected, rtol=1e-11)


@pytest.mark.parametrize("arithmetic", ["fixed", "float"])
def test_threads_do_not_change_spikes_or_weights(arithmetic):
    runs = [simulate(plastic_network(), n_steps=400, seed=3, arithmetic=arithmetic, n_threads=n) for n in (1, 4)]
    np.testing.assert_array_equal(runs[0].spike_neuron, runs[1].spike_neuron)
    np.testing.assert_array_equal(runs[0].spike_step, runs[1].spike_step)
    for a, b in zip(runs[0].plastic_weights, runs[1].plastic_weights, strict=True):
        for name in ("source", "target", "delay_steps", "first_pa", "last_pa"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_rules_that_change_nothing_leave_the_network_as_it_is_without():
    """Same synapses, delays and weights: the spikes and potentials are those of static projections."""
    frozen = {i: replace(rule, a_plus=0.0, a_minus=0.0) for i, rule in RULES.items()}
    plastic = simulate(plastic_network(frozen), n_steps=400, seed=1, arithmetic="float", probes=range(51))
    static = simulate(plastic_network({}), n_steps=400, seed=1, arithmetic="float", probes=range(51))
    np.testing.assert_array_equal(plastic.spike_neuron, static.spike_neuron)
    np.testing.assert_allclose(plastic.v_mv, static.v_mv, rtol=0, atol=1e-9)
    assert plastic.n_synapses == static.n_synapses
    assert plastic.connectivity.n_synapses < static.connectivity.n_synapses
    assert static.plastic_weights == ()
    for part in plastic.plastic_weights:
        np.testing.assert_array_equal(part.first_pa, part.last_pa)


def learning_network(n_pre=20, weight_pa=50.0, teacher_pa=4000.0):
    """Sources of which the first half always fire before a strong input makes the target fire, the others after.

    A stronger teacher leaves the weights of its receptor fewer bits.
    """
    times = [(20.0 * k + (2.0 if i < n_pre // 2 else 9.0), i) for k in range(40) for i in range(n_pre)]
    teacher = [(20.0 * k + 4.0, 0) for k in range(40)]
    rule = PairStdp(w_max_pa=100.0, a_plus=0.02, a_minus=0.02, tau_plus_ms=5.0, tau_minus_ms=5.0)
    projections = (
        replace(projection("pre", "post", AllToAll(), weight_pa=weight_pa, delay_ms=1.0), plasticity=rule),
        projection("teacher", "post", AllToAll(), weight_pa=teacher_pa, delay_ms=0.1),
    )
    sources = (spikes_at("pre", n_pre, times), spikes_at("teacher", 1, teacher))
    cells = Population(name="post", n_neurons=3, neuron=LifCurrExp(c_m_pf=50.0))
    return Network(name="learning", populations=(cells,), projections=projections, sources=sources)


def test_causal_inputs_grow_and_late_ones_shrink():
    run = simulate(learning_network(), n_steps=8000, seed=1, sample_weights_ms=200.0)
    (weights,) = run.plastic_weights
    is_early = weights.source < 10
    assert weights.last_pa[is_early].min() > 70.0
    assert weights.last_pa[~is_early].max() < 30.0
    assert weights.sample_step.tolist() == [2000, 4000, 6000, 8000]
    assert weights.sample_histogram.shape == (4, N_HISTOGRAM_BINS)
    assert weights.sample_histogram.sum(axis=1).tolist() == [60] * 4
    assert np.all(np.diff(weights.sample_sd_pa) > 0)
    assert weights.sample_mean_pa[-1] == pytest.approx(weights.last_pa.mean())


def test_changes_below_a_unit_of_the_weight_are_lost():
    """A teacher of 60 nA leaves the learning synapses units of 2 pA; no potentiation of 1 pA gets through."""
    coarse, exact = (
        simulate(learning_network(teacher_pa=60_000.0), n_steps=8000, seed=1, arithmetic=a).plastic_weights[0]
        for a in ("fixed", "float")
    )
    is_early = exact.source < 10
    assert exact.last_pa[is_early].min() > 70.0
    assert np.ptp(coarse.last_pa[is_early]) == 0.0
    assert coarse.last_pa[0] == pytest.approx(coarse.first_pa[0], abs=2.0)


def test_sampling_does_not_change_the_run():
    network = plastic_network()
    runs = [simulate(network, n_steps=300, seed=2, sample_weights_ms=every) for every in (None, 0.7)]
    np.testing.assert_array_equal(runs[0].spike_step, runs[1].spike_step)
    assert [w.sample_step.size for w in runs[1].plastic_weights] == [42] * len(RULES)
    assert runs[0].plastic_weights[0].sample_step.size == 0


def test_weights_drawn_beyond_the_bounds_start_on_them_and_are_counted():
    rule = PairStdp(w_min_pa=40.0, w_max_pa=60.0)
    cells = Population(name="A", n_neurons=20)
    wide = replace(projection("A", "A", AllToAll(), weight_pa=Uniform(low=0.0, high=100.0)), plasticity=rule)
    network = Network(name="wide", populations=(cells,), projections=(wide,))
    run = simulate(network, n_steps=1, seed=1, arithmetic="float")
    first_pa = run.plastic_weights[0].first_pa
    assert (first_pa.min(), first_pa.max()) == (40.0, 60.0)
    assert run.provenance["n_weights_clipped"] == int(np.isin(first_pa, (40.0, 60.0)).sum())


def test_updates_beyond_the_history_are_counted():
    """A neuron that fires every 2.1 ms between two spikes of its source, 200 ms apart."""
    cells = Population(name="A", n_neurons=1, poisson=drive(rate_hz=100_000.0, weight_pa=3000.0))
    plastic = replace(projection("T", "A", AllToAll(), weight_pa=10.0), plasticity=RULES[0])
    source = spikes_at("T", 1, [(1.0, 0), (200.0, 0)])
    network = Network(name="busy", populations=(cells,), projections=(plastic,), sources=(source,))
    fixed, exact = (simulate(network, n_steps=2100, seed=1, arithmetic=a) for a in ("fixed", "float"))
    assert fixed.provenance["n_stdp_updates_cut"] == 1
    assert exact.provenance["n_stdp_updates_cut"] == 0


def test_number_formats_are_refused():
    message = (
        r"^arithmetic of Projection\('A' -> 'B'\): needs 'fixed' or 'float', since it has plasticity, "
        r"has 'a number format'$"
    )
    with pytest.raises(ParameterError, match=message):
        simulate(plastic_network(), n_steps=1, seed=1, arithmetic=NumberFormat.parse("S8.7"))


def test_delay_of_more_than_65535_steps_is_refused():
    cells = Population(name="A", n_neurons=1)
    plastic = replace(projection("A", "A", AllToAll(), weight_pa=10.0, delay_ms=6553.6), plasticity=RULES[0])
    network = Network(name="far", populations=(cells,), projections=(plastic,))
    message = r"^Projection\('A' -> 'A'\).delay_ms: needs at most 65535 steps with plasticity, has '65536 steps'$"
    with pytest.raises(ParameterError, match=message):
        simulate(network, n_steps=1, seed=1)
    assert isinstance(plastic.delay_ms, Constant)
