"""Recordings of SpiNNaker code, replayed: constants, reference and kernels give the same bits.

``tests/data/spinnaker_*.npz``: published sPyNNaker neuron sources, compiled for the ARM968E-S and run (2023 sources,
gcc 12), not made by our code. 120 LIF neurons with currents, 60 with conductances, 60 Izhikevich neurons; 400 steps.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from emulator.loop.trace_replay import (
    TraceKind,
    derived_constants,
    differences,
    read_traces,
    recorded_constants,
    replay_kernel,
    replay_reference,
)
from models.errors import ArrayFileError, ParameterError

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
FILES = {
    "spinnaker_lif.npz": (TraceKind.LIF, 120),
    "spinnaker_lif_conductance.npz": (TraceKind.LIF_CONDUCTANCE, 60),
    "spinnaker_izhikevich.npz": (TraceKind.IZHIKEVICH, 60),
}
every_file = pytest.mark.parametrize("name", FILES)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("replay_traces", ROOT / "scripts" / "replay_traces.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def changed_copy(tmp_path, name, **arrays):
    """Write a copy of a file with some arrays replaced, or left out where None."""
    with np.load(DATA / name) as data:
        content = dict(data.items()) | arrays
    path = tmp_path / name
    np.savez(path, **{key: array for key, array in content.items() if array is not None})
    return path


@every_file
def test_constants_are_derived_as_on_the_device(name):
    traces = read_traces(DATA / name)
    assert (traces.kind, traces.n_traces) == FILES[name]
    indices = range(traces.n_traces)
    assert [derived_constants(traces, i) for i in indices] == [recorded_constants(traces, i) for i in indices]


@every_file
@pytest.mark.parametrize("replay", [replay_reference, replay_kernel], ids=["reference", "kernel"])
def test_every_trace_is_reproduced_bit_for_bit(name, replay):
    traces = read_traces(DATA / name)
    assert traces.recorded["spike"].any()
    for i in range(traces.n_traces):
        assert list(differences(traces, i, replay(traces, i, derived_constants(traces, i)))) == []


@every_file
@pytest.mark.parametrize("option", ["derived", "from-file"])
def test_script_counts_the_identical_traces(script, capsys, name, option):
    n = FILES[name][1]
    assert script.main([str(DATA / name), "--constants", option]) == 0
    expected = f"reference: {n} of {n} traces identical\nkernel: {n} of {n} traces identical\n"
    assert capsys.readouterr().out == expected


def test_script_describes_the_first_difference(script, capsys, tmp_path):
    name = "spinnaker_izhikevich.npz"
    u = read_traces(DATA / name).recorded["u"].astype(np.int32)
    u[7, 12:] += 1
    assert script.main([str(changed_copy(tmp_path, name, u=u))]) == 1
    found = f"  first difference: trace 7: u at step 12: needs {u[7, 12]} raw, has {u[7, 12] - 1} raw; 388 steps differ"
    lines = [line for who in ("reference", "kernel") for line in (f"{who}: 59 of 60 traces identical", found)]
    assert capsys.readouterr().out.splitlines() == lines


def test_constants_of_the_file_are_used_if_asked(script, capsys, tmp_path):
    name = "spinnaker_lif.npz"
    constants = np.load(DATA / name)["constants"]
    constants[:, 1] += 1  # exp(-dt/tau_m)
    path = changed_copy(tmp_path, name, constants=constants)
    assert script.main([str(path)]) == 0
    assert script.main([str(path), "--constants", "from-file"]) == 1
    assert "reference: 0 of 120 traces identical\n" in capsys.readouterr().out


def test_file_without_constants_can_only_derive_them(script, capsys, tmp_path):
    path = changed_copy(tmp_path, "spinnaker_lif_conductance.npz", constants=None)
    assert script.main([str(path)]) == 0
    assert script.main([str(path), "--constants", "from-file"]) == 2
    with pytest.raises(ParameterError, match=r"^trace file: needs the array 'constants'; derive them instead, has "):
        recorded_constants(read_traces(path), 0)
    assert capsys.readouterr().err.startswith("error: trace file: needs the array 'constants'")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"ring": None},
            "array 'ring' of PATH: needs an array of that name, as in a file of recorded traces, has none",
        ),
        (
            {"params": np.ones((120, 15), np.int64)},
            "array 'params' of PATH: needs the 16 columns of LIF with conductances, has 15",
        ),
        (
            {"v": np.zeros((120, 399), np.int32)},
            "array 'v' of PATH: needs shape (n_traces = 120, n_steps = 400), as of array 'ring', has shape (120, 399)",
        ),
        ({"params": np.zeros((120, 14), np.int64)}, "array 'params' of PATH: needs a column c_m of at least 1, has 0"),
        ({"params": np.full((120, 14), np.nan)}, "array 'params' of PATH: needs whole numbers, has type float64"),
        (
            {"spike": np.full((120, 400), 2)},
            "array 'spike' of PATH: needs values from 0 to 1, has 2 at index 0, 0",
        ),
        (
            {"constants": np.ones((120, 4), int)},
            "array 'constants' of PATH: needs the 7 columns of LIF with currents, has 4",
        ),
    ],
)
def test_missing_or_misshapen_arrays_are_refused(tmp_path, changes, message):
    path = changed_copy(tmp_path, "spinnaker_lif.npz", **changes)
    with pytest.raises(ArrayFileError) as caught:
        read_traces(path)
    assert str(caught.value) == message.replace("PATH", str(path))


def test_missing_file_is_reported(script, capsys, tmp_path):
    assert script.main([str(tmp_path / "none.npz")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
