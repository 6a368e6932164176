"""The command line: what it passes to the library, what it prints, and one clear message for every mistake.

The library function that runs an experiment is replaced by one that records its arguments.
"""

import inspect
import re
import subprocess
import sys
import typing
from types import SimpleNamespace

import pytest

import neuromap
from emulator.numbers.number_format import StateRounding
from models.vocabulary import WeightRounding
from neuromap.cli.accuracy import accuracy
from neuromap.cli.app import main
from neuromap.cli.files import schema
from neuromap.experiment.schema import SCHEMA_FILES
from neuromap.studies.accuracy import plan


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def flow(monkeypatch, in_tmp):
    """Stand in for the functions behind ``run`` and ``map``; ``calls`` holds (experiment, keyword arguments)."""
    stub = SimpleNamespace(calls=[], status="complete", error=None)

    def run(prepared, **options):
        stub.calls.append((prepared.experiment, options))
        options["progress"]("build", 0.5, "half")
        options["progress"]("simulate", 1.0, "all")
        if stub.error is not None:
            raise stub.error
        return SimpleNamespace(report=SimpleNamespace(status=stub.status))

    def map_network(prepared, **options):
        stub.calls.append((prepared.experiment, options))
        return prepared.experiment

    monkeypatch.setattr("neuromap.runs.run.run", run)
    monkeypatch.setattr("neuromap.runs.map.map_network", map_network)
    monkeypatch.setattr("neuromap.report.text.render_verdict", lambda report: f"verdict: {report.status}")
    return stub


