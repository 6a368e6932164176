"""A sweep that is killed at random moments and run again gives the table of one that was left alone."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

import neuromap as nm

VARY = ["machine.core.clock_hz=100e6,150e6,200e6,300e6", "recipe.neurons_per_core=5,10,20", "seed=1,2,3"]
COMMAND = [sys.executable, "-P", "-m", "neuromap", "sweep", "chain", "--jobs", "2", "--no-figures"]
N_POINTS = 36


def n_lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def children_of(pid):
    """Processes of the group that the sweep leads, itself left out."""
    found = subprocess.run(["ps", "-o", "pid=", "-g", str(pid)], capture_output=True, text=True, check=False).stdout
    return {int(text) for text in found.split()} - {pid}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ends a whole group of processes")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_killed_and_resumed(tmp_path, how):
    expected = nm.sweep("chain", VARY, jobs=1, out=tmp_path / "alone", figures=False)
    draw = random.Random(5)
    out = tmp_path / "out"
    command = [*COMMAND, "--out", str(out)]
    for text in VARY:
        command += ["--vary", text]
    n_kills = 0
    for _ in range(4):
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores it
        )
        wanted = n_lines(out / "points.jsonl") + draw.randrange(1, 12)
        while process.poll() is None and n_lines(out / "points.jsonl") < wanted:
            time.sleep(draw.random() * 0.01)
        if process.poll() is None:
            n_kills += 1
            (os.kill if how == signal.SIGKILL else os.killpg)(process.pid, how)
        error = process.communicate()[1].decode()
        if how == signal.SIGINT and process.returncode:
            assert process.returncode == 130
            assert "interrupted before the end; kept " in error
            assert "Traceback" not in error
        deadline_s = time.monotonic() + 20
        while children_of(process.pid) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        assert children_of(process.pid) == set()
    assert n_kills >= 1
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (out / "table.csv").read_bytes() == (expected.out / "table.csv").read_bytes()
    assert n_lines(out / "points.jsonl") == N_POINTS
