"""Rows that are drawn at every spike give the spikes of stored rows, bit for bit, whatever the memory."""

import numpy as np
import pytest

import emulator.synapses.storage
import emulator.timing.cores
import emulator.timing.model
import neuromap
from emulator.engine.options import SimulationOptions
from emulator.engine.simulate import simulate
from emulator.kernels.synapses.procedural import B_BLOCK, B_N_FREE, N_BOOK, ROWS_PER_ROUND, free_blocks, take_words
from emulator.kernels.synapses.rows import DRAWN, NOT_DRAWN, STORED
from emulator.loop.open_loop import replay
from emulator.synapses.build import build_connectivity, choose_n_shards
from emulator.synapses.projection_table import SynapseDraw
from emulator.synapses.storage import DUE_ENTRY_BYTES, row_budget_bytes
from emulator.timing import TimedSpikes, time_run
from emulator.timing.model import row_lengths, slice_of_source
from mapping.flow import map_network
from mapping.recipe import Recipe
from models.errors import CapacityError, ParameterError
from models.machine.file import load_machine
from models.network import (
    AllToAll,
    Explicit,
    FixedTotalNumber,
    LifCurrExp,
    Network,
    OneToOne,
    Population,
    Receptor,
    Uniform,
)
from models.networks import layered_conv, modular, small_world
from reference_case import crowded_network, drive, projection, rich_network, spikes_at

LOTS = 1 << 40


def memory_with(network, n_row_bytes, n_threads):
    """Memory that leaves so many bytes for rows."""
    n_shards = choose_n_shards(network.n_neurons, n_threads)
    return n_row_bytes + LOTS - row_budget_bytes(network, n_shards, LOTS)


def run(network, n_row_bytes=None, *, n_threads=1, n_steps=600, **options):
    """Simulate with so many bytes for rows (None: all stored)."""
    memory = LOTS if n_row_bytes is None else memory_with(network, n_row_bytes, n_threads)
    return simulate(
        network,
        n_steps=n_steps,
        seed=3,
        n_threads=n_threads,
        max_memory_bytes=memory,
        probes=range(0, network.n_neurons, 5),
        **options,
    )


def assert_same(one, other):
    np.testing.assert_array_equal(one.spike_step, other.spike_step)
    np.testing.assert_array_equal(one.spike_neuron, other.spike_neuron)
    np.testing.assert_array_equal(one.v_mv, other.v_mv)
    assert one.saturations == other.saturations


@pytest.fixture(scope="module", params=["fixed", "float"])
def stored(request):
    """The rich network with all rows stored, and its arithmetic."""
    return request.param, run(rich_network(), arithmetic=request.param)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("n_row_bytes", [0, 700, 1500, 4000])
def test_spikes_and_potentials_do_not_depend_on_the_memory(stored, n_row_bytes, n_threads):
    arithmetic, expected = stored
    found = run(rich_network(), n_row_bytes, n_threads=n_threads, arithmetic=arithmetic)
    assert expected.connectivity.is_stored
    assert not found.connectivity.is_stored
    assert expected.spike_step.size > 300
    assert_same(found, expected)


@pytest.mark.parametrize("arithmetic", ["fixed", "float"])
def test_packets_of_one_source_in_one_step_share_a_redrawn_row(arithmetic):
    network = crowded_network()
    expected = run(network, arithmetic=arithmetic)
    pairs = {*zip(expected.spike_step.tolist(), expected.spike_neuron.tolist(), strict=True)}
    assert expected.spike_step.size > len(pairs) + 100
    for n_threads in (1, 2, 3):
        for n_row_bytes in (0, 700):
            found = run(network, n_row_bytes, n_threads=n_threads, arithmetic=arithmetic)
            assert_same(found, expected)
            assert found.provenance == expected.provenance
    spikes = expected.spike_step, expected.spike_neuron
    assert run(network, 0, arithmetic=arithmetic).connectivity.count_redrawn(*spikes)[0] == len(pairs)


def test_a_round_of_redrawn_rows_does_not_part_the_packets_of_a_source():
    n = 2 * ROWS_PER_ROUND + 5
    given = spikes_at("S", n, [(0.1 * k, i) for k in range(3) for i in range(n) for _ in range(3 if i % 7 == 1 else 1)])
    network = Network(
        name="volley",
        populations=(Population(name="A", n_neurons=40),),
        sources=(given,),
        projections=(
            projection(
                "S", "A", FixedTotalNumber(n_synapses=20 * n), weight_pa=1.0, delay_ms=Uniform(low=0.1, high=2.0)
            ),
        ),
    )
    expected = run(network, n_steps=60, arithmetic="float")
    for n_threads in (1, 2, 3):
        assert_same(run(network, 0, n_threads=n_threads, n_steps=60, arithmetic="float"), expected)


