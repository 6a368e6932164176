"""Bounds: one declaration gives the check, the words of the error and the schema."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import TypeAdapter

from models.bounds import Bound, check_fields, check_value, checked_arguments, describe
from models.errors import ParameterError, UnknownNameError

THREADS = Annotated[int, Bound(1, 64, "threads")]
GIB = Annotated[float, Bound(0.5, 8.0, "GiB")]


@pytest.mark.parametrize("value", [1, 64, 64.0, np.int8(64), np.uint64(7), np.float32(2.0)])
def test_whole_numbers_of_every_kind_become_int(value):
    checked = check_value("n", value, THREADS)
    assert (checked, type(checked)) == (int(value), int)


@pytest.mark.parametrize("value", [0.5, 8, np.float16(1.5), np.int64(3), np.float64(8.0)])
def test_numbers_of_every_kind_become_float(value):
    checked = check_value("x", value, GIB)
    assert (checked, type(checked)) == (float(value), float)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.longdouble])
def test_numbers_of_other_widths_are_what_they_print(kind):
    """A run of np.float32(0.01) s is 100 steps of 0.1 ms, not 99.9999978."""
    assert check_value("x", kind("0.7"), GIB) == 0.7


NO_WHOLE = [0, 65, -1, 1.5, 1e308, True, np.True_, "2", None, [2], float("nan"), float("inf"), np.float64("nan"), 2j]


@pytest.mark.parametrize("value", NO_WHOLE)
def test_what_is_no_whole_number_of_threads(value):
    with pytest.raises(ParameterError, match=r"^n: needs a (finite |whole )?number from 1 to 64 threads, has "):
        check_value("n", value, THREADS)


@pytest.mark.parametrize("value", [0.4999, 8.001, 1e309, -1e309, True, "1", None, (1.0,), np.nan, 1j])
def test_what_is_no_number_of_gibibytes(value):
    with pytest.raises(ParameterError, match=r"^x: needs a (finite )?number from 0\.5 to 8 GiB, has "):
        check_value("x", value, GIB)


@pytest.mark.parametrize("hint", [THREADS, GIB, str, bool])
def test_numbers_of_thousands_of_digits_and_long_texts_make_short_errors(hint):
    with pytest.raises(ParameterError) as caught:
        check_value("n", 10**5000, hint)
    assert str(caught.value).endswith("has a number of 5001 digits")
    with pytest.raises(ParameterError) as caught:
        check_value("n", ["x" * 100_000], hint)
    assert len(str(caught.value)) < 300


def test_bounds_inside_unions_and_tuples():
    auto = THREADS | Literal["auto"] | None
    assert [check_value("n", value, auto) for value in (5, "auto", None)] == [5, "auto", None]
    with pytest.raises(ParameterError, match=r"^n: needs a whole number from 1 to 64 threads or auto or null, has 65$"):
        check_value("n", 65, auto)
    assert check_value("n", [[1, 2.0], (np.int32(3), 4)], tuple[tuple[THREADS, THREADS], ...]) == ((1, 2), (3, 4))
    for wrong in ([[1, 65]], [[1]], [1], 1, "ab"):
        with pytest.raises(ParameterError, match=r"^n: needs a list of \[a whole number from 1 to 64 threads, "):
            check_value("n", wrong, tuple[tuple[THREADS, THREADS], ...])


def test_a_literal_is_not_equal_to_a_number_of_another_type():
    with pytest.raises(ParameterError):
        check_value("x", True, Literal[1, 2])
    assert check_value("x", np.str_("b"), Literal["a", "b"]) == "b"


def test_words_and_schema_come_from_the_same_bound():
    assert describe(GIB | None) == "a number from 0.5 to 8 GiB or null"
    assert TypeAdapter(GIB).json_schema() == {"type": "number", "minimum": 0.5, "maximum": 8.0}
    assert TypeAdapter(THREADS).json_schema() == {"type": "integer", "minimum": 1, "maximum": 64}


def test_fields_are_checked_and_made_plain():
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Spec:
        n: Annotated[int, Bound(1, 64, "threads")]
        sizes: tuple[float, ...] = ()
        other: Any = None

        def __post_init__(self) -> None:
            check_fields(self, "core")

    spec = Spec(n=np.int64(3), sizes=[np.float32(1.0), 2])
    assert (spec.n, type(spec.n), spec.sizes) == (3, int, (1.0, 2.0))
    with pytest.raises(ParameterError, match=r"^core\.n: needs a whole number from 1 to 64 threads, has 0$"):
        Spec(n=0)


def test_arguments_are_checked_before_the_function_runs():
    ran = []

    @checked_arguments
    def build(*, n: Annotated[int, Bound(1, 64, "threads")] = 2, drive: Literal["dc", "poisson"] = "dc") -> int:
        ran.append(n)
        return n

    assert build(n=np.int16(5)) == 5
    with pytest.raises(ParameterError, match=r"^build\(n\): needs a whole number from 1 to 64 threads, has 1\.5$"):
        build(n=1.5)
    with pytest.raises(UnknownNameError, match=r"^build\(drive\): needs one of dc, poisson, has 'cd'"):
        build(drive="cd")
    assert ran == [5]


def test_words_for_a_class_are_its_name():
    assert describe(Path) == "Path"
