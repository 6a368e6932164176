"""Plastic projections as arrays: the synapses of the static ones, tables, constants, shared histories, limits."""

import re
from dataclasses import replace

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from emulator.kernels.synapses import stdp
from emulator.numbers.weight_scale import WeightScale, weight_scales
from emulator.reference.row import unpack_row
from emulator.reference.stdp import decay_table as reference_table
from emulator.synapses.build import build_connectivity
from emulator.synapses.plasticity import (
    build_plastic_rows,
    decay_table,
    plastic_arrays,
    rule_constants,
    static_projections,
)
from emulator.synapses.projection_table import SynapseDraw
from models.errors import CapacityError, ParameterError
from models.network import FixedTotalNumber, Network, PairStdp, Receptor
from reference_case import rich_network

RULE = PairStdp(w_max_pa=1000.0)


def plastic_network(*indices: int, rules: dict[int, PairStdp] | None = None) -> Network:
    network = rich_network()
    projections = [
        replace(p, plasticity=(rules or {}).get(i, RULE)) if i in indices else p
        for i, p in enumerate(network.projections)
    ]
    return replace(network, projections=tuple(projections))


@pytest.mark.parametrize("n_shards", [1, 4])
def test_plastic_and_static_synapses_together_are_those_without_plasticity(n_shards):
    network = plastic_network(0, 1, 4)
    scales = weight_scales(network)
    raw_per_pa = {key: scale.raw_per_pa for key, scale in scales.items()}
    plastic = build_plastic_rows(network, scales, seed=5, n_shards=n_shards, n_threads=1)
    found: dict[int, list] = {}
    for part in plastic:
        receptor = network.projections[part.index].receptor
        for source, *synapse in zip(part.source, part.target, part.delay, part.weight, strict=True):
            target, delay, weight = (int(x) for x in synapse)
            found.setdefault(int(source), []).append((target, receptor, delay, float(weight)))
    draw, options = SynapseDraw(seed=5, raw_per_pa=raw_per_pa), {"n_shards": n_shards, "n_threads": 1}
    everything = build_connectivity(network, draw, **options)
    static = build_connectivity(network, replace(draw, projections=static_projections(network)), **options)
    for source in range(network.n_sources):
        rest = [(s.target, s.receptor, s.delay_steps, s.magnitude) for s in unpack_row(static, source)]
        whole = [(s.target, s.receptor, s.delay_steps, s.magnitude) for s in unpack_row(everything, source)]
        assert sorted(found.get(source, []) + rest) == sorted(whole)


def test_static_projections_are_none_where_all_are():
    assert static_projections(rich_network()) is None
    assert static_projections(plastic_network(0, 5)) == (1, 2, 3, 4)


@pytest.mark.parametrize(("tau_ms", "dt_ms"), [(20.0, 0.1), (16.8, 1.0), (33.7, 0.25), (0.3, 1.0)])
def test_decay_tables_are_the_references(tau_ms, dt_ms):
    table = decay_table(tau_ms, dt_ms)
    assert table.tolist() == reference_table(tau_ms, dt_ms)
    assert table[0] == 2048
    assert table.size % 2 == 0


def test_decay_table_of_absurd_length_is_refused():
    message = "PairStdp time constant: needs at most 1.38e+04 ms, a decay table of 1,048,576 steps, has 14000.0"
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        decay_table(14_000.0, 0.1)
    assert decay_table(13_700.0, 0.1).size == 1_044_574  # 2048 exp(-1_044_573 / 137_000) = 1.0


@pytest.mark.parametrize("sample_weights_ms", [0.0, -5.0, 0.05, np.inf, np.nan])
def test_impossible_sampling_interval_is_refused(sample_weights_ms):
    message = f"sample_weights_ms: needs at least dt_ms = 0.1 ms, has {sample_weights_ms}"
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        simulate(plastic_network(0), n_steps=1, seed=1, sample_weights_ms=sample_weights_ms)


def test_projection_without_synapses_has_samples_without_a_mean():
    empty = replace(plastic_network(0).projections[0], connector=FixedTotalNumber(n_synapses=0))
    network = replace(rich_network(), projections=(empty,))
    (weights,) = simulate(network, n_steps=10, seed=1, sample_weights_ms=0.5).plastic_weights
    assert (weights.n_synapses, weights.sample_step.tolist()) == (0, [5, 10])
    assert np.isnan(weights.sample_mean_pa).all()
    assert not weights.sample_histogram.any()


def test_constants_in_both_arithmetics():
    rule = PairStdp(w_min_pa=100.0, w_max_pa=500.0, a_plus=0.01, a_minus=0.02)
    exact = rule_constants(rule, None)
    assert exact[: stdp.V_IS_ADDITIVE].tolist() == [100.0, 500.0, 5.0, 10.0]
    fixed = rule_constants(rule, WeightScale(shift=3, raw_per_pa=2.0**12 / 1000.0))
    assert fixed.tolist() == [3277, 16384, 164, 328, 1, 2048, 3]  # nA times 2**15
    times = replace(rule, weight_dependence="multiplicative")
    assert rule_constants(times, None)[stdp.V_A_PLUS] == 0.01
    scale = WeightScale(shift=3, raw_per_pa=2.0**12 / 1000.0)
    assert rule_constants(times, scale)[stdp.V_A_PLUS : stdp.V_ONE].tolist() == [328, 655, 0]


def test_scale_of_a_plastic_population_is_that_of_its_largest_weight():
    """Whatever the weights begin with."""
    small = plastic_network(2, rules={2: replace(RULE, w_max_pa=20.0)})
    large = plastic_network(2, rules={2: replace(RULE, w_max_pa=20_000.0)})
    shifts = [weight_scales(network)["C", Receptor.EXC].shift for network in (small, large)]
    assert shifts[1] > shifts[0]
    assert 2.0 ** shifts[1] > 20.0  # nA


def test_histories_are_shared_where_target_time_constant_and_pairing_agree():
    nearest, slow = replace(RULE, pairing="nearest"), replace(RULE, tau_minus_ms=50.0)
    for rules, n_histories in (({}, 1), ({4: nearest}, 2), ({3: slow, 4: nearest}, 3)):
        network = plastic_network(1, 3, 4, rules=rules)  # all onto A
        rows = build_plastic_rows(network, {}, seed=1, n_shards=2, n_threads=1)
        arrays = plastic_arrays(network, rows, {}, n_shards=2, n_slots=256, max_post_spikes=4)
        assert arrays.history.shape[0] == n_histories
        assert arrays.post_first.tolist() == [[0] * n_histories] * 2
        assert arrays.post_last.tolist() == [[12] * n_histories, [11] * n_histories]


def test_histories_that_cannot_be_held_are_refused():
    network = plastic_network(0)
    message = (
        r"^history of postsynaptic spikes at state engine: needs [\d,]+ bytes, has 17,179,869,184 bytes; "
        r"shorten the run, lengthen the refractory time, or use arithmetic 'fixed', which keeps 15 spikes$"
    )
    with pytest.raises(CapacityError, match=message):
        simulate(network, n_steps=1_000_000_000, seed=1, arithmetic="float")


def test_weights_given_back_are_sorted_and_signed():
    run = simulate(plastic_network(0, 1), n_steps=1, seed=1)
    for part in run.plastic_weights:
        order = np.lexsort((part.delay_steps, part.target, part.source))
        assert order.tolist() == sorted(order.tolist())
        assert part.n_synapses == (120, 60)[part.index]
        assert part.source.max() < 23
    assert run.plastic_weights[0].last_pa.min() > 0
    assert run.plastic_weights[1].last_pa.max() < 0