@pytest.mark.parametrize("options", [{"delay_convention": "device"}, {"weight_rounding": "stochastic"}])
def test_options_of_a_simulation_apply_to_redrawn_rows(options):
    assert_same(run(rich_network(), 0, n_threads=2, **options), run(rich_network(), **options))


@pytest.mark.parametrize(
    "network",
    [
        modular(n_areas=3, scale=0.01),
        layered_conv(width=8, height=8, n_layers=2, n_bands=2, kernel_size=3, rate_hz=60.0),
        small_world(n_groups=3, n_neighbours=2, neurons_per_group=60, in_degree_exc=40),
    ],
    ids=lambda network: network.name,
)
def test_networks_are_the_same_without_any_stored_row(network):
    expected, found = run(network, n_steps=1500), run(network, 0, n_threads=2, n_steps=1500)
    assert found.connectivity.n_stored == 0
    assert found.connectivity.n_synapses == expected.connectivity.n_synapses
    assert expected.spike_step.size > 100
    assert_same(found, expected)


def test_more_rows_in_a_step_than_a_round_draws():
    n = 3 * ROWS_PER_ROUND + 5
    given = spikes_at("S", n, [(1.0, i) for i in range(n)] + [(1.1, i) for i in range(0, n, 3)])
    network = Network(
        name="volley",
        populations=(Population(name="A", n_neurons=40), Population(name="B", n_neurons=n)),
        projections=(
            projection("S", "A", AllToAll(), weight_pa=90.0),
            projection("S", "B", OneToOne(), weight_pa=20_000.0, delay_ms=0.1),
            projection("B", "A", FixedTotalNumber(n_synapses=900), weight_pa=-40.0),
        ),
        sources=(given,),
    )
    for n_threads in (1, 2):
        options = {"n_steps": 100, "arithmetic": "float"}  # 16-bit input would be full
        expected, found = run(network, **options), run(network, 0, n_threads=n_threads, **options)
        assert (found.spike_neuron < 40).sum() == 40
        assert_same(found, expected)


def test_explicit_weights_and_delays_are_redrawn():
    rng = np.random.default_rng(1)
    connector = Explicit(
        sources=rng.integers(0, 20, 300), targets=rng.integers(0, 30, 300), weights_pa=rng.uniform(10, 900, 300),
        delays_ms=rng.uniform(0.1, 9.0, 300),
    )  # fmt: skip
    network = Network(
        name="given",
        populations=(Population(name="A", n_neurons=20, poisson=drive()), Population(name="B", n_neurons=30)),
        projections=(projection("A", "B", connector),),
    )
    assert_same(run(network, 0, n_threads=2), run(network))


# what is stored


def rated_network():
    populations = tuple(
        Population(name=name, n_neurons=10, rate_hz=rate_hz)
        for name, rate_hz in (("slow", 1.0), ("fast", 50.0), ("unknown", None))
    )
    projections = tuple(projection(p.name, "slow", AllToAll()) for p in populations)
    return Network(name="rated", populations=populations, projections=projections)


def build(network, max_bytes):
    raw_per_pa = {(p.name, r): 1.0 for p in network.populations for r in Receptor}
    return build_connectivity(
        network, SynapseDraw(seed=1, raw_per_pa=raw_per_pa), n_shards=1, n_threads=1, max_bytes=max_bytes
    )


def stored_by_population(connectivity):
    return [int((connectivity.state[10 * k : 10 * k + 10] == STORED).sum()) for k in range(3)]


# a row: 10 synapses of 4 bytes, 2 pointers of 2 bytes; 25 bytes are kept for the arena in the second case
@pytest.mark.parametrize(
    ("max_bytes", "stored_rows"),
    [(0, [0, 0, 0]), (44 * 7 + 43, [0, 7, 0]), (44 * 14, [0, 10, 3]), (44 * 29, [9, 10, 10]), (44 * 30, [10, 10, 10])],
)
def test_rows_of_the_highest_expected_rates_are_stored_first(max_bytes, stored_rows):
    connectivity = build(rated_network(), max_bytes)
    assert stored_by_population(connectivity) == stored_rows
    assert connectivity.n_stored == 10 * sum(stored_rows)
    assert connectivity.n_synapses == 300
    assert connectivity.is_stored == (sum(stored_rows) == 30)


