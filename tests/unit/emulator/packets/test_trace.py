"""Traces of packets: valid whatever happens, complete, and true to the log."""

import json
from collections import Counter, defaultdict

import pytest

from emulator.packets.compiled import run_compiled
from emulator.packets.model import FOREVER, Parameters, What
from emulator.packets.trace import check_trace_size, write_trace
from models.errors import ParameterError
from packet_scenarios import line, random_scenario
from trace_format import trace_problems

_INSTANTS = ("SEND", "DUMP", "REINJECT", "MISS", "QUEUE_FULL", "NO_ROUTE", "OVERFLOW", "EXPIRE")
_SLICES = ("TRANSMIT", "EMERGENCY", "ROUTE", "SERVE", "BLOCK")


def traced(scenario, path, **names):
    outcome = run_compiled(scenario, with_log=True)
    n_events = write_trace(outcome, path, **names)
    text = path.read_text(encoding="utf-8")
    events = json.loads(text)["traceEvents"]
    assert len(events) == n_events
    return outcome, text, events


def test_random_scenarios_give_valid_and_complete_traces(tmp_path):
    seen = Counter()
    for seed in range(60):
        outcome, text, events = traced(random_scenario(seed), tmp_path / "trace.json")
        assert trace_problems(text) == []
        written = Counter(event["cat"] for event in events if event["ph"] != "M")
        logged = Counter(What(what).name.lower() for what in outcome.log.what.tolist())
        for name in (*_INSTANTS, *_SLICES):
            assert written[name.lower()] == logged[name.lower()], (seed, name)
        assert written["tick"] == outcome.n_ticks_ended
        seen += written
    assert all(seen[name.lower()] > 20 for name in (*_INSTANTS, *_SLICES)), seen


def test_slices_say_where_when_and_what(tmp_path):
    # router 0, link 0, router 1, core 0 of router 1; a cycle is 7.5 ns, a link takes 3 cycles and 2 more
    names = {"chip_names": ["left", "right"], "link_names": ("E", "N", "W", "S"), "source_names": {0: "A[0:5]"}}
    _, text, events = traced(line(2), tmp_path / "trace.json", **names)
    assert trace_problems(text) == []
    process = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    track = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    found = [
        (process[e["pid"]], track[e["pid"], e["tid"]], e["name"], e["ts"], e.get("dur"))
        for e in events
        if e["ph"] != "M" and e["cat"] != "tick"
    ]
    assert found == [
        ("left", "link E", "packet 0", 0.0, 0.022),  # of the same time: the longest first
        ("left", "router", "packet 0", 0.0, 0.008),
        ("left", "core 0", "send: packet 0", 0.0, None),
        ("right", "router", "packet 0", 0.038, 0.007),
        ("right", "core 0", "packet 0", 0.24, 0.008),
    ]
    assert {json.dumps(e["args"]) for e in events if e["ph"] == "X" and e["cat"] != "tick"} == {
        '{"packet": 0, "net": "A[0:5]"}'
    }
    (tick,) = [event for event in events if event.get("cat") == "tick"]
    assert (tick["name"], tick["ts"], tick["dur"]) == ("tick 0", 0.0, 7.5)


def test_a_blocked_router_is_a_slice_until_the_packet_is_dropped(tmp_path):
    dead = line(2, dead=[(0, 0)], parameters=Parameters(wait1_cycles=40, reinjection_queue_packets=0))
    _, _, events = traced(dead, tmp_path / "trace.json")
    first = next(event for event in events if event.get("cat") == "block")
    assert (first["name"], first["ts"], first["dur"]) == ("blocked: packet 0", 0.0, 0.3)
    assert next(event["ts"] for event in events if event.get("cat") == "dump") == 0.3


def test_a_router_that_is_blocked_for_ever_is_a_slice_to_the_end_of_the_log(tmp_path):
    packets = [(0, 0, 0, 0, -1), (0, 3, 400, 1, -1)]  # the second one never leaves its router's core
    nets = [[(0, [0], []), (1, [], [0])], [(1, [], [0])]]
    stuck = line(
        2, nets=nets, packets=packets, dead=[(0, 0)], parameters=Parameters(wait1_cycles=FOREVER), max_cycles=2000
    )
    outcome, text, events = traced(stuck, tmp_path / "trace.json")
    (blocked,) = [event for event in events if event.get("cat") == "block"]
    last_us = round(int(outcome.log.time[-1]) * 7.5) / 1000
    assert last_us > 3
    assert (blocked["ts"], blocked["dur"]) == (0.0, last_us)
    assert trace_problems(text) == []


