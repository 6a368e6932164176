"""Networks at the edge: true words at every depth, no traceback, no warning, no number that is none."""

import json
import math
import warnings

import pytest

import models.networks
from degenerate import NETWORKS
from neuromap.cli.app import main
from neuromap.experiment.option_use import READ_BY

FILES = {"static": "static.json", "cores": "report.json", "dynamic": "dynamic.json", "full": "report.json"}
NAMES = {name.replace(" ", "_"): build for name, build in NETWORKS.items()}
#: In these no neuron fires and no packet is sent; in these some neuron does, but no packet is sent.
SILENT = {
    "silent",
    "one_silent_neuron",
    "silent_without_projections",
    "silent_source",
    "empty_spike_array",
    "source_that_nobody_hears",
}
UNHEARD = {"no_projections", "zero_synapses", "empty_list_of_synapses"}


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    for name, build in NAMES.items():
        monkeypatch.setitem(models.networks.NETWORKS, name, build)


def numbers(value):
    """All numbers of a report."""
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, float):
        yield value


def report_of(name, depth, out, *options, machine="spinnaker1"):
    """Run a network from the command line; warnings are errors."""
    if not options:
        options = ("--set", "warmup_ms=2", "--seconds", "0.005")
    if depth not in READ_BY["warmup_ms"]:
        options = ("--seconds", options[-1]) if depth in READ_BY["seconds"] else ()
    command = ["run", name, "--depth", depth, "--machine", machine, *options, "--out", str(out), "--overwrite"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(command) == 0
    text = (out / FILES[depth]).read_text(encoding="utf-8")
    assert "NaN" not in text
    assert "Infinity" not in text
    report = json.loads(text)
    assert all(map(math.isfinite, numbers(report)))
    return report


@pytest.mark.parametrize("name", NAMES)
def test_words_of_a_degenerate_run_are_true(name, tmp_path, capsys):
    report = report_of(name, "cores", tmp_path)
    shown = " ".join(capsys.readouterr().out.split())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    verdict, packets = report["verdict"], report["packets"]
    assert verdict["fits"]
    n_fired = report["activity"]["n_spikes"] + packets["n_sent"]
    assert (n_fired == 0) == (name in SILENT)
    if name in SILENT:
        assert "nothing fired in the 50 steps after the warm-up" in verdict["summary"]
        assert verdict["keeps_up_answer"] == verdict["loses_nothing_answer"] == "nothing to judge"
        assert "KEEPS UP OPEN" in shown
        assert "LOSES NOTHING OPEN" in shown
        for words in ("keeps up with real time", "loses nothing"):
            assert words not in verdict["summary"]
        for words in ("Pace: nothing fired", "Losses: nothing fired"):
            assert words in page
    elif packets["n_sent"] == 0:
        assert name in UNHEARD
        assert "sends no packet that could be lost" in verdict["summary"]
        assert "Sends no packet to lose" in page
    else:
        assert (verdict["keeps_up_answer"], verdict["loses_nothing_answer"]) == ("yes", "yes")
    assert report["energy"]["energy_per_synaptic_event_nj"] is None or packets["n_sent"] > 0


@pytest.mark.parametrize("depth", ["static", "dynamic", "full"])
@pytest.mark.parametrize("name", ["silent", "one_neuron", "zero_synapses", "never_reached", "source_that_nobody_hears"])
def test_other_depths_take_degenerate_networks(name, depth, tmp_path, capsys):
    report = report_of(name, depth, tmp_path)
    assert " nan" not in capsys.readouterr().out.lower()
    if depth == "full" and name in SILENT:
        assert report["verdict"]["keeps_up_answer"] == "nothing to judge"


@pytest.mark.parametrize("machine", ["generic_mesh", "loihi1", "neuroaix"])
@pytest.mark.parametrize("name", ["one_neuron", "no_projections", "silent_source"])
def test_other_machines_take_degenerate_networks(name, machine, tmp_path):
    for depth in ("cores", "full"):
        report = report_of(name, depth, tmp_path, machine=machine)
        silent = report["verdict"]["keeps_up_answer"] == "nothing to judge"
        assert silent == (name in SILENT)


@pytest.mark.parametrize("depth", FILES)
def test_a_single_step_is_enough(depth, tmp_path):
    report = report_of("one_neuron", depth, tmp_path, "--set", "warmup_ms=0", "--seconds", "0.0001")
    if depth in ("cores", "full"):
        assert report["timing"]["n_steps"] == 1


@pytest.mark.parametrize("depth", FILES)
def test_a_window_that_rounds_to_no_step_is_refused(depth, tmp_path, capsys):
    command = ["run", "chain", "--depth", depth, "--seconds", "1e-12", "--out", str(tmp_path / "out")]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "seconds" in error
    assert not (tmp_path / "out").exists()


def test_accuracy_and_sweep_of_a_silent_network(tmp_path, capsys):
    """A chain whose first spike comes long after the end."""
    options = ["--set", "network.start_ms=1000", "--set", "warmup_ms=2", "--seconds", "0.02"]
    formats = ["--formats", "S16.15", "--rounding", "floor", "--weights", "16"]
    assert main(["accuracy", "chain", *options, *formats, "--out", str(tmp_path / "accuracy")]) == 0
    assert "o neuron fired in float64, so the comparison says nothing" in " ".join(capsys.readouterr().out.split())
    assert (
        main(["sweep", "chain", *options, "--depth", "cores", "--vary", "seed=1,2", "--out", str(tmp_path / "s")]) == 0
    )
    assert " nan" not in capsys.readouterr().out.lower()
    for path in tmp_path.rglob("*.json"):
        assert "NaN" not in path.read_text(encoding="utf-8")