@pytest.mark.parametrize("max_bytes", [0, 1500])
def test_rows_by_slice_are_the_same_stored_or_not(max_bytes):
    network = rich_network()
    slice_of_neuron = (np.arange(network.n_neurons) // 7).astype(np.int32)
    expected = build(network, None).count_by_slice(slice_of_neuron, 8)
    part = build(network, max_bytes)
    assert not part.is_stored
    np.testing.assert_array_equal(part.count_by_slice(slice_of_neuron, 8), expected)
    chosen = np.array([50, 3, 17, 3])
    np.testing.assert_array_equal(part.count_by_slice(slice_of_neuron, 8, sources=chosen), expected[chosen])


def test_clipped_and_vanished_weights_count_once_a_row():
    spikes = [(0.1 * k, i) for k in range(8) for i in range(6) for _ in range(2)]
    network = Network(
        name="tiny weights",
        populations=(Population(name="A", n_neurons=50),),
        projections=(
            projection("S", "A", AllToAll(), weight_pa=1e-3),
            projection("T", "A", AllToAll(), weight_pa=9e3),
        ),
        sources=(spikes_at("S", 6, spikes), spikes_at("T", 2, [])),
    )
    expected, found = run(network, n_steps=20), run(network, 0, n_steps=20)
    assert expected.provenance["n_weights_zero"] == 300
    assert found.provenance == expected.provenance
    np.testing.assert_array_equal(found.connectivity.weight_counts[0], expected.connectivity.weight_counts[0])


@pytest.mark.parametrize(("n_targets", "dtype"), [(65_535, np.uint16), (65_536, np.uint32)])
def test_row_pointers_are_as_wide_as_the_longest_row(n_targets, dtype):
    network = Network(
        name="wide",
        populations=(Population(name="A", n_neurons=n_targets), Population(name="B", n_neurons=1)),
        projections=(projection("B", "A", AllToAll()),),
    )
    connectivity = build_connectivity(network, SynapseDraw(seed=1), n_shards=2, n_threads=1)
    assert connectivity.row_ptr.dtype == dtype
    assert connectivity.row_ptr[connectivity.ptr_start[n_targets] :].max() == n_targets


# memory


def test_row_budget_is_what_the_rest_leaves():
    network = modular(n_areas=2, scale=0.02)
    assert row_budget_bytes(network, 2, 0) == 0
    rest = LOTS - row_budget_bytes(network, 2, LOTS)
    # 400 MiB for the process, 120 bytes for each of 3,086 neurons, and some for spikes under way
    assert (400 << 20) + 120 * network.n_neurons < rest < (450 << 20)
    assert row_budget_bytes(network, 2, rest + 1000) == 1000


def test_an_entry_of_a_due_list_is_counted_as_it_is():
    seen = []

    def look(state, connectivity):
        seen.append(state.due.entry.itemsize)
        return lambda step, neurons: None

    simulate(rich_network(), n_steps=1, seed=1, couple=look)
    assert seen == [DUE_ENTRY_BYTES]


def test_budget_follows_from_free_memory(monkeypatch):
    network = rich_network()
    monkeypatch.setattr(emulator.synapses.storage, "free_memory_bytes", lambda: 2 << 30)
    assert row_budget_bytes(network, 2, None) == row_budget_bytes(network, 2, int((2 << 30) * 0.85))
    monkeypatch.setattr(emulator.synapses.storage, "free_memory_bytes", lambda: None)
    assert row_budget_bytes(network, 2, None) is None


def test_negative_memory_is_refused():
    message = r"^max_memory_bytes: needs a whole number of bytes >= 0, has -1$"
    with pytest.raises(ParameterError, match=message):
        simulate(rich_network(), n_steps=1, seed=1, max_memory_bytes=-1)


def test_full_arena_is_an_error(monkeypatch):
    monkeypatch.setattr(emulator.synapses.storage, "_BLOCK_WORDS", 200)
    monkeypatch.setattr(emulator.synapses.storage, "_MAX_ARENA_BYTES", 3 * 4 * 200)
    cells = Population(name="A", n_neurons=200, neuron=LifCurrExp(t_ref_ms=0.0), poisson=drive(rate_hz=80_000.0))
    network = Network(name="burst", populations=(cells,), projections=(projection("A", "A", AllToAll()),))
    message = (
        r"^arena of redrawn rows at state engine: needs [\d,]+ synapses, has 600 synapses; raise max_memory_bytes "
        r"\(memory_gib\), shorten the longest delay, or lower the drive$"
    )
    with pytest.raises(CapacityError, match=message):
        run(network, 0)


# the arena's book


def book_of(n_blocks):
    book = np.zeros(N_BOOK, np.int64)
    book[B_N_FREE] = n_blocks - 1
    return book, np.arange(n_blocks - 1, -1, -1), np.zeros(n_blocks, np.int64), np.zeros(n_blocks, np.int64)


@pytest.mark.parametrize("is_compiled", [True, False])
def test_blocks_come_back_when_their_rows_are_past(is_compiled):
    take = take_words if is_compiled else take_words.py_func
    give_back = free_blocks if is_compiled else free_blocks.py_func
    book, *lists = book_of(3)
    assert [take(n, 1, 10, book, *lists) for n in (4, 6, 3)] == [0, 4, 10]
    assert take(8, 2, 10, book, *lists) == 20  # does not fit behind the 3 words of block 1
    assert take(5, 3, 10, book, *lists) == -1
    assert book[B_BLOCK] == 2
    give_back(5, 5, book, *lists)  # rows of step 1 live for 5 steps
    assert take(5, 5, 10, book, *lists) == -1
    give_back(6, 5, book, *lists)  # blocks 0 and 1 were last used in step 1
    assert book[B_N_FREE] == 2
    assert take(5, 6, 10, book, *lists) == 10  # what came back last goes out first
    assert take(5, 6, 10, book, *lists) == 15


def test_redrawn_rows_are_those_of_the_spikes_that_were_not_stored():
    network = rich_network()
    simulation = run(network, 0, n_threads=2)
    c, drawn = simulation.connectivity, np.zeros(network.n_sources, bool)
    drawn[simulation.spike_neuron] = True
    assert (c.state == np.where(drawn, DRAWN, NOT_DRAWN)).all()
    assert c.count_redrawn(simulation.spike_step, simulation.spike_neuron) == (
        simulation.spike_neuron.size,
        c.row_length[simulation.spike_neuron].sum(),
    )
    assert run(network).connectivity.count_redrawn(simulation.spike_step, simulation.spike_neuron) == (0, 0)


def test_replay_needs_the_rows():
    simulation = run(rich_network(), 0, n_steps=20)
    message = (
        r"^stored rows at replay: needs [\d,]+ synapses, has 0 synapses; raise max_memory_bytes of the simulation$"
    )
    with pytest.raises(CapacityError, match=message):
        replay(simulation, simulation, SimulationOptions(n_steps=20, seed=3))


# step times


@pytest.mark.parametrize("n_row_bytes", [None, 0])
def test_step_times_are_the_same_without_the_table_of_row_lengths(monkeypatch, n_row_bytes):
    network = small_world(n_groups=3, n_neighbours=2, neurons_per_group=60, in_degree_exc=40)
    mapping = map_network(network, load_machine("spinnaker1"), Recipe(name="combined", neurons_per_core=32))
    simulation = run(network, n_row_bytes)
    c, spikes = simulation.connectivity, (simulation.spike_step, simulation.spike_neuron, simulation.n_steps)
    slices = slice_of_source(mapping, network)[: network.n_neurons]
    table = run(network).connectivity.count_by_slice(slices, len(mapping.partition.slices))
    expected = time_run(mapping, network, TimedSpikes(*spikes, table))
    monkeypatch.setattr(emulator.timing.model, "MAX_LENGTHS_BYTES", 0)
    monkeypatch.setattr(emulator.timing.cores, "_CHUNK_LENGTHS_BYTES", 2 * len(mapping.partition.slices) * 7)
    lengths = row_lengths(c, slices, len(mapping.partition.slices))
    assert callable(lengths)
    found = time_run(mapping, network, TimedSpikes(*spikes, lengths))
    assert expected.n_events > 1000
    for name in ("step_cycles", "step_vertex", "mean_cycles", "max_cycles"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("n_sent", "n_delivered", "n_rows", "n_events", "n_late", "n_lost", "n_overruns"):
        assert getattr(found, name) == getattr(expected, name)


def test_memory_of_an_experiment_reaches_the_emulator():
    options = {"scale": 0.02, "seconds": 0.1, "recipe": "combined", "settings": {"warmup_ms": 0.0}}
    stored, redrawn = neuromap.run("pd14", memory_gib=64.0, **options), neuromap.run("pd14", memory_gib=1e-6, **options)
    assert stored.simulation.connectivity.is_stored
    assert redrawn.simulation.connectivity.n_stored == 0
    assert redrawn.report.timing == stored.report.timing
    assert redrawn.report.activity.rate_hz == stored.report.activity.rate_hz
