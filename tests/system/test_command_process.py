"""What surrounds a command: signals, a second writer, closed pipes, terminals of ASCII, limits of memory."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from neuromap.cli.app import main
from neuromap.cli.process import resource_message, to_ascii
from neuromap.cli.terminal import ProgressView

LONG = ["run", "chain", "--seconds", "10000", "--set", "warmup_ms=0", "--no-html"]


def heed_signals():
    """Let signals reach a child also under nohup or in the background of a shell, where some are ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "neuromap", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        preexec_fn=heed_signals,
    )


def wait_until_it_simulates(process):
    """Wait until the run says that everything before the simulation is done."""
    while line := process.stderr.readline():
        if line.startswith("build: "):
            time.sleep(0.3)
            return
    raise AssertionError(process.communicate())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_a_run_which_keeps_its_report(tmp_path, number, code):
    out = tmp_path / "out"
    process = start(*LONG, "--out", str(out))
    wait_until_it_simulates(process)
    process.send_signal(number)
    shown, said = process.communicate()
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert shown.endswith(f"results in {out}\n")
    report = json.loads((out / "report.json").read_text())
    assert report["status"] == "partial"
    with np.load(out / "spikes.npz") as spikes:
        assert 0 < int(spikes["n_steps"]) < 10_000_000
    assert sorted(path.name for path in out.iterdir()) == ["arrays.npz", "mapping", "report.json", "spikes.npz"]


def test_a_run_under_nohup_does_not_end_with_its_terminal(tmp_path):
    out = tmp_path / "out"
    code = (
        "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from neuromap.cli.app import main; sys.exit(main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *LONG, "--out", str(out)], stderr=subprocess.PIPE, text=True
    )
    wait_until_it_simulates(process)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.kill()
    process.communicate()


def test_a_second_writer_is_refused_until_the_first_is_gone_however_it_ends(tmp_path, capsys):
    out = tmp_path / "out"
    process = start(*LONG, "--out", str(out))
    wait_until_it_simulates(process)
    kept = (out / "mapping" / "mapping.json").read_bytes()
    small = ["--set", "network.n_populations=2"]
    for command in (
        ["run", "chain", "--seconds", "0.01", *small],
        ["run", "chain", "--depth", "static", *small],
        ["run", "chain", "--depth", "dynamic", "--seconds", "0.01", *small],
        ["run", "chain", "--depth", "full", "--seconds", "0.01", *small],
        ["map", "chain", *small],
        ["sweep", "chain", "--vary", "seed=1,2", "--jobs", "1", *small],
        ["accuracy", "chain", "--seconds", "0.01", *small],
        ["published", "--rows", "sizes", "--scale", "0.01"],
    ):
        assert main([*command, "--out", str(out), "--overwrite"]) == 2
        said = capsys.readouterr().err
        who = f"process {process.pid} (neuromap {' '.join(LONG)} --out {out}"
        needs = f"output folder (--out): needs a folder that nobody else writes to; {who}"
        assert said.startswith(f"neuromap: error: {needs}"), said
        assert said.count("\n") == 1
    assert (out / "mapping" / "mapping.json").read_bytes() == kept
    process.kill()
    process.communicate()
    assert main(["run", "chain", "--depth", "static", *small, "--out", str(out), "--overwrite"]) == 0
    assert "spikes.npz" not in {path.name for path in out.iterdir()}
    assert not [path for path in out.rglob("*") if path.name.startswith(".neuromap")]


@pytest.mark.parametrize("arguments", [["schema"], ["machines", "show", "spinnaker1"], ["--help"], ["template"]])
def test_a_reader_that_goes_away_is_no_error(arguments):
    process = start(*arguments)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() in (0, 1)
    assert said == ""


def test_a_run_whose_messages_nobody_reads_keeps_its_results(tmp_path):
    out = tmp_path / "out"
    process = start("run", "chain", "--seconds", "0.01", "--set", "warmup_ms=0", "--no-html", "--out", str(out))
    process.stdout.close()
    process.stderr.close()
    assert process.wait() in (0, 1)
    assert json.loads((out / "report.json").read_text())["status"] == "complete"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_command_started_without_streams_keeps_its_results(tmp_path, closed):
    out, said = tmp_path / "out", tmp_path / "said"
    shown = f"2>{said} >&-" if closed == ">&-" else closed
    words = ["run", "chain", "--seconds", "0.01", "--set", "warmup_ms=0", "--no-html", "--out", str(out)]
    command = f"exec {shlex.join([sys.executable, '-m', 'neuromap.cli.app', *words])} {shown}"
    assert subprocess.run(["bash", "-c", command], check=False).returncode == 0
    assert json.loads((out / "report.json").read_text())["status"] == "complete"
    assert "Traceback" not in (said.read_text() if said.exists() else "")


