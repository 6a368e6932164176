"""The full depth: the closed loop from the command line, its report, and what it refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest

import neuromap.runs.cores
import neuromap.runs.full
from emulator.loop.coupling import Coupling
from neuromap.cli.app import main
from neuromap.measures.feedback import feedback_sentence
from neuromap.measures.results import Effect, FeedbackReport, TargetLoss
from neuromap.runs.run import run

SMALL = {"scale": 0.05, "seconds": 0.1, "settings": ("warmup_ms=20",)}
SLOW = (*SMALL["settings"], "machine.core.clock_hz=60e6")


@pytest.fixture(scope="module")
def lossy(tmp_path_factory):
    out = tmp_path_factory.mktemp("lossy")
    full = run("pd14", depth="full", recipe="combined", out=out, overwrite=True, **SMALL | {"settings": SLOW})
    return full, out


def test_losses_are_counted_and_change_the_network(lossy):
    full, out = lossy
    feedback = full.report.feedback
    assert feedback.n_late > 1000
    for key in ("n_events", "n_late", "n_lost"):
        assert getattr(feedback, key) == sum(getattr(one, key) for one in feedback.targets.values())
    assert 0 < feedback.first_difference_ms < 120
    spikes = np.load(out / "spikes.npz")
    out_degree = np.diff(full.result.simulation.connectivity.row_start)  # every row is stored
    after_warmup = spikes["neuron"][spikes["step"] >= 200]
    assert out_degree[after_warmup].sum() == feedback.n_events < out_degree[spikes["neuron"]].sum()
    rate = feedback.effects["rate_hz"]["L4E"]
    assert rate.mean == pytest.approx(full.report.activity.rate_hz["L4E"])
    assert rate.ks_critical > 0
    changed = [one for one in feedback.effects["rate_hz"].values() if one.mean != one.lossless_mean]
    assert changed
    assert all(one.ks_distance > 0 for one in changed)
    assert feedback.effects["correlation"]["L4E"].ks_critical is None


def test_report_has_what_was_lost_in_json_and_on_its_page(lossy):
    full, out = lossy
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["feedback"]["n_late"] == full.report.feedback.n_late
    packets, spikes = report["packets"], np.load(out / "spikes.npz")
    assert packets["n_sent"] == np.count_nonzero(spikes["step"] >= 200)
    assert packets["n_expected"] == packets["n_delivered"] + packets["n_lost"]
    assert 0 < packets["n_late"] < full.packets.n_late == full.outcome.total("n_late")  # there with the warm-up
    assert full.packets.warmup_steps == 200
    assert report["notes"][0] == feedback_sentence(full.report.feedback)
    assert full.packets.max_backlog_ns > 20 * 1e5
    assert report["notes"][1] == (
        f"the busiest core falls {full.packets.max_backlog_ns * 1e-6:.3g} ms behind with the updates of its neurons: "
        "the run delays spikes whose packets are late, but updates every neuron on time; on the machine, late updates "
        "delay spikes too, so that the network would be disturbed more than in this run"
    )
    assert json.loads((out / "dynamic.json").read_text(encoding="utf-8"))["n_sent"] == full.packets.n_sent
    page = (out / "report.html").read_text(encoding="utf-8")
    for section in ("feedback", "packets", "activity"):
        assert page.count(f'<section id="{section}">') == page.count(f'<a href="#{section}">') == 1
    assert "synaptic events are late" in page


def test_courses_add_up_to_the_counts(lossy):
    feedback = lossy[0].feedback
    n_bins = feedback.rate_hz.size
    assert feedback.late_ratio.size == feedback.lost_ratio.size == feedback.lossless_rate_hz.size == n_bins
    assert np.nanmax(feedback.late_ratio + feedback.lost_ratio) <= 1
    mean_hz = feedback.rate_hz.mean()
    simulation = lossy[0].result.simulation
    assert mean_hz == pytest.approx(simulation.spike_step.size / simulation.network.n_neurons / 0.12, rel=1e-9)


def test_a_machine_that_keeps_up_gives_the_spikes_of_the_open_loop():
    full = run("pd14", depth="full", recipe="ensemble", time_scale_factor=4, **SMALL)
    opened = run("pd14", recipe="ensemble", time_scale_factor=4, **SMALL)
    np.testing.assert_array_equal(full.result.simulation.spike_neuron, opened.simulation.spike_neuron)
    assert full.report.feedback.n_events > 10_000
    assert (full.report.feedback.n_late, full.report.feedback.n_lost) == (0, 0)
    assert full.report.feedback.first_difference_ms is None
    assert full.report.verdict.loses_nothing
    assert full.report.notes[0].startswith("no synaptic event is late or lost")
    assert not [note for note in full.report.notes if "behind" in note]


def test_command_prints_packets_verdict_and_losses(tmp_path, capsys):
    settings = [word for setting in SLOW for word in ("--set", setting)]
    code = main(
        [
            "run",
            "pd14",
            "--depth",
            "full",
            "--scale",
            "0.02",
            "--seconds",
            "0.02",
            "--recipe",
            "combined",
            "--end-of-tick",
            "drop",
            "--no-html",
            "--out",
            str(tmp_path / "out"),
            *settings,
        ]
    )
    text = " ".join(capsys.readouterr().out.split())
    assert code == 0
    assert "end of tick: drop" in text
    assert "of synaptic events are late" in text
    assert not (tmp_path / "out" / "report.html").exists()
    assert json.loads((tmp_path / "out" / "report.json").read_text())["feedback"]["end_of_tick"] == "drop"


@pytest.mark.parametrize("option", ["--spikes"])
def test_options_of_the_dynamic_depth_are_refused(option, tmp_path, capsys):
    code = main(["run", "pd14", "--depth", "full", "--scale", "0.02", option, "a.file", "--out", str(tmp_path / "out")])
    assert code == 2
    wanted = f"option {option}: needs a command that reads it (run --depth dynamic), has 'run --depth full'"
    assert wanted in " ".join(capsys.readouterr().err.split())


@pytest.fixture
def ctrl_c(monkeypatch):
    """Interrupt the closed loop after a step."""
    deliver = Coupling._deliver

    def at(wanted: int) -> None:
        def interrupted(self, step, *arguments):
            if step == wanted:
                raise KeyboardInterrupt
            deliver(self, step, *arguments)

        monkeypatch.setattr(Coupling, "_deliver", interrupted)

    return at


def test_ctrl_c_keeps_what_was_done(ctrl_c):
    ctrl_c(300)
    full = run("pd14", depth="full", recipe="combined", **SMALL | {"settings": SLOW})
    assert full.report.status == "partial"
    assert full.result.simulation.n_steps == 301
    assert full.report.feedback.n_late > 0
    assert full.packets.n_steps == 301


def test_ctrl_c_in_the_warm_up_compares_as_much_as_was_done(ctrl_c):
    ctrl_c(150)
    full = run("pd14", depth="full", recipe="combined", **SMALL | {"settings": SLOW})
    assert full.result.simulation.n_steps == 151
    assert full.report.feedback.n_events == full.report.packets.n_expected == 0  # nothing after the warm-up
    assert full.packets.n_late > 0
    assert full.feedback.lossless_rate_hz.shape == full.feedback.rate_hz.shape == (151,)


def test_ctrl_c_in_the_run_without_losses_keeps_the_spikes(monkeypatch, tmp_path):
    def simulate(experiment, network, progress, *, couple=None):
        simulation = neuromap.runs.cores.simulate_experiment(experiment, network, progress, couple=couple)
        return simulation if couple is not None else replace(simulation, is_complete=False)

    monkeypatch.setattr(neuromap.runs.full, "simulate_experiment", simulate)
    with pytest.raises(KeyboardInterrupt):
        run("pd14", depth="full", recipe="combined", out=tmp_path / "out", **SMALL | {"settings": SLOW})
    assert np.load(tmp_path / "out" / "spikes.npz")["step"].size > 100


EFFECT = Effect(mean=2.0, lossless_mean=1.0, ks_distance=0.5, ks_critical=0.1)
FEEDBACK = FeedbackReport(
    end_of_tick="late", n_events=200_000, n_late=10, n_lost=50_000,
    targets={"A": TargetLoss(n_events=1, n_late=0, n_lost=0)},
    first_difference_ms=3.5, effects={"rate_hz": {"A": EFFECT, "B": replace(EFFECT, mean=0.1)}},
)  # fmt: skip


def test_sentence_names_the_largest_change():
    assert feedback_sentence(FEEDBACK) == (
        "5.0e-03 % of synaptic events are late, 25 % are lost; spikes change from 3.5 ms on, and the rate of B from "
        "1 to 0.1 Hz, the largest change"
    )
    assert feedback_sentence(replace(FEEDBACK, first_difference_ms=None)).endswith("25 % are lost; no spike changes")
    silent = {"rate_hz": {"A": replace(EFFECT, lossless_mean=0.0)}}
    assert feedback_sentence(replace(FEEDBACK, effects=silent)).endswith("spikes change from 3.5 ms on")
    same = {"rate_hz": {"A": replace(EFFECT, mean=1.0)}}  # spikes moved, or changed in the warm-up only
    assert feedback_sentence(replace(FEEDBACK, effects=same)).endswith("but no population's mean rate does")
