"""`silent` takes the calls that every `Progress` takes, and shows nothing."""

from __future__ import annotations

import inspect

import pytest

from models.progress import Progress, silent, with_note


def test_silent_has_the_parameters_of_the_protocol() -> None:
    wanted = list(inspect.signature(Progress.__call__).parameters.values())[1:]
    assert list(inspect.signature(silent).parameters.values()) == wanted


def test_silent_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress: Progress = silent
    progress("map", 0.0)
    progress("map", 1.0, "routes")
    assert capsys.readouterr() == ("", "")


def test_a_users_function_always_gets_three_arguments() -> None:
    told: list[tuple[str, float, str]] = []
    progress = with_note(lambda stage, fraction, note: told.append((stage, fraction, note)))
    progress("verify", 0.0)
    progress("simulate", 0.5, "5 of 10 ms")
    assert told == [("verify", 0.0, ""), ("simulate", 0.5, "5 of 10 ms")]
    assert with_note(None) is silent
