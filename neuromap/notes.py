"""Notes: what a reader of a report should know before believing its numbers, and what to do about it."""

from __future__ import annotations

from models.network import Network
from models.networks import subthreshold_populations
from neuromap.results import ActivityReport

_MAX_NAMES = 8


def make_notes(network: Network, activity: ActivityReport, *, n_spikes_in_all: int) -> list[str]:
    """Return the notes on a run, each one sentence or two.

    Parameters
    ----------
    network : Network
    activity : ActivityReport
    n_spikes_in_all : int
        Spikes of the whole simulation, warm-up and spike sources included.
    """
    notes = []
    if activity.n_spikes == 0 and activity.model_time_ms > 0:
        notes.append(
            f"no neuron fired in the {activity.model_time_ms:,.6g} ms after the warm-up of {activity.warmup_ms:,.6g} ms"
            + ("; all spikes came before: --set warmup_ms=0 keeps them" if n_spikes_in_all else "")
        )
    if silent := subthreshold_populations(network):
        n_more = len(silent) - _MAX_NAMES
        listed = ", ".join(silent[:_MAX_NAMES]) + (f" and {n_more} more" if n_more > 0 else "")
        notes.append(
            f"the constant current of {listed} is below threshold: only input from other neurons can make them fire"
            + ("; scaling lowered it, so use a larger --scale, or --drive poisson" if network.scale < 1 else "")
        )
    return notes
