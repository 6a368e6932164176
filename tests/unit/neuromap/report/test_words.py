"""What reports say of machines that are not SpiNNaker, and of costs that are not known."""

import re
from dataclasses import replace

import pytest

from neuromap.measures.results import StepTime, TimingBound
from neuromap.measures.words import kind_of_core, words_of
from neuromap.report.html import render_html
from neuromap.report.machine_figure import tick_us
from neuromap.report.verdict import range_lines, verdict_lines
from report_fixture import make_arrays, make_report

ARRAYS = make_arrays(n_boards=1, n_steps=400)
REPORT = make_report(ARRAYS)
DEPENDS = "depends on unverified constants"


def bound(longest_us, factor, n_lost=0):
    return TimingBound(
        real_time_factor=max(factor, 1.0),
        min_lossless_time_scale_factor=factor,
        n_overruns=int(factor > 1),
        step_us=StepTime(mean=50.0, p99=60.0, max=longest_us),
        n_late=0,
        n_lost=n_lost,
    )


def with_range(report, **verdict):
    timing = replace(
        report.timing, low=bound(80.0, 0.8), high=bound(130.0, 1.3, 5), unverified_costs=["cost.a", "cost.b"]
    )
    return replace(report, timing=timing, verdict=replace(report.verdict, **verdict))


def of_kind(core_kind):
    timing = replace(
        REPORT.timing,
        is_free_running=True,
        real_time_factor=0.05,
        n_overruns=0,
        first_overrun_step=None,
        step_us=StepTime(mean=5.0, p99=7.0, max=9.0),
    )
    memory = replace(REPORT.memory, sdram_bytes=0) if core_kind == "neuro_core" else REPORT.memory
    machine = replace(REPORT.machine, core_kind=core_kind, name="other")
    mapping = replace(REPORT.mapping, recipe="spread", n_cores_by_kind={"combined": 9}, total_table_entries=0)
    verdict = replace(REPORT.verdict, keeps_up=True, summary="", limit="", remedy="")
    return replace(REPORT, timing=timing, memory=memory, machine=machine, mapping=mapping, verdict=verdict)


def test_range_in_words():
    assert range_lines(REPORT) == ()
    assert range_lines(with_range(REPORT)) == (
        "unverified costs from low to high: longest step 80.0 to 130.0 µs, real-time factor 1.00 to 1.30",
        "time-scale factor without overruns: 0.80 to 1.30, from all 2 unverified costs low to all high",
    )


@pytest.mark.parametrize(
    ("answer", "keeps_up", "mark", "words"),
    [
        ("yes", True, "good", "Keeps up"),
        ("no", False, "bad", "Does not keep up"),
        (DEPENDS, True, "open", f"Keeps up: {DEPENDS}"),
        (DEPENDS, False, "open", f"Does not keep up: {DEPENDS}"),
    ],
)
def test_answer_that_depends_on_constants_is_open(answer, keeps_up, mark, words):
    line = verdict_lines(with_range(REPORT, keeps_up=keeps_up, keeps_up_answer=answer))[1]
    assert (line.mark, line.answer) == (mark, words)
    assert "longest step 80.0 to 130.0 µs" in " ".join(line.details)
    assert "longest step 80.0 to 130.0 µs" in line.short


def test_losses_that_depend_on_constants():
    line = verdict_lines(with_range(REPORT, loses_nothing_answer=DEPENDS))[2]
    assert (line.mark, line.answer) == ("open", f"Loses nothing: {DEPENDS}")
    assert "unverified costs from low to high: 0 to 5 lost, 0 to 0 late" in line.details


@pytest.mark.parametrize(
    ("core_kind", "role", "name"),
    [
        ("software", "synapse", "synapse core"),
        ("pipeline_node", "combined", "pipeline"),
        ("neuro_core", "combined", "neuro-core"),
        ("neuro_core", "source", "source neuro-core"),
    ],
)
def test_names_of_cores(core_kind, role, name):
    assert kind_of_core(replace(REPORT, machine=replace(REPORT.machine, core_kind=core_kind)), role) == name


@pytest.mark.parametrize("core_kind", ["pipeline_node", "neuro_core"])
def test_page_of_another_machine_has_its_own_words(core_kind):
    report = of_kind(core_kind)
    page = re.sub(r"<script.*?</script>|<svg.*?</svg>", "", render_html(report, ARRAYS), flags=re.DOTALL)
    shown = re.sub(r"<h2>Energy.*", "", page, flags=re.DOTALL)  # published systems and constants keep their names
    for word in ("SDRAM", "DTCM", "hexagon is a chip", "cycles a tick", "routing table,", "of the tick"):
        assert word not in shown, word
    assert f"{words_of(report).chip}s in use" in shown
    assert ("most DRAM on a node" in shown) == (core_kind == "pipeline_node")  # tiles have no memory of their own
    assert "20.0 times as fast as real time: real-time factor 0.0500" in shown
    assert tick_us(report) == pytest.approx(9.0, rel=1e-5)
