"""What a report says of loading."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from neuromap.measures.results import LoadingReport
from neuromap.report.html import render_html
from neuromap.report.loading import duration, loading_facts, loading_line
from neuromap.report.text import render_verdict
from neuromap.report.verdict import verdict_lines
from report_fixture import make_arrays, make_report

BY_CORES = LoadingReport(
    generation="machine", start_s=60.0, draw_s=3.2, load_s=104.0, total_s=167.2, total_range_s=[40.0, 1800.0],
    total_by_generation_s={"machine": 167.2, "host": 36_000.0},
)  # fmt: skip


@pytest.mark.parametrize(
    ("time_s", "text"), [(3.21, "3.2 s"), (89.0, "89 s"), (90.0, "1.5 min"), (1800.0, "30 min"), (5400.0, "1.5 h")]
)
def test_durations_read_as_people_say_them(time_s, text):
    assert duration(time_s) == text


def test_line_has_the_usual_way_its_range_and_the_other():
    assert loading_line(BY_CORES) == (
        "loading (modelled): 2.8 min (40 s to 30 min) with synapses drawn by the cores, 10.0 h drawn by the host"
    )


def test_facts_list_every_part():
    assert loading_facts(BY_CORES) == [
        ("allocation, boot, code", "60 s"),
        ("synapses, drawn by the cores", "3.2 s"),
        ("sending data to the machine", "1.7 min"),
        ("total", "2.8 min (40 s to 30 min)"),
        ("total with synapses drawn by the host", "10.0 h"),
    ]


def test_terminal_and_page_show_it_only_where_it_is_known():
    arrays = make_arrays(n_boards=1, n_steps=2000)
    for report, is_shown in ((make_report(arrays, loading=BY_CORES), True), (make_report(arrays), False)):
        console = Console(file=io.StringIO(), width=120)
        console.print(render_verdict(report))
        assert ("loading (modelled): 2.8 min" in console.file.getvalue()) is is_shown
        assert ("synapses, drawn by the cores" in render_html(report, arrays)) is is_shown


@pytest.mark.parametrize(
    ("range_w", "text"), [([571.2, 688.8], "592 W (571 to 689)"), ([592.0, 592.0], "592 W"), ([], "592 W")]
)
def test_power_is_shown_with_its_range(range_w, text):
    arrays = make_arrays(n_boards=1, n_steps=2000)
    report = make_report(arrays)
    report = replace(report, energy=replace(report.energy, power_range_w=range_w))
    costs = verdict_lines(report)[-1]
    assert costs.short == f"612 nJ a synaptic event; {text}"
    assert costs.details[0] == text
