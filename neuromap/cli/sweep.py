"""The command ``neuromap sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from neuromap.cli.exit_codes import EXIT_INTERRUPTED
from neuromap.cli.options import SweepOptions
from neuromap.cli.values import FLAG, NUMBER
from neuromap.experiment.options import SweepDepth

if TYPE_CHECKING:
    from neuromap.studies.sweep.result import SweepResult

_VARY = Parameter(name="--vary", negative=(), show_default=False)
_DEFAULTS = SweepOptions()
_MAX_SHOWN = 50
_TABLE_WIDTH = 120  # a narrower terminal wraps the lines instead of cutting numbers
#: Columns of the table on a terminal, and their headings.
_SHOWN = {
    "status": "",
    "n_cores": "cores",
    "n_boards": "boards",
    "core_load_ratio": "core load",
    "binds": "binds",
    "real_time_factor": "RTF",
    "power_w": "W",
    "energy_per_synaptic_event_nj": "nJ/event",
}


def sweep(
    network: str,
    /,
    *,
    vary: Annotated[tuple[str, ...], _VARY] = (),
    options: SweepOptions = _DEFAULTS,
    depth: SweepDepth = "static",
    jobs: Annotated[int | None, NUMBER] = None,
    no_figures: Annotated[bool, FLAG] = False,
) -> int:
    """Run an experiment at every point of a grid of settings.

    If the command is interrupted, the same command with --out continues where it stopped.
    An option whose help starts with depths in parentheses needs --depth cores.
    Defaults are in brackets.

    Parameters
    ----------
    network
        Name of a built-in network (pd14, brunel, chain ...) or an experiment file (.yaml).
    vary
        path=value,value,...: a setting and its values, one axis of the grid. May be repeated.
    depth
        static: map the network and compute the expected loads of cores, memories and links.
        cores: simulate the network as well, once for all points that have the same spikes.
    jobs
        Number of processes, each with one thread; does not affect results [2].
    no_figures
        Draw no figures.
    """
    from neuromap.cli import terminal
    from neuromap.experiment.option_use import check_needs, check_read, given_by_path
    from neuromap.output.folder import unused_folder
    from neuromap.studies.sweep.folder import POINTS_NAME
    from neuromap.studies.sweep.run import sweep as run_grid

    check_needs("--overwrite", options.overwrite, "--out", options.out is not None)
    out = options.out or unused_folder(Path("out") / f"sweep-{Path(network).stem}")
    given = {name: value for name, value in options.given().items() if value not in (None, ())}
    check_read("sweep_cores" if depth == "cores" else "sweep_static", *given_by_path(given))
    try:
        with terminal.ProgressView() as progress:
            result = run_grid(
                network,
                vary,
                depth=depth,
                jobs=jobs,
                out=out,
                overwrite=options.overwrite,
                progress=progress,
                figures=not no_figures,
                **given,
            )
    except KeyboardInterrupt:
        points = out / POINTS_NAME
        n_kept = len(points.read_bytes().splitlines()) if points.exists() else 0
        kept = f"{n_kept} finished point{'s' * (n_kept != 1)} in {out}; the same command with --out {out} continues"
        terminal.print_error(f"interrupted before the end; kept {kept}")
        return EXIT_INTERRUPTED
    print_sweep(result)
    n_rows, n_reused = len(result.rows), result.n_reused
    print(f"{n_rows} points{f', {n_reused} of them from an earlier run' if n_reused else ''}; results in {out}")
    return 0


def print_sweep(result: SweepResult) -> None:
    """Print the table of points, at most the first `_MAX_SHOWN`."""
    from rich.console import Console
    from rich.table import Table

    from neuromap.studies.sweep.plan import value_text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for axis in result.axes:
        table.add_column(axis.short, justify="right", no_wrap=True)
    for head in _SHOWN.values():
        table.add_column(head, justify="right", no_wrap=True)
    for row in result.rows[:_MAX_SHOWN]:
        table.add_row(*(value_text(row[axis.path]) for axis in result.axes), *(_cell(row[name]) for name in _SHOWN))
    if len(result.rows) > _MAX_SHOWN:
        table.caption = f"and {len(result.rows) - _MAX_SHOWN} more in table.csv"
    width = Console().width
    Console(highlight=False, width=max(width, _TABLE_WIDTH)).print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
