"""Every machine at both packet depths: traces and animations are written, and both engines give the same."""

import json
import re
from dataclasses import asdict

import numpy as np
import pytest

from models.machine.file import list_machines
from models.network import AllToAll, Constant, Network, Population, Projection
from models.networks import NETWORKS
from models.vocabulary import Engine
from neuromap.cli.app import main
from neuromap.runs.run import run
from trace_format import trace_problems

#: What two runs of one experiment differ in anyway: the engine's name and wall times.
OWN = ("engine", "events_per_s", "run_s")


def options_of(machine, depth, **changes):
    """Settings of a short run; without a warm-up where there is one."""
    warmup = {"settings": {"warmup_ms": 0.0}} if depth == "full" else {}
    return {"machine": machine, "seconds": 0.02} | warmup | changes


def without_times(report):
    found = asdict(report)
    return {name: value for name, value in found.items() if name not in (*OWN, "host")}


def network_on(machine):
    """A small network that fits: TrueNorth's neurons have four different weights."""
    return ("chain", {}) if machine == "truenorth" else ("pd14", {"scale": 0.01})


def both(depth, tmp_path, network, **options):
    """Results of both engines, each with the text of its trace."""
    found = {}
    for engine in Engine:
        path = tmp_path / f"{engine}.json"
        found[engine] = (
            run(network, depth=depth, engine=engine, trace=path, **options),
            path.read_text(encoding="utf-8"),
        )
    return found[Engine.SIMPY], found[Engine.COMPILED]


def assert_same_packets(slow, fast):
    (slow_report, slow_trace), (fast_report, fast_trace) = slow, fast
    assert (slow_report.engine, fast_report.engine) == ("simpy", "compiled")
    assert without_times(slow_report) == without_times(fast_report)
    assert slow_trace == fast_trace
    assert trace_problems(slow_trace) == []


@pytest.mark.parametrize("machine", list_machines())
def test_dynamic_depth_and_its_trace_with_both_engines(machine, tmp_path):
    network, size = network_on(machine)
    slow, fast = both("dynamic", tmp_path, network, **options_of(machine, "dynamic", **size))
    assert_same_packets((slow[0].report, slow[1]), (fast[0].report, fast[1]))
    assert fast[0].report.n_sent > (10 if network == "pd14" else 0)
    sources = {event["args"]["net"] for event in json.loads(fast[1])["traceEvents"] if event.get("cat") == "send"}
    populations = {part.population for part in fast[0].mapping.partition.slices}
    assert sources
    assert {source.split("[")[0] for source in sources} <= populations


@pytest.mark.parametrize("machine", list_machines())
def test_full_depth_and_its_trace_with_both_engines(machine, tmp_path):
    network, size = network_on(machine)
    slow, fast = both("full", tmp_path, network, **options_of(machine, "full", **size))
    assert_same_packets((slow[0].packets, slow[1]), (fast[0].packets, fast[1]))
    assert without_times(slow[0].report) == without_times(fast[0].report)
    for name in ("spike_step", "spike_neuron"):
        both_spikes = [getattr(full.result.simulation, name) for full in (slow[0], fast[0])]
        np.testing.assert_array_equal(*both_spikes)


@pytest.mark.parametrize("engine", list(Engine))
@pytest.mark.parametrize("machine", list_machines())
def test_animation_on_every_machine(machine, engine, tmp_path, capsys):
    path = tmp_path / "tick.html"
    network, size = network_on(machine)
    scale = [word for name, value in size.items() for word in (f"--{name}", str(value))]
    arguments = [network, *scale, "--seconds", "0.01", "--machine", machine, "--engine", str(engine)]
    assert main(["animate", *arguments, "--frames", "2", "--out", str(path)]) == 0
    assert re.search(r"^\d+ packets? of tick \d+ in ", capsys.readouterr().out)
    assert re.search(r"packet \d+ of (L\d|C\d|stimulus)", path.read_text(encoding="utf-8"))


# ---- networks that are hardly any ----


def pair(**changes):
    """Two populations, the second with nothing behind it, that never fire by themselves."""
    first, second = Population(name="A", n_neurons=5, rate_hz=0.0), Population(name="B", n_neurons=1, rate_hz=0.0)
    projection = Projection(
        source="A", target="B", connector=AllToAll(), weight_pa=Constant(value=50.0), delay_ms=Constant(value=1.0)
    )
    return Network(**({"name": "pair", "populations": (first, second), "projections": (projection,)} | changes))


@pytest.mark.parametrize("machine", ["spinnaker1", "loihi1", "neuroaix"])
@pytest.mark.parametrize("changes", [{}, {"projections": ()}], ids=["no spikes", "no projections"])
def test_networks_that_send_nothing(machine, changes, tmp_path, monkeypatch):
    monkeypatch.setitem(NETWORKS, "chain", lambda: pair(**changes))
    for depth in ("dynamic", "full"):
        slow, fast = both(depth, tmp_path, "chain", **options_of(machine, depth))
        reports = [one[0].report if depth == "dynamic" else one[0].packets for one in (slow, fast)]
        assert_same_packets((reports[0], slow[1]), (reports[1], fast[1]))
        assert reports[0].n_sent == reports[0].n_hops == reports[0].n_delivered == 0
