"""Vector loops against numpy: every operation, widths, ranges, what is carried."""

from functools import cache

import numpy as np
import pytest
from numba import njit

from emulator.kernels.lanes import vector_loop

N = 29
RNG = np.random.default_rng(5)
INT32 = np.iinfo(np.int32)


def numbers(n=N, dtype=np.int32):
    info = np.iinfo(dtype)
    extremes = [info.min, info.max, 0, 1, info.max - 1]
    return np.r_[RNG.integers(info.min, info.max, n - len(extremes), dtype=dtype), np.array(extremes, dtype)]


@cache
def compiled(expression, width, n_lanes):
    """Compile a loop that stores ``expression(x, y, c)``."""

    def body(loop, carried):
        loop.store(2, expression(loop.load(0), loop.load(1), loop.constants[0]))
        return carried

    kernel = vector_loop(body, n_lanes=n_lanes, width=width)

    @njit
    def run(first, last, x, y, out, constant):
        kernel(first, last, (x, y, out), (constant,))

    return run


def run_loop(expression, x, y, constant, *, first=0, last=None, width=32, n_lanes=8):
    """Store ``expression(x, y, c)`` over ``[first, last)`` of zeros."""
    out = np.zeros_like(x)
    compiled(expression, width, n_lanes)(first, x.size if last is None else last, x, y, out, np.int32(constant))
    return out


def copy(x, y, c):
    return x


def wrapped(values):
    return np.array([(int(v) + 2**31) % 2**32 - 2**31 for v in values], np.int32)


OPERATIONS = {
    "add": (lambda x, y, c: x + y + c, lambda x, y, c: x + y + c),
    "subtract": (lambda x, y, c: x - y - 7, lambda x, y, c: x - y - 7),
    "multiply": (lambda x, y, c: x * y * c, lambda x, y, c: x * y * c),
    "bits": (lambda x, y, c: (x & y) ^ (x | c), lambda x, y, c: (x & y) ^ (x | c)),
    "shift": (lambda x, y, c: x.shift_right_unsigned(5), lambda x, y, c: (x % 2**32) >> 5),
    "above": (lambda x, y, c: x.is_above(y), lambda x, y, c: -1 if x > y else 0),
    "equal": (lambda x, y, c: x.is_equal(c), lambda x, y, c: -1 if x == c else 0),
    "negative": (lambda x, y, c: x.is_negative(), lambda x, y, c: -1 if x < 0 else 0),
    "at most": (lambda x, y, c: x.at_most_unsigned(y), lambda x, y, c: x if x % 2**32 < y % 2**32 else y),
    "at least": (lambda x, y, c: x.at_least(y), lambda x, y, c: max(x, y)),
    "upper half": (lambda x, y, c: x.high_product(c), lambda x, y, c: (x * c) >> 32),
    "unsigned upper": (
        lambda x, y, c: x.products_unsigned(c)[0],
        lambda x, y, c: ((x % 2**32) * (c % 2**32)) >> 32,
    ),
    "unsigned lower": (lambda x, y, c: x.products_unsigned(c)[1], lambda x, y, c: x * c),
}


@pytest.mark.parametrize("constant", [INT32.min, -778_577_919, -1, 0, 3, INT32.max])
@pytest.mark.parametrize("name", ["upper half", "unsigned upper", "unsigned lower"])
def test_halves_of_products(name, constant):
    expression, plain = OPERATIONS[name]
    x, y = numbers(), numbers()
    out = run_loop(expression, x, y, constant)
    expected = wrapped([plain(int(a), int(b), constant) for a, b in zip(x, y, strict=True)])
    np.testing.assert_array_equal(out[:24], expected[:24])


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"upper half", "unsigned upper", "unsigned lower"}))
def test_operations_wrap_as_32_bits_do(name):
    expression, plain = OPERATIONS[name]
    x, y = numbers(), numbers()
    constant = int(x[3])
    out = run_loop(expression, x, y, constant)
    expected = wrapped([plain(int(a), int(b), constant) for a, b in zip(x, y, strict=True)])
    np.testing.assert_array_equal(out[:24], expected[:24])
    assert not out[24:].any()  # fewer than a vector are left to the caller


@pytest.mark.parametrize(("first", "last", "done"), [(0, 7, 0), (3, 3, 0), (3, 11, 8), (5, 28, 16), (5, 29, 24)])
def test_only_whole_vectors_of_the_range_are_touched(first, last, done):
    x = numbers()
    out = run_loop(copy, x, x, 0, first=first, last=last)
    expected = np.zeros_like(x)
    expected[first : first + done] = x[first : first + done]
    np.testing.assert_array_equal(out, expected)


def test_narrow_elements():
    x, y = numbers(32, np.int16), numbers(32, np.int16)
    out = run_loop(lambda x, y, c: y - x.is_above(c), x, y, -5, width=16, n_lanes=16)
    np.testing.assert_array_equal(out, (y + (x > -5)).astype(np.int16))


def test_loads_of_narrower_elements_have_zeros_above():
    x = np.arange(65_530, 65_530 + 8).astype(np.uint16)
    out = np.zeros(8, np.int32)

    def body(loop, carried):
        loop.store(1, loop.load(0) + loop.index)
        return carried

    kernel = vector_loop(body, n_lanes=8)

    @njit
    def run(x, out):
        kernel(0, 8, (x, out), ())

    run(x, out)
    np.testing.assert_array_equal(out, x.astype(np.int32) + np.arange(8))


def test_what_is_carried_is_joined():
    def body(loop, carried):
        total, bits, top = carried
        x = loop.load(0)
        return [total + x, bits | x, top.at_least(x)]

    kernel = vector_loop(body, n_lanes=8, carried=((0, "add"), (0, "or"), (-(2**31), "max")))

    @njit
    def run(x, last):
        return kernel(0, last, (x,), ())

    x = RNG.integers(-1000, 1000, 32).astype(np.int32)
    assert run(x, 32) == (x.sum(), np.bitwise_or.reduce(x), x.max())
    assert run(x, 0) == (0, 0, -(2**31))
