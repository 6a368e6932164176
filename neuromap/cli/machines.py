"""The command ``neuromap machines``: lists the machines, shows one (also as a figure), checks a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App

from models.errors import ParameterError
from neuromap.cli.values import NUMBER, SET

machines = App(name="machines", help="List the machines; show or check one.", help_format="plaintext")


@machines.default
def machines_list() -> int:
    """List the machines that come with neuromap."""
    from models.machine.file import list_machines, load_machine

    for name in list_machines():
        print(f"{name:<16}{load_machine(name).description}")
    return 0


@machines.command(name="show")
def machines_show(
    name: str,
    /,
    *,
    settings: Annotated[tuple[str, ...], SET] = (),
    boards: Annotated[int | None, NUMBER] = None,
    out: Path | None = None,
) -> int:
    """Print the capacities of a machine and every constant with unit, source and status; draw the machine.

    Parameters
    ----------
    name
        Name of a machine, or a YAML file that describes one.
    settings
        path=value: set a constant, for example core.clock_hz=150e6. May be repeated with other paths.
    boards
        Number of boards to describe and draw, for a machine that gets as many boards as a mapping needs [a few].
    out
        File into which the machine is drawn (.png, .svg or .pdf) [none].
    """
    from models.files.config_file import parse_settings
    from models.machine.file import load_machine
    from neuromap.cli import terminal
    from neuromap.output.file import FIGURE_ENDINGS, check_output_file

    if out is not None:
        check_output_file("--out", out, FIGURE_ENDINGS)
    machine = load_machine(name, parse_settings(settings))
    if boards is not None and machine.topology.n_boards not in ("auto", boards):
        raise ParameterError("--boards", boards, f"{machine.topology.n_boards}, the size of {machine.name}")
    terminal.print_machine(machine, n_boards=boards)
    if out is not None:
        from neuromap.report.machine_map import write_machine_map

        write_machine_map(machine, out, n_boards=boards)
        print(f"figure in {out}")
    return 0


@machines.command(name="check")
def machines_check(file: Path, /) -> int:
    """Check a machine file.

    Parameters
    ----------
    file
        Machine file (.yaml).
    """
    from models.machine.file import load_machine
    from neuromap.cli import terminal

    machine = load_machine(file)
    print(f"{file}: no errors found; machine {machine.name}")
    terminal.print_unverified(machine)
    return 0
