"""Describes a mapping that was tried as a remedy: its size, and its load at the static depth."""

from __future__ import annotations

from mapping.model import Mapping
from mapping.remedy.search import describe_size
from mapping.task import Task
from neuromap.measures.static import static_report


def describe_load(mapping: Mapping, task: Task) -> str:
    """Return the size of a mapping, and the load of its busiest core at mean rates."""
    report = static_report(mapping, task.network, time_scale_factor=task.recipe.time_scale_factor)
    size = describe_size(mapping, task)
    if report.busiest_core is None:
        return size
    if mapping.machine.tick.end == "barrier":
        return f"{size}, with a real-time factor of {report.real_time_factor:.3g} at mean load"
    link = report.busiest_link
    if link is not None and link.load_ratio > 1 and report.max_core_load_ratio <= 1:
        asked = f"the offered load of a link is {link.load_ratio * 100:.0f} % of its capacity"
        return f"{size}, but {asked} at mean load, so that it would not keep up"
    share = f"{report.max_core_load_ratio * 100:.0f} % of a tick at mean load"
    if report.max_core_load_ratio <= 1:
        return f"{size}, the busiest of which needs {share}"
    return f"{size}, but the busiest of these needs {share}, so that it would not keep up"
