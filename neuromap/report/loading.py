"""Writes the time until the first step on the machine in words."""

from __future__ import annotations

from neuromap.measures.results import LoadingReport
from neuromap.page.quantity import fixed

_WAYS = {"host": "drawn by the host", "machine": "drawn by the cores"}


def duration(time_s: float) -> str:
    """Return a time in seconds, minutes or hours, with two or three digits."""
    for scale, unit, least in ((3600.0, "h", 1.5), (60.0, "min", 1.5)):
        if time_s >= least * scale:
            value = time_s / scale
            return f"{fixed(value, 0 if value >= 20 else 1)} {unit}"
    return f"{fixed(time_s, 0 if time_s >= 20 else 1)} s"


def _range(low_s: float, high_s: float) -> str:
    """Return a range in brackets; an empty text if both ends are equal."""
    return f" ({duration(low_s)} to {duration(high_s)})" if low_s != high_s else ""


def loading_line(loading: LoadingReport) -> str:
    """Return the times in one line: for the usual place of drawing synapses, its range, and for the other place."""
    low_s, high_s = loading.total_range_s
    usual = f"{duration(loading.total_s)}{_range(low_s, high_s)}"
    others = [
        f", {duration(time_s)} {_WAYS[way]}"
        for way, time_s in loading.total_by_generation_s.items()
        if way != loading.generation
    ]
    return f"loading (modelled): {usual} with synapses {_WAYS[loading.generation]}{''.join(others)}"


def loading_facts(loading: LoadingReport) -> list[tuple[str, str]]:
    """Return table rows: the parts and total for the usual place of drawing synapses, the total for the other."""
    rows = [
        ("allocation, boot, code", duration(loading.start_s)),
        (f"synapses, {_WAYS[loading.generation]}", duration(loading.draw_s)),
        ("sending data to the machine", duration(loading.load_s)),
        ("total", f"{duration(loading.total_s)}{_range(*loading.total_range_s)}"),
    ]
    for way, time_s in loading.total_by_generation_s.items():
        if way != loading.generation:
            rows.append((f"total with synapses {_WAYS[way]}", duration(time_s)))
    return rows
