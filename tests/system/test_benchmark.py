"""The benchmark measures the network it says, and exports that network unchanged."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import ParameterError
from models.networks import chain, pd14

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def export_network(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from export_network import export_network

    return export_network


def test_export_survives_json_and_keeps_every_number(export_network):
    network = pd14(scale=0.3, thalamus=True)
    exported = json.loads(json.dumps(export_network(network), allow_nan=False))
    assert exported["dt_ms"] == 0.1
    assert [p["n_neurons"] for p in exported["populations"]] == [p.n_neurons for p in network.populations]
    assert [p["poisson"]["n_inputs"] for p in exported["populations"]] == [
        p.poisson.n_inputs for p in network.populations
    ]
    assert [p["current"]["amplitude_pa"] for p in exported["populations"]] == [
        p.current.amplitude_pa for p in network.populations
    ]
    assert sum(p["connector"]["n_synapses"] for p in exported["projections"]) == network.expected_n_synapses()
    first = exported["projections"][0]
    weight = network.projections[0].weight_pa
    assert first["connector"]["kind"] == "FixedTotalNumber"
    assert first["weight_pa"] == {
        "kind": "Normal",
        "mean": weight.mean,
        "sd": weight.sd,
        "low": 0.0,
        "high": None,
        "truncation": "redraw",
    }
    assert exported["sources"] == [
        {"kind": "PoissonSource", "name": "TC", "n_neurons": 902, "rate_hz": 120.0, "start_ms": 700.0, "stop_ms": 710.0}
    ]


def test_export_refuses_given_synapses(export_network):
    message = "Projection('C0' -> 'C1').connector: needs a connector that is a rule, has 'Explicit'"
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        export_network(chain())


def test_export_refuses_given_spikes(export_network):
    message = "source 'stimulus': needs a source that is a rule, has 'SpikeArraySource'"
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        export_network(chain(n_populations=1))


def test_benchmark_of_a_large_network_says_what_was_stored(tmp_path):
    out = tmp_path / "ten.json"
    options = ["--areas", "2", "--n-scale", "0.003", "--seconds", "0.05", "--threads", "1", "--memory-gib", "1", "0"]
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "bench_ten_pd14.py"), *options, "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    raw = json.loads(out.read_text(encoding="utf-8"))["raw"]
    stored, redrawn = raw["1 GiB"], raw["0 GiB"]
    assert (stored["stored_ratio"], stored["redrawn_ratio"]) == (1.0, 0.0)
    assert (redrawn["stored_ratio"], redrawn["redrawn_ratio"]) == (0.0, 1.0)
    assert stored["n_spikes"] == redrawn["n_spikes"] == redrawn["n_rows_redrawn"] > 0
    assert stored["rate_hz"] == redrawn["rate_hz"]


def test_benchmark_runs_and_writes_rows_with_a_header(tmp_path):
    out = tmp_path / "pd14.json"
    options = ["--scale", "0.02", "--seconds", "0.05", "--threads", "1", "--drives", "dc", "--arithmetics", "fixed"]
    options += ["--recipes", "combined", "--no-nest", "--no-probes", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "bench_pd14.py"), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    assert {"date", "commit", "cpu", "n_cpus", "python", "packages"} <= set(result["header"])
    assert [row["metric"] for row in result["rows"]] == [
        "build; fixed, dc, 1 threads",
        "emulation factor; fixed, dc, 1 threads",
        "peak memory; fixed, dc, 1 threads",
        "mapping; combined",
        "mapping, peak memory; combined",
    ]
    assert all(row["value"] > 0 and row["ratio"] is None for row in result["rows"])
    assert result["raw"]["neuromap"]["fixed, dc, 1 threads"][0]["n_neurons"] == pd14(scale=0.02).n_neurons
    assert all(row["metric"] in done.stdout for row in result["rows"])
