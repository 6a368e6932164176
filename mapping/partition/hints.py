"""What errors of a partition say could be changed: never fewer than one neuron on a core.

Whether a change helps is found out by `mapping.remedy.search`, which puts what it tried in place of these.
"""

from __future__ import annotations


def fewer_neurons(now: int, otherwise: str) -> str:
    """Return "lower neurons_per_core" where there is more than one neuron on a core, or else ``otherwise``."""
    return f"lower neurons_per_core (now {now}) or {otherwise}" if now > 1 else otherwise
