"""The types of words list the members of their enums, also for a type checker."""

from __future__ import annotations

import ast
import inspect
from enum import StrEnum
from typing import get_args

import pytest

from models import vocabulary

NAMES = [name for name in vars(vocabulary) if name.endswith("Name")]


def test_every_enum_has_its_words_for_programs_and_for_type_checkers():
    enums = [name for name, kind in vars(vocabulary).items() if isinstance(kind, type) and issubclass(kind, StrEnum)]
    enums.remove("StrEnum")
    assert len(enums) >= 7
    (block,) = (node for node in ast.parse(inspect.getsource(vocabulary)).body if isinstance(node, ast.If))
    for branch in (block.body, block.orelse):
        assert [node.targets[0].id for node in branch] == [f"{name}Name" for name in enums]


@pytest.mark.parametrize("name", NAMES)
def test_words_are_those_of_the_enum(name):
    words = tuple(member.value for member in getattr(vocabulary, name.removesuffix("Name")))
    assert get_args(getattr(vocabulary, name)) == words
    tree = ast.parse(inspect.getsource(vocabulary))
    literals = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and node.targets[0].id == name]
    for_checkers = literals[0].value.slice  # the one for type checkers comes first
    assert tuple(ast.literal_eval(for_checkers)) == words
