"""What a limit of the process (``ulimit -v``) leaves is what a simulation plans with."""

import resource
from pathlib import Path

import numpy as np
import pytest

from emulator.synapses.storage import address_space_left_bytes, arena_blocks, free_memory_bytes

GIB = 1 << 30


def used_bytes():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


@pytest.fixture
def one_gib_left(monkeypatch):
    limit = used_bytes() + GIB
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limit, limit))


def test_without_a_limit_nothing_is_said(monkeypatch):
    unlimited = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda which: (unlimited, unlimited))
    assert address_space_left_bytes() is None


def test_what_is_left_counts_as_free_but_for_libraries(one_gib_left):
    assert address_space_left_bytes() == pytest.approx(GIB, abs=64 << 20)
    assert 0 < free_memory_bytes() <= GIB - (400 << 20) + (64 << 20)


def test_the_arena_of_redrawn_rows_takes_a_quarter_of_it(one_gib_left):
    rows = np.full(1_000_000, 4000, np.int32)
    n_words, n_blocks = arena_blocks(rows, 16, 4)
    assert 0.9 * GIB / 4 < n_words * n_blocks * 4 <= 1.1 * GIB / 4
    few = np.full(10, 4000, np.int32)
    assert arena_blocks(few, 16, 4) == (65_536, 2 + 21)  # 2 * 40,000 synapses * 17 steps in blocks of 65,536
