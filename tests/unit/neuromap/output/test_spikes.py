"""Spike files: those of a run are read; damaged, impossible and foreign ones are refused with one line."""

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from machines import network
from models.errors import ArrayFileError, NeuromapWarning
from models.network import Network, PoissonSource
from neuromap.cli.app import main
from neuromap.output.spikes import read_spikes, write_spikes

POPULATIONS = network({"A": 300, "B": 200}, [("A", "A"), ("A", "B"), ("B", "A")])
NET = Network(
    name="two",
    dt_ms=0.1,
    populations=POPULATIONS.populations,
    sources=(PoissonSource(name="S", n_neurons=10, rate_hz=10.0),),
    projections=(),
)


def content(**changes):
    usual = {
        "step": np.array([3, 5, 5, 9], np.int32), "neuron": np.array([0, 1, 2, 499], np.int32), "dt_ms": 0.1,
        "warmup_steps": 4, "n_steps": 10, "population_names": np.array(["A", "B"]),
        "population_edges": np.array([0, 300, 500]),
    }  # fmt: skip
    return {name: value for name, value in (usual | changes).items() if value is not None}


def written(path, **changes):
    np.savez_compressed(path, **content(**changes))
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spikes.npz"


def test_spikes_of_a_run_start_after_its_warmup(path):
    step, neuron = read_spikes(written(path), NET, 6)
    assert (step.tolist(), neuron.tolist()) == ([1, 1, 5], [1, 2, 499])
    assert (step.dtype, neuron.dtype) == (np.int32, np.int32)


def test_spikes_of_a_simulation_are_read_as_they_were_written(tmp_path):
    net = network({"A": 30, "B": 20}, [("A", "B")], poisson=True, source_sizes={"S": 10})
    made = simulate(net, n_steps=1000, seed=1)
    assert len(made.spike_step) > 10
    write_spikes(made, tmp_path, warmup_ms=5.0)
    step, neuron = read_spikes(tmp_path / "spikes.npz", net, 950)
    counted = made.spike_step >= 50
    assert step.tolist() == (made.spike_step[counted] - 50).tolist()
    assert neuron.tolist() == made.spike_neuron[counted].tolist()
    write_spikes(made, tmp_path, warmup_ms=200.0)  # longer than the run, whose 100 ms are then all warm-up
    message = r"^array 'n_steps' of .*: needs at least 1 steps after its warm-up \(lower seconds\), has 0$"
    with pytest.raises(ArrayFileError, match=message):
        read_spikes(tmp_path / "spikes.npz", net, 1)


def test_only_the_steps_that_are_wanted_are_taken(path):
    step, neuron = read_spikes(written(path), NET, 5)
    assert (step.tolist(), neuron.tolist()) == ([1, 1], [1, 2])


def test_a_file_without_populations_and_one_with_more_arrays(path):
    changes = {"population_names": None, "population_edges": None, "mine": np.arange(3)}
    assert len(read_spikes(written(path, **changes), NET, 6)[0]) == 3


