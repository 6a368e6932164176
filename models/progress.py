"""Defines `Progress`, the function with which every long computation reports how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """A function that is called with the stage at work and the share of it that is done."""

    def __call__(self, stage: str, fraction: float, note: str = "") -> None:
        """Report that ``fraction`` (0 to 1) of ``stage`` is done.

        A computation calls this with 0 when a stage starts and with 1 when it ends. ``note`` is a short text shown
        beside the stage, such as ``"500 of 10,000 ms"``.
        """


def silent(stage: str, fraction: float, note: str = "") -> None:
    """Report nothing: the `Progress` of a caller that does not ask for any."""


def with_note(given: Callable[[str, float, str], object] | None) -> Progress:
    """Return a `Progress` that calls a user's function with all three arguments, or reports nothing for None."""
    if given is None:
        return silent

    def report(stage: str, fraction: float, note: str = "") -> None:
        given(stage, fraction, note)

    return report
