"""The packets' section of a report: losses by cause, lateness, figures, tables, the page of the dynamic depth."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from emulator.packets.adaptor import SentSpikes, mean_row_length, scenario_of
from emulator.packets.compiled import run_compiled
from emulator.packets.drawn_spikes import random_spikes
from emulator.packets.machine_numbers import PacketOptions
from emulator.packets.model import Parameters
from emulator.packets.outcome import ROUTER_COUNTERS
from machines import machine, network
from mapping.flow import map_network
from mapping.recipe import Recipe
from models.machine.file import load_machine
from models.topology import build_topology
from models.vocabulary import EndOfTick
from neuromap.measures.packet_loss import loss_lines, losses, lost_by_chip, router_packets
from neuromap.report.packets.section import packet_figures, packet_section
from neuromap.report.packets.table import chip_labels, microseconds
from neuromap.report.packets.view import PacketView
from neuromap.runs.dynamic import DynamicReport, dynamic_text
from neuromap.runs.run import run
from packet_scenarios import remade

NET = network({"A": 300, "B": 200}, [("A", "A"), ("A", "B"), ("B", "A")], rates_hz={"A": 400.0, "B": 600.0})
N_STEPS = 30
BUSY = {"wait1_cycles": 0, "output_buffer_packets": 1, "input_buffer_packets": 1}
REPORT = DynamicReport(
    network="n", machine="m", recipe="combined", end_of_tick="late", time_scale_factor=1.0, n_steps=1, warmup_steps=0,
    n_sent=1, n_hops=0, drained_ns=0.0, n_expected=1, n_delivered=1, n_late=0, n_in_flight=0, losses=[], latency_ns={},
    latency_cap_ns=500.0, link_load_ratio=0.0, busiest_link="none", max_link_queue_packets=0, n_blocked_packets=0,
    blocked_ns=0.0, max_spike_buffer_packets=0, max_backlog_ns=0.0, mean_step_ns=1e5, real_time_factor=1.0,
    router={"n_dropped_multicast_packets": 0, "n_reinjected_packets": 0}, core={}, events_per_s=1.0, run_s=1.0,
    engine="compiled", status="complete",
)  # fmt: skip
#: What is lost under which numbers of the model: parameters, end of the tick, causes.
LOSSY = {
    "nothing": ({}, "late", set()),
    "reinjection off": (
        BUSY | {"reinjection_queue_packets": 0},
        "late",
        {"dropped by a blocked router, no reinjection"},
    ),
    "dump register full": (
        BUSY | {"dump_cycles": 2000},
        "late",
        {"dropped by a blocked router, dump register full"},
    ),
    "both at one router": (
        BUSY | {"dump_cycles": 60, "reinjection_queue_packets": 1, "reinjection_timer_cycles": 3000},
        "late",
        {"dropped by a blocked router, dump register full", "dropped by a blocked router, reinjection queue full"},
    ),
    "spike buffer": ({"spike_buffer_packets": 1}, "late", {"spike buffer full"}),
    "end of the tick": ({}, "drop", {"not done at the end of the tick"}),
}


@pytest.fixture(scope="module")
def mapping():
    return map_network(NET, machine(n_boards=1), Recipe(name="combined", neurons_per_core=16))


def scenario(mapping, parameters, end_of_tick, *, tick_cycles=700):
    step, neuron = random_spikes(NET, {"A": 400.0, "B": 600.0}, N_STEPS, 3)
    lengths, row = mean_row_length(mapping, NET)
    spikes = SentSpikes(step=step, neuron=neuron, n_steps=N_STEPS, row_length=lengths, row=row)
    made = scenario_of(mapping, NET, spikes, PacketOptions(is_in_phase=True))
    work = replace(made.work, tick_cycles=made.work.tick_cycles // 100)
    packets = replace(made.packets, offset=np.zeros_like(made.packets.offset))
    numbers = Parameters(**{"wait1_cycles": -1} | parameters, end_of_tick=EndOfTick(end_of_tick))
    return remade(made, parameters=numbers, tick_cycles=tick_cycles, work=work, packets=packets)


@pytest.fixture(scope="module", params=LOSSY, ids=lambda name: name.replace(" ", "-"))
def case(request, mapping):
    parameters, end_of_tick, causes = LOSSY[request.param]
    return run_compiled(scenario(mapping, parameters, end_of_tick), with_log=True), causes


# ---- losses ----


def test_every_loss_has_a_cause_and_sums_are_right(case, mapping):
    outcome, causes = case
    found = losses(outcome, build_topology(mapping.machine))
    assert {one.cause for one in found} == causes
    n_missing = outcome.n_expected - outcome.total("n_served") - outcome.n_in_flight
    assert sum(one.n_lost for one in found) == n_missing
    assert sum(int(part.sum()) for part in lost_by_chip(outcome)) == n_missing
    for one in found:
        assert one.worst_place == next(iter(one.places))
        assert one.n_lost_there == max(one.places.values())
        assert len(one.places) == min(one.n_places, 5)


def test_packets_of_a_router_s_causes_are_those_of_the_log(case):
    outcome, _ = case
    for cause, kind in (("dump register full", "MISS"), ("reinjection queue full", "QUEUE_FULL")):
        counted = router_packets(outcome)[f"dropped by a blocked router, {cause}"]
        what = {"MISS": 10, "QUEUE_FULL": 11}[kind]
        places = outcome.log.place[outcome.log.what == what]
        np.testing.assert_array_equal(counted, np.bincount(places, minlength=len(counted)))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "spike buffer",
            r"spike buffer full: [\d,]+ deliveries lost at \d+ places, most at chip \(\d+, \d+\) core \d+ "
            r"\(\d+\); raise the time-scale factor, raise machine\.core\.spike_buffer_packets \(now 1\), or put fewer "
            r"neurons on a core \(recipe\.neurons_per_core\)",
        ),
        (
            "reinjection off",
            r"dropped by a blocked router, no reinjection: [\d,]+ deliveries lost at \d+ places?, most "
            r"at chip \(\d+, \d+\) \([\d,]+\); turn reinjection on \(machine\.flow_control\.reinjection_queue_packets, "
            r"now 0\), raise the time-scale factor, or raise machine\.flow_control\.wait1_code \(now 0 cycles\); the "
            r"busiest link of chip \(\d+, \d+\) is (E|NE|N|W|SW|S), sending [\d.]+% of the time",
        ),
    ],
)
def test_messages_say_what_where_and_what_to_change(mapping, name, message):
    parameters, end_of_tick, _ = LOSSY[name]
    outcome = run_compiled(scenario(mapping, parameters, end_of_tick))
    (line,) = loss_lines(losses(outcome, build_topology(mapping.machine)))
    assert re.fullmatch(message, line)


def test_deliveries_of_a_router_are_shared_out_by_packets(mapping):
    outcome = run_compiled(scenario(mapping, *LOSSY["nothing"][:2]))
    router = outcome.router.copy()
    router[:] = 0
    for name, n in (("n_missed_dropped_packets", 3), ("n_dropped_packet_overflows", 1), ("n_lost_deliveries", 10)):
        router[5, ROUTER_COUNTERS.index(name)] = n
    found = losses(replace(outcome, router=router), build_topology(mapping.machine))
    assert [(one.n_packets, one.n_lost) for one in found] == [(3, 7), (1, 3)]


# ---- lateness ----


def test_lateness_agrees_with_the_counters(mapping):
    outcome = run_compiled(scenario(mapping, {}, "late", tick_cycles=400), with_log=True)
    counts = PacketView(outcome, mapping).lateness
    assert counts.sum() == outcome.total("n_served")
    assert counts[1:].sum() == outcome.total("n_late") > 0
    assert len(counts) > 2
    assert PacketView(replace(outcome, log=None), mapping).lateness is None


def test_nothing_is_late_where_ticks_wait(mapping):
    outcome = run_compiled(scenario(mapping, {}, "wait"))
    assert PacketView(outcome, mapping).lateness.tolist() == [outcome.total("n_served")]


def bar_values(figure):
    (ax,) = figure.axes
    labels = [label.get_text() for label in ax.get_xticklabels()]
    return dict(zip(labels, [round(bar.get_height()) for bar in ax.patches], strict=True))


def test_bars_of_lateness(mapping):
    outcome = run_compiled(scenario(mapping, {}, "late"))
    made = packet_figures(outcome, mapping)
    n_late = outcome.total("n_late")
    assert bar_values(made["lateness"]) == {"on time": outcome.total("n_served") - n_late, "late": n_late}
    few = packet_figures(outcome, mapping, lateness=np.array([5, 0, 2, 0, 0]))
    assert bar_values(few["lateness"]) == {"0": 5, "1": 0, "2": 2}
    many = packet_figures(outcome, mapping, lateness=np.arange(20))
    expected = {"0": 0, "1": 1, "2": 2, "3-4": 7, "5-8": 26, "9-16": 100, "17-32": 54}
    assert bar_values(many["lateness"]) == expected


# ---- figures and tables ----


def test_figures_show_the_numbers(case, mapping):
    outcome, causes = case
    made = packet_figures(outcome, mapping)
    assert ("reinjection_map" in made) == (outcome.total("n_dropped_packets") > 0)
    assert ("loss_map" in made) == (bool(causes) or "reinjection_map" in made)
    assert len(made) == 8 + ("loss_map" in made) + ("reinjection_map" in made)
    assert sum(bar.get_height() for bar in made["latency"].axes[0].patches) == outcome.latency.sum()
    sent = made["ticks"].axes[0].lines[0].get_ydata()
    np.testing.assert_array_equal(sent, np.bincount(outcome.scenario.packets.tick, minlength=N_STEPS))
    backlog = made["ticks"].axes[1].lines[0].get_ydata()
    np.testing.assert_allclose(backlog, outcome.tick_backlog * outcome.scenario.cycle_ns * 1e-3)
    n_used = np.count_nonzero(outcome.link_packets)
    assert sum(bar.get_height() for bar in made["links"].axes[0].patches) == n_used


def test_length_of_ticks_that_wait_is_drawn(mapping):
    outcome = run_compiled(scenario(mapping, {}, "wait", tick_cycles=100))
    view = PacketView(outcome, mapping)
    np.testing.assert_allclose(view.step_us, np.diff(outcome.tick_start) * view.us)
    drawn = packet_figures(outcome, mapping)["ticks"].axes
    np.testing.assert_array_equal(drawn[2].lines[0].get_ydata(), view.step_us)
    assert len(packet_figures(run_compiled(scenario(mapping, {}, "late")), mapping)["ticks"].axes) == 2


class Balanced(HTMLParser):
    """Checks that elements are closed in order; keeps ids, and what scripts hold by id."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.scripts = [], [], {}

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open.append((tag, dict(attrs).get("id")))
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open and self.open[-1][0] == "script":
            self.scripts[self.open[-1][1]] = data


