"""Hints of the errors of a partition: what could be changed, but never to fewer than one neuron on a core.

`mapping.remedy.search` finds out whether a change helps, and replaces these hints by the changes that it tried.
"""

from __future__ import annotations


def fewer_neurons(now: int, otherwise: str) -> str:
    """Return "lower neurons_per_core or ..." if a core has more than one neuron, else only ``otherwise``."""
    return f"lower neurons_per_core (now {now}) or {otherwise}" if now > 1 else otherwise
