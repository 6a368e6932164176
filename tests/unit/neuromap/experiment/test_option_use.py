"""An option that a command does not read is refused, and every number on the command line is read as in a file."""

import json
import re
from dataclasses import fields
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest

import neuromap as nm
from models.bounds import hints_of, members
from models.errors import ParameterError, UnknownNameError
from neuromap.cli import options as cli
from neuromap.cli.app import app, main
from neuromap.cli.options import Options, PacketOptions
from neuromap.cli.values import HIDDEN, read_number
from neuromap.experiment.load import make_experiment
from neuromap.experiment.nouns import Experiment
from neuromap.experiment.option_use import COMMANDS, OPTION_PATHS, READ_BY
from neuromap.experiment.options import (
    OPTIONS_OF_DEPTH,
    AccuracyOptions,
    MapOptions,
    RunOptions,
    SweepOptions,
    options_of,
)
from neuromap.experiment.schema import schema_path

TINY = ["--recipe", "combined", "--set", "network.n_neurons=4"]


@pytest.fixture(autouse=True)
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def message_of(capsys, *arguments):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    return lines[0].removeprefix("neuromap: error: ")


# ---- the table ---------------------------------------------------------------------------------------------------


def test_the_table_names_settings_and_jobs_that_exist():
    top = {entry.name for entry in fields(Experiment)}
    assert set(READ_BY) <= top
    assert set(READ_BY) | {"network", "machine", "seed"} == top  # those three are read by every job
    for jobs in READ_BY.values():
        assert set(jobs) <= set(COMMANDS)


@pytest.mark.parametrize(
    ("options", "jobs"),
    [(cli.Options, set(COMMANDS)), (cli.MapOptions, {"map"}), (cli.SweepOptions, {"sweep_static", "sweep_cores"})],
)
def test_the_help_of_a_command_leaves_out_what_no_job_of_it_reads(options, jobs):
    hints = get_type_hints(options, include_extras=True)
    hidden = {name for name in hints if HIDDEN in getattr(hints[name], "__metadata__", ())}
    unread = {name for name, path in OPTION_PATHS.items() if not jobs & set(READ_BY.get(path, COMMANDS))}
    assert hidden == unread - {"time_scale_factor"}  # read by all jobs if neurons_per_core is auto


OPTIONS_OF_JOB = {**OPTIONS_OF_DEPTH, "map": MapOptions, "accuracy": AccuracyOptions, "sweep_cores": SweepOptions}


@pytest.mark.parametrize("job", OPTIONS_OF_JOB)
def test_the_options_of_a_function_are_those_that_it_reads(job):
    paths = {OPTION_PATHS.get(name, name) for name in options_of(OPTIONS_OF_JOB[job])}
    for path in {*READ_BY, *OPTION_PATHS.values()} - {"recipe"}:
        readers = READ_BY.get(path.partition(".")[0], tuple(COMMANDS))
        if path == "time_scale_factor":
            readers = ("map", *readers)  # with neurons_per_core="auto"
        assert (path in paths) == (job in readers), path


def test_the_command_line_has_the_options_of_the_function():
    own = {entry.name: hint for entry, hint in zip(fields(Options), hints_of(Options).values(), strict=True)}
    own |= {entry.name: hints_of(PacketOptions)[entry.name] for entry in fields(PacketOptions)}
    known = options_of(RunOptions)
    python_only = {"warmup_ms", "ring_buffer_sigma", "ring_buffer_rate_hz", "with_log", "announce", "remedies"}
    assert set(own) | python_only | {"html", "progress"} == set(known)
    for name, hint in own.items():
        if name not in ("settings", "out", "spikes", "trace"):  # texts and paths, as a command line has them
            assert members(without_help(hint)) == members(known[name][0]), name


