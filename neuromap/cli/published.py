"""The command ``neuromap published``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from neuromap.cli.exit_codes import EXIT_INTERRUPTED
from neuromap.cli.values import FLAG, NUMBER

if TYPE_CHECKING:
    from neuromap.studies.published.table import PublishedTable

_ROWS = Parameter(name="--rows", negative=(), show_default=False)
_OUT = Path("out") / "published"
_TABLE_WIDTH = 150  # a narrower terminal wraps the lines instead of cutting numbers


def published(
    *,
    rows: Annotated[tuple[str, ...], _ROWS] = (),
    scale: Annotated[float, NUMBER] = 1.0,
    seconds: Annotated[float, NUMBER] = 1.0,
    seed: Annotated[int, NUMBER] = 1234,
    threads: Annotated[int | None, NUMBER] = None,
    out: Path = _OUT,
    overwrite: Annotated[bool, FLAG] = False,
    no_figures: Annotated[bool, FLAG] = False,
) -> int:
    """Predict the published results of PD14 on real machines, and print each prediction beside the published number.

    If the command is interrupted, the same command continues where it stopped.
    Defaults are in brackets.

    Parameters
    ----------
    rows
        Names of the rows of the table, separated by commas; may be repeated [all].
    scale
        Factor that multiplies the size of the network; the published systems ran it at full size.
    seconds
        Model time that the results cover, after a warm-up of 500 ms, in seconds.
    seed
        Seed of all random numbers.
    threads
        Number of threads of the emulator; it does not affect results [2].
    out
        Folder for rows, tables and figures.
    overwrite
        Start anew and replace earlier results in the folder.
    no_figures
        Draw no figures.
    """
    from neuromap.cli import terminal
    from neuromap.studies.published.folder import ROWS_NAME
    from neuromap.studies.published.table import published as work_out_table

    names = [name.strip() for given in rows for name in given.split(",") if name.strip()]
    try:
        with terminal.ProgressView() as progress:
            table = work_out_table(
                names,
                scale=scale,
                seconds=seconds,
                seed=seed,
                threads=threads,
                out=out,
                overwrite=overwrite,
                progress=progress,
                figures=not no_figures,
            )
    except KeyboardInterrupt:
        n_kept = len((out / ROWS_NAME).read_bytes().splitlines()) if (out / ROWS_NAME).exists() else 0
        terminal.print_error(
            f"interrupted before the end; kept {n_kept} finished row{'s' * (n_kept != 1)} in {out}; "
            "the same command continues from there"
        )
        return EXIT_INTERRUPTED
    print_table(table)
    before = f", {table.n_reused} of them from an earlier run" if table.n_reused else ""
    print(f"{len(table.rows)} rows{before}; results in {out}")
    return 0


def print_table(made: PublishedTable) -> None:
    """Print the table, then the notes on rows that miss their target or have no number of ours."""
    from rich.console import Console
    from rich.table import Table

    from neuromap.studies.published.page import cells_of

    shown = Table(box=None, pad_edge=False, header_style="dim")
    for head, side in (
        ("row", "left"),
        ("what", "left"),
        ("published", "right"),
        ("ours", "right"),
        ("range", "right"),
        ("ratio", "right"),
        ("", "left"),
    ):
        shown.add_column(head, justify="right" if side == "right" else "left", no_wrap=head != "")
    for row in made.rows:
        for index, measure in enumerate(row.measures):
            style = "yellow" if measure.is_within is False else ""
            shown.add_row(row.row_id if index == 0 else "", *cells_of(measure), style=style)
    console = Console(highlight=False)
    Console(highlight=False, width=max(console.width, _TABLE_WIDTH)).print(shown)
    if made.setting.scale != 1:
        print(f"scale {made.setting.scale:g}: the published systems ran the full size, so the ratios mean nothing")
    for row in made.rows:
        is_open = any(one.is_within is False or one.ours is None for one in row.measures)
        if is_open and row.note:
            print(f"{row.row_id}: {row.note}")
