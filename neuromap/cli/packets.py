"""The command ``neuromap animate`` and the dynamic depth of ``neuromap run``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from neuromap.cli.values import NUMBER

if TYPE_CHECKING:
    from neuromap.cli.terminal import ProgressView
    from neuromap.experiment.nouns import Experiment
    from neuromap.measures.results import Report

_ANIMATED_SCALE, _FRAMES = 0.1, 60
EngineName = Literal["compiled", "simpy"]
_FLAG = Parameter(negative=(), show_default=False)
EXIT_INTERRUPTED = 130


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PacketOptions:
    """Options of ``run --depth dynamic`` and ``--depth full``."""

    spikes: Path | None = None
    "(dynamic) spikes.npz of an earlier run; spikes are drawn at the expected rates without it."
    trace: Path | None = None
    "(dynamic, full) File for a timeline of every packet (JSON for Perfetto, chrome://tracing); short runs only."
    engine: EngineName | None = None
    "(dynamic, full) What runs the packets: compiled code, or the readable SimPy model; same results [compiled]."
    end_of_tick: Literal["late", "drop", "wait"] | None = None
    "(dynamic, full) What is not done when a core's tick ends: done late, dropped, waited for [late; barrier: wait]."
    in_phase: bool | None = None
    "(dynamic, full) The ticks of all cores begin together, or at random phases [together]."

    def given(self) -> dict[str, Any]:
        """Return the options by their names on the command line; None is not given."""
        values = {
            "--spikes": self.spikes,
            "--trace": self.trace,
            "--end-of-tick": self.end_of_tick,
            "--engine": self.engine,
        }
        return values | {"--in-phase": None if self.in_phase is None else str(self.in_phase)}


def run_depth_dynamic(experiment: Experiment, out: Path, options: PacketOptions, *, overwrite: bool, html: bool) -> int:
    """Run an experiment at the dynamic depth and print its report."""
    from neuromap.cli import terminal
    from neuromap.runs.dynamic import dynamic_text, run_dynamic

    with terminal.ProgressView() as progress:
        result = run_dynamic(
            experiment,
            out=out,
            overwrite=overwrite,
            spikes=options.spikes,
            trace=options.trace,
            end_of_tick=options.end_of_tick,
            is_in_phase=options.in_phase is not False,
            html=html,
            progress=progress,
            engine=options.engine or "compiled",
            announce=progress.say,
        )
    print(f"{dynamic_text(result.report)}\nresults in {out}")
    return EXIT_INTERRUPTED if result.report.status == "partial" else 0


def run_depth_full(
    experiment: Experiment, out: Path, options: PacketOptions, *, overwrite: bool, html: bool, progress: ProgressView
) -> Report:
    """Run an experiment at the full depth, print what its packets did, and return its report."""
    from neuromap.runs.dynamic import dynamic_text
    from neuromap.runs.full import run_full

    full = run_full(
        experiment,
        out=out,
        overwrite=overwrite,
        end_of_tick=options.end_of_tick,
        is_in_phase=options.in_phase is not False,
        engine=options.engine or "compiled",
        trace=options.trace,
        html=html,
        progress=progress,
        announce=progress.say,
    )
    print(dynamic_text(full.packets))
    return full.report


def animate(
    network: str = "pd14",
    /,
    *,
    out: Path = Path("tick.html"),
    scale: Annotated[float | None, NUMBER] = None,
    machine: str | None = None,
    recipe: Literal["combined", "ensemble"] | None = None,
    seconds: Annotated[float, NUMBER] = 0.01,
    seed: Annotated[int | None, NUMBER] = None,
    engine: EngineName = "compiled",
    tick: Annotated[int | None, NUMBER] = None,
    frames: Annotated[int | None, NUMBER] = None,
) -> int:
    """Draw one tick's packets spreading over the boards, as a page (.html) or a moving picture (.gif).

    Parameters
    ----------
    network
        Built-in network or an experiment file (.yaml).
    out
        File to write.
    scale
        Factor of the size of the network [0.1 of pd14, else what the network or the file says].
    machine
        Machine: a name or a YAML file.
    recipe
        How populations are cut into cores.
    seconds
        Model time that spikes are drawn for, s.
    seed
        The one seed of all random numbers.
    engine
        What runs the packets: compiled code, or the SimPy model. Same results; SimPy is slow and readable.
    tick
        Tick to show [the one with most packets].
    frames
        Pictures of a .gif; a page plays six of them a second [60].
    """
    from emulator.packets.adaptor import source_names
    from emulator.packets.trace import busiest_tick
    from models.topology import build_topology
    from neuromap.output.file import ANIMATION_ENDINGS, check_output_file
    from neuromap.report.packets.animation import write_animation
    from neuromap.runs.dynamic import run_dynamic

    check_output_file("--out", out, ANIMATION_ENDINGS)
    scale = _ANIMATED_SCALE if scale is None and network == "pd14" else scale
    result = run_dynamic(
        network, engine=engine, with_log=True, scale=scale, machine=machine, recipe=recipe, seconds=seconds, seed=seed
    )
    outcome = result.outcome
    chosen = busiest_tick(outcome) if tick is None else tick
    topology = build_topology(result.mapping.machine)
    title = f"{result.report.network} on {result.report.machine}, tick {chosen}"
    n_packets = write_animation(
        outcome,
        topology,
        out,
        tick=chosen,
        n_frames=_FRAMES if frames is None else frames,
        title=title,
        source_names=source_names(result.mapping, topology),
    )
    print(f"{n_packets:,} packet{'s' * (n_packets != 1)} of tick {chosen} in {out}")
    return 0
