"""Threads that meet at a barrier start together or not at all."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from emulator.engine import advance
from emulator.engine import simulate as run
from emulator.runtime.worker_pool import start_together, worker_pool
from reference_case import rich_network, spikes_of


class PoolWithout(ThreadPoolExecutor):
    """A pool that raises instead of taking one of its jobs."""

    def __init__(self, n_threads, refused=1, error=KeyboardInterrupt):
        super().__init__(n_threads)
        self._refused, self._error, self._n = refused, error, 0

    def submit(self, *args, **kwargs):
        self._n += 1
        if self._n == self._refused + 1:
            raise self._error
        return super().submit(*args, **kwargs)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_starts_when_a_thread_is_missing(error):
    ran = []
    with PoolWithout(2, error=error) as pool, pytest.raises(error):
        start_together(pool, 2, ran.append)
    assert ran == []


def test_every_thread_runs_its_job_once():
    ran = []
    with worker_pool(3) as pool:
        for job in start_together(pool, 3, ran.append):
            job.result()
    assert sorted(ran) == [0, 1, 2]


def test_interruption_between_the_starts_of_two_threads_keeps_the_chunks_before(monkeypatch):
    whole = run.simulate(rich_network(), n_steps=400, seed=1, arithmetic="float")  # two chunks of two jobs
    monkeypatch.setattr(advance, "worker_pool", lambda n_threads: PoolWithout(n_threads, refused=3))
    part = run.simulate(rich_network(), n_steps=400, seed=1, arithmetic="float")
    assert (part.n_steps, part.is_complete) == (200, False)
    assert spikes_of(part) == [spike for spike in spikes_of(whole) if spike[0] < 200]
