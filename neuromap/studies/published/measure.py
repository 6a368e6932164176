"""Holds a finished row of `neuromap published`: our numbers beside the published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, get_type_hints

from emulator.timing.energy import Energy
from models.bounds import check_value
from models.files.json_file import is_json_number
from models.published import PD14_POINTS, PublishedPoint
from neuromap.studies.published.rows import Claim, RowSpec

#: Largest ratios, in either direction, at which a factor, an energy and a reproduced number count as met.
FACTOR_TARGET = 1.5
ENERGY_TARGET = 1.25
REPRODUCED_TARGET = 1.02
PJ_PER_UJ = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One published number and ours.

    ``published_low``, ``published_high``: equal if sources agree, None if nothing is published. ``ours_low``,
    ``ours_high``: our number with all constants of known range at their low ends, and at their high ends; equal to
    ``ours`` if there are no such constants. ``ratio``: our number over the published one, or over the nearer end of a
    published range; 1 inside the range. ``target``: largest ratio in either direction that counts as met, None if
    nothing is claimed.
    """

    quantity: str
    unit: str
    claim: Claim
    published_low: float | None
    published_high: float | None
    ours: float | None
    ours_low: float | None
    ours_high: float | None
    target: float | None
    source: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Our number over the published one; None without one of them."""
        if self.ours is None or self.published_low is None or self.published_high is None:
            return None
        if self.published_low <= self.ours <= self.published_high:
            return 1.0
        nearer = self.published_low if self.ours < self.published_low else self.published_high
        return self.ours / nearer if nearer else None

    @property
    def is_within(self) -> bool | None:
        """Whether the target is met; None without a target or without a ratio."""
        ratio = self.ratio
        if ratio is None or self.target is None:
            return None
        return 1 / self.target <= ratio <= self.target

    @property
    def verdict(self) -> str:
        """The claim and whether it holds, in words."""
        if self.ours is None:
            return "not worked out"
        if self.is_within is None:
            return self.claim
        if self.is_within:
            return f"{self.claim}, within {_allowed(self.target or 1.0)}"
        reaches = self.ours_low is not None and self.ours_high is not None and self._range_meets(self.target or 1.0)
        return f"{self.claim}, OUTSIDE {_allowed(self.target or 1.0)}{' (its range reaches it)' if reaches else ''}"

    def _range_meets(self, target: float) -> bool:
        low, high = self.ours_low or 0.0, self.ours_high or 0.0
        return low <= (self.published_high or 0.0) * target and high >= (self.published_low or 0.0) / target


def _allowed(target: float) -> str:
    return f"a factor {target:g}" if target > ENERGY_TARGET else f"{target - 1:.0%}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """A finished row: its measures, and its power by part (``parts_w``, at ``energy_factor`` times real time)."""

    row_id: str
    system: str
    configuration: str
    given: str
    calibrated: str
    note: str
    measures: tuple[Measure, ...]
    parts_w: dict[str, float]
    published_power_w: float | None
    wall_s: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts and lists, with ratio and verdict of every measure."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "measures"}
        plain["measures"] = [
            {name: getattr(one, name) for name in (*one.__slots__, "ratio", "is_within", "verdict")}
            for one in self.measures
        ]
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> PublishedRow:
        """Return the row from the result of `to_dict`; raise ValueError, KeyError or TypeError for anything else."""
        measures = tuple(Measure(**_checked(Measure, one, ())) for one in plain["measures"])
        return cls(**_checked(cls, plain, ("measures",)), measures=measures)


@dataclass(slots=True)
class RowNumbers:
    """The computed numbers of a row: measures, power by part, published power, and a text on the set-up."""

    measures: list[Measure]
    parts_w: dict[str, float] = field(default_factory=dict)
    published_power_w: float | None = None
    configuration: str = ""


def _checked(kind: type, plain: dict[str, Any], skipped: tuple[str, ...]) -> dict[str, Any]:
    """Return the values of a dataclass; raise an error unless each has its type and is finite."""
    hints = get_type_hints(kind)
    values = {}
    for entry in fields(kind):
        if entry.name in skipped:
            continue
        value = plain[entry.name]
        if hints[entry.name] == dict[str, float]:
            numbers = tuple(value.values()) if isinstance(value, dict) else (value,)
        else:
            value = check_value(entry.name, value, hints[entry.name])
            numbers = (None if isinstance(value, str) else value,)
        if not all(map(is_json_number, numbers)):
            raise ValueError(f"{entry.name} is no number")
        values[entry.name] = value
    return values


def against(
    point: str | None,
    claim: Claim,
    ours: Sequence[float | None],
    *,
    quantity: str,
    unit: str = "",
    note: str = "",
    target: float | None = None,
) -> Measure:
    """Return our number and its range beside a published point.

    Parameters
    ----------
    point : str or None
        Name of `models.published.PD14_POINTS`.
    claim : {"predicted", "calibrated", "reproduced", "open"}
    ours : sequence of float or None
        Our number, then the ends of its range.
    quantity, unit, note : str
    target : float, optional
        Largest ratio that counts as met; ignored without a published point and for open claims.
    """
    published: PublishedPoint | None = None if point is None else PD14_POINTS[point]
    low, high = (None, None) if published is None else (published.low, published.high)
    middle, *ends = ours
    known = [value for value in ends if value is not None]
    return Measure(
        quantity=quantity,
        unit=unit,
        claim=claim,
        published_low=low,
        published_high=high,
        ours=middle,
        ours_low=min(known) if known else middle,
        ours_high=max(known) if known else middle,
        target=target if published is not None and claim != "open" else None,
        source="" if published is None else published.source,
        note=note,
    )


def factor_measures(
    spec: RowSpec, steady: Sequence[float], whole: Sequence[float], *, warmup_ms: float
) -> list[Measure]:
    """Return the factors of a row: smallest lossless factors after the warm-up and over the whole run.

    Each is (our factor, with all costs low, with all costs high). A system in hard real time is compared by its
    real-time factor instead.
    """
    after = f"after {warmup_ms:g} ms"
    if not spec.is_hard_real_time:
        given: dict[str, Any] = {"target": FACTOR_TARGET}
        return [
            against(
                spec.factor_point, spec.factor_claim, steady, quantity=f"smallest lossless factor, {after}", **given
            ),
            against(
                spec.factor_point, spec.factor_claim, whole, quantity="smallest lossless factor, whole run", **given
            ),
        ]
    return [
        against(
            spec.factor_point,
            spec.factor_claim,
            [max(1.0, value) for value in steady],
            quantity="real-time factor",
            target=FACTOR_TARGET,
        ),
        against(None, "open", steady, quantity=f"share of the tick in use, {after}"),
        against(None, "open", whole, quantity="share of the tick in use, whole run"),
    ]


def energy_measures(
    spec: RowSpec,
    found: Energy,
    ends: Sequence[Energy],
    *,
    events_per_s: float,
    factor: float,
    busy_ratio: float,
    full_w: float,
) -> tuple[list[Measure], float | None]:
    """Return the measures of energy, and the power in W that was published.

    Parameters
    ----------
    spec : RowSpec
    found : Energy
    ends : sequence of Energy
        The energy with all power constants low, and with all high.
    events_per_s : float
        Synaptic events per second of model time.
    factor : float
        Wall time over model time.
    busy_ratio : float
        Mean share of the time that a core is busy.
    full_w : float
        Power of all cores in use if they were active all the time, in addition to idle power; 0 if not known.
    """
    if spec.energy_point is None and spec.energy_claim != "open":
        return [], None
    values = [None if one.energy_per_event_nj is None else one.energy_per_event_nj * 1e-3 for one in (found, *ends)]
    measures = [
        against(
            spec.energy_point,
            spec.energy_claim,
            values,
            quantity="energy per synaptic event",
            unit="uJ",
            target=ENERGY_TARGET,
        )
    ]
    if spec.energy_point is None:
        return measures, None
    point = PD14_POINTS[spec.energy_point]
    watts = [value / PJ_PER_UJ * events_per_s / factor for value in (point.low, point.high)]
    if full_w > 0:
        rest_w = found.power_w - found.parts_w["active cores"] - found.parts_w["waiting cores"]
        implied = [max(0.0, (value - rest_w) / full_w) * 100 for value in watts]
        source = "implied by the published energy and the other parts of our model"
        measures.append(
            Measure(
                quantity="share of core time that draws active power",
                unit="%",
                claim="open",
                published_low=implied[0],
                published_high=implied[1],
                ours=busy_ratio * 100,
                ours_low=None,
                ours_high=None,
                target=None,
                source=source,
            )
        )
    return measures, sum(watts) / 2
