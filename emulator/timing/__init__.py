"""Works out the cycles, time and energy that cores spend in every step of a run. The entry point is `time_run`."""

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
    """Return the cycles that every core spends in every step of a run.

    FPGA nodes with pipelines are timed by `emulator.timing.pipeline`, all other cores by `emulator.timing.cores`.

    Parameters
    ----------
    mapping : Mapping
    network : Network
    spikes : TimedSpikes
    time_scale_factor : float
        Length of a tick divided by dt.
    with_range : bool
        Whether to charge the run also with all unverified costs at their cheap and at their dear ends (``Timing.low``
        and ``Timing.high``).
    warmup_steps : int
        Number of steps at the start, at most ``n_steps``, that are left out of all counts, means and maxima.
    progress : Progress
        Called with the stage ``time`` and the fraction of the steps that is done.

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
