"""Core timing: nothing is lost count of, more work never takes less time, dearer costs never less."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.timing import TimedSpikes, time_run
from emulator.timing.kinds import CoreWork, phases
from machines import machine, network
from mapping.flow import map_network
from mapping.recipe import Recipe
from models.machine.file import load_machine
from models.machine.ranges import open_times, with_times_at

NET = network({"A": 60, "B": 40}, [("A", "A"), ("A", "B"), ("B", "A"), ("S", "B")], source_sizes={"S": 10})
N_STEPS = 6
RECIPES = ("combined", "ensemble", "loihi1", "neuroaix")


@lru_cache
def mapped(recipe):
    if recipe == "loihi1":
        return map_network(NET, load_machine("loihi1"), Recipe(name="combined", neurons_per_core=16))
    if recipe == "neuroaix":
        return map_network(NET, load_machine("neuroaix"), Recipe(name="spread"))
    n_synapse_cores = 2 if recipe == "ensemble" else None
    chosen = Recipe(name=recipe, neurons_per_core=16, n_synapse_cores=n_synapse_cores)
    return map_network(NET, machine(n_boards=1), chosen)


@st.composite
def loads(draw):
    """Spikes of a few steps, row lengths, and the machine's way with packets that do not fit."""
    recipe = draw(st.sampled_from(RECIPES))
    mapping = mapped(recipe)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(0, 400))
    both = np.sort(rng.choice(N_STEPS * NET.n_sources, n, replace=False))
    lengths = rng.poisson(draw(st.sampled_from([0.3, 3.0, 30.0])), (NET.n_sources, len(mapping.partition.slices)))
    names = {projection.target for projection in NET.projections}
    lengths *= np.array([part.population in names for part in mapping.partition.slices])
    senders = {target: {p.source for p in NET.projections if p.target == target} for target in names}
    groups = [*NET.populations, *NET.sources]
    source = np.repeat([group.name for group in groups], [group.n_neurons for group in groups])
    joined = [[s in senders.get(part.population, ()) for part in mapping.partition.slices] for s in source.tolist()]
    lengths = (lengths * np.array(joined)).astype(np.uint16)
    tick = replace(
        mapping.machine.tick,
        overrun=draw(st.sampled_from(["late", "drop", "wait"])),
        phase_ns=draw(st.sampled_from([0.0, 20_000.0])),
        background_ratio=draw(st.sampled_from([0.0, 0.3])),
    )
    core = replace(mapping.machine.core, spike_buffer_packets=draw(st.sampled_from([1, 20, 1024])))
    mapping = replace(mapping, machine=replace(mapping.machine, tick=tick, core=core))
    factor = draw(st.sampled_from([0.02, 0.3, 1.0]))
    return mapping, (both // NET.n_sources).astype(np.int32), (both % NET.n_sources).astype(np.int32), lengths, factor


def timed(mapping, step, neuron, lengths, factor, **options):
    return time_run(mapping, NET, TimedSpikes(step, neuron, N_STEPS, lengths), time_scale_factor=factor, **options)


@settings(max_examples=60, deadline=None)
@given(loads())
def test_every_delivery_is_a_row_filtered_or_lost(case):
    mapping, _, neuron, lengths, _ = case
    timing = timed(*case)
    assert timing.n_delivered == timing.n_rows + timing.n_filtered + timing.n_lost
    assert min(timing.n_rows, timing.n_filtered, timing.n_lost, timing.n_late) >= 0
    assert timing.n_late + timing.n_lost <= timing.n_delivered
    sources = {projection.source for projection in NET.projections}
    is_heard = np.concatenate(
        [np.full(group.n_neurons, group.name in sources) for group in (*NET.populations, *NET.sources)]
    )
    is_unicast = mapping.machine.router.casting == "unicast"
    is_pipeline = mapping.machine.core.kind == "pipeline_node"  # broadcasts whatever fires
    n_packets = np.count_nonzero(lengths, axis=1) if is_unicast else is_heard | is_pipeline
    assert timing.n_sent == n_packets[neuron].sum()
    assert timing.n_events == lengths[neuron].sum(dtype=np.int64)
    tick = mapping.machine.tick
    if tick.end == "barrier" or tick.overrun == "wait":
        assert (timing.n_late, timing.n_lost) == (0, 0)
    if tick.overrun == "drop":
        assert timing.n_late == 0


@settings(max_examples=60, deadline=None)
@given(loads(), st.data())
def test_more_load_never_takes_less_time(case, data):
    mapping, step, neuron, lengths, factor = case
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(step), max_size=len(step))), np.bool_)
    fewer, more = timed(mapping, step[keep], neuron[keep], lengths, factor), timed(*case)
    assert (more.step_cycles >= fewer.step_cycles).all()
    assert (more.mean_cycles >= fewer.mean_cycles - 1e-9).all()
    assert (more.max_cycles >= fewer.max_cycles).all()
    assert more.n_overruns >= fewer.n_overruns
    if mapping.machine.core.kind != "pipeline_node":  # rows of twice the bytes can be read in less than twice the time
        longer = timed(mapping, step, neuron, 2 * lengths, factor)
        assert (longer.step_cycles >= more.step_cycles).all()


@settings(max_examples=30, deadline=None)
@given(loads())
def test_range_holds_the_run(case):
    timing = timed(*case, with_range=True)
    mapping, *rest = case
    if not open_times(mapping.machine):
        assert timing.low is timing.high is None
        return
    assert (timing.low.step_cycles <= timing.step_cycles).all()
    assert (timing.step_cycles <= timing.high.step_cycles).all()
    for bound, found in (("low", timing.low), ("high", timing.high)):
        alone = timed(replace(mapping, machine=with_times_at(mapping.machine, bound)), *rest)
        np.testing.assert_array_equal(found.step_cycles, alone.step_cycles)
        np.testing.assert_array_equal(found.mean_cycles, alone.mean_cycles)
        assert (found.n_late, found.n_lost, found.n_rows) == (alone.n_late, alone.n_lost, alone.n_rows)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(RECIPES[:3]), st.integers(0, 10**6), st.data())
def test_phases_are_never_negative_and_grow_with_the_work(recipe, which, data):
    mapping = mapped(recipe)
    vertex_id = which % len(mapping.partition.vertices)
    rows = data.draw(st.integers(0, 50))
    done = CoreWork(
        n_sent=data.draw(st.integers(0, 9)),
        n_packets=rows + data.draw(st.integers(0, 50)),
        n_rows=rows,
        n_events=rows * data.draw(st.integers(0, 30)),
    )
    found = phases(mapping, NET, vertex_id, done)
    assert min(found.values()) >= 0
    for name in ("n_sent", "n_packets", "n_events"):
        more = phases(mapping, NET, vertex_id, replace(done, **{name: getattr(done, name) + 3}))
        assert sum(more.values()) >= sum(found.values()) - 1e-9
