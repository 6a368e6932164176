"""Workers of a sweep: spawned processes that take one point at a time and end when their parent does.

Each is told over its own pipe. A parent that is killed leaves a closed pipe, at which the worker ends; a worker that is
killed leaves one too, at which the parent reports the point. Ctrl-C is for the parent alone.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from models.errors import NeuromapError
from neuromap.experiment.nouns import Experiment
from neuromap.experiment.options import SweepDepth
from neuromap.studies.sweep.point import PointRunner, Row

#: What makes numerical libraries take one thread; read when a worker imports them.
ONE_THREAD = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Task:
    """A point that is to be worked out; points of one ``group`` share their long work."""

    index: int
    experiment: Experiment
    group: str


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Task | None = None
    group: str | None = None


def run_tasks(tasks: Sequence[Task], depth: SweepDepth, n_jobs: int) -> Iterator[tuple[int, Row]]:
    """Work tasks out and yield (index, row) as they are done.

    Parameters
    ----------
    tasks : sequence of Task
        Tasks of a group should stand together.
    depth : {"static", "cores"}
    n_jobs : int
        Processes; with 1 everything runs in this one.

    Raises
    ------
    NeuromapError
        If a worker ended in the middle of a point, for want of memory for example.
    """
    if n_jobs == 1:
        runner = PointRunner()
        for task in tasks:
            yield task.index, runner.run(task.experiment, depth)
        return
    with _workers(min(n_jobs, len(tasks))) as workers:
        yield from _distribute(list(tasks), depth, workers)


def _distribute(waiting: list[Task], depth: SweepDepth, workers: list[_Worker]) -> Iterator[tuple[int, Row]]:
    """Keep every worker busy until nothing is left."""
    for worker in workers:
        _give(worker, waiting, depth, workers)
    while busy := [worker for worker in workers if worker.task is not None]:
        ready = wait([worker.pipe for worker in busy])
        for worker in busy:
            if worker.pipe not in ready or worker.task is None:
                continue
            index, answer = worker.task.index, _answer(worker)
            _give(worker, waiting, depth, workers)
            yield index, answer


def next_task(waiting: Sequence[Task], own_group: str | None, groups_in_work: set[str]) -> int:
    """Return the place of the task that a worker should take: of its own group, else of one nobody works on."""
    for wanted in (lambda group: group == own_group, lambda group: group not in groups_in_work):
        for place, task in enumerate(waiting):
            if wanted(task.group):
                return place
    return 0


def _give(worker: _Worker, waiting: list[Task], depth: SweepDepth, workers: list[_Worker]) -> None:
    worker.task = None
    if not waiting:
        return
    in_work = {other.task.group for other in workers if other.task is not None}
    worker.task = waiting.pop(next_task(waiting, worker.group, in_work))
    worker.group = worker.task.group
    with suppress(BrokenPipeError):  # it has ended; waiting for its answer says so
        worker.pipe.send((worker.task.experiment, depth))


def _answer(worker: _Worker) -> Row:
    """Return what a worker sends, or raise what it raised."""
    assert worker.task is not None
    try:
        answer = worker.pipe.recv()
    except (EOFError, ConnectionError) as err:
        worker.process.join()
        raise NeuromapError(
            f"process of point {worker.task.index}: needs to end by itself, was ended with code "
            f"{worker.process.exitcode}; the points before are kept: run the sweep again, with fewer --jobs if memory "
            "was short"
        ) from err
    if isinstance(answer, BaseException):
        raise answer
    row: Row = answer
    return row


@contextmanager
def _workers(n_workers: int) -> Iterator[list[_Worker]]:
    """Start workers; all have ended at the end of the block."""
    context = multiprocessing.get_context("spawn")
    workers = []
    try:
        with _environment(ONE_THREAD), _interrupts_blocked():
            for _ in range(n_workers):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs,), daemon=True)
                process.start()
                theirs.close()
                workers.append(_Worker(process, ours))
        yield workers
    finally:
        for worker in workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in workers:
            worker.process.join()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables inside the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Hold Ctrl-C back inside the block; a process that is started in it never gets one, not even while it imports."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection) -> None:
    """Answer experiments with rows until the pipe is closed; what a worker runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    runner = PointRunner()
    with suppress(EOFError, OSError):  # the parent has ended
        while True:
            experiment, depth = pipe.recv()
            try:
                answer: Row | BaseException = runner.run(experiment, depth)
            except Exception as err:
                answer = _portable(err)
            pipe.send(answer)


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended, even in the middle of a point."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _portable(err: Exception) -> BaseException:
    """Return an error that can be sent: itself, else one with its text."""
    try:
        pickle.loads(pickle.dumps(err))
    except Exception:
        return RuntimeError(f"{type(err).__name__}: {err}")
    return err