def read(page):
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_section_is_whole_and_labels_its_chips(case, mapping):
    outcome, causes = case
    page = packet_section(outcome, mapping)
    parser = read(page)
    assert parser.ids.count("packets") == 1
    labels = json.loads(parser.scripts["packet-chip-labels"])
    assert len(labels) == build_topology(mapping.machine).n_chips == 48
    assert any("spike buffer up to" in label for label in labels)
    assert ("Nothing was lost." in page) == (not causes)
    for cause in causes:
        assert f"<li>{cause}: " in page
    assert {f"chips-packet-{name}" for name in ("links", "queues", "buffers", "backlog")} <= set(parser.ids)


def test_labels_say_what_a_chip_lost(mapping):
    outcome = run_compiled(scenario(mapping, *LOSSY["reinjection off"][:2]))
    view = PacketView(outcome, mapping)
    worst = int(view.lost[0].argmax())
    assert f"lost {view.lost[0][worst]:,} deliveries at the router, 0 at cores" in chip_labels(view)[worst]


def test_a_machine_of_one_chip_has_a_section():
    one_chip = load_machine("generic_mesh", {"topology.shape": [1, 1], "topology.board_shape": [1, 1]})
    small = network({"A": 20}, [("A", "A")], rates_hz={"A": 100.0})
    alone = map_network(small, one_chip, Recipe(name="combined"))
    step, neuron = random_spikes(small, {"A": 100.0}, N_STEPS, 1)
    lengths, row = mean_row_length(alone, small)
    for n_spikes in (len(step), 0):
        spikes = SentSpikes(
            step=step[:n_spikes], neuron=neuron[:n_spikes], n_steps=N_STEPS, row_length=lengths, row=row
        )
        outcome = run_compiled(scenario_of(alone, small, spikes, PacketOptions()), with_log=True)
        page = packet_section(outcome, alone)
        read(page)
        assert "no packet left a chip" in page
        assert ("nothing was delivered" in page) == (n_spikes == 0)


