"""Sweeps: one experiment at every point of a grid of settings, in parallel, kept point by point (`sweep_folder`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

from models.bounds import Bound, check_value
from models.errors import UnknownNameError
from neuromap.experiment.load import make_experiment
from neuromap.experiment.nouns import Experiment, default_n_threads
from neuromap.experiment.option_use import Job
from neuromap.output.folder import one_writer
from neuromap.studies.sweep.folder import (
    POINTS_NAME,
    TABLE_NAME,
    append_point,
    opened_points,
    plan_content,
    prepare_folder,
    read_points,
    write_table,
)
from neuromap.studies.sweep.plan import Axis, Point, check_axes, plan_sweep, read_axes, row_of
from neuromap.studies.sweep.point import Depth, Row
from neuromap.studies.sweep.pool import Task, run_tasks
from neuromap.studies.sweep.result import SweepResult

Progress = Callable[[str, float, str], None]
N_JOBS = Annotated[int, Bound(1, 1024, "processes")]


@one_writer
def run_sweep(
    experiment: Experiment | str,
    vary: Mapping[str, Sequence[object]] | Sequence[str],
    *,
    depth: Depth = "static",
    n_jobs: int | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    figures: bool = True,
    **options: Any,
) -> SweepResult:
    """Run an experiment at every point of a grid.

    Parameters
    ----------
    experiment : Experiment or str
        Or the name of a built-in network, or an experiment file.
    vary : mapping of str to sequence, or sequence of str
        ``{"machine.core.clock_hz": [150e6, 200e6]}`` or ``["machine.core.clock_hz=150e6,200e6"]``.
    depth : {"static", "cores"}
        ``static``: expected loads of the mapping; ``cores``: simulate, once for points that have the same spikes.
    n_jobs : int, optional
        Processes, each with one thread (2 unless there is one processor). Results do not depend on it. More than one
        needs a main module that can be imported (``if __name__ == "__main__":``).
    out : str or Path, optional
        Folder for the results. If it holds a part of the same sweep, only the missing points are run.
    overwrite : bool
        Begin anew in ``out`` whatever is there.
    progress : callable, optional
        Called with (stage, fraction, note).
    figures : bool
        Draw figures into ``out``.
    **options
        As in ``make_experiment``.

    Returns
    -------
    SweepResult

    Raises
    ------
    NeuromapError
        For wrong input, before anything runs; or if a process ended in the middle of a point.
    KeyboardInterrupt
        If interrupted; finished points are in ``out``.
    """
    if depth not in get_args(Depth):
        raise UnknownNameError("depth", depth, get_args(Depth))
    n_jobs = default_n_threads() if n_jobs is None else n_jobs
    n_jobs = check_value("--jobs", n_jobs, N_JOBS)
    job: Job = "sweep_cores" if depth == "cores" else "sweep_static"
    base = make_experiment(experiment, job=job, **options)
    axes = read_axes(vary)
    check_axes(job, axes, base, options)
    points = plan_sweep(base, axes, depth)
    name = f"{base.network.name} on {Path(base.machine.name).stem}"
    plan = plan_content(base, axes, depth, points)
    if out is None:
        rows = _run(points, axes, depth, n_jobs, progress, lambda row: None)
        return SweepResult(name, axes, depth, len(points), tuple(rows), 0, None)
    folder = prepare_folder(Path(out), plan, overwrite=overwrite)
    with opened_points(folder / POINTS_NAME) as file:
        done = read_points(file, points, axes)
        left = [point for point in points if point.index not in done]
        for row in _run(left, axes, depth, n_jobs, progress, lambda row: append_point(file, row), len(done)):
            done[row["point"]] = row
    result = SweepResult(
        name, axes, depth, len(points), tuple(done[point.index] for point in points), len(points) - len(left), folder
    )
    write_table(result.rows, axes, folder / TABLE_NAME)
    if figures:
        from neuromap.studies.sweep.figure import write_figures

        write_figures(result, folder)
    return result


def _run(
    points: Sequence[Point],
    axes: Sequence[Axis],
    depth: Depth,
    n_jobs: int,
    progress: Progress | None,
    keep: Callable[[Row], None],
    n_done: int = 0,
) -> list[Row]:
    """Run points and return their rows in the order of the grid; ``keep`` is called with each as it is finished."""
    first: dict[str, int] = {}
    for point in points:
        first.setdefault(point.group, len(first))
    ordered = sorted(points, key=lambda point: (first[point.group], point.mapping, point.index))
    by_index = {point.index: point for point in points}
    tasks = [Task(point.index, point.experiment, point.group) for point in ordered]
    rows: list[Row] = []
    n_points, start_s = n_done + len(points), time.perf_counter()
    if progress is not None and points:
        progress("sweep", n_done / n_points, f"{n_done} of {n_points} points")
    for index, values in run_tasks(tasks, depth, n_jobs):
        row = row_of(by_index[index], axes, values)
        keep(row)
        rows.append(row)
        if progress is not None:
            n_now = n_done + len(rows)
            left_s = (time.perf_counter() - start_s) / len(rows) * (n_points - n_now)
            note = f"{n_now} of {n_points} points" + (f", about {left_s:,.0f} s left" if n_now < n_points else "")
            progress("sweep", n_now / n_points, note)
    return sorted(rows, key=lambda row: int(row["point"]))
