"""The same sentences about fixed point, and the same errors, at every depth and from every command."""

import json

import pytest

import neuromap as nm
from models.errors import ParameterError
from neuromap.cli.app import main
from neuromap.experiment.check import check_experiment
from neuromap.experiment.fixed_point import fixed_point_notes
from neuromap.experiment.load import make_experiment
from neuromap.experiment.network import build_network
from neuromap.runs.run import run

#: vogels_abbott has membranes of 20 ms: 16.4 of 2^15 a step of 0.01 ms, which the device makes 17.
SHORT_STEP = {"network.dt_ms": 0.01, "network.scale": 0.05}
SENTENCE = "tau_mem_ms of E, I: 20 ms asked for, 19.27 ms in effect (-3.65 %); the device cuts dt/tau_mem"
FILE = "network: {name: vogels_abbott, scale: 0.05, dt_ms: 0.01}\nseconds: 0.01\nwarmup_ms: 0\n"
TOO_SHORT = "network: {name: vogels_abbott, scale: 0.05, dt_ms: 0.00125}\nseconds: 0.01\nwarmup_ms: 0\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "short.yaml"
    path.write_text(FILE, encoding="utf-8")
    return str(path)


def of_experiment(**options):
    experiment = make_experiment("vogels_abbott", settings=SHORT_STEP, **options)
    return fixed_point_notes(experiment, build_network(experiment.network))


def test_experiment_says_what_fixed_point_does_not_hold():
    assert of_experiment()[0].startswith(SENTENCE)
    assert of_experiment(arithmetic="float") == ()


@pytest.mark.parametrize("command", ["check", "map", "static", "cores"])
def test_every_command_says_the_same(command, file, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    calls = {"check": ["check", file], "map": ["map", file, *out]}
    assert main(calls.get(command, ["run", file, *out, "--depth", command])) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"note: {SENTENCE}" in printed
    if command in ("static", "cores"):
        name = {"static": "static.json", "cores": "report.json"}[command]
        notes = json.loads((tmp_path / "out" / name).read_text(encoding="utf-8"))["notes"]
        assert notes[: len(of_experiment())] == list(of_experiment())


def test_page_of_a_run_says_it(file, tmp_path):
    nm.run(file, out=tmp_path / "out")
    assert f"Note: {SENTENCE}" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_full_depth_says_it(file):
    assert any(note.startswith(SENTENCE) for note in run(file, depth="full").report.notes)


def test_accuracy_says_it_of_every_format(file):
    report = nm.accuracy(file, formats="S16.15,S8.7,S8.23", roundings="floor", weights=(16,)).report
    of_format = {variant.label: [n for n in variant.notes if n.startswith("tau_mem_ms")] for variant in report.variants}
    assert of_format["S16.15 floor"][0].startswith("tau_mem_ms of E, I: 20 ms asked for, 19.27 ms in effect (-3.65 %)")
    assert of_format["S8.7 floor"][0].startswith("tau_mem_ms of E, I: 20 ms asked for, 20.4")
    assert of_format["S8.23 floor"] == []


@pytest.mark.parametrize("command", ["check", "map", "static", "cores", "dynamic", "full"])
def test_every_command_refuses_the_same(command, tmp_path, capsys):
    path = tmp_path / "too_short.yaml"
    path.write_text(TOO_SHORT, encoding="utf-8")
    calls = {"check": ["check", str(path)], "map": ["map", str(path), "--out", str(tmp_path / "out")]}
    assert main(calls.get(command, ["run", str(path), "--out", str(tmp_path / "out"), "--depth", command])) == 2
    assert "Population('E').tau_mem_ms: needs at most " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_too_short_a_step_is_fine_in_double_precision():
    experiment = make_experiment("vogels_abbott", settings={**SHORT_STEP, "network.dt_ms": 0.00125}, arithmetic="float")
    assert check_experiment(experiment)[0].dt_ms == 0.00125
    with pytest.raises(
        ParameterError, match=r"^Population\('E'\)\.tau_mem_ms: needs at most [\d.]+ ms, or a longer dt_ms"
    ):
        check_experiment(make_experiment("vogels_abbott", settings={**SHORT_STEP, "network.dt_ms": 0.00125}))
