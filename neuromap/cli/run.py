"""The command ``neuromap run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from neuromap.cli.exit_codes import EXIT_INTERRUPTED
from neuromap.cli.options import Options, PacketOptions, out_folder, read_experiment
from neuromap.cli.values import FLAG
from neuromap.experiment.option_use import check_depth_options
from neuromap.experiment.options import Depth
from neuromap.output.file import check_output_file

_DEFAULTS = Options()
_PACKETS = PacketOptions()


def run(
    network: str,
    /,
    *,
    options: Options = _DEFAULTS,
    depth: Depth = "cores",
    packets: PacketOptions = _PACKETS,
    no_html: Annotated[bool, FLAG] = False,
) -> int:
    """Run a network on a machine and report whether it fits, keeps up and loses packets, and what it costs.

    A run keeps up if every step finishes within its tick, which is the time that the machine has for a step, and if no
    link is sent more packets than it can carry.

    The help of an option starts with depths in parentheses, such as (cores, full), if only a run at these depths uses
    the option. Defaults are in brackets.

    Parameters
    ----------
    network
        Name of a built-in network (pd14, brunel, chain ...) or an experiment file (.yaml).
    depth
        How far the run goes.
        static: map the network and print the expected loads of cores, memories and links; nothing is simulated.
        dynamic: map the network and follow every packet; the spikes are fixed beforehand (--spikes).
        cores: map and simulate the network, and compute from its spikes how long every core works in every step.
        full: simulate network and packets together; the loss or delay of a packet changes the activity of the network.
    no_html
        (dynamic, cores, full) Write no report.html or packets.html.
    """
    from neuromap.cli import terminal

    given = packets.given() | {"html": not no_html}
    check_depth_options(depth, given)
    if packets.trace is not None:
        check_output_file("--trace", packets.trace)
    prepared = read_experiment(network, options, depth)
    out = out_folder(prepared.experiment, options)
    from neuromap.runs.run import run as run_network

    try:
        with terminal.ProgressView() as progress:
            if depth in ("dynamic", "full"):
                given["announce"] = progress.say
            result = run_network(
                prepared, depth=depth, out=out, overwrite=options.overwrite, progress=progress, **given
            )
    except KeyboardInterrupt:
        from neuromap.output.folder import kept_results

        kept = ", ".join(kept_results(out))
        terminal.print_error(f"interrupted before the end; kept in {out}: {kept or 'nothing'}")
        return EXIT_INTERRUPTED
    return _show(result, depth, out)


def _show(result: Any, depth: Depth, out: Path) -> int:
    """Print the report of a run; return the exit code."""
    from neuromap.cli import terminal

    if depth == "static":
        from neuromap.runs.static import static_text

        print(f"{static_text(result.report)}\nresults in {out}")
        return 0
    if depth in ("dynamic", "full"):
        from neuromap.runs.dynamic import dynamic_text

        print(dynamic_text(result.packets if depth == "full" else result.report))
    if depth in ("cores", "full"):
        terminal.print_verdict(result.report)
    print(f"results in {out}")
    return EXIT_INTERRUPTED if result.report.status == "partial" else 0
