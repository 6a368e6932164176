"""What changes against lost packets would lose is found out by making them."""

import re

import pytest

from models.errors import CapacityError
from neuromap.measures.packet_loss import Loss
from neuromap.runs.loss_trial import untried
from neuromap.runs.run import run

LOSSY = {"machine.core.spike_buffer_packets": 16, "network.scale": 0.05}
OPTIONS = {"seconds": 0.02, "recipe": "combined"}


def report_of(settings, **options):
    return run("pd14", depth="dynamic", settings={**LOSSY, **settings}, **{**OPTIONS, **options}).report


def test_each_change_that_is_named_loses_what_is_said():
    first = report_of({"machine.cost.combined_spike_cycles": 40000})
    (loss,) = first.losses
    assert loss.cause == "spike buffer full"
    found = re.fullmatch(
        r"tried with the same spikes: --time-scale-factor (\d+) loses (nothing|[\d,]+ deliveries), "
        r"--set machine\.core\.spike_buffer_packets=(\d+) loses (nothing|[\d,]+ deliveries)",
        loss.remedy,
    )
    factor, of_factor, n_packets, of_buffer = found.groups()
    slower = report_of({"machine.cost.combined_spike_cycles": 40000}, time_scale_factor=float(factor))
    larger = report_of(
        {"machine.cost.combined_spike_cycles": 40000, "machine.core.spike_buffer_packets": int(n_packets)}
    )
    for report, said in ((slower, of_factor), (larger, of_buffer)):
        assert (f"{report.n_lost:,} deliveries" if report.n_lost else "nothing") == said
    assert "nothing" in (of_factor, of_buffer)


def test_a_buffer_that_does_not_fit_is_not_named():
    """Four times 1,250 packets of 4 bytes, beside the rest, are more than the 65,536 bytes of a core."""
    settings = {"machine.cost.combined_spike_cycles": 4_000_000, "machine.core.spike_buffer_packets": 1250}
    (loss,) = report_of(settings, seconds=0.3).losses
    assert loss.cause == "spike buffer full"
    assert loss.remedy.startswith("tried with the same spikes: --time-scale-factor 32 loses ")
    assert "spike_buffer_packets" not in loss.remedy
    with pytest.raises(CapacityError, match=r"^DTCM at combined core of "):
        report_of(settings | {"machine.core.spike_buffer_packets": 4 * 1250})


def test_what_was_not_tried_is_said():
    loss = Loss(cause="no route", n_lost=1, n_packets=1, worst_place="chip (0, 0)", n_lost_there=1, remedy="look")
    assert untried([loss])[0].remedy == "what may help (not tried): look"


def test_nothing_is_tried_where_nothing_was_lost(monkeypatch):
    monkeypatch.setattr("neuromap.runs.loss_trial.run_scenario", lambda *_, **__: pytest.fail("tried"))
    assert run("pd14", depth="dynamic", scale=0.02, **OPTIONS).report.losses == []
