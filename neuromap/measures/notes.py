"""Writes the notes of a report: what a reader should know before trusting its numbers, and what to do about it."""

from __future__ import annotations

import numpy as np

from emulator.numbers.number_format import MAX_WEIGHT_BITS, weight_steps
from emulator.numbers.weight_scale import WeightScale
from models.machine import Machine
from models.network import Explicit, Network, Projection, Receptor
from models.networks import subthreshold_populations
from neuromap.measures.results import ActivityReport

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


def weight_notes(network: Network, machine: Machine, scales: dict[tuple[str, Receptor], WeightScale]) -> list[str]:
    """Return notes on weights that become coarse or vanish on a machine with weights narrower than the emulator's.

    The emulator stores weights in 16 bits. With fewer bits, `emulator.numbers.number_format.weight_steps` gives the
    step between weights: one scale for each target population and sign, wide enough for its largest weight.

    Parameters
    ----------
    network : Network
    machine : Machine
        There are no notes if it does not state ``core.weight_bits``, or states 16 or more.
    scales : dict of (str, Receptor) to WeightScale
        Scales of the run (``Simulation.scales``); empty if it was in floating point.
    """
    n_bits = machine.core.weight_bits
    if n_bits is None or n_bits >= MAX_WEIGHT_BITS or not scales:
        return []
    steps = weight_steps(network, scales, n_bits)
    coarse: list[tuple[float, str]] = []
    for projection in network.projections:
        key = projection.target, projection.receptor
        weight = _mean_weight(projection) * scales[key].raw_per_pa
        if weight > 0:
            coarse.append((steps[key] / weight, f"{projection.source} -> {projection.target}"))
    if not coarse:
        return []
    ratio, where = max(coarse)
    notes = [
        f"{machine.name} stores weights in {n_bits} bits, but this run used {MAX_WEIGHT_BITS}: with {n_bits} bits, "
        f"the step between two weights is up to {ratio:.2g} times the mean weight of a projection ({where}); neuromap "
        f"accuracy --weights {n_bits} measures what that changes"
    ]
    if lost := [name for share, name in coarse if share > 2]:
        n_more = len(lost) - _MAX_NAMES
        listed = ", ".join(lost[:_MAX_NAMES]) + (f" and {n_more} more" if n_more > 0 else "")
        notes.append(
            f"weights of {listed} are below half a step of {n_bits} bits on average and would be lost on "
            f"{machine.name}: use weights that are closer to each other in size"
        )
    return notes


def _mean_weight(projection: Projection) -> float:
    """Return the mean absolute weight of a projection, in the unit of its weights."""
    given = projection.connector.weights if isinstance(projection.connector, Explicit) else None
    return float(np.abs(given).mean()) if given is not None and given.size else abs(projection.weight.mean)
