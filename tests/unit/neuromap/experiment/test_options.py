"""The keyword options of the public functions are seen by help and checked by name."""

import inspect
from typing import Any

import pytest

from models.errors import UnknownNameError
from neuromap.experiment.option_help import with_options
from neuromap.experiment.options import (
    OPTIONS_OF_DEPTH,
    MapOptions,
    RunOptions,
    depth_mark,
    options_of,
    text_of,
)


@with_options(MapOptions)
def draw(network: str, *, colour: str = "red", **options: Any) -> dict[str, Any]:
    """Draw a network.

    Parameters
    ----------
    network
        Its name.
    **options
        The options of a mapping,
        every one.

    Returns
    -------
    dict
    """
    return {"network": network, "colour": colour, **options}


def test_every_option_is_in_the_signature_with_type_and_default():
    parameters = inspect.signature(draw).parameters
    assert list(parameters) == ["network", "colour", *options_of(MapOptions)]
    assert {one.kind for one in parameters.values()} == {
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
    }
    assert (parameters["scale"].annotation, parameters["scale"].default) == (float | None, None)
    assert (parameters["overwrite"].annotation, parameters["overwrite"].default) == (bool, False)
    assert draw.__annotations__["seed"] == int | None
    assert "options" not in draw.__annotations__


def test_the_docstring_explains_every_option():
    lines = inspect.getdoc(draw).splitlines()
    for name in options_of(MapOptions):
        assert lines[lines.index(name) + 1].startswith("    "), name
    assert "**options" not in lines
    assert not any("every one" in line for line in lines)
    assert lines[-3:] == ["Returns", "-------", "dict"]


def test_an_unknown_option_is_answered_with_the_nearest_one():
    message = r"^option of draw: needs one of .*, has 'sacle'; did you mean 'scale'\?$"
    with pytest.raises(UnknownNameError, match=message):
        draw("pd14", sacle=0.1)


def test_known_options_are_passed_on():
    assert draw("pd14", scale=0.1, colour="blue") == {"network": "pd14", "colour": "blue", "scale": 0.1}


def test_every_option_of_a_run_is_explained_in_a_sentence_with_its_default():
    assert set(options_of(RunOptions)) == set().union(*(options_of(kind) for kind in OPTIONS_OF_DEPTH.values()))
    for name, (_, text) in options_of(RunOptions).items():
        assert text[0].isupper(), name
        assert text.endswith(".")
        assert "[" in text


def test_options_of_some_depths_say_which():
    assert depth_mark("scale") == ""
    assert text_of("spikes").startswith("(dynamic) The spikes.npz of an earlier run")
    assert depth_mark("seconds") == "(dynamic, cores, full) "
