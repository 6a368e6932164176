"""Whatever ends a command while it writes: every file that is there is whole, and what says that all is there is last.

Each command is run once to count its files, then once for every file with a failure at that file: a full disk, Ctrl-C,
SIGTERM.
"""

import errno
import json
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from models.files.atomic_file import UNFINISHED
from neuromap.cli.app import main

SMALL = ["--set", "network.n_populations=3", "--set", "network.n_neurons=10"]
SHORT = ["--seconds", "0.01", *SMALL]
SIMULATED = [*SHORT, "--set", "warmup_ms=0"]
COMMANDS = {
    "run": ["run", "chain", *SIMULATED],
    "dynamic": ["run", "chain", *SHORT, "--depth", "dynamic"],
    "static": ["run", "chain", *SMALL, "--depth", "static"],
    "full": ["run", "chain", *SIMULATED, "--depth", "full"],
    "map": ["map", "chain", *SMALL],
    "sweep": ["sweep", "chain", "--vary", "recipe.neurons_per_core=5,10", "--jobs", "1", *SMALL],
    "accuracy": ["accuracy", "chain", *SIMULATED, "--formats", "S16.15", "--rounding", "floor", "--weights", "16"],
    "published": ["published", "--rows", "sizes", "--scale", "0.01", "--seconds", "0.01"],
}
#: What says that everything else of a command is there.
MARKS = {
    "run": "report.json",
    "dynamic": "dynamic.json",
    "static": "static.json",
    "full": "report.json",
    "map": "mapping/mapping.json",
    "sweep": "table.csv",
    "accuracy": "accuracy.json",
    "published": "published.json",
}
ENDINGS = {".json", ".npz", ".html", ".yaml", ".png", ".csv", ".jsonl"}


class Failing:
    """Counts the files that are written, and fails as the n-th is about to get its name."""

    def __init__(self, monkeypatch, fail, at=None):
        self.fail, self.at, self.written = fail, at, []
        original = Path.replace

        def replace(path, target):
            if path.match(UNFINISHED):  # not the compiled kernels
                self.written.append(Path(target).name)
                if len(self.written) - 1 == self.at:
                    self.fail()
            return original(path, target)

        monkeypatch.setattr(Path, "replace", replace)


def full_disk():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupt():
    raise KeyboardInterrupt


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


FAILURES = {"full disk": (full_disk, 1), "Ctrl-C": (interrupt, 130), "SIGTERM": (terminate, 143)}


def check_whole(folder):
    """Every file can be read to its end, and none is half made."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        assert path.suffix in ENDINGS, path
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                assert all(arrays[name].size >= 0 for name in arrays.files)
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".html":
            assert path.read_text().endswith("</html>\n")
        elif path.suffix == ".jsonl":
            assert all(json.loads(line) for line in path.read_text().splitlines())
        else:
            assert path.stat().st_size


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "command", [name if name != "full" else pytest.param("full", marks=pytest.mark.slow) for name in COMMANDS]
)
def test_a_failure_at_every_file_in_turn(command, tmp_path, monkeypatch, capsys):
    arguments, mark = COMMANDS[command], MARKS[command]
    with monkeypatch.context() as patch:
        counted = Failing(patch, None)
        assert main([*arguments, "--out", str(tmp_path / "whole")]) == 0
    whole, names = files(tmp_path / "whole"), counted.written
    assert len(names) >= 2
    for at, name in enumerate(names):
        how = None if command in ("map", "static") else list(FAILURES)[at % len(FAILURES)]
        for kind, (fail, code) in FAILURES.items():
            if how not in (None, kind):  # these take longer; the kinds take turns
                continue
            out = tmp_path / f"{command}-{at}-{code}"
            (out / "mapping").mkdir(parents=True)
            (out / mark).write_text("{}")  # an older result
            with monkeypatch.context() as patch:
                failing = Failing(patch, fail, at)
                found = main([*arguments, "--out", str(out), "--overwrite"])
            assert failing.written[at] == name
            assert found == code, (kind, name)
            check_whole(out)
            left = files(out)
            assert mark not in left or left >= whole - {f for f in whole if f.endswith(".png")}, (kind, name, left)
            said = capsys.readouterr().err.splitlines()[-1]
            assert said.startswith("neuromap: error: "), said
            if code == 1:
                assert re.search(r"needs to be written, has 'No space left on device'; free space", said)
                assert name in said
            elif "kept in" in said:
                kept = said.rpartition(": ")[2].split(", ")
                assert kept == ["nothing"] or set(kept) <= left
