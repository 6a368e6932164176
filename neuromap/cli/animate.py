"""The command ``neuromap animate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from models.vocabulary import EngineName
from neuromap.cli.values import NUMBER
from neuromap.experiment.nouns import RecipeName

_ANIMATED_SCALE, _FRAMES = 0.1, 60


def animate(
    network: str = "pd14",
    /,
    *,
    out: Path = Path("tick.html"),
    scale: Annotated[float | None, NUMBER] = None,
    machine: str | None = None,
    recipe: RecipeName | None = None,
    seconds: Annotated[float, NUMBER] = 0.01,
    seed: Annotated[int | None, NUMBER] = None,
    engine: EngineName = "compiled",
    tick: Annotated[int | None, NUMBER] = None,
    frames: Annotated[int | None, NUMBER] = None,
) -> int:
    """Draw how the packets of one tick spread over the boards, as a web page (.html) or an animated picture (.gif).

    Defaults are in brackets.

    Parameters
    ----------
    network
        Name of a built-in network (pd14, brunel, chain ...) or an experiment file (.yaml).
    out
        File to write, with the ending .html or .gif.
    scale
        Factor that multiplies the size of a built-in network [0.1 for pd14, else 1].
    machine
        Name of a machine (`neuromap machines` lists them), or a YAML file that describes one [spinnaker1].
    recipe
        How the neurons and synapses of populations are divided among cores; `neuromap run --help` explains the choices
        [default of the machine].
    seconds
        Model time for which packets are simulated, in seconds.
    seed
        Seed of all random numbers [1234].
    engine
        Implementation of the packet model: compiled code, or a readable but slow SimPy model. Both give the same
        results.
    tick
        Tick to draw [the tick with the most packets].
    frames
        Number of pictures; a page shows six of them per second [60].
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
