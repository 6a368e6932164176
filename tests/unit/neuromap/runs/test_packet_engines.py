"""The choice of engine: names, the estimate before a long SimPy run, Ctrl-C between two ticks, times too long."""

import os
import re
import signal

import numpy as np
import pytest

import emulator.packets.growing
import neuromap.runs.simpy_estimate
from emulator.packets.engine import first_ticks, run_scenario
from emulator.packets.machine_numbers import PacketOptions
from emulator.packets.routes import NO_ENTRY
from emulator.runtime.interrupt import interrupt_held
from models.errors import CapacityError, ParameterError, UnknownNameError
from models.vocabulary import Engine
from neuromap.cli.app import main
from neuromap.runs.run import run
from neuromap.runs.simpy_estimate import duration_text, entries_per_packet, expected_of_loop
from packet_scenarios import line, random_scenario, routes_of_outputs

SMALL = {"scale": 0.01, "seconds": 0.01}


@pytest.fixture(autouse=True)
def _sigint_interrupts():
    """Handle SIGINT as in a terminal: the background process of a shell ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press(*_):
    os.kill(os.getpid(), signal.SIGINT)


# ---- names ----


@pytest.mark.parametrize("depth", ["dynamic", "full"])
def test_an_engine_that_there_is_not(depth):
    with pytest.raises(
        UnknownNameError, match=r"^engine: needs one of .*compiled.*, has 'simpi'; did you mean 'simpy'\?$"
    ):
        run("pd14", depth=depth, engine="simpi", **SMALL)


@pytest.mark.parametrize("depth", ["dynamic", "full"])
def test_an_end_of_tick_that_there_is_not(depth):
    with pytest.raises(UnknownNameError, match=r"^end_of_tick: needs one of .*, has 'dropp'; did you mean 'drop'\?$"):
        run("pd14", depth=depth, end_of_tick="dropp", **SMALL)


def test_command_takes_the_engine_and_says_it(tmp_path, capsys):
    arguments = ["run", "pd14", "--scale", "0.01", "--seconds", "0.01", "--depth", "dynamic", "--no-html"]
    assert main([*arguments, "--engine", "simpy", "--out", str(tmp_path / "out")]) == 0
    assert re.search(r"engine simpy: [\d,]+ events/s", capsys.readouterr().out)


# ---- time before a long run ----


@pytest.mark.parametrize("seed", range(5))
def test_expected_entries_are_those_of_a_run_without_losses(seed):
    nets = [[(0, [0], [1]), (1, [0], []), (2, [], [0, 1])], [(2, [2], []), (1, [], [0])]]
    rng = np.random.default_rng(seed)
    packets = [(tick, core, 0, net, -1) for tick in range(3) for core, net in ((0, 0), (5, 1)) if rng.random() < 0.7]
    case = line(3, nets=nets, packets=packets, n_ticks=3)
    assert entries_per_packet(case).sum() == run_scenario(case).n_events


def test_expected_packets_of_a_loop_are_neurons_times_rate(monkeypatch):
    from mapping.flow import map_network
    from mapping.recipe import Recipe
    from models.machine.file import load_machine
    from models.networks import pd14

    network = pd14(scale=0.02)
    mapping = map_network(network, load_machine("spinnaker1"), Recipe(name="combined"))
    wanted = sum(population.n_neurons * population.rate_hz for population in network.populations) * 0.05
    assert expected_of_loop(mapping, network, 500, PacketOptions())[0] == pytest.approx(wanted)


@pytest.mark.parametrize("depth", ["dynamic", "full"])
def test_a_long_run_of_simpy_is_announced_with_an_estimate(depth, monkeypatch):
    monkeypatch.setattr(neuromap.runs.simpy_estimate, "_QUICK_ENTRIES", 0)
    monkeypatch.setattr(neuromap.runs.simpy_estimate, "_LONG_S", 0.0)
    said = []
    settings = {"warmup_ms": 0.0} if depth == "full" else {}
    run("pd14", depth=depth, engine="simpy", announce=said.append, settings=settings, **SMALL)
    (sentence,) = said
    assert re.match(
        r"engine simpy: about [\d.]+ s \(an estimate: [\d,]+ packets make [\d,]+ log entries, cores ", sentence
    )
    assert "a lower seconds or scale makes it shorter, and engine='compiled' gives the same results" in sentence


@pytest.mark.parametrize("engine", list(Engine))
def test_short_runs_and_the_compiled_engine_are_not_announced(engine):
    said = []
    run("pd14", depth="dynamic", engine=engine, announce=said.append, **SMALL)
    assert said == []


@pytest.mark.parametrize(("seconds", "words"), [(1.23, "1.2 s"), (42.4, "42 s"), (750, "12 min"), (36_000, "10.0 h")])
def test_durations_in_words(seconds, words):
    assert duration_text(seconds) == words


# ---- Ctrl-C ----


@pytest.mark.parametrize("engine", list(Engine))
def test_ctrl_c_keeps_the_ticks_that_were_done(engine):
    case = next(case for case in map(random_scenario, range(50)) if case.n_ticks == 3)
    outcome = run_scenario(case, engine, with_log=True, progress=press)
    assert outcome.scenario.n_ticks == 1
    wanted = run_scenario(first_ticks(case, 1), Engine.SIMPY, with_log=True)
    np.testing.assert_array_equal(outcome.log.rows(), wanted.log.rows())
    np.testing.assert_array_equal(outcome.core, wanted.core)


def test_an_interrupted_run_writes_what_was_done_and_says_so(tmp_path, monkeypatch, capsys):
    calls = []

    def progress(stage, fraction, note=""):
        calls.append(stage)
        if stage == "packets" and len(calls) == calls.index("packets") + 3:
            press()

    result = run("pd14", depth="dynamic", out=tmp_path, progress=progress, scale=0.01, seconds=0.5)
    assert result.report.status == "partial"
    assert 0 < result.report.n_steps < 5000
    assert '"status": "partial"' in (tmp_path / "dynamic.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("engine", list(Engine))
def test_an_interrupted_closed_loop_says_so_in_both_reports(engine):
    def progress(stage, fraction, note=""):
        if stage == "simulate" and fraction > 0.3:
            press()

    full = run(
        "pd14", depth="full", engine=engine, progress=progress, settings={"warmup_ms": 0.0}, scale=0.01, seconds=0.1
    )
    assert full.packets.status == full.report.status == "partial"
    assert 300 < full.packets.n_steps < 1000


def test_a_second_ctrl_c_interrupts_at_once():
    with interrupt_held() as held:
        press()
        assert held.is_pressed
        with pytest.raises(KeyboardInterrupt):
            press()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_held_ctrl_c_takes_effect_when_it_is_delivered():
    with interrupt_held() as held:
        press()
    with pytest.raises(KeyboardInterrupt):
        held.deliver()
    held.deliver()  # once


# ---- times and sizes ----


@pytest.mark.parametrize("depth", ["dynamic", "full"])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"time_scale_factor": 1e6},
            r"^time_scale_factor: needs ticks of less than 268,435,456 cycles .*, has '1e\+06 \(",
        ),
        (
            {"settings": {"machine.link.packets_per_s": 1.0, "machine.router.clock_hz": 1e9}},
            r"^period of a link of spinnaker1: needs less than 268,435,456 cycles .*, has '1,000,000,000 cycles'$",
        ),
    ],
)
def test_times_that_the_network_cannot_count_are_refused_before_mapping(depth, changes, message, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("mapped")

    monkeypatch.setattr(f"neuromap.runs.{depth}.map_prepared", refuse)
    with pytest.raises(ParameterError, match=message):
        run("pd14", depth=depth, **SMALL, **changes)


def test_a_packet_that_would_be_due_too_late_is_refused():
    settings = {"machine.cost.neuron_update_cycles": 1e9}
    wanted = r"^time until a packet is sent at spinnaker1: needs [\d,]+ cycles, has 1,073,741,823 cycles; lower"
    with pytest.raises(CapacityError, match=wanted):
        run("pd14", depth="dynamic", settings=settings, **SMALL)


@pytest.mark.parametrize("engine", list(Engine))
def test_more_packets_than_have_numbers_are_refused(engine, monkeypatch):
    monkeypatch.setattr(emulator.packets.growing, "MAX_PACKETS", 2)
    case = line(3, packets=[(0, 0, offset, 0, -1) for offset in range(3)])
    with pytest.raises(CapacityError, match=r"^packets at the packet model: needs 3 packets, has 2 packets; "):
        run_scenario(case, engine)


def test_destinations_are_kept_once():
    routes = routes_of_outputs([[(3, 1), None], [(1, 3), (200,)]])
    assert routes.destination.tolist() == [[0, NO_ENTRY], [0, 1]]
    assert [routes.outputs(i) for i in range(routes.n_destinations)] == [(1, 3), (200,)]
    assert np.flatnonzero(routes.is_used(201)[0]).tolist() == [1, 3]
