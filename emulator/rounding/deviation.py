"""Compares a parameter with the value that remains once its constant has been rounded to fixed point.

Above ``NOTE_RATIO`` a deviation is noted: 1 % of a time constant changes a rate by about as much as another seed does.
Above ``ERROR_RATIO`` it is an error: a time constant that is off by a fifth describes another neuron, and with a little
more rounding the membrane does not move at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from models.errors import ParameterError

NOTE_RATIO = 0.01
ERROR_RATIO = 0.2
#: For the charge of a single spike, which is the worst case: overlapping spikes together lose no more than one alone.
CHARGE_NOTE_RATIO = 0.05
#: Time constants of the device that are further off are also a warning: a caller from Python has no report to read.
WARN_RATIO = 0.05
_MAX_NAMES = 3
_N_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One parameter that fixed point cannot represent.

    Attributes
    ----------
    where : str
        Population, or ``source -> target`` of a projection.
    parameter : str
        With its unit at the end of its name.
    asked, effective : float
        In ``unit``; an effective value may be infinite (a membrane that does not relax).
    unit : str
    reason : str
        Why, in words.
    text : str
        Both values in words, in place of the sentence that ``values`` would make of them.
    warn_ratio : float
        Above it, ``simulate`` warns; else the deviation is only noted.
    """

    where: str
    parameter: str
    asked: float
    effective: float
    unit: str
    reason: str
    text: str = ""
    warn_ratio: float = math.inf

    @property
    def is_large(self) -> bool:
        """Whether it is large enough for a warning."""
        return ratio_off(self.asked, self.effective) > self.warn_ratio

    @property
    def percent(self) -> float:
        """How far the effective value is from the one asked for."""
        return 100.0 * (self.effective / self.asked - 1.0) if self.asked else math.inf

    @property
    def values(self) -> str:
        """Both values and their distance: ``1000 ms asked for, 819.2 ms in effect (-18.1 %)``."""
        if self.text:
            return self.text
        off = "" if math.isinf(self.percent) else f" ({self.percent:+.3g} %)"
        effective = "no decay" if math.isinf(self.effective) else f"{self.effective:.4g} {self.unit}"
        return f"{self.asked:g} {self.unit} asked for, {effective} in effect{off}"


def ratio_off(asked: float, effective: float) -> float:
    """Return the relative distance of two numbers, infinite where only the asked one is zero."""
    if asked == effective:
        return 0.0
    return abs(effective / asked - 1.0) if asked else math.inf


def deviation_notes(deviations: Iterable[Deviation]) -> tuple[str, ...]:
    """Return one sentence for each kind of deviation, with the populations that share it."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for one in deviations:
        shared = names.setdefault((one.parameter, one.values, one.reason), [])
        if one.where not in shared:
            shared.append(one.where)
    return tuple(
        f"{parameter} of {_listed(where)}: {values}; {reason}" for (parameter, values, reason), where in names.items()
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more


def refuse(deviation: Deviation, is_held: Callable[[float], bool], *, remedy: str, upwards: bool = False) -> None:
    """Raise ParameterError for a parameter that is too far off, and name the nearest value that is not.

    Parameters
    ----------
    deviation : Deviation
    is_held : callable
        Returns whether fixed point holds a value well enough; false for ``deviation.asked``.
    remedy : str
        Another change that helps.
    upwards : bool
        Whether to look for a larger value that is held; else a smaller one.
    """
    nearest = nearest_held(deviation.asked, is_held, upwards=upwards)
    bound = "" if nearest is None else f"at {'least' if upwards else 'most'} {nearest:.6g} {deviation.unit}, "
    allowed = (
        f"{bound}or {remedy} ({deviation.values}: {deviation.reason})"
        if bound
        else (f"{remedy} ({deviation.values}: {deviation.reason})")
    )
    raise ParameterError(f"Population({deviation.where!r}).{deviation.parameter}", deviation.asked, allowed)


def nearest_held(asked: float, is_held: Callable[[float], bool], *, upwards: bool = False) -> float | None:
    """Return a value near ``asked`` that is held, rounded to three digits if it still is; None if none was found."""
    held, bad = asked, asked
    for _ in range(_N_HALVINGS):
        held = held * 2 if upwards else held / 2
        if is_held(held):
            break
        bad = held
    else:
        return None
    for _ in range(_N_HALVINGS):
        middle = 0.5 * (held + bad)
        held, bad = (middle, bad) if is_held(middle) else (held, middle)
    unit = 10.0 ** (math.floor(math.log10(held)) - 2)
    rounded = (math.ceil(held / unit) if upwards else math.floor(held / unit)) * unit
    return rounded if is_held(rounded) else held
