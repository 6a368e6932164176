"""Names of algorithms: the same in the command line, the committed schema, the mapping package and the documents."""

import json
import re
from pathlib import Path

import pytest

from mapping.keys import ALLOCATIONS
from mapping.minimise import MINIMISERS
from mapping.partition import RECIPES
from mapping.place import PLACERS
from mapping.route import ROUTERS
from models.errors import UnknownNameError
from neuromap.cli.app import main
from neuromap.cli.exit_codes import EXIT_WRONG_INPUT
from neuromap.experiment.nouns import RecipeChoice
from neuromap.experiment.schema import schema_path

ROOT = Path(__file__).parents[4]


#: Key of a recipe -> the names that it may have. The command line has an option for all but the keys.
NAMES = {
    "name": tuple(RECIPES),
    "place": tuple(PLACERS),
    "route": tuple(ROUTERS),
    "keys": tuple(ALLOCATIONS),
    "minimise": ("auto", "none", *MINIMISERS),
}


@pytest.mark.parametrize("key", NAMES)
def test_schema_of_experiments_lists_the_algorithms(key):
    schema = json.loads(schema_path("experiment").read_text(encoding="utf-8"))
    recipe = schema["properties"]["recipe"]["anyOf"][1]
    assert recipe["properties"][key]["enum"] == list(NAMES[key])


@pytest.mark.parametrize("key", [key for key in NAMES if key != "keys"])
def test_command_line_offers_the_algorithms(key, capsys):
    option = "--recipe" if key == "name" else f"--{key}"
    assert main(["map", "chain", option, "no such name"]) == EXIT_WRONG_INPUT
    choices = capsys.readouterr().err.partition("Choose from:")[2]
    assert re.findall(r'"(\w+)"', choices) == list(NAMES[key])


def test_every_algorithm_is_documented():
    text = (ROOT / "docs" / "place_route.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    assert set(named) == {*PLACERS, *ROUTERS}


def test_unknown_names_are_refused():
    with pytest.raises(UnknownNameError, match=r"^recipe\.place: needs one of .*; did you mean 'hilbert'\?$"):
        RecipeChoice(place="hilbrt")
    with pytest.raises(UnknownNameError, match=r"^recipe\.route: needs one of .*; did you mean 'unicast'\?$"):
        RecipeChoice(route="unicst")
