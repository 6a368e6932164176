"""A kept function is found again under the signature that it was asked for, and only under that one."""

import numba
import numpy as np
import pytest

from models.cache.kernel_store import KernelStore


def sum_of(first, *rest):
    return first + rest[0] + rest[1]


def kept_in(folder, function=sum_of):
    """A dispatcher as a new process makes it, with its code kept in ``folder``."""
    dispatcher = numba.njit(function)
    dispatcher._cache = KernelStore(function, "test", folder)
    return dispatcher


def call_from_compiled_code(dispatcher):
    @numba.njit
    def caller(a, b, c):
        return dispatcher(a, b, c)

    assert caller(1, 2, 3) == 6


@pytest.mark.parametrize("is_first_from_python", [False, True])
def test_star_arguments_from_python_and_from_compiled_code(tmp_path, is_first_from_python):
    """numba writes both signatures with the same text, but their types differ; each call must find its own code."""
    first = kept_in(tmp_path)
    if is_first_from_python:
        assert first(1, 2, 3) == 6
    else:
        call_from_compiled_code(first)
    later = kept_in(tmp_path)
    for _ in range(3):
        assert later(1, 2, 3) == 6
    n_loaded_or_compiled = sum(later.stats.cache_hits.values()) + sum(later.stats.cache_misses.values())
    assert n_loaded_or_compiled == 1
    assert sum(later.stats.cache_hits.values()) == is_first_from_python


def test_every_signature_is_loaded_once(tmp_path):
    arguments = [(1, 2, 3), (1.0, 2, 3), (np.zeros(2), 1, 2.0)]
    first = kept_in(tmp_path)
    for values in arguments:
        first(*values)
    later = kept_in(tmp_path)
    for values in arguments * 2:
        np.testing.assert_array_equal(later(*values), first.py_func(*values))
    assert sum(later.stats.cache_hits.values()) == len(arguments)
    assert not later.stats.cache_misses


def test_a_file_of_another_signature_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(KernelStore, "_path", lambda self, signature, codegen: tmp_path / "one.nbc")
    assert kept_in(tmp_path)(1, 2, 3) == 6
    later = kept_in(tmp_path)
    assert later(0.5, 2, 3) == 5.5
    assert not later.stats.cache_hits
