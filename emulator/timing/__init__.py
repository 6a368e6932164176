"""Works out the cycles, time and energy that cores spend in every step of a run. The way in is `time_run`."""

from __future__ import annotations

from emulator.timing.cores import time_cores
from emulator.timing.model import TimedSpikes, Timing
from emulator.timing.pipeline import time_nodes
from mapping.model import Mapping
from models.check import check_number
from models.network import Network
from models.progress import Progress, silent

__all__ = ["TimedSpikes", "Timing", "time_run"]


def time_run(
    mapping: Mapping,
    network: Network,
    spikes: TimedSpikes,
    *,
    time_scale_factor: float = 1.0,
    with_range: bool = False,
    warmup_steps: int = 0,
    progress: Progress = silent,
) -> Timing:
    """Work out every core's cycles in every step of a run.

    The nodes of FPGA pipelines have a model of their own (`emulator.timing.pipeline`); all other cores are processors
    (`emulator.timing.cores`).

    Parameters
    ----------
    mapping : Mapping
    network : Network
    spikes : TimedSpikes
    time_scale_factor : float
        Length of a tick divided by dt.
    with_range : bool
        Whether to charge the run at the cheap and the dear end of the unverified costs too (``Timing.low``, ``high``).
    warmup_steps : int
        The first steps, at most ``n_steps``, which are left out of all counts, means and largest values.
    progress : Progress
        Called with the stage ``time``.

    Returns
    -------
    Timing
    """
    factor = check_number("time_scale_factor", time_scale_factor, above=0)
    time_steps = time_nodes if mapping.machine.core.kind == "pipeline_node" else time_cores
    return time_steps(
        mapping,
        network,
        spikes,
        time_scale_factor=factor,
        with_range=with_range,
        warmup_steps=warmup_steps,
        progress=progress,
    )