def test_a_source_may_send_several_packets_in_a_step(path):
    several = {"step": np.array([5, 5, 5, 9]), "neuron": np.array([2, 505, 505, 505])}
    step, neuron = read_spikes(written(path, **several), NET, 6)
    assert (step.tolist(), neuron.tolist()) == ([1, 1, 1, 5], [2, 505, 505, 505])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dt_ms": 0.2}, "array 'dt_ms' of PATH: needs 0.1 ms, as network two, has 0.2 ms"),
        ({"dt_ms": np.nan}, "array 'dt_ms' of PATH: needs finite numbers, has nan"),
        ({"dt_ms": np.array([0.1, 0.1])}, "array 'dt_ms' of PATH: needs shape (), has shape (2,)"),
        (
            {"neuron": np.array([0, 1, 2, 510])},
            "array 'neuron' of PATH: needs ids below 510, as network two, has 510 at index 3",
        ),
        (
            {"neuron": np.array([0, 1, -2, 4])},
            "array 'neuron' of PATH: needs values from 0 to 2147483647, has -2 at index 2",
        ),
        ({"neuron": np.array([0, 1, 2.0, 4])}, "array 'neuron' of PATH: needs whole numbers, has type float64"),
        ({"step": np.array([0, 1, np.nan, 4])}, "array 'step' of PATH: needs whole numbers, has type float64"),
        (
            {"neuron": np.array([0, 1])},
            "array 'neuron' of PATH: needs shape (n_spikes = 4,), as of array 'step', has shape (2,)",
        ),
        ({"step": np.array([3, 9, 5, 9])}, "array 'step' of PATH: needs sorted values, has 9 before 5 at index 1"),
        (
            {"neuron": np.array([0, 2, 1, 499])},
            "array 'neuron' of PATH: needs values sorted within each step, has 2 before 1 at index 1",
        ),
        (
            {"neuron": np.array([0, 7, 7, 499])},
            "array 'neuron' of PATH: needs a neuron of a population once a step, has neuron 7 twice in step 5, "
            "at index 1",
        ),
        (
            {"step": np.array([-3, 5, 5, 9])},
            "array 'step' of PATH: needs values from 0 to 2147483647, has -3 at index 0",
        ),
        ({"step": np.array([3, 5, 5, 10])}, "array 'step' of PATH: needs steps below n_steps = 10, has 10 at index 3"),
        ({"n_steps": 9}, "array 'step' of PATH: needs steps below n_steps = 9, has 9 at index 3"),
        (
            {"warmup_steps": 5},
            "array 'n_steps' of PATH: needs at least 6 steps after its warm-up (lower seconds), has 5",
        ),
        (
            {"warmup_steps": 90},
            "array 'n_steps' of PATH: needs at least 6 steps after its warm-up (lower seconds), has 0",
        ),
        (
            {"warmup_steps": -1},
            "array 'warmup_steps' of PATH: needs values from 0 to 2147483647, has -1",
        ),
        (
            {"n_steps": 10**12},
            "array 'n_steps' of PATH: needs values from 0 to 2147483647, has 1000000000000",
        ),
        ({"n_steps": 10.5}, "array 'n_steps' of PATH: needs whole numbers, has type float64"),
        (
            {"population_names": np.array(["A", "C"])},
            "array 'population_names' of PATH: needs A, B, as network two, has A, C",
        ),
        (
            {"population_edges": np.array([0, 200, 500])},
            "array 'population_edges' of PATH: needs 0, 300, 500, as network two at scale 1, has 0, 200, 500",
        ),
        (
            {"population_names": np.array(["A"])},
            "array 'population_edges' of PATH: needs shape (n_populations+1 = 2,), as of array 'population_names', "
            "has shape (3,)",
        ),
        ({"step": None}, "array 'step' of PATH: needs an array of that name, as in the spikes.npz of a run, has none"),
    ],
)
def test_what_no_run_of_the_network_writes_is_refused(path, changes, message):
    with pytest.raises(ArrayFileError) as caught:
        read_spikes(written(path, **changes), NET, 6)
    assert str(caught.value) == message.replace("PATH", str(path))


def test_a_long_silence_at_the_end_is_said(path):
    """As of a file that says that it has a billion steps but holds the spikes of ten."""
    written(path, n_steps=10**9)
    message = r"^.*spikes\.npz: its last spike is at step 9, so that the network is silent from there to step 1,003$"
    with pytest.warns(NeuromapWarning, match=message) as given:
        step, _ = read_spikes(path, NET, 1000)
    assert step.tolist() == [1, 1, 5]
    assert given[0].filename == __file__


def test_a_file_without_spikes_is_said_to_have_none(path):
    written(path, step=np.zeros(0, int), neuron=np.zeros(0, int))
    with pytest.warns(NeuromapWarning, match=r"^.*spikes\.npz: it has no spikes, so that the network is silent"):
        read_spikes(path, NET, 6)


def test_command_refuses_a_cut_file_before_any_work(tmp_path, capsys):
    path = written(tmp_path / "spikes.npz")
    path.write_bytes(path.read_bytes()[:300])
    out = tmp_path / "out"
    arguments = ["run", "chain", "--depth", "dynamic", "--spikes", str(path), "--out", str(out)]
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"neuromap: error: file {path}: needs an npz file, has only the beginning of one\n"
    assert not (out / "mapping").exists()
    assert main([*arguments[:5], str(tmp_path / "none.npz"), *arguments[6:]]) == 2
    has = "needs a file that can be read, has No such file or directory"
    assert capsys.readouterr().err == f"neuromap: error: file {tmp_path / 'none.npz'}: {has}\n"