def test_tracks_are_in_the_order_of_the_machine(tmp_path):
    _, _, events = traced(random_scenario(7), tmp_path / "trace.json")
    order = defaultdict(list)
    for event in events:
        if event["name"] == "thread_sort_index":
            order[event["pid"]].append((event["args"]["sort_index"], event["tid"]))
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    for pid, indices in order.items():
        kinds = [names[pid, tid].split()[0] for _, tid in sorted(indices)]
        assert kinds == sorted(kinds, key=("router", "link", "core", "ticks").index)


def test_long_traces_are_written_in_pieces(tmp_path, monkeypatch):
    scenario = random_scenario(3)
    _, whole, _ = traced(scenario, tmp_path / "whole.json")
    monkeypatch.setattr("emulator.packets.trace._LINES", 7)
    _, pieces, _ = traced(scenario, tmp_path / "pieces.json")
    assert pieces == whole


def test_logs_that_no_viewer_opens_are_refused():
    check_trace_size(2_000_000)
    wanted = r"^trace: needs at most 2,000,000 events; trace a shorter run or a smaller network, has 2000001$"
    with pytest.raises(ParameterError, match=wanted):
        check_trace_size(2_000_001)


# ---- the checker itself ----

NAMED = [
    {"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": {"name": "p"}},
    {"ph": "M", "name": "thread_name", "pid": 1, "tid": 2, "args": {"name": "t"}},
]


def event(ph="X", ts=1.0, **fields):
    return {"ph": ph, "name": "e", "pid": 1, "tid": 2, "ts": ts} | ({"dur": 1.0} if ph == "X" else {}) | fields


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([event(), event(ts=2.0)], None),
        ([event(dur=3.0), event(ts=2.0)], None),
        ([event("B"), event("E", ts=2.0)], None),
        ([event("i", s="t"), event("C", args={"n": 1})], None),
        ([event(dur=1.5), event(ts=2.0)], "event 3: overlaps another slice of track (1, 2) in part"),
        ([event(dur=1.001), event(ts=2.0)], "event 3: overlaps another slice of track (1, 2) in part"),
        ([event(ts=2.0), event()], "event 3: time runs backwards on track (1, 2)"),
        ([event(dur=-1.0)], "event 2: dur is negative"),
        ([event(ts=-1.0)], "event 2: ts is negative"),
        ([event(ts="1")], "event 2: ts is no number"),
        ([event(pid="1")], "event 2: pid is no whole number"),
        ([event(name=None)], "event 2: name is no text"),
        ([event("Q")], "event 2: unknown phase 'Q'"),
        ([event("i", s="x")], "event 2: scope 'x' is none of g, p, t"),
        ([event("E")], "event 2: E without a B"),
        ([event("B"), event("E", name="f")], "event 3: E of another name than its B"),
        ([event("B")], "track (1, 2): 1 B without an E"),
        ([event(tid=3)], "track (1, 3) has no name"),
        ([event(pid=9), {**NAMED[1], "pid": 9}], "process 9 has no name"),
        ([NAMED[0]], "('process_name', 1, 0) twice"),
        ([{**NAMED[0], "args": {}}], "event 2: metadata without its argument"),
    ],
)
def test_the_checker_finds_what_it_is_for(events, problem):
    found = trace_problems(json.dumps({"traceEvents": [*NAMED, *events]}))
    assert found == ([] if problem is None else [problem])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "no object with a list traceEvents"),
        ('{"traceEvents": [NaN]}', "no JSON: NaN is not JSON"),
        ('{"traceEvents": [], "displayTimeUnit": "us"}', "displayTimeUnit 'us' is neither ms nor ns"),
    ],
)
def test_the_checker_finds_what_is_no_trace(text, problem):
    assert trace_problems(text) == [problem]
