"""The main job at small scale, from the command line and from Python: files, schema, reproducibility, interruption."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import neuromap as nm
from mapping.files.io import load_mapping
from mapping.verify import verify
from models.networks import pd14
from neuromap.cli.app import main
from neuromap.output.folder import RESULTS

SMALL = ["--scale", "0.02", "--seconds", "0.1", "--set", "warmup_ms=50"]
#: What issue 2 asks of report.json, by section.
PROMISED = {
    "": ["schema_version", "status", "provenance", "notes"],
    "network": ["name", "n_neurons", "n_synapses", "drive", "scale"],
    "machine": ["name", "n_boards", "n_chips", "unverified"],
    "mapping": [
        "n_cores",
        "n_cores_by_kind",
        "n_chips",
        "n_boards",
        "max_table_entries",
        "total_table_entries",
        "mean_link_hops",
        "violations",
    ],
    "activity": ["model_time_ms", "rate_hz", "cv_isi", "correlation"],
    "timing": ["real_time_factor", "min_lossless_time_scale_factor", "n_overruns", "step_us"],
    "packets": ["n_sent", "n_late", "n_lost"],
    "memory": ["max_sdram_bytes", "max_dtcm_bytes"],
    "energy": ["energy_per_synaptic_event_nj", "power_w", "n_synaptic_events"],
    "provenance": ["n_saturations"],
    "host": ["build_s", "map_s", "simulate_s", "emulation_factor", "peak_rss_bytes", "n_threads"],
}


def read(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of one run for every recipe, drive and arithmetic."""
    folders = {}
    for recipe, drive, arithmetic in product(("ensemble", "combined"), ("poisson", "dc"), ("fixed", "float")):
        folder = tmp_path_factory.mktemp("run") / "out"
        options = ["--recipe", recipe, "--drive", drive, "--arithmetic", arithmetic, "--no-html", "--out", str(folder)]
        assert main(["run", "pd14", *SMALL, *options]) == 0
        folders[recipe, drive, arithmetic] = folder
    return folders


CASES = list(product(("ensemble", "combined"), ("poisson", "dc"), ("fixed", "float")))


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_run_writes_what_is_promised(runs, case):
    report = read(runs[case])
    for section, keys in PROMISED.items():
        assert set(keys) <= set(report[section] if section else report), section
    assert set(report["timing"]["step_us"]) == {"mean", "p99", "max"}
    assert (report["status"], report["mapping"]["violations"]) == ("complete", [])
    assert (report["mapping"]["recipe"], report["network"]["drive"]) == case[:2]
    assert report["experiment"]["arithmetic"] == case[2]
    assert (report["activity"]["model_time_ms"], report["activity"]["warmup_ms"]) == (100.0, 50.0)
    assert report["timing"]["n_steps"] == 1000  # after the warm-up, as every count
    assert report["network"]["n_neurons"] == pd14(scale=0.02).n_neurons
    assert report["network"]["n_synapses"] == round(pd14(scale=0.02).expected_n_synapses())
    assert sum(report["mapping"]["n_cores_by_kind"].values()) == report["mapping"]["n_cores"]
    assert sum(report["energy"]["parts_w"].values()) == pytest.approx(report["energy"]["power_w"])


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_run_keeps_spikes_and_arrays_that_agree_with_the_report(runs, case):
    report = read(runs[case])
    spikes, arrays = (np.load(runs[case] / f"{name}.npz") for name in ("spikes", "arrays"))
    assert (int(spikes["warmup_steps"]), int(spikes["n_steps"]), float(spikes["dt_ms"])) == (500, 1500, 0.1)
    assert np.count_nonzero(spikes["step"] >= 500) == report["activity"]["n_spikes"]
    assert np.count_nonzero(spikes["step"] >= 500) == report["packets"]["n_sent"]
    edges, names = spikes["population_edges"], spikes["population_names"].tolist()
    counts = np.histogram(spikes["neuron"][spikes["step"] >= 500], edges)[0]
    rates_hz = dict(zip(names, counts / np.diff(edges) / 0.1, strict=True))
    assert report["activity"]["rate_hz"] == pytest.approx(rates_hz)
    assert arrays["step_us"][500:].max() == pytest.approx(report["timing"]["step_us"]["max"])
    assert len(arrays["core_kind"]) == report["mapping"]["n_cores"]
    share = arrays["link_packets_per_s"] / arrays["link_capacity_packets_per_s"]
    packets = report["packets"]
    busiest = packets["busiest_link_packets_per_s"] / packets["link_capacity_packets_per_s"]
    assert share.max(initial=0) == pytest.approx(busiest)


