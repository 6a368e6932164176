"""Published results of PD14 beside ours: one table (`published_rows`), kept row by row (`published_folder`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from emulator.engine.simulation import Simulation
from neuromap.experiment.network import build_network
from neuromap.output.folder import one_writer
from neuromap.runs.cores import simulate_experiment
from neuromap.studies.published.folder import ROWS_NAME, plan_content, prepare_folder, read_rows, write_tables
from neuromap.studies.published.measure import PublishedRow
from neuromap.studies.published.rows import RowSpec, choose_rows
from neuromap.studies.published.run import work_out, work_out_again
from neuromap.studies.published.setting import Setting, experiment_of, needs_simulation, simulation_key
from neuromap.studies.sweep.folder import append_point, opened_points

Progress = Callable[[str, float, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class PublishedTable:
    """The rows in the order of the table; ``n_reused`` of them were found in ``out``."""

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


@one_writer
def published(
    rows: Sequence[str] = (),
    *,
    scale: float = 1.0,
    seconds: float = 1.0,
    seed: int = 1234,
    threads: int | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    figures: bool = True,
) -> PublishedTable:
    """Work out the published results of PD14: factors, energies, sizes, ours beside theirs.

    Parameters
    ----------
    rows : sequence of str
        Names of rows; none: all.
    scale : float
        Factor of the network's size; the published systems ran 1.
    seconds : float
        Model time after a warm-up of 500 ms.
    seed : int
    threads : int, optional
        Of the emulator [2]; they do not change the result.
    out : str or Path, optional
        Folder for tables and figures. Rows that it holds of the same plan are taken over.
    overwrite : bool
        Begin anew in ``out`` whatever is there.
    progress : callable, optional
        Called with (stage, fraction, note).
    figures : bool
        Draw the figure and the page into ``out``.

    Returns
    -------
    PublishedTable

    Raises
    ------
    NeuromapError
        For wrong input, before anything runs.
    KeyboardInterrupt
        If interrupted; finished rows are in ``out``.
    """
    from neuromap.experiment.nouns import default_n_threads

    specs = choose_rows(rows)
    setting = Setting(
        scale=scale, seconds=seconds, seed=seed, n_threads=default_n_threads() if threads is None else threads
    )
    for spec in specs:  # everything that can be checked is checked before anything runs
        experiment_of(spec, setting)
    folder = None if out is None else Path(out)
    opened: AbstractContextManager[IO[bytes] | None] = nullcontext()
    if folder is not None:
        prepare_folder(folder, plan_content(setting), overwrite=overwrite)
        opened = opened_points(folder / ROWS_NAME)
    with opened as file:
        done = {} if file is None else read_rows(file)
        left = [spec for spec in specs if spec.row_id not in done]
        n_reused = len(specs) - len(left)
        _run(left, setting, done, file, progress or (lambda stage, fraction, note: None))
    table = PublishedTable(setting, tuple(done[spec.row_id] for spec in specs), n_reused, folder)
    if folder is not None:
        if figures:
            from neuromap.studies.published.page import write_page

            write_page(table.rows, setting, folder)
        write_tables(table.rows, setting, folder)
    return table


def _run(
    specs: Sequence[RowSpec],
    setting: Setting,
    done: dict[str, PublishedRow],
    file: IO[bytes] | None,
    progress: Progress,
) -> None:
    """Work rows out, those of one simulation after each other, and keep each as it is finished."""
    keys = [simulation_key(spec) if needs_simulation(spec) else None for spec in specs]
    first = {key: keys.index(key) for key in keys}
    simulation: Simulation | None = None
    simulated = None
    for spec, key in sorted(zip(specs, keys, strict=True), key=lambda pair: first[pair[1]]):
        same = done.get(spec.same_as)
        if same is None and key is not None and key != simulated:
            simulation = None  # its memory is free before the next is made
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
