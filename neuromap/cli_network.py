"""The command ``neuromap animate`` and the dynamic depth of ``neuromap run``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from neuromap.choices import Experiment

_FLAG = Parameter(negative=(), show_default=False)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PacketOptions:
    """Options of ``run --depth dynamic``."""

    spikes: Path | None = None
    "(dynamic) spikes.npz of an earlier run; spikes are drawn at the expected rates without it."
    trace: Path | None = None
    "(dynamic) File for a timeline of every packet (JSON for Perfetto or chrome://tracing); short runs only."
    end_of_tick: Literal["late", "drop", "wait"] = "late"
    "(dynamic) What a core has not done when its tick ends is done late, dropped, or waited for."
    in_phase: Annotated[bool, _FLAG] = False
    "(dynamic) The ticks of all cores begin together; without it at random phases, as on SpiNNaker."


def run_depth_dynamic(experiment: Experiment, out: Path, options: PacketOptions, *, overwrite: bool) -> int:
    """Run an experiment at the dynamic depth and print its report."""
    from neuromap import terminal
    from neuromap.dynamic import dynamic_text, run_dynamic

    with terminal.ProgressView() as progress:
        result = run_dynamic(
            experiment, out=out, overwrite=overwrite, spikes=options.spikes, trace=options.trace,
            end_of_tick=options.end_of_tick, is_in_phase=options.in_phase, progress=progress,
        )  # fmt: skip
    print(f"{dynamic_text(result.report)}\nresults in {out}")
    return 0


def animate(
    network: str = "pd14",
    /,
    *,
    out: Path = Path("tick.html"),
    scale: float = 0.1,
    machine: str | None = None,
    recipe: Literal["combined", "ensemble"] | None = None,
    seconds: float = 0.01,
    seed: int | None = None,
    tick: int | None = None,
    frames: int = 60,
) -> int:
    """Draw one tick's packets spreading over the boards, as a page (.html) or a moving picture (.gif).

    Parameters
    ----------
    network
        Built-in network or an experiment file (.yaml).
    out
        File to write.
    scale
        Factor of the size of the network.
    machine
        Machine: a name or a YAML file.
    recipe
        How populations are cut into cores.
    seconds
        Model time that spikes are drawn for, s.
    seed
        The one seed of all random numbers.
    tick
        Tick to show [the one with most packets].
    frames
        Pictures in the animation.
    """
    from emulator.network.compiled import run_compiled
    from emulator.network.trace import busiest_tick
    from models.topology import build_topology
    from neuromap.dynamic import run_dynamic
    from neuromap.report.animation import write_animation

    result = run_dynamic(network, scale=scale, machine=machine, recipe=recipe, seconds=seconds, seed=seed)
    outcome = run_compiled(result.outcome.scenario, with_log=True)
    chosen = busiest_tick(outcome) if tick is None else tick
    topology = build_topology(result.mapping.machine)
    title = f"{result.report.network} on {result.report.machine}, tick {chosen}"
    n_packets = write_animation(outcome, topology, out, tick=chosen, n_frames=frames, title=title)
    print(f"{n_packets} packets of tick {chosen} in {out}")
    return 0