@pytest.mark.parametrize("recipe", ["ensemble", "combined"])
def test_mapping_of_a_run_can_be_read_back_and_is_right(runs, recipe):
    assert verify(load_mapping(runs[recipe, "poisson", "fixed"] / "mapping"), pd14(scale=0.02)) == ()


@pytest.mark.parametrize(("drive", "arithmetic"), list(product(("poisson", "dc"), ("fixed", "float"))))
def test_recipes_do_not_change_the_network(runs, drive, arithmetic):
    one, other = (np.load(runs[recipe, drive, arithmetic] / "spikes.npz") for recipe in ("ensemble", "combined"))
    assert one["step"].size > 0
    np.testing.assert_array_equal(one["step"], other["step"])
    np.testing.assert_array_equal(one["neuron"], other["neuron"])


def test_fixed_point_and_double_precision_agree_at_first_and_part_later():
    fixed, double = (
        nm.run("pd14", scale=0.02, seconds=0.1, settings={"warmup_ms": 50}, seed=2, arithmetic=name).simulation
        for name in ("fixed", "float")
    )
    early = [simulation.spike_neuron[simulation.spike_step < 300] for simulation in (fixed, double)]
    assert early[0].size > 0
    np.testing.assert_array_equal(*early)
    assert not np.array_equal(fixed.spike_neuron, double.spike_neuron)


@pytest.mark.parametrize("arithmetic", ["fixed", "float"])
def test_threads_do_not_change_the_spikes(runs, arithmetic):
    result = nm.run("pd14", scale=0.02, seconds=0.1, settings={"warmup_ms": 50}, arithmetic=arithmetic, threads=1)
    kept = np.load(runs["ensemble", "poisson", arithmetic] / "spikes.npz")
    assert (result.report.host.n_threads, read(runs["ensemble", "poisson", arithmetic])["host"]["n_threads"]) == (1, 2)
    np.testing.assert_array_equal(result.simulation.spike_step, kept["step"])
    np.testing.assert_array_equal(result.simulation.spike_neuron, kept["neuron"])


def test_another_seed_gives_other_spikes(runs):
    result = nm.run("pd14", scale=0.02, seconds=0.1, settings={"warmup_ms": 50}, seed=7)
    kept = np.load(runs["ensemble", "poisson", "fixed"] / "spikes.npz")
    assert not np.array_equal(result.simulation.spike_neuron, kept["neuron"])