def test_boards_of_a_large_machine_are_all_drawn():
    mapped = map_network(NET, machine(n_boards=12, wrap=True), Recipe(name="combined", neurons_per_core=32))
    step, neuron = random_spikes(NET, {"A": 400.0, "B": 600.0}, 5, 3)
    lengths, row = mean_row_length(mapped, NET)
    spikes = SentSpikes(step=step, neuron=neuron, n_steps=5, row_length=lengths, row=row)
    outcome = run_compiled(scenario_of(mapped, NET, spikes, PacketOptions()))
    labels = json.loads(read(packet_section(outcome, mapped)).scripts["packet-chip-labels"])
    assert len(labels) == 576


def test_latencies_beyond_the_last_bin_are_said_to_be():
    long = dynamic_text(replace(REPORT, latency_ns={"q0.5": 10.0, "q0.99": 500.0, "q1": 500.0}))
    assert "latency: median 0.01 µs, 99 % within over 0.50 µs, longest over 0.50 µs" in long
    none = dynamic_text(replace(REPORT, latency_ns={"q0.5": -7.5, "q0.99": -7.5, "q1": -7.5}))
    assert "latency: median none, 99 % within none, longest none" in none


def test_times_have_the_decimals_that_matter():
    assert [microseconds(one) for one in (0.1234, 12.34, 21603.9)] == ["0.12 µs", "12.3 µs", "21,604 µs"]


# ---- page ----


def test_page_of_the_dynamic_depth(tmp_path):
    settings = {"machine.core.spike_buffer_packets": 1, "machine.cost.spike_cycles": 50_000}
    result = run("pd14", depth="dynamic", scale=0.02, seconds=0.02, settings=settings, out=tmp_path)
    page = (tmp_path / "packets.html").read_text(encoding="utf-8")
    parser = read(page)
    embedded = json.loads(parser.scripts["report"])
    assert embedded == json.loads((tmp_path / "dynamic.json").read_text())
    n_lost, n_all = result.report.n_lost, result.report.n_expected
    assert f"pd14 on spinnaker1 loses {n_lost:,} deliveries, {n_lost / n_all:.2%} of all." in page
    assert "the number of ticks late is counted" not in page.lower()
    assert not re.findall(r"(?:src|href)=\"http", page)


def test_page_is_left_out_if_not_wanted(tmp_path):
    result = run("pd14", depth="dynamic", scale=0.02, seconds=0.002, out=tmp_path, html=False)
    assert not (tmp_path / "packets.html").exists()
    assert result.outcome.log is None
