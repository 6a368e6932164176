"""SpiNNaker's Poisson source: compiled kernel against plain integers, bit for bit, in every method."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.engine.poisson_kiss import KissRate, kiss_rate, kiss_seeds, quantile_table
from emulator.engine.simulate import simulate
from emulator.kernels.random import poisson_kiss as kernel
from emulator.reference.kiss import Kiss, KissSource
from reference_case import assert_identical, rich_network, run_both, spikes_of

WORD = st.integers(0, 2**32 - 1)
FIRST_ID = 100
RATES = {
    "silent": KissRate(kernel.SILENT),
    "slow": KissRate(kernel.SLOW, mean_isi_steps=101),
    "slowest": KissRate(kernel.SLOW, mean_isi_steps=2**32 - 1),  # products wrap at 32 bits
    "crowded": KissRate(kernel.SLOW, mean_isi_steps=2),  # several spikes in a step
    "fast": KissRate(kernel.FAST, exp_minus_lambda_u032=0x20000000),
    "fastest": KissRate(kernel.FAST, exp_minus_lambda_u032=1 << 17),
    "no_exponential": KissRate(kernel.FAST, exp_minus_lambda_u032=0),
    "gaussian": KissRate(kernel.GAUSSIAN, sqrt_lambda_raw=103_621),
    "gaussian_below_zero": KissRate(kernel.GAUSSIAN, sqrt_lambda_raw=1),
    "gaussian_large": KissRate(kernel.GAUSSIAN, sqrt_lambda_raw=100 << 15),
}


def engine_counts(rate, n_neurons, n_steps, *, seed=7, first_step=0, end_step=2**62, chunks=None):
    """Counts of the kernel, shape (n_steps, n_neurons), drawn in chunks of steps."""
    row = np.array(rate.as_row(first_step, end_step))
    state = kiss_seeds(seed, FIRST_ID, n_neurons)
    kernel.start_kiss(row, state)
    out = np.full((n_steps, n_neurons), 999, np.uint16)
    edges = np.cumsum([0, *(chunks or [n_steps])])
    for a, b in itertools.pairwise(edges):
        kernel.draw_kiss(0, n_neurons, a, row, quantile_table(), state, out[a:b])
    return out


def reference_counts(rate, n_neurons, n_steps, seed=7):
    sources = [KissSource(rate, Kiss.seeded(seed, FIRST_ID + i)) for i in range(n_neurons)]
    return np.array([[source.tick() for source in sources] for _ in range(n_steps)])


def test_reference_generator_gives_the_known_words():
    # JKISS with its published start, from a C program of five lines
    generator = Kiss(123456789, 987654321, 43219876, 6543217)
    assert [generator.word() for _ in range(4)] == [560241513, 2602615593, 2542353780, 3322652092]


@given(WORD, WORD, WORD, WORD)
@settings(max_examples=200)
def test_compiled_generator_equals_the_reference(x, y, z, c):
    generator = Kiss(x, y, z, c)
    words = [generator.word() for _ in range(3)]
    state = tuple(np.uint32(value) for value in (x, y, z, c))
    for expected in words:
        word, *state = kernel.next_word(*state)
        assert word == expected
    assert [int(value) for value in state] == [generator.x, generator.y, generator.z, generator.c]


@pytest.mark.parametrize("name", RATES)
def test_counts_equal_the_reference(name):
    expected = reference_counts(RATES[name], 12, 300)
    np.testing.assert_array_equal(engine_counts(RATES[name], 12, 300), expected)
    assert bool(expected.any()) == (name not in ("silent", "no_exponential", "slowest"))


@pytest.mark.parametrize(
    ("rate_hz", "dt_ms"), [(0.1, 0.1), (8.0, 1.0), (99.0, 0.1), (101.0, 0.1), (9_700.0, 1.0), (20_000.0, 1.0)]
)
def test_counts_of_rates_equal_the_reference(rate_hz, dt_ms):
    rate = kiss_rate(rate_hz, dt_ms, "rate")
    np.testing.assert_array_equal(engine_counts(rate, 8, 500, seed=3), reference_counts(rate, 8, 500, seed=3))


@pytest.mark.parametrize("name", ["slow", "crowded", "fast", "gaussian"])
def test_chunks_do_not_show(name):
    whole = engine_counts(RATES[name], 5, 60)
    np.testing.assert_array_equal(engine_counts(RATES[name], 5, 60, chunks=[4, 4, 1, 31, 20]), whole)


@pytest.mark.parametrize("name", ["slow", "crowded", "fast", "gaussian"])
def test_source_waits_for_its_start_and_draws_nothing_outside(name):
    counts = engine_counts(RATES[name], 5, 60, first_step=10, end_step=50)
    assert not counts[:10].any()
    assert not counts[50:].any()
    np.testing.assert_array_equal(counts[10:50], engine_counts(RATES[name], 5, 40))


def test_neighbours_in_a_row_do_not_matter():
    row = np.array(RATES["fast"].as_row())
    whole, state = engine_counts(RATES["fast"], 6, 20), kiss_seeds(7, FIRST_ID, 6)
    out = np.full((20, 6), 999, np.uint16)
    kernel.draw_kiss(2, 4, 0, row, np.zeros(1, np.int32), state, out)
    np.testing.assert_array_equal(out[:, 2:4], whole[:, 2:4])
    assert (out[:, [0, 1, 4, 5]] == 999).all()


def test_compiled_kernel_equals_plain_python():
    for name in ("slow", "fast", "gaussian"):
        row, plain = np.array(RATES[name].as_row()), np.zeros((30, 4), np.uint16)
        state = kiss_seeds(7, FIRST_ID, 4)
        kernel.start_kiss.py_func(row, state)
        with np.errstate(over="ignore"):
            kernel.draw_kiss.py_func(0, 4, 0, row, quantile_table(), state, plain)
        np.testing.assert_array_equal(plain, engine_counts(RATES[name], 4, 30))


@pytest.mark.parametrize(("dt_ms", "n_threads"), [(0.1, 1), (0.1, 3), (1.0, 2)])
def test_network_with_kiss_sources_is_identical(dt_ms, n_threads):
    engine, reference = run_both(rich_network(dt_ms), n_steps=230, seed=6, n_threads=n_threads, poisson="kiss")
    assert_identical(engine, reference)
    assert all(fires(engine, name) for name in ("A", "B", "C", "S"))
    other = simulate(rich_network(dt_ms), n_steps=230, seed=6)
    assert spikes_of(other) != reference.spikes


def fires(run, name):
    first, n = run.network.offsets[name], run.network.group(name).n_neurons
    return bool(((run.spike_neuron >= first) & (run.spike_neuron < first + n)).any())


def test_kiss_network_is_the_same_in_float64():
    engine, reference = run_both(rich_network(), n_steps=150, seed=2, arithmetic="float", poisson="kiss")
    np.testing.assert_allclose(engine.v_mv, np.array(reference.v), rtol=0, atol=1e-9)
    assert spikes_of(engine) == reference.spikes