def test_report_page_is_written_and_old_files_do_not_stay(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", "pd14", *SMALL, "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert shown.out.endswith(f"results in {out}\n")
    stages = [line.split(":")[0] for line in shown.err.splitlines()]
    assert [stage for stage in stages if stage != "compile"] == ["map", "verify", "build", "simulate", "time", "report"]
    written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert written == set(RESULTS) - {"static.json", "dynamic.json", "dynamic.npz", "packets.html"}
    assert json.dumps(read(out)["verdict"]["summary"])[1:-1] in (out / "report.html").read_text(encoding="utf-8")
    (out / "mine.txt").write_text("")
    assert main(["run", "pd14", *SMALL, "--out", str(out), "--overwrite", "--no-html"]) == 0
    assert not (out / "report.html").exists()
    assert (out / "mine.txt").exists()
    assert main(["map", "pd14", "--scale", "0.02", "--out", str(out), "--overwrite"]) == 0
    assert not (out / "report.json").exists()


def test_interrupted_run_keeps_what_was_simulated(tmp_path):
    def interrupt(stage, fraction, _note):
        if stage == "simulate" and fraction > 0:
            raise KeyboardInterrupt

    settings = {"warmup_ms": 50}
    out = tmp_path / "out"
    partial = nm.run("pd14", scale=0.02, seconds=2, settings=settings, out=out, progress=interrupt, html=False)
    whole = nm.run("pd14", scale=0.02, seconds=0.1, settings=settings)
    report = read(out)
    n_steps = partial.simulation.n_steps
    assert report["timing"]["n_steps"] == max(0, n_steps - 500)
    assert report["status"] == partial.report.status == "partial"
    assert 0 < n_steps < 20_500
    assert report["activity"]["model_time_ms"] == pytest.approx(max(0.0, n_steps * 0.1 - 50))
    n_common = min(n_steps, 1500)
    first, second = (r.simulation.spike_neuron[r.simulation.spike_step < n_common] for r in (partial, whole))
    assert first.size > 0
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(np.load(out / "spikes.npz")["neuron"], partial.simulation.spike_neuron)


def test_interrupt_after_the_simulation_keeps_the_spikes(tmp_path, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("neuromap.runs.cores.time_simulation", interrupt)
    out = tmp_path / "out"
    assert main(["run", "pd14", *SMALL, "--out", str(out)]) == 130
    files = ("mapping.json", "mapping.npz", "experiment.yaml", "vertices.json", "nets.json", "loads.npz")
    kept = ", ".join(["spikes.npz", *(f"mapping/{name}" for name in files)])
    error = f"neuromap: error: interrupted before the end; kept in {out}: {kept}"
    assert capsys.readouterr().err.splitlines()[-1] == error
    assert np.load(out / "spikes.npz")["step"].size > 0


#: A background process of a shell ignores SIGINT, and so would its children.
_WITH_SIGINT = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from neuromap.cli.app import main; sys.exit(main(sys.argv[1:]))"
)


def test_ctrl_c_ends_a_run_with_a_partial_report(tmp_path):
    """At 0.02 of its size 2,000 s of model time take minutes: the signal always comes before the end."""
    out = tmp_path / "out"
    options = ["--scale", "0.02", "--seconds", "2000", "--set", "warmup_ms=0", "--no-html", "--out", str(out)]
    command = [sys.executable, "-c", _WITH_SIGINT, "run", "pd14", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("build:"):
                break
        time.sleep(2.0)  # so that there is something to keep
        os.kill(process.pid, signal.SIGINT)
        shown, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert re.search(r"^PARTIAL: the run was stopped ", shown, re.MULTILINE)
    assert read(out)["status"] == "partial"


def test_change_that_the_verdict_names_keeps_up():
    """A slow clock makes every recipe overrun; the time-scale factor that the verdict names is enough."""
    options = {"scale": 0.02, "seconds": 0.1, "recipe": "combined"}
    slow = {"machine.core.clock_hz": 40e6, "warmup_ms": 50}
    first = nm.run("pd14", **options, settings=slow).report
    assert not first.verdict.keeps_up
    assert first.timing.first_overrun_step >= 500  # after the warm-up, counted from the start
    assert first.timing.limiting_core.used_cycles > first.timing.limiting_core.budget_cycles == 4000
    factor = float(re.search(r"--time-scale-factor ([\d.]+)", first.verdict.remedy)[1])
    second = nm.run("pd14", **options, settings=slow, time_scale_factor=factor).report
    assert (second.verdict.keeps_up, second.verdict.loses_nothing) == (True, True)
    assert second.timing.real_time_factor == pytest.approx(factor)
    assert second.activity == first.activity


def test_change_that_needs_more_boards_is_tried():
    options = {"scale": 0.2, "seconds": 0.05, "settings": {"warmup_ms": 100}}
    report = nm.run("pd14", **options, recipe="combined").report
    mapping = nm.map_network("pd14", scale=0.2)  # ensembles
    assert mapping.machine.topology.n_boards > report.mapping.n_boards
    n_cores = len(mapping.partition.vertices)
    assert report.verdict.remedy.startswith(f"--recipe ensemble (tried with these spikes: {n_cores:,} cores, longest ")


def test_recipe_that_the_verdict_names_keeps_up():
    options = {"scale": 0.05, "seconds": 0.05, "settings": {"warmup_ms": 500}}
    first = nm.run("pd14", **options, recipe="combined").report
    found = re.match(
        r"--recipe ensemble \(tried with these spikes: 195 cores, longest step (\d+) of 100 µs\), or "
        r"--time-scale-factor [\d.]+ \(a longer tick; tried with these spikes: longest step \d+ of \d+ µs\)$",
        first.verdict.remedy,
    )
    second = nm.run("pd14", **options, recipe="ensemble").report
    assert second.verdict.keeps_up
    assert second.verdict.loses_nothing
    assert second.timing.step_us.max == pytest.approx(float(found[1]), abs=0.5)
    unasked = nm.run("pd14", **options, recipe="combined", remedies=False).report
    assert unasked.verdict.remedy == "--recipe ensemble (neurons and synapses on cores of their own), or " + (
        f"--time-scale-factor {re.search(r'factor ([0-9.]+)', first.verdict.remedy)[1]} (a longer tick)"
    )


DEAD_ROW = "dead_chips: [[0,3],[1,3],[2,3],[3,3],[4,3],[5,3],[6,3],[7,3]]"
UNFIT = {
    "too few boards": (
        ["pd14", "--set", "machine.topology.n_boards=1"],
        r"room for ensemble vertices .*: needs 1,210 slices, has \d+ slices; set machine\.topology\.n_boards "
        r"\(now 1\) to 'auto', which was tried: it takes 6,628 cores on 449 chips, the busiest of which needs \d+ % .*",
    ),
    "ring buffer": (
        ["pd14", "--recipe", "combined", "--neurons-per-core", "256"],
        r"ring-buffer index at L23E\[0:256\] .*: needs 15 bits, has 14 bits; lower neurons_per_core \(now 256\) "
        r"to 128, which was tried: it takes \d+ cores on \d+ chips, but the busiest of these needs \d+ % of a tick .*",
    ),
    "too little memory on a core": (
        ["pd14", "--recipe", "combined", "--set", "machine.core.dtcm_bytes=30000"],
        r"DTCM at .*: needs [\d,]+ bytes, has [\d,]+ bytes; .*",
    ),
    "machine in two halves": (
        ["pd14", "--scale", "0.1", "--machine", "half.yaml"],
        r"room for ensemble vertices .*: needs 125 slices, has \d+ slices; .*",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
@pytest.mark.parametrize("command", ["run", "map"])
def test_what_cannot_fit_is_refused_before_long_work(command, case, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("half.yaml").write_text(f"base: spinnaker1\nname: half\ntopology: {{n_boards: 1}}\n{DEAD_ROW}\n")
    monkeypatch.setattr("neuromap.runs.cores.run_simulation", lambda *_, **__: pytest.fail("long work"))
    arguments, message = UNFIT[case]
    assert main([command, *arguments, "--out", "out"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(f"neuromap: error: {message}", shown.err.splitlines()[-1])
    assert list(Path("out").iterdir()) == []


@pytest.mark.parametrize("network", ["chain", "brunel"])
def test_networks_without_reference_run(network, tmp_path, capsys):
    options = [] if network == "chain" else ["--scale", "0.1"]
    assert main(["run", network, *options, "--seconds", "0.1", "--set", "warmup_ms=0", "--out", str(tmp_path)]) == 0
    report = read(tmp_path)
    assert report["activity"]["reference"] is None
    assert report["activity"]["n_spikes"] > 0
    assert "reference" not in capsys.readouterr().out
    assert "No reference data for this network." in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_run_from_a_file_is_the_run_of_its_options(runs, tmp_path):
    file = tmp_path / "e.yaml"
    file.write_text("network: {name: pd14, scale: 0.02}\nseconds: 0.1\nwarmup_ms: 50\n")
    result = nm.run(str(file), out=tmp_path / "out", html=False)
    kept = read(runs["ensemble", "poisson", "fixed"])
    assert result.report.to_dict()["activity"] == kept["activity"]
