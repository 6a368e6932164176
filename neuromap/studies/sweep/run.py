"""Runs an experiment at every point of a grid of settings, in parallel, and saves every point when it is finished."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Annotated, Unpack, get_args

from models.bounds import Bound, check_value
from models.errors import UnknownNameError
from models.option_names import option_name
from models.progress import Progress, with_note
from neuromap.experiment.load import make_experiment
from neuromap.experiment.nouns import default_n_threads
from neuromap.experiment.option_help import with_options
from neuromap.experiment.option_use import Job
from neuromap.experiment.options import SweepDepth, SweepOptions, of_experiment
from neuromap.experiment.prepare import Prepared, Runnable
from neuromap.output.folder import Output
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
from neuromap.studies.sweep.plan import Axis, Point, Vary, check_axes, plan_sweep, read_axes, row_of
from neuromap.studies.sweep.point import Row
from neuromap.studies.sweep.pool import Task, run_tasks
from neuromap.studies.sweep.result import SweepResult

N_JOBS = Annotated[int, Bound(1, 1024, "processes")]


@with_options(SweepOptions)
def sweep(
    network: Runnable,
    vary: Vary,
    *,
    depth: SweepDepth = "static",
    jobs: int | None = None,
    figures: bool = True,
    **options: Unpack[SweepOptions],
) -> SweepResult:
    """Run an experiment at every point of a grid of settings.

    Defaults are in brackets.

    Parameters
    ----------
    network
        Name of a built-in network, a `Network` object, or an experiment (an `Experiment` or a YAML file).
    vary
        The axes of the grid, each a setting by its path and the values that it takes:
        ``{"machine.core.clock_hz": [150e6, 200e6]}`` or ``["machine.core.clock_hz=150e6,200e6"]``.
    depth
        static: map the network and compute the expected loads. cores: simulate it as well; points with the same spikes
        share one simulation [static].
    jobs
        Number of processes, each with one thread; does not affect results. With more than one process, the main module
        of the program must be importable (``if __name__ == "__main__":``) [2, or 1 on a computer with one processor].
    figures
        Draw figures into the folder of the results [True].
    **options
        The options of `neuromap.experiment.options.SweepOptions`, which ``help(neuromap.sweep)`` explains.

    Returns
    -------
    SweepResult
        ``result.rows`` has one row for each point. If ``out`` already holds a part of the same sweep, only the missing
        points are run.

    Raises
    ------
    NeuromapError
        For wrong input, before anything runs; or if a process ended in the middle of a point.
    KeyboardInterrupt
        If interrupted; the finished points are in ``out``.
    """
    if depth not in get_args(SweepDepth):
        raise UnknownNameError(option_name("depth"), depth, get_args(SweepDepth))
    n_jobs = check_value(option_name("jobs"), default_n_threads() if jobs is None else jobs, N_JOBS)
    output, progress = Output.of(options), with_note(options.get("progress"))
    job: Job = "sweep_cores" if depth == "cores" else "sweep_static"
    source = network.experiment if isinstance(network, Prepared) else network
    with output.alone():
        own = of_experiment(options)
        base = make_experiment(source, job=job, **own)
        axes = read_axes(vary)
        check_axes(job, axes, base, own)
        points = plan_sweep(base, axes, depth)
        name = f"{base.network.name} on {Path(base.machine.name).stem}"
        if output.folder is None:
            rows = _run(points, axes, depth, n_jobs, progress)
            return SweepResult(name, axes, depth, len(points), tuple(rows), 0, None)
        plan = plan_content(base, axes, depth, points)
        folder = prepare_folder(output.folder, plan, overwrite=output.overwrite)
        with opened_points(folder / POINTS_NAME) as file:
            done = read_points(file, points, axes)
            left = [point for point in points if point.index not in done]
            for row in _run(left, axes, depth, n_jobs, progress, file, len(done)):
                done[row["point"]] = row
        rows = [done[point.index] for point in points]
        result = SweepResult(name, axes, depth, len(points), tuple(rows), len(points) - len(left), folder)
        _write(result, folder, figures=figures)
    return result


def _write(result: SweepResult, folder: Path, *, figures: bool) -> None:
    """Write the table and, if asked for, the figures of a finished sweep."""
    write_table(result.rows, result.axes, folder / TABLE_NAME)
    if figures:
        from neuromap.studies.sweep.figure import write_figures

        write_figures(result, folder)


def _run(
    points: Sequence[Point],
    axes: Sequence[Axis],
    depth: SweepDepth,
    n_jobs: int,
    progress: Progress,
    file: IO[bytes] | None = None,
    n_done: int = 0,
) -> list[Row]:
    """Run points and return their rows in the order of the grid; append each row to ``file`` when it is finished."""
    first: dict[str, int] = {}
    for point in points:
        first.setdefault(point.group, len(first))
    ordered = sorted(points, key=lambda point: (first[point.group], point.mapping, point.index))
    by_index = {point.index: point for point in points}
    tasks = [Task(point.index, point.experiment, point.group) for point in ordered]
    rows: list[Row] = []
    n_points, start_s = n_done + len(points), time.perf_counter()
    if points:
        progress("sweep", n_done / n_points, f"{n_done} of {n_points} points")
    folder = None if file is None else Path(file.name).parent
    for index, values in run_tasks(tasks, depth, n_jobs, folder):
        row = row_of(by_index[index], axes, values)
        if file is not None:
            append_point(file, row)
        rows.append(row)
        n_now = n_done + len(rows)
        left_s = (time.perf_counter() - start_s) / len(rows) * (n_points - n_now)
        note = f"{n_now} of {n_points} points" + (f", about {left_s:,.0f} s left" if n_now < n_points else "")
        progress("sweep", n_now / n_points, note)
    return sorted(rows, key=lambda row: int(row["point"]))
