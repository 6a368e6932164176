"""No number of a report depends on memory, on threads, or on how rows of synapses are kept."""

import json
from dataclasses import replace

import numpy as np
import pytest

import models.networks
from models.network import FixedTotalNumber, Normal, PairStdp, Population, Projection, Uniform
from neuromap.runs.run import run
from reference_case import rich_network

#: What may differ between two runs of one experiment: what they cost us, and what was asked for.
OURS = {"host", "run_s", "events_per_s", "static_s"}
ASKED = {"n_threads", "memory_gib"}


def rich():
    """Explicit and procedural rows, both receptors, sources; weights that vanish; neurons that never fire."""
    network = rich_network()
    unheard = Population(name="quiet", n_neurons=40)
    weak = Projection(
        source="quiet",
        target=network.populations[0].name,
        connector=FixedTotalNumber(n_synapses=300),
        weight_pa=Normal(mean=0.02, sd=0.02, low=0.0),
        delay_ms=Uniform(low=0.1, high=2.0),
    )
    return replace(network, populations=(*network.populations, unheard), projections=(*network.projections, weak))


def plastic():
    network = rich()
    learning = replace(network.projections[0], plasticity=PairStdp(w_max_pa=200.0))
    return replace(network, projections=(learning, *network.projections[1:]))


NETWORKS = {"rich": rich, "plastic": plastic}


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    for name, build in NETWORKS.items():
        monkeypatch.setitem(models.networks.NETWORKS, name, build)


def kept(value):
    """What of a report must not differ."""
    if isinstance(value, dict):
        return {key: kept(item) for key, item in value.items() if key not in OURS | ASKED}
    return [kept(item) for item in value] if isinstance(value, list) else value


def written(folder):
    """All numbers that a run left in its folder, by file."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        found[path.name] = kept(json.loads(path.read_text(encoding="utf-8")))
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as file:
            found[path.name] = {name: file[name].tobytes() for name in file.files}
    return found


def run_at(depth, network, out, *, threads, memory_gib=None, arithmetic="fixed"):
    settings = {"warmup_ms": 5} | ({} if memory_gib is None else {"memory_gib": memory_gib})
    options = {"machine": "spinnaker1", "seconds": 0.03, "threads": threads, "settings": settings, "out": out}
    if depth in ("cores", "full"):
        options |= {"html": False, "arithmetic": arithmetic}
    elif depth == "dynamic":
        options |= {"html": False}
    return run(network, depth=depth, **options)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("arithmetic", ["fixed", "float"])
def test_report_and_arrays_do_not_depend_on_memory_and_threads(network, arithmetic, tmp_path):
    cases = {"stored": (2, None), "redrawn": (2, 1e-6), "redrawn by one": (1, 1e-6), "three": (3, None)}
    results = {
        name: run_at("cores", network, tmp_path / name, threads=n, memory_gib=gib, arithmetic=arithmetic)
        for name, (n, gib) in cases.items()
    }
    assert results["stored"].simulation.connectivity.is_stored
    assert not results["redrawn"].simulation.connectivity.is_stored
    expected = written(tmp_path / "stored")
    assert set(expected) >= {"report.json", "arrays.npz", "spikes.npz"}
    for name in cases:
        found = written(tmp_path / name)
        for file, values in expected.items():
            assert found[file] == values, (name, file)
    report = results["redrawn"].report
    simulation = results["stored"].simulation
    n_events = int(simulation.out_degree[simulation.spike_neuron[simulation.spike_step >= 50]].sum())
    assert report.energy.n_synaptic_events == n_events > 1000
    if arithmetic == "fixed":
        assert report.losses.weights_zero


@pytest.mark.parametrize("depth", ["full"])  # static and dynamic refuse threads and memory
def test_other_depths_do_not_depend_on_threads_and_memory(depth, tmp_path):
    cases = {"one": (1, None), "three": (3, None)} | ({} if depth == "full" else {"small": (2, 1e-6)})
    for name, (n, gib) in cases.items():
        run_at(depth, "rich", tmp_path / name, threads=n, memory_gib=gib)
    expected = written(tmp_path / "one")
    assert expected
    for name in cases:
        assert written(tmp_path / name) == expected, name


def test_synaptic_events_are_those_of_all_synapses_plastic_ones_included(tmp_path):
    """The same network, learning or not with rates of learning of zero: as many events."""
    static, learning = (run_at("cores", name, tmp_path / name, threads=2) for name in ("rich", "plastic"))
    for result in (static, learning):
        spikes = result.simulation
        sent = spikes.spike_neuron[spikes.spike_step >= 50]
        degree = spikes.connectivity.row_length.astype(np.int64)
        for part in spikes.plastic_rows:
            degree = degree + np.bincount(part.source, minlength=degree.size)
        assert result.report.energy.n_synaptic_events == degree[sent].sum()
    assert static.report.network.n_synapses == learning.report.network.n_synapses
    plastic_part = learning.simulation.plastic_rows[0]
    fired = np.bincount(learning.simulation.spike_neuron[learning.simulation.spike_step >= 50])
    assert fired[np.unique(plastic_part.source)].sum() > 0
