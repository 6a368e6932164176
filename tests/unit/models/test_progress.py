"""`silent` takes the calls that every `Progress` takes, and shows nothing."""

from __future__ import annotations

import inspect

import pytest

from models.progress import Progress, silent


def test_silent_has_the_parameters_of_the_protocol() -> None:
    wanted = list(inspect.signature(Progress.__call__).parameters.values())[1:]
    assert list(inspect.signature(silent).parameters.values()) == wanted


def test_silent_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress: Progress = silent
    progress("map", 0.0)
    progress("map", 1.0, "routes")
    assert capsys.readouterr() == ("", "")
