"""Names of placers and routers: the same in the experiment, the mapping package and the documentation."""

import re
from pathlib import Path
from typing import get_args

import pytest

from mapping.place import PLACERS
from mapping.route import ROUTERS
from models.errors import UnknownNameError
from neuromap.experiment.nouns import PlaceName, RecipeChoice, RouteName

ROOT = Path(__file__).parents[4]


def test_names_of_the_experiment_are_those_of_the_algorithms():
    assert sorted(get_args(PlaceName)) == sorted(PLACERS)
    assert sorted(get_args(RouteName)) == sorted(ROUTERS)


def test_every_algorithm_is_documented():
    text = (ROOT / "docs" / "place_route.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    assert set(named) == {*PLACERS, *ROUTERS}


def test_unknown_names_are_refused():
    with pytest.raises(UnknownNameError, match=r"^recipe\.place: needs one of .*; did you mean 'hilbert'\?$"):
        RecipeChoice(place="hilbrt")
    with pytest.raises(UnknownNameError, match=r"^recipe\.route: needs one of .*; did you mean 'unicast'\?$"):
        RecipeChoice(route="unicst")