def fail(capsys, *arguments):
    """Run a command that must fail as wrong input, and return its message."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    return lines[0]


def test_run_passes_every_option(flow, capsys, in_tmp):
    options = {
        "--machine": "spinnaker1",
        "--recipe": "combined",
        "--place": "hilbert",
        "--route": "ner",
        "--minimise": "layered",
        "--neurons-per-core": "80",
        "--scale": "0.1",
        "--seconds": "0.5",
        "--seed": "3",
        "--drive": "dc",
        "--arithmetic": "float",
        "--delay-convention": "device",
        "--poisson": "kiss",
        "--time-scale-factor": "20",
        "--threads": "1",
        "--set": "machine.core.clock_hz=150e6",
        "--out": "there",
    }
    assert main(["run", "pd14", *[word for pair in options.items() for word in pair], "--set", "warmup_ms=100"]) == 0
    (experiment, passed), *more = flow.calls
    assert not more
    assert experiment.to_dict() == {
        "network": {"name": "pd14", "parameters": {"scale": 0.1, "drive": "dc"}},
        "machine": {"name": "spinnaker1", "settings": {"core.clock_hz": 150e6}},
        "recipe": {
            "name": "combined",
            "neurons_per_core": 80,
            "n_synapse_cores": None,
            "place": "hilbert",
            "route": "ner",
            "keys": "zoned",
            "minimise": "layered",
            "fixed_chips": (),
            "same_chip": (),
            "reserved_cores": 0,
            "reserved_chips": (),
        },
        "seconds": 0.5,
        "warmup_ms": 100.0,
        "seed": 3,
        "arithmetic": "float",
        "delay_convention": "device",
        "poisson": "kiss",
        "weight_rounding": "nearest",
        "ring_buffer_sigma": 5.0,
        "ring_buffer_rate_hz": 30.0,
        "time_scale_factor": 20.0,
        "n_threads": 1,
        "memory_gib": None,
    }
    assert str(passed["out"]) == "there"
    assert passed["html"] is True
    captured = capsys.readouterr()
    assert captured.out == "verdict: complete\nresults in there\n"
    assert re.match(r"^build: \d+\.\d s\nsimulate: \d+\.\d s; all\n$", captured.err)


def test_run_without_out_takes_the_next_free_folder(flow, in_tmp):
    assert main(["run", "brunel", "--seed", "5", "--no-html"]) == 0
    first = flow.calls[0][1]
    assert str(first["out"]) == "out/brunel-spinnaker1-ensemble-seed5"
    assert first["html"] is False
    (in_tmp / first["out"] / "report.json").write_text("{}")
    assert main(["run", "brunel", "--seed", "5"]) == 0
    assert str(flow.calls[1][1]["out"]) == "out/brunel-spinnaker1-ensemble-seed5-2"


def test_run_an_experiment_file_with_options_over_it(flow, in_tmp):
    (in_tmp / "e.yaml").write_text("network: {name: pd14, scale: 0.1}\nseconds: 3\nseed: 9\n")
    assert main(["run", "e.yaml", "--seconds", "2"]) == 0
    experiment = flow.calls[0][0]
    assert (experiment.seconds, experiment.seed, experiment.network.parameters) == (2.0, 9, {"scale": 0.1})


def test_map_passes_the_experiment_and_prints_the_mapping(flow, capsys, monkeypatch):
    monkeypatch.setattr("neuromap.cli.terminal.print_mapping", lambda mapping: print(f"mapped {mapping.network.name}"))
    assert main(["map", "pd14", "--recipe", "combined"]) == 0
    assert flow.calls[0][0].recipe.name == "combined"
    assert capsys.readouterr().out == "mapped pd14\nmapping in out/map-pd14-spinnaker1-combined-seed1234\n"


def test_partial_result_is_printed_with_exit_code_130(flow, capsys):
    flow.status = "partial"
    assert main(["run", "pd14"]) == 130
    assert capsys.readouterr().out.startswith("verdict: partial\n")


def test_interrupt_before_the_end_says_what_is_kept(flow, capsys, in_tmp):
    flow.error = KeyboardInterrupt()
    assert main(["run", "pd14", "--out", "a"]) == 130
    assert capsys.readouterr().err.endswith("\nneuromap: error: interrupted before the end; kept in a: nothing\n")
    (in_tmp / "a" / "spikes.npz").write_bytes(b"")
    assert main(["run", "pd14", "--out", "a", "--overwrite"]) == 130
    assert capsys.readouterr().err.endswith("\nneuromap: error: interrupted before the end; kept in a: spikes.npz\n")


def test_interrupt_before_a_run_starts(capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("neuromap.experiment.prepare.prepare", interrupted)
    assert main(["run", "pd14"]) == 130
    assert capsys.readouterr().err == "neuromap: error: interrupted before anything was measured\n"


def test_debug_shows_the_traceback(capsys, in_tmp):
    assert main(["run", "pd15", "--debug"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Traceback (most recent call last):\n")
    assert error.splitlines()[-1].startswith("neuromap: error: network: needs one of ")


def test_a_bug_is_not_hidden(flow):
    flow.error = ZeroDivisionError("bug")
    with pytest.raises(ZeroDivisionError, match=r"^bug$"):
        main(["run", "pd14"])


WRONG = {
    "network": (["run", "pd41"], r"network: needs one of .*, has 'pd41'; did you mean 'pd14'\?"),
    "machine": (
        ["run", "pd14", "--machine", "spinaker1"],
        r"--machine: needs one of .*, has 'spinaker1'; did you mean 'spinnaker1'\?",
    ),
    "machine file": (
        ["run", "pd14", "--machine", "no.yaml"],
        r"file: needs a file that can be read \(No such file or directory\), has 'no\.yaml'",
    ),
    "experiment file": (["check", "no.yaml"], r"file: needs a file that can be read \(No such file .*, has 'no\.yaml'"),
    "option": (["run", "pd14", "--scal", "1"], r"Unknown option: --scal\. Did you mean --scale\?"),
    "command": (["rum", "pd14"], r'Unknown command "rum"\. Did you mean "run"\?.*'),
    "command of machines": (
        ["machines", "shwo", "x"],
        r"command of 'neuromap machines': needs one of check, show, has 'shwo'; did you mean 'show'\?",
    ),
    "too many arguments": (
        ["run", "pd14", "again"],
        r"arguments: needs none after the first, has 'again'; see `neuromap run --help`",
    ),
    "no network": (["run"], r'Command "run" parameter NETWORK requires an argument\.'),
    "choice": (
        ["run", "pd14", "--recipe", "x"],
        r'Invalid value "x" for --recipe\. Choose from: "combined", "ensemble", .*\.',
    ),
    "type": (["run", "pd14", "--scale", "big"], r"--scale: needs a number, has 'big'"),
    "negative scale": (
        ["run", "pd14", "--scale", "-1"],
        r"--scale: needs a number from 1e-06 to 1000, has -1\.0",
    ),
    "negative duration": (
        ["run", "pd14", "--seconds", "-1"],
        r"--seconds: needs a number from 1e-09 to 1e\+07 s, has -1\.0",
    ),
    "negative cores": (
        ["run", "pd14", "--neurons-per-core", "-1"],
        r"--neurons-per-core: needs a whole number from 1 to 1,000,000 neurons .*, has -1",
    ),
    "negative size": (
        ["run", "pd14", "--set", "machine.core.dtcm_bytes=-1"],
        r"machine\.core\.dtcm_bytes at the settings: needs a whole number from 1 to .* bytes, has -1",
    ),
    "setting without value": (["run", "pd14", "--set", "seed"], r"--set: needs path=value, .*, has 'seed'"),
    "unknown setting": (
        ["run", "pd14", "--set", "machine.core.clok_hz=1"],
        r"setting of machine\.core at the settings: needs one of .*, has 'clok_hz'; did you mean 'clock_hz'\?",
    ),
    "wrong unit in a setting": (
        ["map", "pd14", "--set", "machine.core.clock_mhz=1"],
        r"setting of machine\.core at the settings: needs clock_hz \(rename it and multiply the value by 1,000,000: "
        r"mhz to hz\), has 'clock_mhz'",
    ),
    "slice that fits nowhere": (
        ["map", "pd14", "--neurons-per-core", "1000"],
        r"neurons of a core at every core of spinnaker1: needs 1,000 neurons, has 256 neurons; lower .*",
    ),
    "drive of a network without drives": (
        ["run", "chain", "--drive", "dc"],
        r"setting of network 'chain' at the settings: needs one of .*, has 'drive'.*",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input(flow, capsys, case):
    arguments, message = WRONG[case]
    assert re.fullmatch(f"neuromap: error: {message}", fail(capsys, *arguments))
    assert not flow.calls


def test_wrong_key_in_a_file_names_the_line(capsys, in_tmp):
    (in_tmp / "e.yaml").write_text("seconds: 1\nsede: 3\n")
    message = r"neuromap: error: key of the experiment at e\.yaml:2: needs .*, has 'sede'; did you mean 'seed'\?"
    assert re.fullmatch(message, fail(capsys, "check", "e.yaml"))


def test_wrong_machine_file_names_the_line(capsys, in_tmp):
    (in_tmp / "m.yaml").write_text("base: spinnaker1\ncore:\n  dtcm_bytes: -5\n")
    message = r"neuromap: error: core\.dtcm_bytes at m\.yaml:3: needs a whole number from 1 to .* bytes, has -5"
    assert re.fullmatch(message, fail(capsys, "machines", "check", "m.yaml"))


def test_existing_output_folder_is_refused_before_any_work(flow, capsys, in_tmp):
    (in_tmp / "old").mkdir()
    (in_tmp / "old" / "report.json").write_text("{}")
    message = (
        r"neuromap: error: output folder \(--out\): needs a new or empty folder, or --overwrite to replace the files "
        r"in it, has 'old'"
    )
    assert re.fullmatch(message, fail(capsys, "run", "pd14", "--out", "old"))
    assert not flow.calls
    assert main(["run", "pd14", "--out", "old", "--overwrite"]) == 0
    assert flow.calls[0][1]["overwrite"] is True


def test_output_folder_that_cannot_be_made_is_refused_before_any_work(flow, capsys, in_tmp):
    (in_tmp / "file").write_text("")
    message = r"neuromap: error: output folder \(--out\): needs a folder that can be made .*, has 'file/out'"
    assert re.fullmatch(message, fail(capsys, "run", "pd14", "--out", "file/out"))
    assert not flow.calls


def test_check_says_what_the_file_means(capsys, in_tmp):
    assert main(["template"]) == 0
    (in_tmp / "e.yaml").write_text(capsys.readouterr().out)
    assert main(["check", "e.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "e.yaml: no errors found"
    assert lines[1] == (
        "network pd14: 77,169 neurons in 8 populations, 298,880,968 synapses expected, drive poisson, dt 0.1 ms"
    )
    assert re.match(r"^\d+ of \d+ constants are unverified: .*cost\.neuron_update_cycles", lines[3])


def test_machines_are_listed_and_shown(capsys):
    assert main(["machines"]) == 0
    assert re.search(r"^spinnaker1 +SpiNNaker 1, ", capsys.readouterr().out, re.MULTILINE)
    assert main(["machines", "show", "spinnaker1", "--set", "core.clock_hz=150e6"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"core\.clock_hz +150,000,000 +Hz +stated +set by the user", shown)
    assert re.search(r"cost\.neuron_update_cycles +170 +cycles +unverified \[140, 200\] +prior: ", shown)


def test_machines_check_accepts_a_good_file(capsys, in_tmp):
    (in_tmp / "m.yaml").write_text("base: spinnaker1\nname: mine\n")
    assert main(["machines", "check", "m.yaml"]) == 0
    assert capsys.readouterr().out.startswith("m.yaml: no errors found; machine mine\n")


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"neuromap {neuromap.__version__}\n"


def test_help_imports_nothing_heavy():
    script = (
        "import sys; from neuromap.cli.app import main; main(['--help']); main(['run', '--help']);"
        "print(sorted({'numba', 'numpy', 'matplotlib', 'pydantic', 'networkx', 'scipy', 'ruamel'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--delay-convention" in done.stdout


def test_exit_code_of_the_process():
    done = subprocess.run(
        [sys.executable, "-m", "neuromap", "run", "pd41"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert re.fullmatch(r"neuromap: error: network: needs one of .*did you mean 'pd14'\?\n", done.stderr)


def test_a_number_of_processes_out_of_bounds_is_named_as_the_option(capsys, in_tmp):
    message = fail(capsys, "sweep", "chain", "--vary", "seed=1,2", "--jobs", "0")
    assert message == "neuromap: error: --jobs: needs a whole number from 1 to 1,024 processes, has 0"


# ---- choices that the command line repeats, since the modules that define them are slow to import -----------------


def test_lists_of_accuracy_are_those_of_its_plan():
    default = {name: one.default for name, one in inspect.signature(accuracy).parameters.items()}
    assert default["formats"] == ",".join(plan.DEFAULT_FORMATS)
    assert default["rounding"] == ",".join(plan.DEFAULT_ROUNDINGS)
    assert default["weights"] == ",".join(map(str, plan.DEFAULT_WEIGHT_BITS))
    assert default["weight_rounding"] == ",".join(plan.DEFAULT_WEIGHT_ROUNDINGS)


@pytest.mark.parametrize(("option", "choices"), [("rounding", StateRounding), ("weight_rounding", WeightRounding)])
def test_help_of_accuracy_names_every_rounding(option, choices):
    text = inspect.getdoc(accuracy).partition(f"\n{option}\n")[2].split("\n")[0]
    assert re.sub(r" \(.*?\)", "", text.partition(": ")[2]).rstrip(".").split(", ") == list(choices)


def test_kinds_of_schemas_are_those_that_exist():
    hint = typing.get_type_hints(schema)["kind"]
    assert typing.get_args(hint) == tuple(SCHEMA_FILES)
