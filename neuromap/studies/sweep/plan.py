"""Plans a sweep: reads its axes, and makes and checks the experiment of every point."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.errors import CapacityError, ParameterError
from models.files.config_file import parse_value
from models.option_names import option_name
from neuromap.experiment.check import check_experiment
from neuromap.experiment.load import make_experiment
from neuromap.experiment.nouns import Experiment
from neuromap.experiment.option_use import Job, check_read, given_by_path
from neuromap.experiment.options import SweepDepth
from neuromap.studies.sweep.point import Row, mapping_key, simulation_key

#: The axes of a sweep as a user gives them.
Vary = Mapping[str, Sequence[object]] | Sequence[str]
#: Settings that results do not depend on.
NOT_SWEPT = ("n_threads", "memory_gib")


@dataclass(frozen=True, slots=True)
class Axis:
    """A setting and the values that it takes."""

    path: str
    values: tuple[Any, ...]

    @property
    def short(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Point:
    """One experiment of a sweep.

    ``values`` are in the order of the axes. Points with equal ``group`` share their longest work, points with equal
    ``mapping`` share a mapping. ``constants`` holds the machine's constants.
    """

    index: int
    values: tuple[Any, ...]
    experiment: Experiment
    group: str
    mapping: str
    constants: str


def parse_axes(varied: Sequence[str]) -> tuple[Axis, ...]:
    """Read ``["machine.core.clock_hz=150e6,200e6"]``. Commas in brackets belong to a value (``[5,7],[7,7]``).

    Raises
    ------
    ParameterError
        If there is no axis, an axis has no values, or a path or a value is given twice.
    """
    example = "path=value,value,..., for example machine.core.clock_hz=150e6,200e6"
    if not varied:
        raise ParameterError(option_name("vary"), None, example)
    axes: list[Axis] = []
    for text in varied:
        path, equals, values = (part.strip() for part in text.partition("="))
        parts = _split(values)
        if not equals or not path or not all(parts):
            raise ParameterError(option_name("vary"), text, example)
        if path in (axis.path for axis in axes):
            raise ParameterError(option_name("vary"), text, f"each path once ({path} was given before)")
        if path in NOT_SWEPT:
            raise ParameterError(option_name("vary"), text, f"a path that changes the result, which {path} does not")
        read = tuple(parse_value(part) for part in parts)
        twice = next((value for i, value in enumerate(read) if value in read[:i]), None)
        if twice is not None:
            raise ParameterError(_called(path), twice, "each value once")
        axes.append(Axis(path, read))
    return tuple(axes)


def _called(path: str) -> str:
    """Return the name of an axis in an error."""
    return f"{option_name('vary')} {path}"


def _split(text: str) -> list[str]:
    """Split a text at the commas outside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def plan_sweep(experiment: Experiment, axes: Sequence[Axis], depth: SweepDepth) -> tuple[Point, ...]:
    """Make and check the experiment of every point; the last axis varies fastest.

    A point that asks more of a core or chip than it can hold is a result, not an error.

    Raises
    ------
    UnknownNameError, ParameterError
        If a path or a value is wrong.
    """
    points = []
    for index, values in enumerate(itertools.product(*(axis.values for axis in axes))):
        settings = dict(zip((axis.path for axis in axes), values, strict=True))
        made = make_experiment(experiment, settings=settings)
        try:
            _, machine = check_experiment(made)
            mapping, constants = (
                mapping_key(made, machine),
                repr([(note.path, note.value) for note in machine.constants]),
            )
        except CapacityError as err:
            mapping, constants = str(err), ""
        group = simulation_key(made) if depth == "cores" else mapping
        points.append(Point(index, values, made, group, mapping, constants))
    return tuple(points)


def read_axes(vary: Vary) -> tuple[Axis, ...]:
    """Return the axes of a sweep from either form in which they are given, checked."""
    if not isinstance(vary, Mapping):
        return parse_axes(vary)
    axes = tuple(Axis(path, tuple(values)) for path, values in vary.items())
    parse_axes([f"{axis.path}={','.join(json.dumps(value) for value in axis.values)}" for axis in axes])  # checks
    return axes


def check_axes(job: Job, axes: Sequence[Axis], base: Experiment, options: Mapping[str, Any]) -> None:
    """Raise ParameterError for an axis that a sweep does not read, or that was given as an option as well."""
    paths = [f"{axis.path}.name" if axis.path in ("network", "machine", "recipe") else axis.path for axis in axes]
    auto = "auto" if any("auto" in axis.values for axis in axes) else base.recipe.neurons_per_core
    check_read(job, paths, {path: _called(path) for path in paths}, neurons_per_core=auto)
    given, names = given_by_path(options)
    for path in paths:
        if path in given:
            raise ParameterError(path, f"{names[path]} and {_called(path)}", "only one of the two")


def row_of(point: Point, axes: Sequence[Axis], values: Row) -> Row:
    """Return the row of a point: ``point``, one key for each axis, then ``values``."""
    swept = {axis.path: as_json(value) for axis, value in zip(axes, point.values, strict=True)}
    return {"point": point.index, **swept, **values}


def as_json(value: Any) -> Any:
    """Return the value as it is after writing it to JSON and reading it back."""
    return json.loads(json.dumps(value))


def value_text(value: Any) -> str:
    """Return a short text for a swept value, with large numbers in powers of a thousand (150e6)."""
    if not isinstance(value, float):
        return str(value)
    thousands = int(math.log10(abs(value)) // 3) if abs(value) >= 1e5 else 0
    return f"{value / 1000**thousands:.4g}" + (f"e{3 * thousands}" if thousands else "")
