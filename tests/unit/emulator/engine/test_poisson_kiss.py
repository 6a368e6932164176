"""What a core makes of a rate, by hand; seeds and quantiles."""

import math

import numpy as np
import pytest
from numba import typeof
from scipy import stats

from emulator.engine.poisson_kiss import KissRate, kiss_drive, kiss_rate, kiss_rates, kiss_seeds, quantile_table
from emulator.kernels.random import poisson_kiss as kernel
from models.errors import ParameterError
from models.network import Network, Population
from reference_case import drive, rich_network


def test_pd14_drive_is_a_fast_source():
    # 12,800 Hz x 0.1 ms: (12800 * 2**16 * 429497) >> 33 = 41943, exp(-41943 / 2**15) = 0.278 = 9110.8 / 2**15, cut
    rate = kiss_rate(12_800.0, 0.1, "rate")
    assert rate == KissRate(kernel.FAST, exp_minus_lambda_u032=9110 << 17)
    assert rate.mean_per_step == pytest.approx(math.log(32768 / 9110))


@pytest.mark.parametrize(
    ("rate_hz", "dt_ms", "method"),
    [
        (0.0, 0.1, kernel.SILENT),
        (0.1, 0.1, kernel.SLOW),
        (100.0, 0.1, kernel.SLOW),  # lambda 0.01 is 327 / 2**15 when cut, the limit is 328
        (100.1, 0.1, kernel.FAST),
        (9_999.0, 1.0, kernel.FAST),
        (10_000.0, 1.0, kernel.FAST),  # 0.001 s as U0.32 is a little short: 327679 / 2**15
        (10_001.0, 1.0, kernel.GAUSSIAN),
        (20_000.0, 1.0, kernel.GAUSSIAN),
    ],
)
def test_methods_change_at_their_limits(rate_hz, dt_ms, method):
    assert kiss_rate(rate_hz, dt_ms, "rate").method == method


def test_slow_source_has_a_mean_interval_of_whole_steps():
    assert kiss_rate(8.0, 0.1, "rate") == KissRate(kernel.SLOW, mean_isi_steps=1250)
    rate = kiss_rate(99.0, 0.1, "rate")  # 101.01 steps
    assert rate.mean_isi_steps == 101
    assert rate.mean_per_step == pytest.approx(1 / 101)


def test_fast_source_just_below_ten_sends_four_percent_too_much():
    rate = kiss_rate(9_999.0, 1.0, "rate")
    assert rate.exp_minus_lambda_u032 == 1 << 17  # 1.49 / 2**15, cut
    assert rate.mean_per_step == pytest.approx(10.397, abs=1e-3)


def test_gaussian_source_sends_a_quarter_more():
    rate = kiss_rate(20_000.0, 1.0, "rate")
    assert rate.sqrt_lambda_raw == math.isqrt(((20_000 << 16) * 4_294_967 >> 33) << 15)
    assert rate.mean_per_step == pytest.approx(20.25, abs=1e-3)


def test_silent_source_has_no_mean():
    assert kiss_rate(0.0, 0.1, "rate").mean_per_step == 0.0


def test_rate_that_the_core_cannot_hold_is_refused():
    message = (
        r"^Population\('A'\)\.poisson: needs below 65,536 Hz with the KISS source \(lower n_inputs or rate_hz, or draw "
        r"with poisson='counter'\), has '65536 Hz'$"
    )
    cells = Population(name="A", n_neurons=1, poisson=drive(65_536.0))
    with pytest.raises(ParameterError, match=message):
        kiss_rates(Network(name="one", populations=(cells,)))
    assert kiss_rate(65_535.0, 0.1, "rate").method == kernel.FAST


def test_rate_too_low_for_the_core_is_refused():
    message = r"^S: needs 0 Hz, or a mean interval of less than 2\*\*32 steps, has '2e-05 Hz'$"
    with pytest.raises(ParameterError, match=message):
        kiss_rate(2e-5, 1e-5, "S")


def test_step_that_the_core_cannot_hold_is_refused():
    with pytest.raises(
        ParameterError, match=r"^Network\.dt_ms: needs below 1000 ms with the KISS source, has 1000\.0$"
    ):
        kiss_rate(1.0, 1000.0, "S")


def test_seeds_differ_by_neuron_and_seed_and_are_corrected():
    seeds = kiss_seeds(1, 0, 1000)
    assert len(np.unique(seeds, axis=0)) == 1000
    assert (seeds[:, kernel.S_Y] != 0).all()
    assert seeds[:, kernel.S_C].min() >= 1
    assert seeds[:, kernel.S_C].max() <= 698_769_068
    assert not seeds[:, kernel.S_TIME_TO_SPIKE].any()
    np.testing.assert_array_equal(kiss_seeds(1, 400, 10), seeds[400:410])
    assert not np.array_equal(kiss_seeds(2, 0, 10), seeds[:10])


def test_quantiles_are_those_of_scipy_and_minus_seven():
    table = quantile_table()
    assert table[0] == -7 << 15
    exact = stats.norm.ppf(np.arange(1, 65536) / 65536) * 2**15
    np.testing.assert_array_equal(table[1:], np.rint(exact))


def test_method_does_not_change_what_the_engine_is_compiled_for():
    drives = [
        kiss_drive(
            Network(name="one", populations=(Population(name="A", n_neurons=1, poisson=drive(rate_hz)),), dt_ms=1.0),
            1,
            1,
        )
        for rate_hz in (1_000.0, 20_000.0)
    ]
    assert [int(d.rows[0, kernel.K_METHOD]) for d in drives] == [kernel.FAST, kernel.GAUSSIAN]
    assert typeof(drives[0].quantiles) == typeof(drives[1].quantiles)  # a read-only array would be another type


def test_drive_is_dealt_to_shards_like_the_neurons():
    network = rich_network()
    one, three = (kiss_drive(network, 5, n_shards) for n_shards in (1, 4))
    np.testing.assert_array_equal(one.rows, three.rows)
    for i in range(network.n_neurons):
        np.testing.assert_array_equal(three.state[i % 4, i // 4], one.state[0, i])
    assert one.rows[0, kernel.K_FIRST_STEP] == 10  # the drive of A arrives after 1 ms
    assert one.rows[1, kernel.K_METHOD] == kernel.SILENT
