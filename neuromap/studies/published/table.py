"""Computes the table of published results of PD14 and our predictions, and saves every row when it is finished."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Unpack

from emulator.engine.simulation import Simulation
from models.progress import Progress, with_note
from neuromap.experiment.network import build_network
from neuromap.experiment.nouns import default_n_threads
from neuromap.experiment.option_help import with_options
from neuromap.experiment.options import PublishedOptions
from neuromap.output.folder import Output
from neuromap.runs.cores import simulate_experiment
from neuromap.studies.published.folder import ROWS_NAME, plan_content, prepare_folder, read_rows, write_tables
from neuromap.studies.published.measure import PublishedRow
from neuromap.studies.published.rows import RowSpec, choose_rows
from neuromap.studies.published.run import work_out, work_out_again
from neuromap.studies.published.setting import Setting, experiment_of, needs_simulation, simulation_key
from neuromap.studies.sweep.folder import append_point, opened_points


@dataclass(frozen=True, slots=True, eq=False)
class PublishedTable:
    """The rows in the order of the table; ``n_reused`` of them were read from ``out`` instead of being computed."""

    setting: Setting
    rows: tuple[PublishedRow, ...]
    n_reused: int
    out: Path | None

    def row(self, row_id: str) -> PublishedRow:
        """Return a row by name; KeyError if it was not asked for."""
        return {row.row_id: row for row in self.rows}[row_id]

    def _repr_html_(self) -> str:
        from neuromap.studies.published.page import render_page

        return render_page(self.rows, self.setting)


@with_options(PublishedOptions)
def published(
    rows: Sequence[str] = (),
    *,
    scale: float = 1.0,
    seconds: float = 1.0,
    seed: int = 1234,
    figures: bool = True,
    **options: Unpack[PublishedOptions],
) -> PublishedTable:
    """Predict the published results of PD14 on real machines: time-scale factors, energies and sizes.

    Defaults are in brackets.

    Parameters
    ----------
    rows
        Names of the rows of the table [all].
    scale
        Factor that multiplies the size of the network; the published systems ran it at full size [1].
    seconds
        Model time that the results cover, after a warm-up of 500 ms, in seconds [1].
    seed
        Seed of all random numbers [1234].
    figures
        Draw the figure and the page into the folder of the results [True].
    **options
        The options of `neuromap.experiment.options.PublishedOptions`, which ``help(neuromap.published)`` explains.

    Returns
    -------
    PublishedTable
        Our numbers beside the published ones. Rows that ``out`` already holds from the same request are reused.

    Raises
    ------
    NeuromapError
        For wrong input, before anything runs.
    KeyboardInterrupt
        If interrupted; the finished rows are in ``out``.
    """
    specs, output, threads = choose_rows(rows), Output.of(options), options.get("threads")
    n_threads = default_n_threads() if threads is None else threads
    setting = Setting(scale=scale, seconds=seconds, seed=seed, n_threads=n_threads)
    with output.alone():
        for spec in specs:  # checks every experiment before anything runs
            experiment_of(spec, setting)
        folder = output.folder
        opened: AbstractContextManager[IO[bytes] | None] = nullcontext()
        if folder is not None:
            prepare_folder(folder, plan_content(setting), overwrite=output.overwrite)
            opened = opened_points(folder / ROWS_NAME)
        with opened as file:
            done = {} if file is None else read_rows(file)
            left = [spec for spec in specs if spec.row_id not in done]
            _run(left, setting, done, file, with_note(options.get("progress")))
        table = PublishedTable(setting, tuple(done[spec.row_id] for spec in specs), len(specs) - len(left), folder)
        if folder is not None:
            _write(table, folder, figures=figures)
    return table


def _write(table: PublishedTable, folder: Path, *, figures: bool) -> None:
    """Write the page and the figure if asked for, and the tables."""
    if figures:
        from neuromap.studies.published.page import write_page

        write_page(table.rows, table.setting, folder)
    write_tables(table.rows, table.setting, folder)


def _run(
    specs: Sequence[RowSpec],
    setting: Setting,
    done: dict[str, PublishedRow],
    file: IO[bytes] | None,
    progress: Progress,
) -> None:
    """Compute the rows, grouped by simulation, and save each when it is finished."""
    keys = [simulation_key(spec) if needs_simulation(spec) else None for spec in specs]
    first = {key: keys.index(key) for key in keys}
    simulation: Simulation | None = None
    simulated = None
    for spec, key in sorted(zip(specs, keys, strict=True), key=lambda pair: first[pair[1]]):
        same = done.get(spec.same_as)
        if same is None and key is not None and key != simulated:
            simulation = None  # frees the memory before the next simulation is made
            simulation, simulated = _simulate(spec, setting, progress), key
        progress(spec.row_id, 0.0, "")
        if same is None:
            row = work_out(spec, setting, simulation, partial(_report, progress, spec.row_id))
        else:
            row = work_out_again(spec, same)
        done[row.row_id] = row
        if file is not None:
            append_point(file, row.to_dict())
        progress(spec.row_id, 1.0, "")


def _report(progress: Progress, row_id: str, fraction: float) -> None:
    progress(row_id, fraction, "")


def _simulate(spec: RowSpec, setting: Setting, progress: Progress) -> Simulation:
    """Simulate the network of a row; an interrupted simulation is not used."""
    name = f"PD14 {spec.drive} {spec.v_init}" + (f" x{spec.network_scale:g}" if spec.network_scale != 1 else "")

    def on_stage(stage: str, fraction: float, note: str = "") -> None:
        progress(f"{name}: {stage}", fraction, note)

    experiment = experiment_of(spec, setting)
    simulation = simulate_experiment(experiment, build_network(experiment.network), on_stage)
    if not simulation.is_complete:
        raise KeyboardInterrupt
    return simulation
