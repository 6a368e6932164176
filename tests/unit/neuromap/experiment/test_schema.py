"""The committed JSON Schemas are current, accept our own files and refuse what the loaders refuse."""

import json
from pathlib import Path

import jsonschema
import pytest

import models.machines
from models.files.config_file import plain, read_yaml
from models.machine.file import list_machines
from neuromap.experiment.schema import SCHEMA_FILES, schema_path, schema_text
from neuromap.experiment.template import experiment_template

MACHINES = Path(models.machines.__file__).parent


def listed(value):
    """Return the value with tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    return [listed(item) for item in value] if isinstance(value, tuple) else value


def read(path):
    return listed(plain(read_yaml(path)))


def validator(kind):
    schema = json.loads(schema_path(kind).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("kind", SCHEMA_FILES)
def test_committed_schema_is_current(kind):
    committed = schema_path(kind).read_text(encoding="utf-8")
    assert committed == schema_text(kind), "run: python -m neuromap.experiment.schema"


def test_template_matches_the_schema(tmp_path):
    path = tmp_path / "e.yaml"
    path.write_text(experiment_template())
    validator("experiment").validate(read(path))


@pytest.mark.parametrize("name", list_machines())
def test_machines_match_the_schema_and_name_it(name):
    path = MACHINES / f"{name}.yaml"
    first_line = path.read_text(encoding="utf-8").splitlines()[0]
    prefix = "# yaml-language-server: $schema="
    assert first_line.startswith(prefix)
    assert (MACHINES / first_line.removeprefix(prefix)).resolve() == schema_path("machine").resolve()
    validator("machine").validate(read(path))


@pytest.mark.parametrize(
    "document",
    [
        {"secons": 1},
        {"seconds": "1"},
        {"network": "pd15"},
        {"network": {"name": "pd14", "skale": 1}},
        {"machine": {"name": "spinnaker1", "core": {"clock_mhz": 1}}},
        {"recipe": {"name": "ensembel"}},
        {"n_threads": 0},
    ],
)
def test_wrong_experiments_break_the_schema(document):
    assert not validator("experiment").is_valid(document)


def test_experiment_schema_accepts_short_and_long_forms():
    check = validator("experiment")
    check.validate({"network": "pd14", "machine": "mine.yaml", "recipe": "combined"})
    check.validate(
        {"network": {"name": "brunel", "g": 4.5}, "machine": {"name": "spinnaker1", "core": {"clock_hz": 1e8}}}
    )


@pytest.mark.parametrize(
    "document",
    [
        {"name": "incomplete"},
        {"base": "spinnaker1", "core": {"clock_hz": {"value": 200, "unit": "MHz"}}},
        {"base": "spinnaker1", "core": {"clock_hz": {"value": 2e8, "status": "guessed"}}},
        {"base": "spinnaker1", "cores": {}},
    ],
)
def test_wrong_machines_break_the_schema(document):
    assert not validator("machine").is_valid(document)


def test_machine_schema_accepts_a_base_with_changes():
    validator("machine").validate({"base": "spinnaker1", "core": {"clock_hz": {"value": 150e6, "unit": "Hz"}}})