def without_help(hint):
    """A type hint without what is said of it."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


#: Option, a value that is not the default, and the jobs of the command line that refuse it.
UNREAD = [
    ("--seconds", "0.5", ("map", "static")),
    ("--arithmetic", "float", ("map", "static", "dynamic")),
    ("--delay-convention", "device", ("map", "static", "dynamic")),
    ("--poisson", "kiss", ("map", "static", "dynamic")),
    ("--weight-rounding", "stochastic", ("map", "static", "dynamic")),
    ("--threads", "1", ("map", "static", "dynamic")),
    ("--memory-gib", "1", ("map", "static", "dynamic")),
    ("--time-scale-factor", "2", ("map",)),
    ("--set", "warmup_ms=0", ("map", "static", "dynamic")),
    ("--set", "ring_buffer_sigma=4", ("map", "static", "dynamic")),
    ("--set", "ring_buffer_rate_hz=4", ("map", "static", "dynamic")),
    ("--set", "seconds=2", ("map", "static")),
    ("--spikes", "x.npz", ("static", "cores", "full")),
    ("--trace", "x.json", ("static", "cores")),
    ("--engine", "simpy", ("static", "cores")),
    ("--end-of-tick", "drop", ("static", "cores")),
    ("--in-phase", None, ("static", "cores")),
    ("--no-in-phase", None, ("static", "cores")),
    ("--no-html", None, ("static",)),
]


@pytest.mark.parametrize(("option", "value", "jobs"), UNREAD)
def test_an_option_that_a_command_does_not_read_is_refused(capsys, option, value, jobs):
    words = [option] if value is None else [option, value]
    for job in jobs:
        command = ["map", "chain"] if job == "map" else ["run", "chain", "--depth", job]
        message = message_of(capsys, *command, *words)
        name = f"--set {value.partition('=')[0]}" if option == "--set" else option.replace("no-in", "in")
        assert re.match(rf"^option {name}: needs a command that reads it \(.*\), has '", message), message
        assert message.endswith(f"has '{COMMANDS[job]}'")


#: The options that a command always refuses. A mapping reads --time-scale-factor with --neurons-per-core auto.
ALWAYS_REFUSED = {
    "map": {option for option, _, jobs in UNREAD if "map" in jobs} - {"--set", "--time-scale-factor"},
    "sweep": {"--threads"},
    "run": set(),
}


@pytest.mark.parametrize("command", ALWAYS_REFUSED)
def test_the_help_leaves_out_the_options_that_a_command_refuses(capsys, command):
    assert main([command, "--help"]) == 0
    shown = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out))
    options = {f"--{entry.name.replace('_', '-')}" for entry in fields(Options)} - {"--settings"}
    assert options - shown == ALWAYS_REFUSED[command]
    for option in ALWAYS_REFUSED[command]:
        value = next(value for other, value, _ in UNREAD if other == option)
        message = message_of(capsys, command, "chain", *(["--vary", "seed=1"] * (command == "sweep")), option, value)
        assert message.startswith(f"option {option}: needs a command that reads it (run ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["map", "chain", "--net", "C0"], "option --net: needs --figure FILE, without which it does nothing"),
        (["map", "chain", "--stage", "route"], "option --stage: needs --from DIR, without which it does nothing"),
        (["map", "chain", "--overwrite"], "option --overwrite: needs --out, without which it does nothing"),
        (["run", "chain", "--overwrite"], "option --overwrite: needs --out, without which"),
        (["sweep", "chain", "--vary", "seed=1", "--overwrite"], "option --overwrite: needs --out, without which"),
        (["accuracy", "chain", "--overwrite"], "option --overwrite: needs --out, without which"),
        (
            ["run", "chain", "--seed", "1", "--set", "seed=2"],
            "seed: needs one value, given once, has '--seed and --set seed'",
        ),
        (
            ["run", "chain", "--machine", "loihi1", "--set", "machine=loihi1"],
            "machine.name: needs one value, given once",
        ),
        (["run", "chain", "--set", "seed=1", "--set", "seed=1"], "--set: needs each path once (seed was given before)"),
        (["run", "chain", "--seed", "1", "--seed", "2"], "Parameter --seed specified multiple times."),
        (
            ["run", "chain", "--arithmetic", "float", "--weight-rounding", "nearest"],
            "option --weight-rounding: needs arith",
        ),
        (
            ["sweep", "chain", "--vary", "seconds=1,2"],
            "option --vary seconds: needs a command that reads it (run --dep",
        ),
        (
            ["sweep", "chain", "--vary", "seed=1,2", "--seed", "3"],
            "seed: needs only one of the two, has '--seed and --vary seed'",
        ),
        (
            ["sweep", "chain", "--vary", "seed=1,2", "--threads", "1"],
            "option --threads: needs a command that reads it (",
        ),
        (
            ["accuracy", "chain", "--set", "recipe.name=combined"],
            "option --set recipe.name: needs a command that reads it (",
        ),
        (["accuracy", "chain", "--set", "memory_gib=1"], "option --set memory_gib: needs a command that reads it ("),
        (
            ["accuracy", "chain", "--set", "arithmetic=float"],
            "option --set arithmetic: needs a command that reads it (",
        ),
        (["machines", "show", "neuroaix", "--boards", "3"], "n_boards: needs 35, the size of neuroaix, has 3"),
        (["map", "chain", "--figure", "x.gif"], "--figure: needs a file name ending in one of .png, .svg, .pdf"),
        (["map", "chain", "--figure", "no/x.png"], "--figure: needs a file in a folder that exists, has 'no/x.png'"),
        (
            ["machines", "show", "spinnaker1", "--out", "x"],
            "--out: needs a file name ending in one of .png, .svg, .pdf",
        ),
        (["animate", "chain", "--out", "x.png"], "--out: needs a file name ending in one of .html, .gif, has 'x.png'"),
        (["run", "chain", "--depth", "dynamic", "--trace", "."], "--trace: needs a file (this is a folder), has '.'"),
    ],
)
def test_options_without_what_they_belong_to(capsys, arguments, message):
    assert message_of(capsys, *arguments).startswith(message)


def test_python_keywords_follow_the_same_table():
    with pytest.raises(ParameterError, match=r"^option seconds: needs a command that reads it .*, has 'map'$"):
        nm.map_network("pd14", settings={"seconds": 2})
    with pytest.raises(UnknownNameError, match=r"^option of map_network: needs one of .*, has 'threads'"):
        nm.map_network("chain", threads=2)
    with pytest.raises(ParameterError, match=r"^option recipe: .*, has 'accuracy'$"):
        nm.accuracy("chain", settings={"recipe": "combined"})
    with pytest.raises(UnknownNameError, match=r"^option of accuracy: needs one of .*, has 'recipe'"):
        nm.accuracy("chain", recipe="combined")
    with pytest.raises(ParameterError, match=r"^n_threads: needs one value, given once, has 'threads and n_threads'$"):
        nm.run("chain", threads=1, settings={"n_threads": 1})


#: Options of the command line with a wrong value, the keyword in Python, and what both need.
WRONG_VALUES = [
    ("--threads", "threads", 0, "a whole number from 1 to 256 threads"),
    ("--neurons-per-core", "neurons_per_core", 0, "a whole number from 1 to 1,000,000 neurons or auto or null"),
    ("--scale", "scale", -1.0, "a number from 1e-06 to 1000"),
    ("--machine", "machine", "spinnaker9", "one of generic_mesh, .*"),
    ("--memory-gib", "memory_gib", -1.0, "a number from 1e-06 to 1e\\+06 GiB or null"),
    ("--time-scale-factor", "time_scale_factor", 0.0, "a number from 1e-06 to 1e\\+06"),
]


@pytest.mark.parametrize(("option", "keyword", "value", "needs"), WRONG_VALUES)
def test_an_error_names_the_option_on_the_command_line_and_the_keyword_in_python(capsys, option, keyword, value, needs):
    message = message_of(capsys, "run", "pd14", option, str(value))
    assert re.match(rf"^{option}: needs {needs}, has {value!r}", message), message
    with pytest.raises(ParameterError, match=rf"^{keyword}: needs {needs}, has {value!r}"):
        nm.run("pd14", **{keyword: value})


def test_an_option_of_a_study_is_named_as_the_user_gave_it(capsys):
    for command in (["accuracy", "chain"], ["published"]):
        assert message_of(capsys, *command, "--threads", "0").startswith("--threads: needs a whole number from 1 to ")
    assert message_of(capsys, "sweep", "chain", "--vary", "seconds=1", "--seed=-1").startswith("--seed: needs ")
    for call in (lambda: nm.accuracy("chain", threads=0), lambda: nm.published(threads=0)):
        with pytest.raises(ParameterError, match=r"^threads: needs a whole number from 1 to 256 threads, has 0$"):
            call()


def test_python_callers_see_keywords_in_errors_about_folders_axes_and_rows(tmp_path, capsys):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "note.txt").write_text("mine")
    needs = "a new or empty folder, or {} to replace the files in it, has 'old'"
    message = message_of(capsys, "map", "chain", *TINY, "--out", "old")
    assert message == f"output folder (--out): needs {needs.format('--overwrite')}"
    with pytest.raises(ParameterError) as raised:
        nm.map_network("chain", recipe="combined", settings={"network.n_neurons": 4}, out="old")
    assert str(raised.value) == f"output folder (out): needs {needs.format('overwrite=True')}"
    assert message_of(capsys, "sweep", "chain", "--vary", "seed=1,1") == "--vary seed: needs each value once, has 1"
    with pytest.raises(ParameterError, match=r"^vary seed: needs each value once, has 1$"):
        nm.sweep("chain", {"seed": [1, 1]})
    assert message_of(capsys, "sweep", "chain", "--vary", "seed=1", "--jobs", "0").startswith("--jobs: needs a whole ")
    with pytest.raises(ParameterError, match=r"^jobs: needs a whole number from 1 to 1,024 processes, has 0$"):
        nm.sweep("chain", {"seed": [1]}, jobs=0)
    assert message_of(capsys, "published", "--rows", "vAl17").startswith("--rows: needs one of ")
    with pytest.raises(UnknownNameError, match=r"^rows: needs one of .*, has 'vAl17'"):
        nm.published(["vAl17"])


def test_a_value_of_a_file_keeps_its_place_beside_an_option(tmp_path, capsys):
    path = tmp_path / "e.yaml"
    path.write_text("network: {name: chain, n_neurons: 4}\nmachine: spinnaker9\n")
    assert message_of(capsys, "run", str(path), "--seed", "2").startswith(f"machine.name at {path}:2: needs one of ")


def test_a_file_may_hold_what_the_command_does_not_read(tmp_path):
    path = tmp_path / "e.yaml"
    path.write_text("network: {name: chain, n_neurons: 4}\nrecipe: combined\nseconds: 2\narithmetic: float\n")
    assert nm.map_network(str(path)).network_name == "chain"


def test_a_slow_down_is_read_by_a_mapping_that_fills_cores_by_it():
    options = {"recipe": "combined", "neurons_per_core": "auto", "settings": {"network.n_neurons": 4}}
    assert nm.map_network("chain", time_scale_factor=2, **options).network_name == "chain"


# ---- numbers -----------------------------------------------------------------------------------------------------


def arguments_of(command: Any) -> list[Any]:
    """Every argument of an app and of its commands."""
    found = []
    for name in command:
        if name.startswith("-"):
            continue
        sub = command[name]
        found += arguments_of(sub)
        if sub.default_command is not None:
            found += [(name, argument) for argument in sub.assemble_argument_collection()]
    return found


def test_every_number_of_every_command_has_the_one_converter():
    numbers = [
        (command, argument)
        for command, argument in arguments_of(app)
        if {int, float} & set(members(argument.hint)) and not argument.children
    ]
    assert len(numbers) >= 20
    for command, argument in numbers:
        assert argument.parameter.converter is read_number, (command, argument.name)
    names = {argument.name for _, argument in numbers}
    assert {"--seed", "--threads", "--jobs", "--boards", "--tick", "--frames", "--neurons-per-core"} <= names


COMMANDS_WITH = {
    "--seed": [
        ["run", "chain"],
        ["map", "chain"],
        ["accuracy", "chain"],
        ["sweep", "chain"],
        ["animate", "chain"],
        ["published"],
    ],
    "--threads": [["run", "chain"], ["map", "chain"], ["accuracy", "chain"], ["sweep", "chain"], ["published"]],
    "--neurons-per-core": [["run", "chain"], ["map", "chain"], ["sweep", "chain"]],
    "--jobs": [["sweep", "chain"]],
    "--boards": [["machines", "show", "spinnaker1"]],
    "--tick": [["animate", "chain"]],
    "--frames": [["animate", "chain"]],
}


@pytest.mark.parametrize("option", COMMANDS_WITH)
@pytest.mark.parametrize("text", ["1.5", "7.9", "", "x", "true", "nan", ".inf", "[1]", "null"])
def test_a_fraction_or_a_word_is_no_whole_number(capsys, option, text):
    for command in COMMANDS_WITH[option]:
        message = message_of(capsys, *command, f"{option}={text}")
        assert message.startswith(f"{option}: needs a whole number"), message


@pytest.mark.parametrize(("text", "seed"), [("1e3", 1000), ("0x10", 16), ("007", 7), ("2.0", 2)])
def test_whole_numbers_may_be_written_as_in_a_file(text, seed, tmp_path):
    main(["map", "chain", *TINY, "--seed", text, "--out", "m"])
    assert f"seed: {seed}\n" in (tmp_path / "m" / "mapping" / "experiment.yaml").read_text()


@pytest.mark.parametrize("text", ["nan", "inf", ".nan", "-1", "1e-12", "1e29", "1e999", "0", "true", "1,5", "", "[1]"])
def test_model_times_that_are_none(capsys, text):
    for command in (["run", "chain"], ["accuracy", "chain"], ["animate", "chain"], ["published"]):
        message = message_of(capsys, *command, f"--seconds={text}")
        assert re.match(r"^--seconds: needs a (finite )?number", message), message


WRONG = [
    {"seed": True},
    {"seed": 1.5},
    {"seed": "1"},
    {"seed": -1},
    {"seed": 2**63},
    {"seed": np.bool_(True)},
    {"threads": 0},
    {"threads": 1e308},
    {"seconds": True},
    {"seconds": np.nan},
    {"seconds": 1e29},
    {"seconds": 1e-12},
    {"neurons_per_core": np.float64(7.9)},
    {"neurons_per_core": False},
    {"memory_gib": 0},
    {"time_scale_factor": 1e30},
    {"settings": {"ring_buffer_sigma": 1e30}},
    {"settings": {"machine.core.n_per_chip": 1.5}},
    {"settings": {"network.n_neurons": np.float32(2.5)}},
    {"settings": {"network.dt_ms": 1e-30}},
    {"settings": {"warmup_ms": -1e-9}},
]


@pytest.mark.parametrize("options", WRONG, ids=str)
def test_keywords_that_are_no_numbers_or_beyond_their_bounds(options):
    with pytest.raises(ParameterError, match="needs a"):
        nm.check_experiment(make_experiment("chain", **options))


def test_numbers_of_numpy_are_numbers():
    made = make_experiment(
        "chain",
        seed=np.int64(5),
        threads=np.uint8(1),
        neurons_per_core=np.int32(4),
        seconds=np.float32(0.5),
        settings={"network.n_neurons": np.int16(4), "machine.core.clock_hz": np.float32(1e8), "warmup_ms": np.int64(0)},
    )
    plain = make_experiment(
        "chain",
        seed=5,
        threads=1,
        neurons_per_core=4,
        seconds=0.5,
        settings={"network.n_neurons": 4, "machine.core.clock_hz": 1e8, "warmup_ms": 0},
    )
    assert made == plain
    assert {type(made.seed), type(made.n_threads), type(made.recipe.neurons_per_core)} == {int}
    assert type(made.seconds) is float


def test_numpy_seeds_run_as_pythons():
    options = {"recipe": "combined", "seconds": 0.02, "settings": {"warmup_ms": 0, "network.n_neurons": np.int64(4)}}
    first, second = (nm.run("chain", seed=seed, **options) for seed in (np.int64(5), 5))
    assert first.report.experiment["seed"] == 5
    assert np.array_equal(first.simulation.spike_step, second.simulation.spike_step)


def test_bounds_of_an_experiment_reach_its_schema():
    schema = json.loads(schema_path("experiment").read_text())["properties"]
    for name, low, high in (("seconds", 1e-9, 1e7), ("seed", 0, 2**63 - 1), ("n_threads", 1, 256)):
        assert (schema[name]["minimum"], schema[name]["maximum"]) == (low, high)
        assert f"Bound(low={low}, high={high}" in str(hints_of(Experiment)[name])
    paths = {path for path in OPTION_PATHS.values() if "." not in path}
    assert all({"minimum", "enum", "anyOf"} & set(schema[path]) for path in paths)


TOO_LARGE = [
    ({"seconds": 200_000.1}, r"^seconds \(in ms\): needs at most 2,000,000,000 steps of 0\.1 ms"),
    ({"seconds": 2.0, "settings": {"warmup_ms": 1.99999e8}}, r"^seconds: needs at most 200,000 s with the warm-up"),
    (
        {"seconds": 2001.0, "settings": {"network.dt_ms": 0.001}},
        r"^seconds \(in ms\): needs at most 2,000,000,000 steps",
    ),
    ({"settings": {"network.n_populations": 101, "network.n_neurons": 100_000}}, r"^neurons at chain: "),
]


@pytest.mark.parametrize(("options", "message"), TOO_LARGE)
def test_steps_and_neurons_that_no_word_counts_are_refused(options, message):
    with pytest.raises(nm.NeuromapError, match=message):
        nm.check_experiment(make_experiment("chain", **options))


def test_the_longest_run_that_can_be_counted_is_allowed():
    options = {"seconds": 200_000.0, "settings": {"warmup_ms": 0}}
    nm.check_experiment(make_experiment("chain", **options))
