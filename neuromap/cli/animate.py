"""The command ``neuromap animate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from models.vocabulary import EngineName
from neuromap.cli.values import NUMBER

_ANIMATED_SCALE, _FRAMES = 0.1, 60


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
    from neuromap.runs.run import run

    check_output_file("--out", out, ANIMATION_ENDINGS)
    scale = _ANIMATED_SCALE if scale is None and network == "pd14" else scale
    result = run(
        network,
        depth="dynamic",
        engine=engine,
        with_log=True,
        scale=scale,
        machine=machine,
        recipe=recipe,
        seconds=seconds,
        seed=seed,
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