def test_progress_that_cannot_be_shown_stops_nothing(monkeypatch):
    view = ProgressView()

    def closed(*args, **kwargs):
        raise BrokenPipeError

    monkeypatch.setattr(view._console, "print", closed)
    with view:
        view("map", 0.0)
        view("map", 1.0)


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        (["machines", "show", "spinnaker1"], 0, "us"),
        (["run", "--help"], 0, "--machine"),
        (["run", "chain", "--seconds", "0.01", "--set", "warmup_ms=0", "--no-html", "--out", "OUT/a"], 0, " us"),
        (["run", "chain", "--depth", "static", "--out", "OUT/b\u00b5"], 0, "results in OUT/b"),
        (["published", "--rows", "sizes", "--out", "OUT/c"], 0, "row"),
        (["check", "OUT/\u00b5.yaml"], 2, ".yaml"),
        (["run", "cha\u00efn"], 2, "did you mean 'chain'?"),
    ],
)
def test_a_terminal_of_ascii_gets_every_word(tmp_path, arguments, code, shown):
    given = [argument.replace("OUT", str(tmp_path)) for argument in arguments]
    process = start(*given, **ASCII)
    out, said = process.communicate()
    assert process.returncode == code, said
    assert (out + said).isascii()
    assert "Traceback" not in said
    assert shown.replace("OUT", str(tmp_path)) in out + said


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12 \u00b5s \u00b1 3", "12 us +- 3"),
        ("\u250c\u2500\u252c\u2510\u2502", "+-++|"),
        ("caf\u00e9 \u2713", "cafe yes:"),
        ("\udcff.yaml", "\\udcff.yaml"),
        ("\u4e2d", "\\u4e2d"),
    ],
)
def test_what_stands_for_a_character(text, wanted):
    import codecs

    codecs.register_error("neuromap", to_ascii)
    assert text.encode("ascii", "neuromap").decode() == wanted


def test_other_errors_of_coding_are_not_swallowed():
    error = UnicodeDecodeError("ascii", b"\xff", 0, 1, "no")
    with pytest.raises(UnicodeDecodeError):
        to_ascii(error)


# ---- memory ----


def limited(n_kib, *arguments):
    command = f"ulimit -v {n_kib}; exec {sys.executable} -m neuromap.cli.app " + " ".join(arguments)
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "pd14", "--scale", "1", "--seconds", "0.01", "--memory-gib", "8"),
        ("run", "pd14", "--scale", "100", "--depth", "static"),
    ],
    ids=["synapses", "mapping"],
)
def test_too_little_memory_is_one_line(tmp_path, arguments):
    done = limited(1_000_000, *arguments, "--out", str(tmp_path / "out"))
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("neuromap: error: ")
    assert ": needs " in last
    assert ", has " in last


def test_messages_of_too_little(monkeypatch):
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda which: (2 << 30, 2 << 30))
    text = "Unable to allocate 7.45 GiB for an array with shape (1000000000,) and data type float64"
    assert resource_message(MemoryError(text)) == (
        "memory: needs 7.45 GiB for one more array, has a limit of 2.00 GiB (ulimit -v); lower --scale, --threads or "
        "--memory-gib, or raise the limit"
    )
    loading = ImportError("a.so: failed to map segment from shared object")
    assert resource_message(loading) == (
        "memory: needs room to load the library a.so, has a limit of 2.00 GiB (ulimit -v); lower --scale, --threads or "
        "--memory-gib, or raise the limit"
    )
    no_thread = RuntimeError("can't start new thread")
    assert resource_message(no_thread) == (
        "threads: needs one more, has a limit of 2.00 GiB (ulimit -v) or a limit of threads (ulimit -u); lower "
        "--scale, --threads or --memory-gib, or raise the limit"
    )
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert resource_message(MemoryError()) == (
        "memory: needs room for one more array, has too little free; lower --scale, --threads or --memory-gib"
    )
    assert resource_message(MemoryError(text)) == (
        "memory: needs 7.45 GiB for one more array, has less than 7.45 GiB free; lower --scale, --threads or "
        "--memory-gib"
    )
    assert resource_message(no_thread) == (
        "threads: needs one more, has too little free memory or a limit of threads (ulimit -u); lower --scale, "
        "--threads or --memory-gib"
    )
    assert resource_message(loading) is None
    assert resource_message(RuntimeError("something else")) is None
