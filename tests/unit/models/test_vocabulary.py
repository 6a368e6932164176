"""The types of words list the members of their enums, also for a type checker."""

from __future__ import annotations

import ast
import inspect
from typing import get_args

import pytest

from models import vocabulary

NAMES = [name for name in vars(vocabulary) if name.endswith("Name")]


@pytest.mark.parametrize("name", NAMES)
def test_words_are_those_of_the_enum(name):
    words = tuple(member.value for member in getattr(vocabulary, name.removesuffix("Name")))
    assert get_args(getattr(vocabulary, name)) == words
    tree = ast.parse(inspect.getsource(vocabulary))
    literals = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and node.targets[0].id == name]
    for_checkers = literals[0].value.slice  # the one for type checkers comes first
    assert tuple(ast.literal_eval(for_checkers)) == words
