"""The workers of a sweep: spawned processes that take one point at a time and end when their parent does.

The parent talks to each worker over a pipe. If the parent is killed, the pipe closes and the worker ends; if a worker
is killed, the pipe closes and the parent names the point in an error. Only the parent reacts to Ctrl-C.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from models.errors import NeuromapError
from neuromap.experiment.nouns import Experiment
from neuromap.experiment.options import SweepDepth
from neuromap.studies.sweep.point import PointRunner, Row

#: Environment variables that limit numerical libraries to one thread; the libraries read them when they are imported.
ONE_THREAD = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Task:
    """A point to compute; points of one ``group`` share their longest work, a mapping or a simulation."""

    index: int
    experiment: Experiment
    group: str


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Task | None = None
    group: str | None = None


def run_tasks(
    tasks: Sequence[Task], depth: SweepDepth, n_jobs: int, folder: Path | None = None
) -> Iterator[tuple[int, Row]]:
    """Compute tasks and yield (index, row) as each is finished.

    Parameters
    ----------
    tasks : sequence of Task
        Tasks of a group should follow one another.
    depth : {"static", "cores"}
    n_jobs : int
        Number of processes; with 1 everything runs in the calling process.
    folder : Path, optional
        The folder where the caller saves each row; only an error names it.

    Raises
    ------
    NeuromapError
        If a worker ended in the middle of a point, for example because memory ran out.
    """
    if n_jobs == 1:
        runner = PointRunner()
        for task in tasks:
            yield task.index, runner.run(task.experiment, depth)
        return
    with _workers(min(n_jobs, len(tasks))) as workers:
        yield from _distribute(list(tasks), depth, workers, folder)


def _distribute(
    waiting: list[Task], depth: SweepDepth, workers: list[_Worker], folder: Path | None
) -> Iterator[tuple[int, Row]]:
    """Keep every worker busy until nothing is left."""
    for worker in workers:
        _give(worker, waiting, depth, workers)
    while busy := [worker for worker in workers if worker.task is not None]:
        ready = wait([worker.pipe for worker in busy])
        for worker in busy:
            if worker.pipe not in ready or worker.task is None:
                continue
            index, answer = worker.task.index, _answer(worker, folder)
            _give(worker, waiting, depth, workers)
            yield index, answer


def next_task(waiting: Sequence[Task], own_group: str | None, groups_in_work: set[str]) -> int:
    """Return the index of the task for a worker: of its own group, else of a group without workers, else the first."""
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
    with suppress(BrokenPipeError):  # the worker has ended; `_answer` reports it
        worker.pipe.send((worker.task.experiment, depth))


def _answer(worker: _Worker, folder: Path | None = None) -> Row:
    """Return the row that a worker sends, or raise the error that it raised."""
    assert worker.task is not None
    try:
        answer = worker.pipe.recv()
    except (EOFError, ConnectionError) as err:
        worker.process.join()
        kept = "" if folder is None else f"the finished points are kept in {folder}; "
        code = worker.process.exitcode
        raise NeuromapError(
            f"process of point {worker.task.index}: needs to finish, was ended with exit code {code}; {kept}"
            f"run the sweep again, with fewer jobs if memory was short{_guard(code)}"
        ) from err
    if isinstance(answer, BaseException):
        raise answer
    row: Row = answer
    return row


def _guard(exit_code: int | None) -> str:
    """Return the advice for a script without guard: every worker runs the script's top level before it takes a point.

    Such a worker ends with exit code 1 and never takes a point; any other error reaches the parent over the pipe.
    """
    is_script = getattr(sys.modules["__main__"], "__file__", None) is not None
    if exit_code != 1 or not is_script:
        return ""
    return "; a script must call sweep below `if __name__ == '__main__':`, or with jobs=1"


@contextmanager
def _workers(n_workers: int) -> Iterator[list[_Worker]]:
    """Start workers, and end all of them at the end of the block."""
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
    """Hold back Ctrl-C inside the block, so that a process started in it never gets one, not even while it imports."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection) -> None:
    """Run a worker: receive experiments and send back rows until the pipe is closed."""
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
    """Return an error that can be pickled: the error itself, else a RuntimeError with its text."""
    try:
        pickle.loads(pickle.dumps(err))
    except Exception:
        return RuntimeError(f"{type(err).__name__}: {err}")
    return err
