"""The barrier that the engine's threads meet at."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import njit

from emulator.kernels.threads import atomic_add, wait_at_barrier

N_ROUNDS = 300


@njit(nogil=True)
def take_rounds(thread, n_threads, barrier, seen, n_late):
    """Every round: write the round, meet, look at what the others wrote, meet."""
    arrivals = 0
    for i in range(seen.shape[1]):
        seen[thread, i] = i + 1
        arrivals += n_threads
        wait_at_barrier(barrier, arrivals)
        for other in range(n_threads):
            if seen[other, i] != i + 1:
                n_late[thread] += 1
        arrivals += n_threads
        wait_at_barrier(barrier, arrivals)


@njit(nogil=True)
def count_up(counter, n):
    for _ in range(n):
        atomic_add(counter, 0, 1)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_no_thread_passes_the_barrier_before_all_have_arrived(n_threads):
    barrier, n_late = np.zeros(8, np.int64), np.zeros(n_threads, np.int64)
    seen = np.zeros((n_threads, N_ROUNDS), np.int64)
    with ThreadPoolExecutor(n_threads) as pool:
        jobs = [pool.submit(take_rounds, i, n_threads, barrier, seen, n_late) for i in range(n_threads)]
        for job in jobs:
            job.result(timeout=60)
    assert n_late.tolist() == [0] * n_threads
    assert barrier[0] == 2 * N_ROUNDS * n_threads


def test_atomic_additions_of_two_threads_are_all_counted():
    counter = np.zeros(1, np.int64)
    count_up(counter, 0)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(count_up, counter, 200_000) for _ in range(2)]
        for job in jobs:
            job.result(timeout=60)
    assert counter[0] == 400_000


def test_atomic_addition_returns_the_value_before():
    @njit
    def twice(counter):
        return atomic_add(counter, 0, 5), atomic_add(counter, 0, -2)

    counter = np.array([7], np.int64)
    assert (twice(counter), counter[0]) == ((7, 12), 10)


@pytest.mark.skipif(sys.platform == "win32", reason="threads there are preempted, not yielded to")
def test_barrier_lets_more_threads_than_processors_through():
    n_threads = 6
    barrier, n_late = np.zeros(8, np.int64), np.zeros(n_threads, np.int64)
    seen = np.zeros((n_threads, 50), np.int64)
    with ThreadPoolExecutor(n_threads) as pool:
        jobs = [pool.submit(take_rounds, i, n_threads, barrier, seen, n_late) for i in range(n_threads)]
        for job in jobs:
            job.result(timeout=60)
    assert not n_late.any()
