"""Makes pools of threads that advance in lockstep, each thread on processors of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


def worker_pool(n_threads: int) -> ThreadPoolExecutor:
    """Return a pool of threads that never share a processor, if the operating system lets a thread choose processors.

    Threads that meet at a barrier every 0.2 ms look idle to the scheduler, which then puts two of them on one
    processor; in measurements this halved the speed. Each worker gets every ``n_threads``-th of the processors that the
    caller may use; the affinity of the calling thread does not change.
    """
    processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if n_threads == 1 or len(processors) < n_threads:
        return ThreadPoolExecutor(n_threads)
    worker = itertools.count()

    def choose_processors() -> None:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, set(processors[next(worker) :: n_threads]))

    return ThreadPoolExecutor(n_threads, initializer=choose_processors)


def start_together(pool: ThreadPoolExecutor, n_threads: int, job: Callable[[int], None]) -> list[Future[None]]:
    """Start ``job(thread)`` on every thread, or on none if the call is interrupted or a thread cannot be started.

    If only some of the jobs started, they would wait at their barrier forever for the missing ones.
    """
    gate = threading.Lock()
    is_everybody_there = False

    def run(thread: int) -> None:
        with gate:
            pass
        if is_everybody_there:
            job(thread)

    gate.acquire()
    try:
        jobs = [pool.submit(run, thread) for thread in range(n_threads)]
        is_everybody_there = True
    finally:
        gate.release()
    return jobs
