"""One word, one meaning: the same scenario gives the same counts at every depth."""

import json
import re

import numpy as np
import pytest

from emulator.packets.adaptor import PacketOptions, SentSpikes, scenario_of
from emulator.packets.compiled import run_compiled
from emulator.timing.model import row_lengths, slice_of_source
from models.vocabulary import EndOfTick
from neuromap.cli.app import main
from neuromap.runs.run import run

#: Machine and recipe, and what makes its cores late: a slow clock.
CASES = {
    "combined": {"recipe": "combined", "machine": "spinnaker1"},
    "ensemble": {"recipe": "ensemble", "machine": "spinnaker1"},
    "mesh": {"recipe": "combined", "machine": "generic_mesh"},
}
#: Machines behind a barrier, where nothing is ever late.
BARRIERS = {"loihi1": {"machine": "loihi1", "scale": 0.01}, "neuroaix": {"machine": "neuroaix", "scale": 0.03}}
SMALL = {"scale": 0.03, "seconds": 0.05}


def replayed(full, *, is_in_phase=True, end_of_tick=EndOfTick.LATE, factor=1.0):
    """The packets of the spikes of a run of the closed loop, sent again with nothing acting back."""
    own, mapping = full.result.simulation, full.result.mapping
    network = own.network
    slices = slice_of_source(mapping, network)[: network.n_neurons]
    lengths = row_lengths(own.connectivity, slices, len(mapping.partition.slices))
    sent = SentSpikes(
        step=own.spike_step,
        neuron=own.spike_neuron,
        n_steps=own.n_steps,
        row_length=lengths,
        row=np.arange(network.n_sources, dtype=np.int32),
    )
    options = PacketOptions(
        time_scale_factor=factor, is_in_phase=is_in_phase, end_of_tick=end_of_tick, seed=full.report.experiment["seed"]
    )
    return run_compiled(scenario_of(mapping, network, sent, options))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("is_in_phase", [True, False])
def test_spikes_of_the_closed_loop_replayed_are_late_and_lost_as_they_were(case, is_in_phase):
    settings = {"warmup_ms": 0, "machine.core.clock_hz": 50e6}
    full = run("pd14", depth="full", **CASES[case], **SMALL, settings=settings, in_phase=is_in_phase)
    outcome = replayed(full, is_in_phase=is_in_phase)
    packets = full.report.packets
    assert packets.n_late > 100
    lost = outcome.n_lost + outcome.total("n_overflow") + outcome.total("n_expired")
    assert (packets.n_sent, packets.n_late, packets.n_lost, packets.n_expected) == (
        outcome.total("n_sent"),
        outcome.total("n_late"),
        lost,
        outcome.n_expected,
    )
    assert packets.n_delivered == outcome.total("n_served") == packets.n_expected - packets.n_lost
    assert (full.packets.n_late, full.packets.n_delivered) == (packets.n_late, packets.n_delivered)
    late_by = full.feedback.late_by
    assert 0 < late_by[1:].sum() <= packets.n_late  # of these, deliveries that found synapses
    assert full.packets.link_load_ratio <= 1


@pytest.mark.parametrize("case", BARRIERS)
def test_machines_behind_a_barrier_count_alike_at_both_depths(case):
    options = BARRIERS[case] | {"seconds": 0.05, "settings": {"warmup_ms": 10}}
    cores, full = run("pd14", **options).report, run("pd14", depth="full", **options).report
    assert cores.packets == full.packets
    assert cores.packets.n_sent > 50
    assert (cores.packets.n_late, cores.packets.n_lost) == (0, 0)


@pytest.mark.parametrize("case", CASES)
def test_depths_agree_where_nothing_is_late(case, tmp_path):
    options = CASES[case] | SMALL | {"time_scale_factor": 4, "settings": {"warmup_ms": 10}}
    cores = run("pd14", **options, out=tmp_path / "cores", html=False).report
    full = run("pd14", depth="full", **options)
    read = {name: value for name, value in options.items() if name != "settings"}  # the file says the warm-up
    dynamic = run("pd14", depth="dynamic", **read, spikes=tmp_path / "cores" / "spikes.npz").report
    assert cores.packets.n_sent > 50
    for name in ("n_sent", "n_expected", "n_delivered", "n_late", "n_lost"):
        values = [getattr(one, name) for one in (cores.packets, full.report.packets, dynamic)]
        assert len(set(values)) == 1, (name, values)
    assert (cores.packets.n_late, cores.packets.n_lost) == (0, 0)
    own, closed = cores.to_dict(), full.report.to_dict()
    for section in ("activity", "timing", "energy", "provenance", "memory", "losses", "network", "mapping", "packets"):
        assert own[section] == closed[section], section
    static = run("pd14", depth="static", **{name: value for name, value in read.items() if name != "seconds"}).report
    assert (static.machine, static.recipe, static.n_cores) == (
        cores.machine.name,
        cores.mapping.recipe,
        cores.mapping.n_cores,
    )
    for name in ("max_table_entries", "total_table_entries"):
        assert getattr(static, name) == getattr(cores.mapping, name)
    assert (static.max_dtcm_bytes, static.max_sdram_bytes) == (
        cores.memory.max_dtcm_bytes,
        cores.memory.max_sdram_bytes,
    )


@pytest.mark.parametrize("is_in_phase", [True, False])
def test_steps_of_neuroaix_are_as_long_in_the_packet_model_as_by_its_own_model(is_in_phase):
    """Most steps have no spike; they take 2.9 us by both, 33 times real time (the packet model said 97)."""
    options = {"machine": "neuroaix", "scale": 0.01, "seconds": 0.05, "settings": {"warmup_ms": 10}}
    full = run("pd14", depth="full", **options, in_phase=is_in_phase)
    own = full.report.timing.real_time_factor
    assert own == pytest.approx(0.0297, rel=0.03)
    assert full.packets.real_time_factor == pytest.approx(own, rel=0.03)
    assert run("pd14", depth="static", machine="neuroaix", scale=0.01).report.real_time_factor == pytest.approx(
        own, rel=0.15
    )


def test_a_tile_is_called_a_tile_in_all_that_is_said_of_packets(tmp_path, capsys):
    """Loihi 1 has 32 tiles on a chip; "1 chip" and "chip (2, 0)" cannot both be said of it."""
    options = ["pd14", "--scale", "0.02", "--machine", "loihi1", "--seconds", "0.05", "--set", "warmup_ms=50"]
    assert main(["run", *options, "--depth", "full", "--out", str(tmp_path / "full")]) == 0
    trace = tmp_path / "trace.json"
    assert main(["run", *options[:-2], "--depth", "dynamic", "--trace", str(trace), "--out", str(tmp_path / "d")]) == 0
    assert main(["map", *options[:5], "--out", str(tmp_path / "map")]) == 0
    said = capsys.readouterr().out
    report = json.loads((tmp_path / "full" / "report.json").read_text())
    assert report["packets"]["busiest_link"].endswith("of tile (2, 0)")
    assert "of tile (2, 0)" in said
    assert "24 neuro-cores (24 combined)" in said
    assert "6 tiles used, 1 chip" in said
    pages = [(tmp_path / "full" / "report.html").read_text(), (tmp_path / "d" / "packets.html").read_text()]
    for words in (said, trace.read_text(), *pages):
        assert "tile (" in words
        assert not re.search(r"chip \(\d", words)
