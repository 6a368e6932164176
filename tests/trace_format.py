"""Checks a file against the trace-event format, as far as Perfetto and chrome://tracing rely on it.

References
----------
[1] Trace Event Format (Google, docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU): "JSON Object
    Format" (``traceEvents``, ``displayTimeUnit`` ms or ns), "Event Descriptions" (``name``, ``cat``, ``ph``, ``ts``
    in microseconds, ``pid``, ``tid``, ``args``), "Duration Events" (B and E nest), "Complete Events" (X, ``dur``),
    "Instant Events" (i, scope ``s`` of g, p or t), "Counter Events", "Metadata Events" (names and sort indices).
[2] Perfetto documentation, "Writing TrackEvent Protos Synthetically" (docs/reference/synthetic-track-event.md): slices
    of a thread (B, E, X) nest perfectly and do not overlap in part; its times are whole nanoseconds.
"""

import json
import math
from collections import defaultdict

_SLICES, _INSTANTS = ("X",), ("i", "I")
_NAMES = {
    "process_name": "name",
    "thread_name": "name",
    "process_labels": "labels",
    "process_sort_index": "sort_index",
    "thread_sort_index": "sort_index",
}


def trace_problems(text):
    """Return what is wrong with a trace, in words; an empty list if nothing is."""
    try:
        trace = json.loads(text, parse_constant=_refuse)
    except ValueError as err:
        return [f"no JSON: {err}"]
    if not isinstance(trace, dict) or not isinstance(trace.get("traceEvents"), list):
        return ["no object with a list traceEvents"]
    problems = []
    if trace.get("displayTimeUnit", "ms") not in ("ms", "ns"):
        problems.append(f"displayTimeUnit {trace['displayTimeUnit']!r} is neither ms nor ns")
    events = trace["traceEvents"]
    for number, event in enumerate(events):
        problems += [f"event {number}: {problem}" for problem in _event_problems(event)]
    return problems or [*_order_problems(events), *_nesting_problems(events), *_naming_problems(events)]


def _refuse(constant):
    raise ValueError(f"{constant} is not JSON")


def _event_problems(event):
    if not isinstance(event, dict):
        return ["no object"]
    problems = [f"{name} is no text" for name in ("name", "ph") if not isinstance(event.get(name), str)]
    problems += [f"{name} is no whole number" for name in ("pid", "tid") if type(event.get(name)) is not int]
    phase = event.get("ph")
    if phase == "M":
        key = _NAMES.get(event.get("name"))
        kind = int if key == "sort_index" else str
        if key is None or type(event.get("args", {}).get(key)) is not kind:
            problems.append("metadata without its argument")
        return problems
    if phase not in ("X", "B", "E", "C", *_INSTANTS):
        return [*problems, f"unknown phase {phase!r}"]
    problems += _time_problems(event, "ts")
    if phase in _SLICES:
        problems += _time_problems(event, "dur")
    if phase in _INSTANTS and event.get("s", "t") not in ("g", "p", "t"):
        problems.append(f"scope {event['s']!r} is none of g, p, t")
    if not isinstance(event.get("args", {}), dict):
        problems.append("args is no object")
    return problems


def _time_problems(event, name):
    value = event.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return [f"{name} is no number"]
    return [f"{name} is negative"] if value < 0 else []


def _order_problems(events):
    """Times of a track do not run backwards (allowed for X by [1], but streaming readers rely on it)."""
    last, problems = {}, []
    for number, event in enumerate(events):
        if event["ph"] != "M":
            track = event["pid"], event["tid"]
            if event["ts"] < last.get(track, 0):
                problems.append(f"event {number}: time runs backwards on track {track}")
            last[track] = event["ts"]
    return problems


def _nesting_problems(events):
    """Slices of a track nest or follow each other, in whole nanoseconds; each B has its E."""
    problems, open_until, begun = [], defaultdict(list), defaultdict(list)
    for number, event in enumerate(events):
        track = event["pid"], event["tid"]
        if event["ph"] == "B":
            begun[track].append(event["name"])
        elif event["ph"] == "E":
            if not begun[track]:
                problems.append(f"event {number}: E without a B")
            elif event.get("name") not in ("", begun[track].pop()):
                problems.append(f"event {number}: E of another name than its B")
        elif event["ph"] in _SLICES:
            start = round(event["ts"] * 1000)
            end = start + round(event["dur"] * 1000)
            stack = open_until[track]
            while stack and stack[-1] <= start:
                stack.pop()
            if stack and end > stack[-1]:
                problems.append(f"event {number}: overlaps another slice of track {track} in part")
            stack.append(end)
    return problems + [f"track {track}: {len(names)} B without an E" for track, names in begun.items() if names]


def _naming_problems(events):
    """Each process and each track in use has one name."""
    names = [(event["name"], event["pid"], event["tid"]) for event in events if event["ph"] == "M"]
    problems = [f"{one} twice" for one in sorted({one for one in names if names.count(one) > 1})] if names else []
    named = set(names)
    used = {(event["pid"], event["tid"]) for event in events if event["ph"] != "M"}
    problems += [f"track {track} has no name" for track in sorted(used) if ("thread_name", *track) not in named]
    processes = {pid for name, pid, _ in named if name == "process_name"}
    return problems + [f"process {pid} has no name" for pid in sorted({pid for pid, _ in used} - processes)]
