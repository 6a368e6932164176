"""Registries name every algorithm once, and import none of them before it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

import mapping
from mapping.keys import ALLOCATIONS
from mapping.lazy_registry import Registry
from mapping.minimise import MINIMISERS
from mapping.partition import RECIPES
from mapping.place import PLACERS
from mapping.route import ROUTERS

FOLDER = Path(mapping.__file__).parent
REGISTRIES = {"keys": ALLOCATIONS, "minimise": MINIMISERS, "partition": RECIPES, "place": PLACERS, "route": ROUTERS}


@pytest.mark.parametrize("stage", REGISTRIES)
def test_every_name_leads_to_a_function(stage):
    assert all(callable(function) for function in REGISTRIES[stage].values())


@pytest.mark.parametrize("stage", ["minimise", "partition", "place", "route"])
def test_every_file_with_an_algorithm_is_listed(stage):
    files = {path.stem for path in (FOLDER / stage).glob("*.py") if f"\ndef {stage}(" in path.read_text()}
    assert files <= set(REGISTRIES[stage])


def test_registries_import_nothing_heavy():
    script = (
        "import sys, mapping.keys, mapping.minimise, mapping.partition, mapping.place, mapping.route;"
        "print(sorted(name for name in sys.modules if name in ('numba', 'numpy') or name.startswith('mapping.')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    stages = ["keys", "lazy_registry", "minimise", "partition", "place", "route"]
    assert done.stdout == f"{[f'mapping.{stage}' for stage in stages]}\n"


def test_a_registry_is_a_mapping_of_names_to_functions():
    registry = Registry(length="builtins:len", absent="builtins:no_such_function")
    assert (list(registry), len(registry), registry["length"]) == (["length", "absent"], 2, len)
    assert "absent" in registry
    assert "other" not in registry
    with pytest.raises(KeyError):
        registry["other"]
    with pytest.raises(AttributeError):
        registry["absent"]
