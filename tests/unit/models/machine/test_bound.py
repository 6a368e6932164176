"""Every number of a machine has bounds, and a range lies around its value within them; all files and settings alike."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.bounds import Bound, check_value, members
from models.errors import ParameterError
from models.machine.file import list_machines, load_machine, machine_hints
from models.machine.units import unit_of
from neuromap.cli.app import main
from neuromap.experiment.schema import machine_schema

HINTS = machine_hints()
NUMBERS = [path for path, hint in HINTS.items() if {int, float} & set(members(hint))]


def bound_of(path):
    """The one bound of a number, which may be a member of a union."""
    hint = HINTS[path]
    found = [extra for one in (hint, *getattr(hint, "__args__", ())) for extra in getattr(one, "__metadata__", ())]
    (bound,) = {extra for extra in found if isinstance(extra, Bound)}
    return bound


@pytest.mark.parametrize("path", NUMBERS)
def test_every_number_has_finite_bounds_in_its_unit(path):
    bound = bound_of(path)
    assert 0 <= bound.low < bound.high < 1e19
    assert bound.unit == ("" if path.endswith("_ratio") else unit_of(path) or "chips")
    for wrong in (bound.low - 1, bound.high * 2 + 1, float("nan"), float("inf"), True, "1"):
        with pytest.raises(ParameterError):
            check_value(path, wrong, HINTS[path])


@pytest.mark.parametrize("path", NUMBERS)
def test_the_schema_has_the_bounds(path):
    section, _, name = path.partition(".")
    text = json.dumps(machine_schema()["properties"][section]["properties"][name])
    bound = bound_of(path)
    assert f'"minimum": {json.dumps(bound.low)}' in text
    assert f'"maximum": {json.dumps(bound.high)}' in text


@pytest.mark.parametrize("name", list_machines())
def test_ranges_lie_around_their_values(name):
    for note in load_machine(name).constants:
        if note.low is not None or note.high is not None:
            assert note.low <= note.value <= note.high, note


CASES = {
    "inverted": (
        "{value: 100, low: 3000, high: 10, unit: cycles, status: unverified}",
        "range of cost.neuron_update_cycles at {at}: needs low <= value <= high, has (3000.0, 100.0, 10.0)",
    ),
    "below": (
        "{value: 100, low: 110, high: 120}",
        "range of cost.neuron_update_cycles at {at}: needs low <= value <= high, has (110.0, 100.0, 120.0)",
    ),
    "above": (
        "{value: 100, low: 10, high: 20}",
        "range of cost.neuron_update_cycles at {at}: needs low <= value <= high, has (10.0, 100.0, 20.0)",
    ),
    "one end": (
        "{value: 100, low: 10}",
        "range of cost.neuron_update_cycles at {at}: needs 'high' too, or neither, has 'low'",
    ),
    "other end": (
        "{value: 100, high: 110}",
        "range of cost.neuron_update_cycles at {at}: needs 'low' too, or neither, has 'high'",
    ),
    "negative": (
        "{value: 100, low: -1, high: 120}",
        "low of cost.neuron_update_cycles at {at}: needs a number from 0 to 1e+12 cycles, has -1",
    ),
    "endless": (
        "{value: 100, low: 1, high: .inf}",
        "high of cost.neuron_update_cycles at {at}: needs a finite number from 0 to 1e+12 cycles, has inf",
    ),
    "not a number": (
        "{value: 100, low: .nan, high: 110}",
        "low of cost.neuron_update_cycles at {at}: needs a finite number from 0 to 1e+12 cycles, has nan",
    ),
    "text": (
        "{value: 100, low: '1', high: 110}",
        "low of cost.neuron_update_cycles at {at}: needs a number from 0 to 1e+12 cycles, has '1'",
    ),
    "list": (
        "{value: 100, low: [1], high: 110}",
        "low of cost.neuron_update_cycles at {at}: needs a number from 0 to 1e+12 cycles, has (1,)",
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", ["check", "run", "base"])
def test_wrong_ranges_are_refused_by_every_command(case, command, tmp_path, capsys):
    text, message = CASES[case]
    path = tmp_path / "m.yaml"
    path.write_text(f"base: spinnaker1\nname: m\ncost:\n  neuron_update_cycles: {text}\n")
    on_top = tmp_path / "top.yaml"
    on_top.write_text("base: m.yaml\nname: top\n")
    if command == "run":
        code = main(["run", "chain", "--machine", str(path), "--seconds", "0.01", "--out", str(tmp_path / "o")])
    else:
        code = main(["machines", "check", str(path if command == "check" else on_top)])
    assert code == 2
    assert message.format(at=f"{path}:4") in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "o").exists()


def test_case_file_of_an_inverted_range(capsys):
    case = Path("../shared/cases/06-machine-range-inverted.yaml")
    if not case.exists():
        pytest.skip("the case files are not here")
    assert main(["machines", "check", str(case)]) == 2
    assert "needs low <= value <= high" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("core.kind", "{value: software, low: 1, high: 2}"),
        ("router.has_default_route", "{value: true, low: 0, high: 1}"),
        ("topology.shape", "{value: [2, 2], low: 1, high: 3}"),
    ],
)
def test_only_numbers_have_ranges(key, text, tmp_path):
    section, name = key.split(".")
    path = tmp_path / "m.yaml"
    path.write_text(f"base: generic_mesh\n{section}:\n  {name}: {text}\n")
    with pytest.raises(
        ParameterError, match=rf"^low of {key} at .*m.yaml:3: needs no range, since the value is not one"
    ):
        load_machine(path)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("core.clock_hz", 1e-30),
        ("core.clock_hz", 1e30),
        ("core.weight_bits", 1e30),
        ("core.weight_bits", 7.5),
        ("core.n_per_chip", 18.5),
        ("core.max_neurons", 1e30),
        ("link.packets_per_s", 0),
        ("link.packets_per_s", 1e-9),
        ("router.cycles_per_packet", float("inf")),
        ("power.board_idle_w", -1),
        ("power.core_waiting_ratio", 1.5),
        ("plan.default_rate_hz", float("nan")),
        ("topology.n_boards", 1e30),
        ("topology.shape", [1e6, 1e6]),
        ("core.spike_buffer_packets", 1e12),
        ("flow_control.wait1_code", 256),
        ("tick.background_ratio", 1.0),
        ("cost.neuron_update_cycles", {"value": 100, "low": 3000, "high": 10}),
    ],
)
def test_nonsense_is_refused(setting, value):
    machine = "generic_mesh" if setting == "topology.shape" else "spinnaker1"
    with pytest.raises(ParameterError, match=f"^{setting.replace('.', '[.]')} at the settings: needs "):
        load_machine(machine, {setting: value})


def test_machines_that_are_built_in_code_are_checked_too():
    core = load_machine("spinnaker1").core
    for wrong in (1e-30, float("nan"), "fast"):
        with pytest.raises(ParameterError, match=r"^core\.clock_hz: needs a"):
            replace(core, clock_hz=wrong)
