"""Every exception of ours is raised or built in some test that looks at its message."""

import inspect
import re

import pytest

import models.errors
from meta.sources import ROOT

ERRORS = [
    name
    for name, kind in inspect.getmembers(models.errors, inspect.isclass)
    if issubclass(kind, models.errors.NeuromapError) and kind is not models.errors.NeuromapError
]


def message_tests_of(name: str) -> list[str]:
    """Return the test files that name an error and match a message."""
    files = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if (
            path.parent.name != "meta"
            and re.search(rf"\b{name}\b", text)
            and re.search(r"match=|fullmatch|str\(", text)
        ):
            files.append(path.name)
    return files


def test_errors_are_found():
    assert "CapacityError" in ERRORS


@pytest.mark.parametrize("name", ERRORS)
def test_error_has_a_message_test(name):
    assert message_tests_of(name)
