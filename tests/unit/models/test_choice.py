"""A `Choice` is its name: in comparisons, in print, in checks of fields, and in JSON Schemas."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

import pytest
from pydantic import TypeAdapter

from models.bounds import check_fields, check_value, describe
from models.choice import Choice
from models.errors import ParameterError, UnknownNameError
from models.files.json_file import build


class Colour(Choice):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    colour: Colour = Colour.RED

    def __post_init__(self) -> None:
        check_fields(self, "paint")


def test_a_member_prints_as_its_name():
    assert (str(Colour.RED), repr(Colour.RED), Colour.RED == "red") == ("red", "'red'", True)


def test_a_field_takes_the_name_and_writes_it():
    paint = Paint(colour="blue")
    assert paint.colour is Colour.BLUE
    assert json.dumps(asdict(paint)) == '{"colour": "blue"}'
    assert build({"colour": "blue"}, Paint, "f.json") == paint


def test_schema_and_words_are_those_of_a_literal():
    literal = Literal["red", "blue"]
    assert TypeAdapter(Colour).json_schema() == TypeAdapter(literal).json_schema()
    assert describe(Colour) == describe(literal) == "one of red, blue"
    assert describe(Colour | None) == describe(literal | None)


@pytest.mark.parametrize(
    ("value", "hint", "kind"),
    [("rad", Colour, UnknownNameError), ("rad", Colour | None, UnknownNameError), (1, Colour, ParameterError)],
)
def test_another_value_is_refused_as_one_of_a_literal_is(value, hint, kind):
    literal = Literal["red", "blue"]
    with pytest.raises(kind) as of_choice:
        check_value("x", value, hint)
    with pytest.raises(kind) as of_literal:
        check_value("x", value, literal if hint is Colour else literal | None)
    assert str(of_choice.value) == str(of_literal.value)
