"""Single kernels: compiled, as plain Python (``py_func``), and against the reference's integers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from emulator.kernels.random import normal
from emulator.kernels.random.philox import fill_philox
from emulator.kernels.synapses import rows
from emulator.reference.philox import philox_block
from emulator.synapses.draw_tables import normal_quantile_table

QUANTILE_ERROR = 1.1e-5  # found near p = 65/4096, where the first table is steepest
WORD = st.integers(0, 2**32 - 1)


def test_reference_philox_gives_the_known_answers():
    # Random123, tests/kat_vectors, philox4x32-10
    assert philox_block((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    full = 2**32 - 1
    assert philox_block((full,) * 4, (full, full)) == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)


@given(WORD, WORD, WORD, WORD, WORD, WORD)
def test_compiled_philox_equals_the_reference(c0, c1, c2, c3, k0, k1):
    out = np.zeros((2, 4), np.uint32)
    fill_philox(np.uint32(c0), c1, c2, c3, k0, k1, out)
    expected = [philox_block(((c0 + i) % 2**32, c1, c2, c3), (k0, k1)) for i in range(2)]
    assert [tuple(row) for row in out.tolist()] == expected


def test_normal_quantile_is_accurate_to_1e_5():
    table = normal_quantile_table()
    p = np.concatenate([np.linspace(1e-4, 1 - 1e-4, 20_001), 2.0 ** -np.arange(1, 34), 1 - 2.0 ** -np.arange(1, 34)])
    compiled = np.array([normal.normal_quantile(x, table) for x in p])
    np.testing.assert_allclose(compiled, stats.norm.ppf(p), rtol=0, atol=QUANTILE_ERROR)
    plain = [normal.normal_quantile.py_func(x, table) for x in p[::50]]
    np.testing.assert_allclose(plain, compiled[::50], rtol=1e-14, atol=1e-14)


def test_compiled_weights_equal_plain_python():
    words = np.random.default_rng(0).integers(0, 2**32, 500, dtype=np.uint32)
    words[:4] = 0, 2**32 - 1, 2**26 - 1, 2**26
    table = normal_quantile_table()
    cases = [
        (rows.WEIGHT_CONSTANT, [-5.0, 0, 0, 0, 0, 0, 8.0]),
        (rows.WEIGHT_UNIFORM, [1.0, 2.0, 0, 0, 0, 0, 8.0]),
        (rows.WEIGHT_NORMAL, [87.8, 8.78, 0.0, 1.0, 0.0, np.inf, 8.0]),
        (rows.WEIGHT_NORMAL, [1.0, 1.0, 0.1586552539, 0.6826894921, 0.0, 2.0, 8.0]),
    ]
    for kind, params in cases:
        compiled, plain = np.zeros(500), np.zeros(500)
        rows._draw_weights(500, words, kind, np.array(params), table, compiled)
        rows._draw_weights.py_func(500, words, kind, np.array(params), table, plain)
        np.testing.assert_allclose(compiled, plain, rtol=1e-13)
    assert compiled.min() >= 0.0
    assert compiled.max() <= 16.0
