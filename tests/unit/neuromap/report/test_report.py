"""The HTML report and the terminal verdict, on a synthetic full-scale run and on degenerate ones."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

import report_fixture as fixture
from models.network import Network, Population
from neuromap.measures.arrays import RunArrays
from neuromap.measures.results import LossReport, Report
from neuromap.page.quantity import (
    constant_value,
    count,
    deviation,
    fixed,
    percent,
    plural,
    rounded_up,
    seconds,
    si,
    size_of,
)
from neuromap.page.style import to_svg
from neuromap.report import load_maps, machine_figure, tables
from neuromap.report.html import render_html, write_html
from neuromap.report.sample import collect_samples
from neuromap.report.text import render_verdict


@pytest.fixture(scope="module")
def arrays() -> RunArrays:
    return fixture.make_arrays(n_boards=3, n_steps=4_000)


@pytest.fixture(scope="module")
def report(arrays) -> Report:
    return fixture.make_report(arrays)


@pytest.fixture(scope="module")
def page(report, arrays) -> str:
    return render_html(report, arrays)


class Strict(HTMLParser):
    """Checks that every element is closed in order, and collects the text."""

    void = frozenset({"meta", "br", "hr", "img", "input", "link"})

    def __init__(self):
        super().__init__()
        self.open, self.words, self.ids, self.links = [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs[key] for key in ("src", "href", "xlink:href") if key in attrs]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.void:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


def parse(text: str) -> Strict:
    parser = Strict()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


def embedded(text: str, element_id: str):
    return json.loads(re.search(rf'<script type="application/json" id="{element_id}">(.*?)</script>', text)[1])


def test_page_is_well_formed_and_needs_no_network(page):
    links = parse(page).links
    assert links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_page_says_the_verdict(page, report):
    words = " ".join(" ".join(parse(page).words).split())
    for expected in (
        report.verdict.summary,
        report.verdict.limit,
        report.verdict.remedy,
        "✓ Fits",
        "✗ Does not keep up",
        "✓ Loses nothing",
        "Costs 612 nJ a synaptic event",
        "22,480 cycles used in its longest step (8,123)",
        "20,000 cycles a tick",
        "2 machine constants are unverified:",
        "link.packets_per_s, link.board_latency_ns.",
    ):
        assert expected in words


def test_page_embeds_the_whole_report(page, report):
    assert embedded(page, "report") == json.loads(json.dumps(report.to_dict()))


def test_page_has_a_tooltip_for_every_hexagon_of_every_map(page, arrays):
    labels = embedded(page, "chip-labels")
    assert len(labels) == len(arrays.chip_xy) == 144
    assert labels[0].startswith("chip (0, 0), board 0: ")
    for name in ("chips-load", "chips-sdram", "chips-link"):
        group = re.search(rf'<g id="{name}">(.*?)</g>', page, re.DOTALL)[1]
        assert group.count("<path") == 144


def test_ids_of_the_page_that_are_linked_to_are_unique(page):
    parser = parse(page)
    for link in parser.links:
        if link.startswith("#") and not re.match(r"#[mCp][0-9a-f_]+", link):
            assert parser.ids.count(link[1:]) == 1


def test_complete_run_is_not_marked_partial(page):
    assert "Partial" not in page


def empty_arrays(**changes) -> RunArrays:
    none = np.zeros(0, dtype=np.int32)
    fields = {
        "spike_step": none,
        "spike_neuron": none,
        "warmup_steps": 0,
        "n_steps": 0,
        "step_us": np.zeros(0, dtype=np.float32),
        "core_kind": (),
        "core_xyp": np.zeros((0, 3), dtype=np.int32),
        "core_mean_us": np.zeros(0, dtype=np.float32),
        "core_max_us": np.zeros(0, dtype=np.float32),
        "chip_xy": np.zeros((0, 2), dtype=np.int32),
        "chip_board": none,
        "chip_sdram_bytes": np.zeros(0, dtype=np.int64),
        "link_xyl": np.zeros((0, 3), dtype=np.int32),
        "link_packets_per_s": np.zeros(0),
        "link_capacity_packets_per_s": np.zeros(0),
    }
    return RunArrays(**(fields | changes))


ONE_CHIP = {
    "n_steps": 1000,
    "step_us": np.full(1000, 42.0, dtype=np.float32),
    "core_kind": ("combined",),
    "core_xyp": np.array([[0, 0, 1]], dtype=np.int32),
    "core_mean_us": np.array([40.0], dtype=np.float32),
    "core_max_us": np.array([42.0], dtype=np.float32),
    "chip_xy": np.zeros((1, 2), dtype=np.int32),
    "chip_board": np.zeros(1, dtype=np.int32),
    "chip_sdram_bytes": np.array([12_000], dtype=np.int64),
}


def tiny(n_populations: int, n_neurons: int = 2) -> Network:
    names = [f"P{i}" for i in range(n_populations)]
    return Network(name="tiny", populations=tuple(Population(name=n, n_neurons=n_neurons) for n in names))


def small_report(arrays: RunArrays, network: Network) -> Report:
    """Report of a small run with the sections of the fixture emptied."""
    full = fixture.make_report(empty_arrays(step_us=np.zeros(1, dtype=np.float32)), network)
    return dataclasses.replace(
        full,
        activity=fixture.summarise_activity(
            network, arrays.spike_step, arrays.spike_neuron, arrays.warmup_steps, arrays.n_steps
        ),
        timing=dataclasses.replace(full.timing, n_overruns=0, first_overrun_step=None, limiting_core=None),
        verdict=dataclasses.replace(full.verdict, keeps_up=True, limit="", remedy=""),
        energy=dataclasses.replace(full.energy, energy_per_synaptic_event_nj=None, power_w=0.0, parts_w={}),
        machine=dataclasses.replace(full.machine, unverified=[], constants=[]),
        provenance={},
    )


def test_hostile_names_are_escaped_and_a_partial_run_is_marked(tmp_path):
    evil = '</script><b>"&'
    arrays = empty_arrays(**ONE_CHIP)
    report = small_report(arrays, tiny(1))
    hostile = dataclasses.replace(
        report,
        status="partial",
        verdict=dataclasses.replace(report.verdict, summary=evil, limit=evil, remedy=evil),
        experiment={"name": evil},
        machine=dataclasses.replace(report.machine, unverified=[evil]),
        provenance={evil: 1},
    )
    write_html(hostile, arrays, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "</script><b>" not in text
    words = " ".join(parse(text).words)
    assert "Partial: the run was stopped after 100.0 ms of model time (the warm-up not counted)." in words
    assert embedded(text, "report")["experiment"] == {"name": evil}


def test_same_run_gives_the_same_figure(report, arrays):
    once, again = (to_svg(machine_figure.step_times(report, arrays), "steps") for _ in range(2))
    assert once == again
    assert once.startswith("<svg")


@pytest.mark.parametrize(
    ("changes", "network"),
    [
        pytest.param({}, tiny(1), id="nothing at all"),
        pytest.param(ONE_CHIP, tiny(1), id="one chip, no spikes"),
        pytest.param(
            ONE_CHIP | {"spike_step": np.array([5], dtype=np.int32), "spike_neuron": np.array([1], dtype=np.int32)},
            tiny(11, n_neurons=1),
            id="one spike, more populations than panels",
        ),
        pytest.param(ONE_CHIP | {"warmup_steps": 2000}, tiny(2), id="ended in the warm-up"),
    ],
)
def test_degenerate_runs_give_a_page_and_a_verdict(changes, network):
    arrays = empty_arrays(**changes)
    report = small_report(arrays, network)
    words = " ".join(parse(render_html(report, arrays)).words)
    assert "No reference data for this network." in words
    assert "Every machine constant used here has a source." in words
    assert "nan" not in words.lower().split()
    console = Console(width=100, no_color=True, record=True, file=sys.stderr)
    console.print(render_verdict(report))
    assert "KEEPS UP       yes" in console.export_text()


def test_run_without_reference_has_no_reference_samples(report, arrays):
    activity = dataclasses.replace(report.activity, reference=None, reference_rate_hz=None)
    assert collect_samples(dataclasses.replace(report, activity=activity), arrays).reference is None
    assert set(collect_samples(report, arrays).reference.seeds) == {55, 1234}


def test_neighbouring_chips_are_one_apart_in_all_six_directions():
    middle = load_maps.chip_centres(np.array([[3, 5]]))[0]
    around = load_maps.chip_centres(np.array([[3 + dx, 5 + dy] for dx, dy in load_maps.LINK_OFFSETS]))
    np.testing.assert_allclose(np.hypot(*(around - middle).T), 1.0)
    angles = np.rad2deg(np.arctan2(*(around - middle).T[::-1])) % 360
    np.testing.assert_allclose(angles, [0, 60, 120, 180, 240, 300])


def test_boards_of_a_torus_are_drawn_in_one_piece():
    xy, board = fixture.board_chips(3)
    wrapped = xy % 12
    drawn = load_maps.unwrap_boards(wrapped, board)
    for one in range(3):
        shift = drawn[board == one] - xy[board == one]
        assert (shift == shift[0]).all()
    np.testing.assert_array_equal(load_maps.unwrap_boards(xy, board), xy)


def test_chip_load_is_that_of_its_busiest_core(arrays):
    load = load_maps.chip_load_us(arrays)
    is_first = (arrays.core_xyp[:, :2] == arrays.chip_xy[0]).all(axis=1)
    assert load[0] == arrays.core_max_us[is_first].max()
    assert np.isnan(load[-1])


def test_step_histogram_separates_kept_from_missed_steps(report, arrays):
    figure = machine_figure.step_times(report, arrays)
    bars = figure.axes[0].patches
    over = sum(bar.get_height() for bar in bars if bar.get_x() >= 100 - 1e-9)
    assert over == np.count_nonzero(arrays.step_us[arrays.warmup_steps :] >= 100)
    assert sum(bar.get_height() for bar in bars) == arrays.n_steps - arrays.warmup_steps


@pytest.mark.parametrize("width", [80, 100])
def test_verdict_fits_one_screen_and_reads_without_colour(report, width):
    console = Console(width=width, no_color=True, record=True, file=sys.stderr)
    console.print(render_verdict(report))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= 28
    text = "\n".join(lines)
    for expected in (
        r"^FITS +yes  ",
        r"^KEEPS UP +NO   \d+ of 3,000 steps over 100 µs, longest \d+\.\d; real-time",
        r"^LOSES NOTHING +yes  0 lost, 0 late",
        r"^COSTS +612 nJ a synaptic event; 592 W",
        r"^change +--neurons-per-core 56 \(less work on this core\)",
        r"^L23E +\d\.\d{3} +\d\.\d{3} +[+-]\d+\.\d %",
        r"^reference: NEST 3\.10",
    ):
        assert re.search(expected, text, re.MULTILINE), expected


def terminal_text(report: Report, width: int = 120) -> str:
    console = Console(width=width, no_color=True, record=True, file=sys.stderr)
    console.print(render_verdict(report))
    return console.export_text()


def test_verdict_marks_a_partial_run(report):
    partial = dataclasses.replace(report, status="partial")
    words = "PARTIAL: the run was stopped after 300.0 of 1,000 ms of model time (the warm-up not counted)\n"
    assert words in terminal_text(partial)
    activity = dataclasses.replace(report.activity, model_time_ms=0.0, warmup_ms=40.0)
    words = "PARTIAL: the run was stopped in its warm-up, after 40.0 ms\n"
    assert words in terminal_text(dataclasses.replace(partial, activity=activity))


def test_notes_are_shown_in_the_terminal_and_on_the_page(report, arrays):
    noted = dataclasses.replace(report, notes=["something <odd>"])
    assert "\nnote: something <odd>\n" in terminal_text(noted)
    assert "Note: something <odd>." in " ".join(parse(render_html(noted, arrays)).words)


def test_links_are_measured_by_their_own_capacity(report, arrays):
    """Two links carry the same; the one between boards carries half as much when full, and is twice as loaded."""
    two = dataclasses.replace(
        arrays,
        link_xyl=arrays.link_xyl[:2],
        link_packets_per_s=np.array([1e6, 1e6]),
        link_capacity_packets_per_s=np.array([5e6, 2.5e6]),
    )
    np.testing.assert_allclose(machine_figure.link_shares(two), [20.0, 40.0])
    bars = machine_figure.link_loads(report, two).axes[0].patches
    found = [bar.get_x() + bar.get_width() / 2 for bar in bars if bar.get_height() == 1]
    np.testing.assert_allclose(found, [20.0, 40.0], rtol=0.2)


def test_load_past_the_tick_is_red_and_graded(report, arrays):
    over = dataclasses.replace(arrays, core_max_us=arrays.core_max_us * 5)
    hexagons = next(c for c in load_maps.core_load_map(report, over).axes[0].collections if c.get_gid() == "chips-load")
    load = load_maps.chip_load_us(over)
    red, _, blue, _ = np.array(hexagons.get_facecolor()).T
    is_over = load > 100
    assert 0 < np.count_nonzero(is_over) < load.size
    assert (red[is_over] > blue[is_over]).all()
    assert len(np.unique(red[is_over])) > 10


def test_published_systems_of_the_same_machine_and_recipe_stand_out(report):
    table = tables.published_table(report)
    assert re.findall(r'<tr class="alike"><td>(\w+)</td>', table) == ["Rho19a", "Rho19b"]
    assert "Rho19b (measured, poisson): 1, 0.628 µJ, 12 boards" in tables.alike_sentence(report)
    combined = dataclasses.replace(report, mapping=dataclasses.replace(report.mapping, recipe="combined"))
    assert "vAl18c (measured, dc): 20, 4.4 to 5.9 µJ, 6 boards" in tables.alike_sentence(combined)
    scaled = dataclasses.replace(report, network=dataclasses.replace(report.network, scale=0.1))
    assert tables.alike_sentence(scaled) == ""


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (si(966.7e6, "packets/s"), "967 M packets/s"),
        (si(6.124e-7, "J"), "612 nJ"),
        (si(999.9, "W"), "1.00 kW"),
        (si(0, "W"), "0 W"),
        (si(None), "-"),
        (fixed(-0.0001, 2), "0.00"),
        (fixed(1234.5, 1, "Hz"), "1,234.5 Hz"),
        (fixed(float("nan"), 2), "-"),
        (count(77_169), "77,169"),
        (count(298_880_968), "299 million"),
        (count(4_213_111_020), "4.21 billion"),
        (size_of(65_536), "64.0 KiB"),
        (size_of(123_469_792), "118 MiB"),
        (size_of(12), "12 bytes"),
        (percent(1, 0), "-"),
        (percent(1, 3, 1), "33.3 %"),
        (deviation(1.05, 1.0), "+5.0 %"),
        (deviation(None, 1.0), "-"),
        (deviation(1.0, 0.0), "-"),
        (plural(1, "board"), "1 board"),
        (plural(0, "board"), "0 boards"),
        (plural(1200, "entry", "entries"), "1,200 entries"),
        (rounded_up(5.871, 2), "5.88"),
        (rounded_up(5.87, 2), "5.87"),
        (rounded_up(float("nan"), 2), "-"),
        (seconds(3.456), "3.46 s"),
        (seconds(75.2), "75.2 s"),
        (seconds(150.0), "2 min 30 s"),
        (constant_value(2e8), "200,000,000"),
        (constant_value(0.375), "0.375"),
        (constant_value("none"), "none"),
        (constant_value(True), "True"),
    ],
)
def test_numbers_are_written_with_their_unit(shown, expected):
    assert shown == expected


def test_losses_are_listed_by_population_and_projection(report, arrays):
    assert tables.loss_table(report) == ""
    losses = LossReport(
        saturated_words={"L4E": 1200},
        weights_zero={"L4E -> <b>": 7},
        weights_clipped={"L4I -> L4E": 2},
        near_overflow=["L5E"],
        poisson_rate_ratio={"L6I": 1.0398},
    )
    page = parse(render_html(dataclasses.replace(report, losses=losses), arrays))
    words = " ".join(page.words)
    for text in (
        "L4E full ring words 1,200",
        "L4I -> L4E weights clipped at the largest word 2",
        "L4E -> <b> weights that round to zero 7",
        "L5E state near the end of its range seen",
        "L6I Poisson rate sent over rate asked for 1.0398",
    ):
        assert text in words
