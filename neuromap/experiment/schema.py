"""Makes the JSON Schemas of experiment and machine files, with which an editor completes and checks them.

The schemas are derived from the dataclasses. ``python -m neuromap.experiment.schema`` writes them into `neuromap`, and
a test checks that the committed files are up to date. The loaders check more than a schema can express, such as
capacities and whole numbers of steps.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

from models.bounds import hints_of, section_of
from models.files.atomic_file import write_text
from models.machine import Machine, Status
from models.machine.units import unit_of

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FILES = {"experiment": "experiment.schema.json", "machine": "machine.schema.json"}


def schema_path(kind: str) -> Path:
    """Return the committed schema file of ``experiment`` or ``machine``."""
    return Path(__file__).parents[1] / SCHEMA_FILES[kind]


def _type_schema(hint: Any) -> dict[str, Any]:
    """Return the schema of a type hint, without the titles that pydantic adds."""
    from pydantic import ConfigDict, TypeAdapter

    config = None if is_dataclass(hint) else ConfigDict()
    schema: dict[str, Any] = _without_titles(TypeAdapter(hint, config=config).json_schema())
    return schema


def _without_titles(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_titles(item) for key, item in node.items() if key != "title" or not isinstance(item, str)}
    return [_without_titles(item) for item in node] if isinstance(node, list) else node


def _object(properties: dict[str, Any], required: list[str], description: str = "") -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    if required:
        schema["required"] = required
    if description:
        schema["description"] = description
    return schema


def _noted(value: dict[str, Any], unit: str) -> dict[str, Any]:
    """Return the schema of a value that is given alone, or as an object with its unit, source, status and range."""
    note = _object(
        {
            "value": value,
            "unit": {"const": unit},
            "source": {"$ref": "#/$defs/source"},
            "status": {"$ref": "#/$defs/status"},
            "low": {"$ref": "#/$defs/bound"},
            "high": {"$ref": "#/$defs/bound"},
        },
        ["value"],
    )
    if not unit:
        del note["properties"]["unit"]
    schema: dict[str, Any] = {"anyOf": [value, note]}
    if unit:
        schema["description"] = f"In {unit}."
    return schema


def _machine_sections(*, with_notes: bool) -> dict[str, Any]:
    """Return the schemas of the keys of a machine. No key is required, since a file may have a base."""
    sections: dict[str, Any] = {}
    hints = hints_of(Machine)
    for entry in fields(Machine):
        hint = hints[entry.name]
        if entry.name in ("name", "description", "constants"):
            continue
        section = section_of(hint)
        if section is None:
            sections[entry.name] = _type_schema(hint)
            continue
        properties = {}
        for name, inner in hints_of(section).items():
            value = _type_schema(inner)
            properties[name] = _noted(value, unit_of(name)) if with_notes else value
        sections[entry.name] = _object(properties, [], inspect.getdoc(section) or "")
    return sections


def machine_schema() -> dict[str, Any]:
    """Return the JSON Schema of a machine file."""
    properties: dict[str, Any] = {
        "base": {"type": "string", "description": "The machine whose values this file replaces in part."},
        "name": {"type": "string"},
        "description": {"type": "string"},
    }
    properties |= _machine_sections(with_notes=True)
    complete = [entry.name for entry in fields(Machine) if entry.default is entry.default_factory is MISSING]
    schema = _object(properties, [], "A machine of neuromap.")
    schema["$defs"] = {
        "source": {"type": "string", "description": "Source of the number."},
        "status": {"enum": list(get_args(Status)), "description": "How well the number is supported by its source."},
        "bound": {"type": ["number", "null"], "description": "Range of a number that is not certain."},
    }
    return {
        "$schema": _DRAFT,
        "title": "neuromap machine",
        **schema,
        "anyOf": [{"required": ["base"]}, {"required": complete}],
    }


def experiment_schema() -> dict[str, Any]:
    """Return the JSON Schema of an experiment file."""
    from models.networks import NETWORKS
    from neuromap.experiment.network import network_hints
    from neuromap.experiment.nouns import Experiment

    whole = _type_schema(Experiment)
    properties = dict(whole["properties"])
    networks = []
    for name in sorted(NETWORKS):
        parameters = {key: _type_schema(hint) for key, hint in network_hints(name).items()}
        networks.append(_object({"name": {"const": name}, **parameters}, ["name"]))
    recipe = whole["$defs"]["RecipeChoice"]
    recipe["additionalProperties"] = False
    recipe_names = recipe["properties"]["name"]["enum"]
    machine = _object({"name": {"type": "string"}, **_machine_sections(with_notes=False)}, [])
    properties |= {
        "network": {"description": "The network that is run.", "anyOf": [{"enum": sorted(NETWORKS)}, *networks]},
        "machine": {"description": "The machine that it runs on.", "anyOf": [{"type": "string"}, machine]},
        "recipe": {
            "description": "How the network is mapped onto the machine.",
            "anyOf": [{"enum": recipe_names}, recipe],
        },
    }
    return {"$schema": _DRAFT, "title": "neuromap experiment", **_object(properties, [], "An experiment of neuromap.")}


def schema_text(kind: str) -> str:
    """Return a schema as the text of its file."""
    schema = experiment_schema() if kind == "experiment" else machine_schema()
    return json.dumps(schema, indent=1) + "\n"


if __name__ == "__main__":
    for schema_kind in SCHEMA_FILES:
        write_text(schema_path(schema_kind), schema_text(schema_kind))
