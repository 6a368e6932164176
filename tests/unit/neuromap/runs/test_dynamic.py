"""The dynamic depth: packets of a mapping, its report, spikes files, traces, animations."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from emulator.packets.adaptor import SentSpikes, mean_row_length, scenario_of, source_names
from emulator.packets.compiled import run_compiled
from emulator.packets.drawn_spikes import random_spikes
from emulator.packets.machine_numbers import PacketOptions, parameters_of
from emulator.packets.model import What
from emulator.packets.simpy_model.model import run_simpy
from emulator.packets.trace import busiest_tick, write_trace
from emulator.synapses.build import build_connectivity
from emulator.synapses.projection_table import SynapseDraw
from emulator.timing import TimedSpikes, time_run
from emulator.timing.model import slice_of_source
from machines import SPINNAKER1, machine, network
from mapping.flow import map_network
from mapping.load import static_load
from mapping.recipe import Recipe
from models.errors import ParameterError
from models.machine.file import load_machine
from models.network import Network, PoissonSource, Population
from models.topology import build_topology
from models.vocabulary import EndOfTick
from neuromap.cli.app import main
from neuromap.report.packets.animation import write_animation
from neuromap.runs.dynamic import dynamic_text
from neuromap.runs.run import run
from packet_scenarios import remade
from trace_format import trace_problems

NET = network({"A": 300, "B": 200}, [("A", "A"), ("A", "B"), ("B", "A")], rates_hz={"A": 40.0, "B": 60.0})
N_STEPS = 40


@pytest.fixture(scope="module", params=["combined", "ensemble"])
def mapped(request):
    return map_network(NET, machine(n_boards=1), Recipe(name=request.param, neurons_per_core=32))


def spikes_of(mapping, seed=1, rates_hz=None):
    step, neuron = random_spikes(NET, rates_hz or {"A": 40.0, "B": 60.0}, N_STEPS, seed)
    lengths, row = mean_row_length(mapping, NET)
    return SentSpikes(step=step, neuron=neuron, n_steps=N_STEPS, row_length=lengths, row=row)


def test_deliveries_are_those_of_the_timing_model(mapped):
    spikes = spikes_of(mapped)
    outcome = run_compiled(scenario_of(mapped, NET, spikes, PacketOptions()), strict=True)
    stored = build_connectivity(NET, SynapseDraw(seed=1), n_shards=1, n_threads=1)
    lengths = stored.count_by_slice(slice_of_source(mapped, NET), len(mapped.partition.slices), n_threads=1)
    timing = time_run(mapped, NET, TimedSpikes(spikes.step, spikes.neuron, N_STEPS, lengths))
    assert outcome.total("n_sent") == timing.n_sent == len(spikes.step) > 50
    assert outcome.n_delivered == outcome.n_expected == timing.n_delivered


def test_hops_are_those_of_the_static_depth(mapped):
    spikes = spikes_of(mapped)
    outcome = run_compiled(scenario_of(mapped, NET, spikes, PacketOptions()))
    hops = static_load(mapped, NET).link_hops
    assert outcome.link_packets.sum() == hops[slice_of_source(mapped, NET)[spikes.neuron]].sum()


@pytest.mark.parametrize("end_of_tick", list(EndOfTick))
def test_both_engines_on_a_mapping(mapped, end_of_tick):
    few = replace(spikes_of(mapped), n_steps=6)
    keep = few.step < 6
    few = replace(few, step=few.step[keep], neuron=few.neuron[keep])
    case = scenario_of(mapped, NET, few, PacketOptions(end_of_tick=end_of_tick, is_in_phase=True))
    slow, fast = run_simpy(case), run_compiled(case, with_log=True)
    assert fast.n_events > 100
    np.testing.assert_array_equal(slow.log.rows(), fast.log.rows())


def test_neurons_send_in_index_order_during_their_core_s_update(mapped):
    case = scenario_of(mapped, NET, spikes_of(mapped), PacketOptions(is_in_phase=True))
    packets, last = case.packets, case.work.tick_cycles[case.packets.core]
    assert (packets.offset > 0).all()
    assert (packets.offset <= last).all()
    assert len(np.unique(packets.offset)) > 5


def test_numbers_of_the_machine():
    parameters = parameters_of(SPINNAKER1, EndOfTick.DROP)
    assert (parameters.wait1_cycles, parameters.wait2_cycles) == (480, 0)
    assert parameters.receive_cycles == 27  # 40 cycles of 200 MHz in cycles of 133 MHz
    assert parameters.reinjection_timer_cycles == 1330
    assert parameters.spike_buffer_packets == 1024
    assert parameters_of(replace(SPINNAKER1, flow_control=None), EndOfTick.LATE).wait1_cycles == 480


@pytest.mark.parametrize("rate_hz", [100.0, 3000.0, 6000.0, 9990.0])
def test_random_spikes_have_the_rates(rate_hz):
    """A neuron fires once a step, which takes nothing from its rate, up to one spike in every step."""
    step, neuron = random_spikes(NET, {"A": rate_hz, "B": 0.0}, 1000, 3)
    assert neuron.max() < 300
    assert (np.diff(step.astype(np.int64) * 500 + neuron) > 0).all()
    assert (step.min(), step.max()) == (0, 999)
    mean = rate_hz * 0.1 * 300
    assert min(mean, 300_000) - 4 * np.sqrt(mean) < len(step) <= min(mean + 4 * np.sqrt(mean), 300_000)


def test_random_spikes_of_sources_keep_every_packet():
    source = PoissonSource(name="S", n_neurons=20, rate_hz=15_000.0)
    net = Network(name="x", populations=(Population(name="A", n_neurons=5),), sources=(source,))
    step, neuron = random_spikes(net, {"A": 10.0, "S": 15_000.0}, 1000, 3)
    assert (np.diff(step.astype(np.int64) * 25 + neuron) >= 0).all()
    n_sent = np.count_nonzero(neuron >= 5)
    assert n_sent == pytest.approx(30_000, abs=4 * np.sqrt(30_000))
    assert n_sent > 1000 * 20  # more than one packet a step


def test_a_rate_above_one_spike_a_step_is_refused():
    message = r"^Population\('A'\)\.rate_hz: needs at most 10000 Hz, one spike in each step of 0\.1 ms, has 10001\.0$"
    with pytest.raises(ParameterError, match=message):
        Network(name="x", populations=(Population(name="A", n_neurons=5, rate_hz=10_001.0),))


# ---- reports ----


def test_report_of_a_run(tmp_path):
    result = run("pd14", depth="dynamic", scale=0.02, seconds=0.01, out=tmp_path)
    report = json.loads((tmp_path / "dynamic.json").read_text())
    assert report["n_delivered"] == result.outcome.total("n_served") > 0
    assert report["losses"] == []
    assert report["n_in_flight"] == 0
    assert report["latency_ns"]["q0.5"] <= report["latency_ns"]["q1"]
    with np.load(tmp_path / "dynamic.npz") as arrays:
        assert arrays["link_packets"].sum() == report["n_hops"]
        assert arrays["latency"].sum() == result.outcome.n_delivered
    assert dynamic_text(result.report).splitlines()[1].endswith("0 lost")


def test_losses_name_cause_place_and_remedy():
    settings = {"machine.core.spike_buffer_packets": 1, "machine.cost.spike_cycles": 50_000}
    report = run("pd14", depth="dynamic", scale=0.02, seconds=0.02, settings=settings).report
    (loss,) = report.losses
    assert loss.cause == "spike buffer full"
    assert loss.n_lost == report.core["n_overflow"] == report.n_expected - report.n_delivered
    assert loss.worst_place.startswith("chip (")
    assert "core.spike_buffer_packets" in dynamic_text(report)


def test_command(tmp_path, capsys):
    trace = tmp_path / "trace.json"
    options = ["--scale", "0.02", "--seconds", "0.002", "--out", str(tmp_path / "out"), "--trace", str(trace)]
    assert main(["run", "pd14", "--depth", "dynamic", *options]) == 0
    assert "packets:" in capsys.readouterr().out
    assert json.loads(trace.read_text())["traceEvents"]


# ---- traces and animations ----


@pytest.fixture(scope="module")
def logged():
    mapping = map_network(NET, machine(n_boards=1), Recipe(name="combined", neurons_per_core=32))
    return mapping, run_compiled(scenario_of(mapping, NET, spikes_of(mapping), PacketOptions()), with_log=True)


def test_trace_of_a_mapping_is_valid(logged, tmp_path):
    mapping, outcome = logged
    topology = build_topology(mapping.machine)
    names = [f"chip ({x}, {y})" for x, y in topology.chip.tolist()]
    path = tmp_path / "trace.json"
    n_written = write_trace(outcome, path, chip_names=names, link_names=topology.link_names)
    text = path.read_text()
    assert trace_problems(text) == []
    events = json.loads(text)["traceEvents"]
    assert len(events) == n_written
    of_links = [event for event in events if event.get("cat") == "transmit"]
    assert len(of_links) == outcome.link_packets.sum()
    period_us = 27 / 133
    assert all(abs(event["dur"] - period_us) < 1.01e-3 for event in of_links)
    tracks = {event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert {"link E", "router", "ticks"} <= tracks


def test_trace_of_a_run_names_what_sends(tmp_path):
    path = tmp_path / "trace.json"
    result = run("pd14", depth="dynamic", scale=0.02, seconds=0.01, trace=path)
    events = json.loads(path.read_text())["traceEvents"]
    nets = {event["args"]["net"] for event in events if event.get("cat") == "send"}
    assert 0 < len(nets) <= result.report.n_sent
    assert all(re.fullmatch(r"L(23|4|5|6)[EI]\[\d+:\d+\]", net) for net in nets)


def test_a_run_that_is_too_long_for_a_trace_is_refused_before_it_runs(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("ran")

    monkeypatch.setattr("neuromap.runs.dynamic.run_scenario", refuse)
    monkeypatch.setattr("emulator.packets.trace._MAX_EVENTS", 10)
    with pytest.raises(ParameterError, match=r"^trace: needs at most 10 events; trace a shorter run .*, has \d+$"):
        run("pd14", depth="dynamic", scale=0.02, seconds=0.01, trace=tmp_path / "trace.json")
    assert not (tmp_path / "trace.json").exists()


def test_a_trace_needs_a_log(logged, tmp_path):
    with pytest.raises(ParameterError, match=r"^trace: needs a run with its log, has 'no log'$"):
        write_trace(run_compiled(logged[1].scenario), tmp_path / "trace.json")


def test_a_trace_that_no_viewer_opens(logged, tmp_path, monkeypatch):
    monkeypatch.setattr("emulator.packets.trace._MAX_EVENTS", 10)
    with pytest.raises(ParameterError, match=r"^trace: needs at most 10 events; trace a shorter run or a smaller net"):
        write_trace(logged[1], tmp_path / "trace.json")


def drawing_of(page):
    data = re.search(r'<script type="application/json" id="animation">(.*?)</script>', page, flags=re.DOTALL)
    return json.loads(data[1])


def test_animation_of_a_tick(logged, tmp_path):
    mapping, outcome = logged
    tick, path, topology = busiest_tick(outcome), tmp_path / "tick.html", build_topology(mapping.machine)
    n_packets = write_animation(
        outcome, topology, path, tick=tick, n_frames=30, title="A <tick>", source_names=source_names(mapping, topology)
    )
    is_own = outcome.scenario.packets.tick == tick
    assert n_packets == np.count_nonzero(is_own)
    page = path.read_text(encoding="utf-8")
    assert "<title>A &lt;tick&gt;</title>" in page
    assert not re.findall(r"(?:src|href)=|https?://", page)
    drawn, log = drawing_of(page), outcome.log
    shown = is_own[log.packet]
    assert drawn["seconds"] == 5
    assert len(drawn["sends"]) == n_packets == len(drawn["packets"])
    assert len(drawn["hops"]) == np.count_nonzero(shown & log.of(What.TRANSMIT))
    assert sum(row[3] for row in drawn["gets"]) == np.count_nonzero(shown & log.of(What.DELIVER))
    assert (drawn["losses"], drawn["agains"]) == ([], [])
    assert len(drawn["chips"]) == len(drawn["labels"]) == topology.n_chips
    assert all(re.fullmatch(r"packet \d+ of [AB]\[\d+:\d+\], chip \(\d, \d\)", name) for name in drawn["packets"])


def test_positions_of_an_animation_run_with_time(logged, tmp_path):
    mapping, outcome = logged
    tick, path = busiest_tick(outcome), tmp_path / "tick.html"
    write_animation(outcome, build_topology(mapping.machine), path, tick=tick)
    drawn = drawing_of(path.read_text(encoding="utf-8"))
    for name in ("hops", "gets", "sends"):
        positions = [row[0] for row in drawn[name]]
        assert positions == sorted(positions)
        assert 0 < positions[0] <= positions[-1] < 1
    assert all(start < end <= 1 for start, end, _, _ in drawn["hops"])
    clock_us = drawn["clock"]
    assert clock_us == sorted(clock_us)
    log, us = outcome.log, outcome.scenario.cycle_ns * 1e-3
    is_own = (outcome.scenario.packets.tick == tick)[log.packet] & (log.what != What.SERVE)
    begun = outcome.tick_start[tick]
    first_us, last_us = ((log.time[is_own][i] - begun) * us for i in (0, -1))
    assert abs(clock_us[0] - first_us) < 0.02
    assert abs(clock_us[-1] - last_us) < 0.02
    # the clock at a send's position is when it was sent
    sent_us = (log.time[is_own & log.of(What.SEND)] - begun) * us
    shown_us = np.interp([row[0] for row in drawn["sends"]], np.linspace(0, 1, len(clock_us)), clock_us)
    np.testing.assert_allclose(shown_us, sent_us, atol=0.01 * (last_us - first_us))


def test_animation_of_losses(tmp_path):
    buffers = {"flow_control.output_buffer_packets": 1, "flow_control.input_buffer_packets": 1}
    small = load_machine("spinnaker1", buffers | {"flow_control.wait1_code": 1, "topology.n_boards": 1})
    mapping = map_network(NET, small, Recipe(name="combined", neurons_per_core=16))
    spikes = spikes_of(mapping, rates_hz={"A": 4000.0, "B": 4000.0})
    case = scenario_of(mapping, NET, spikes, PacketOptions(is_in_phase=True))
    for reinjects in (True, False):
        queue = {} if reinjects else {"reinjection_queue_packets": 0}
        outcome = run_compiled(remade(case, parameters=replace(case.parameters, **queue)), with_log=True)
        tick = int(outcome.scenario.packets.tick[outcome.log.packet[outcome.log.of(What.DUMP)][0]])
        write_animation(outcome, build_topology(mapping.machine), tmp_path / "tick.html", tick=tick)
        drawn, log = drawing_of((tmp_path / "tick.html").read_text(encoding="utf-8")), outcome.log
        is_own = (outcome.scenario.packets.tick == tick)[log.packet]
        n_lost = {what: np.count_nonzero(is_own & log.of(what)) for what in (What.DUMP, What.MISS, What.QUEUE_FULL)}
        wanted = n_lost[What.MISS] + n_lost[What.QUEUE_FULL] if reinjects else n_lost[What.DUMP]
        assert len(drawn["losses"]) == wanted
        assert len(drawn["agains"]) == np.count_nonzero(is_own & log.of(What.REINJECT))
        assert bool(drawn["agains"]) == reinjects


def test_animation_as_a_picture(logged, tmp_path):
    mapping, outcome = logged
    path = tmp_path / "tick.gif"
    write_animation(outcome, build_topology(mapping.machine), path, tick=busiest_tick(outcome), n_frames=3)
    with Image.open(path) as picture:
        assert picture.n_frames == 3
        assert max(picture.size) <= 800


def test_animations_that_cannot_be(logged, tmp_path):
    mapping, outcome = logged
    topology = build_topology(mapping.machine)
    with pytest.raises(ParameterError, match=r"^tick: needs a tick in which packets are sent, has 99$"):
        write_animation(outcome, topology, tmp_path / "a.html", tick=99)
    with pytest.raises(
        ParameterError, match=r"^animation: needs a file name ending in one of \.html, \.gif, has '.*a\.avi'$"
    ):
        write_animation(outcome, topology, tmp_path / "a.avi", tick=1)
    with pytest.raises(ParameterError, match=r"^animation: needs a run with its log, has 'no log'$"):
        write_animation(run_compiled(outcome.scenario), topology, tmp_path / "a.html", tick=1)
    with pytest.raises(ParameterError, match=r"^frames: needs at least 1, has 0$"):
        write_animation(outcome, topology, tmp_path / "a.html", tick=1, n_frames=0)


def test_animate_command(tmp_path, capsys):
    path = tmp_path / "tick.html"
    assert main(["animate", "pd14", "--scale", "0.02", "--seconds", "0.01", "--frames", "3", "--out", str(path)]) == 0
    assert path.stat().st_size > 10_000
    assert "packets of tick" in capsys.readouterr().out


def test_flow_control_of_a_machine_file():
    changed = load_machine("spinnaker1", {"flow_control.wait2_code": 0x40})
    assert parameters_of(changed, EndOfTick.LATE).wait2_cycles == 240


def test_every_kind_of_event_has_a_place(logged):
    assert set(np.unique(logged[1].log.what)) >= {What.SEND, What.ROUTE, What.TRANSMIT, What.ARRIVE, What.DELIVER}
