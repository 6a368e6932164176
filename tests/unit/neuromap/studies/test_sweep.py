"""Sweeps: axes, checks before anything runs, what points share, what is kept, how a broken sweep goes on."""

import contextlib
import csv
import inspect
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neuromap as nm
import neuromap.runs.cores
import neuromap.runs.map
from mapping.flow import map_network
from mapping.place import PLACERS
from mapping.recipe import Recipe
from mapping.route import ROUTERS
from models.errors import FileWriteError, NeuromapError, ParameterError, UnknownNameError
from models.machine.file import load_machine
from models.networks import NETWORKS
from neuromap.cli.app import main
from neuromap.experiment.load import make_experiment
from neuromap.runs.run import run
from neuromap.studies.sweep import pool as sweep_pool
from neuromap.studies.sweep import run as sweep
from neuromap.studies.sweep.figure import draw_lines, draw_maps, write_figures
from neuromap.studies.sweep.folder import append_point, opened_points
from neuromap.studies.sweep.plan import Axis, parse_axes, plan_sweep, read_axes, value_text
from neuromap.studies.sweep.point import COLUMNS, PARTS, UNMAPPED_SECTIONS, PointRunner, mapping_key, simulation_key
from neuromap.studies.sweep.pool import Task, next_task, run_tasks

CLOCKS, SIZES = "machine.core.clock_hz=100e6,200e6", "recipe.neurons_per_core=5,10,100000"
SHORT = {"seconds": 0.02, "settings": {"warmup_ms": 0}}


@pytest.fixture
def counted(monkeypatch):
    """Count mappings and simulations."""
    counts = {"mappings": 0, "simulations": 0}

    def count(name, function):
        def counting(*arguments, **options):
            counts[name] += 1
            return function(*arguments, **options)

        return counting

    monkeypatch.setattr("neuromap.runs.map.map_prepared", count("mappings", neuromap.runs.map.map_prepared))
    monkeypatch.setattr(
        "neuromap.runs.cores.simulate_experiment", count("simulations", neuromap.runs.cores.simulate_experiment)
    )
    return counts


def lines_of(folder):
    return [json.loads(line) for line in (folder / "points.jsonl").read_text().splitlines()]


def table_of(folder):
    with (folder / "table.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# ---- axes --------------------------------------------------------------------------------------------------------


def test_axes_from_text():
    axes = parse_axes(["machine.core.clock_hz=150e6, 200e6", "machine.topology.shape=[5,7],[7,7]", "recipe=combined"])
    assert axes == (
        Axis("machine.core.clock_hz", (150e6, 200e6)),
        Axis("machine.topology.shape", ([5, 7], [7, 7])),
        Axis("recipe", ("combined",)),
    )
    assert [axis.short for axis in axes] == ["clock_hz", "shape", "recipe"]


@pytest.mark.parametrize(
    ("varied", "message"),
    [
        ([], r"vary: needs path=value,value,\.\.\., for example machine\.core\.clock_hz=150e6,200e6, has None"),
        (["seed"], r"vary: needs path=value,value,\.\.\., for .*, has 'seed'"),
        (["seed=1,,2"], r"vary: needs path=value,value,\.\.\., for .*, has 'seed=1,,2'"),
        (["seed=1", "seed=2"], r"vary: needs each path once \(seed was given before\), has 'seed=2'"),
        (["seed=1,2,1"], r"vary seed: needs each value once, has 1"),
        (["n_threads=1,2"], r"vary: needs a path that changes the result, which n_threads does not, has .*"),
    ],
)
def test_axes_that_cannot_be(varied, message):
    with pytest.raises(ParameterError, match=f"^{message}$"):
        parse_axes(varied)


def test_axes_from_a_mapping():
    axes = read_axes({"seed": range(1, 3), "recipe.name": ["combined"]})
    assert axes == (Axis("seed", (1, 2)), Axis("recipe.name", ("combined",)))
    with pytest.raises(ParameterError, match=r"^vary seed: needs each value once, has 1$"):
        read_axes({"seed": [1, 1]})


def test_values_are_written_short():
    assert [value_text(value) for value in (150e6, 2.5e9, 1e5, 0.25, -1e7, 64, "auto", True)] == [
        "150e6",
        "2.5e9",
        "100e3",
        "0.25",
        "-10e6",
        "64",
        "auto",
        "True",
    ]


# ---- the plan ----------------------------------------------------------------------------------------------------


def test_points_of_a_grid():
    points = plan_sweep(make_experiment("chain"), parse_axes([CLOCKS, "recipe.neurons_per_core=5,10"]), "static")
    assert [point.values for point in points] == [(100e6, 5), (100e6, 10), (200e6, 5), (200e6, 10)]
    assert points[3].experiment.machine.settings == {"core.clock_hz": 200e6}
    assert points[3].experiment.recipe.neurons_per_core == 10
    assert [point.group == points[0].group for point in points] == [True, False, True, False]
    full = plan_sweep(make_experiment("chain"), parse_axes([CLOCKS, "seed=1,2"]), "cores")
    assert [point.group == full[0].group for point in full] == [True, False, True, False]


@pytest.mark.parametrize(
    ("vary", "error", "message"),
    [
        (["machine.core.clok_hz=1e6"], ParameterError, r"setting of machine\.core at the settings: needs one of .*"),
        (["recipe.name=combined,xx"], UnknownNameError, r"recipe\.name at the settings: needs one of .*, has 'xx'"),
        (["seed=1,-2"], ParameterError, r"seed at the settings: needs a whole number from 0 to [\d,]+, has -2"),
        (["seed=1,two"], ParameterError, r"seed at the settings: needs .*, has 'two'"),
        (["network.delay_ms=1,0.05"], ParameterError, r"network\.delay_ms: needs a multiple of .*"),
    ],
)
def test_paths_and_values_are_checked_before_anything_runs(monkeypatch, tmp_path, vary, error, message):
    monkeypatch.setattr(sweep, "run_tasks", lambda *arguments: pytest.fail("something ran"))
    with pytest.raises(error, match=f"^{message}"):
        nm.sweep("chain", vary, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_depth_and_jobs_are_checked():
    with pytest.raises(UnknownNameError, match=r"^depth: needs one of cores, static, has 'deep'"):
        nm.sweep("chain", ["seed=1"], depth="deep")
    with pytest.raises(ParameterError, match=r"^jobs: needs a whole number from 1 to 1,024 processes, has 0$"):
        nm.sweep("chain", ["seed=1"], jobs=0)


# ---- points ------------------------------------------------------------------------------------------------------


def test_points_are_those_of_single_runs():
    result = nm.sweep("chain", [CLOCKS, "recipe.neurons_per_core=5,10"], jobs=1)
    assert result.is_complete
    assert result.name == "chain on spinnaker1"
    for row in result.rows:
        settings = {axis.path: row[axis.path] for axis in result.axes}
        report = run("chain", depth="static", settings=settings).report
        assert list(row) == ["point", *settings, *COLUMNS]
        assert row["core_load_ratio"] == report.max_core_load_ratio
        assert (row["n_cores"], row["power_w"]) == (report.n_cores, report.power_w)
        assert row["dtcm_ratio"] == report.max_dtcm_bytes / report.dtcm_bytes
    loads = {
        (row["machine.core.clock_hz"], row["recipe.neurons_per_core"]): row["core_load_ratio"] for row in result.rows
    }
    assert loads[100e6, 5] > loads[200e6, 5] > 0


def test_parts_of_the_busiest_core_add_up_to_its_load():
    vary = ["recipe.name=ensemble,combined", "recipe.neurons_per_core=32,64"]
    for row in nm.sweep("brunel", vary, scale=0.1, jobs=1).rows:
        assert sum(row[name] for name in PARTS) == pytest.approx(row["core_load_ratio"])
    assert (row["busiest_core"], row["hand_over_ratio"]) == ("combined", 0)
    cost = load_machine("spinnaker1").cost
    update_cycles = 64 * (cost.neuron_update_cycles + cost.ring_buffer_drain_cycles_per_neuron)
    assert row["update_ratio"] == pytest.approx(update_cycles / 20_000)
    assert row["other_ratio"] == pytest.approx(cost.timer_cycles / 20_000, rel=0.2)  # and spikes sent


def test_neuro_cores_have_parts_too():
    (row,) = nm.sweep("pd14", ["seed=1"], scale=0.01, machine="loihi1", jobs=1).rows
    assert sum(row[name] for name in PARTS) == pytest.approx(row["core_load_ratio"])
    assert row["other_ratio"] > row["update_ratio"] > 0  # the barrier


def test_full_points_are_those_of_single_runs():
    result = nm.sweep("chain", [CLOCKS], depth="cores", jobs=1, **SHORT)
    for row in result.rows:
        settings = {"machine.core.clock_hz": row["machine.core.clock_hz"], **SHORT["settings"]}
        report = run("chain", seconds=0.02, settings=settings).report
        assert row["real_time_factor"] == report.timing.real_time_factor
        core = report.timing.limiting_core
        assert row["core_load_ratio"] == core.used_cycles / core.budget_cycles
        assert (row["n_overruns"], row["power_w"]) == (report.timing.n_overruns, report.energy.power_w)
        assert row["mean_rate_hz"] == pytest.approx(np.mean(list(report.activity.rate_hz.values())))


def test_what_does_not_fit_is_a_result():
    result = nm.sweep("chain", [SIZES], jobs=1, scale=None)
    *fitting, too_large = result.rows
    assert [row["status"] for row in fitting] == ["ok", "ok"]
    assert too_large["status"] == "does not fit"
    assert too_large["message"].startswith("neurons of a core at every core of spinnaker1: needs 100,000 neurons, has")
    assert too_large["n_cores"] is None


def test_what_fails_is_a_result(monkeypatch):
    def fail(*arguments, **options):
        raise NeuromapError("no luck")

    monkeypatch.setattr("neuromap.runs.map.map_prepared", fail)
    row = PointRunner().run(make_experiment("chain"), "static")
    assert (row["status"], row["message"]) == ("failed", "no luck")


def test_mappings_and_spikes_are_shared(counted):
    nm.sweep("chain", [CLOCKS, "recipe.neurons_per_core=5,10", "machine.power.core_active_w=0.1,0.2"], jobs=1)
    assert counted == {"mappings": 2, "simulations": 0}
    nm.sweep("chain", [CLOCKS, "seed=1,2", "recipe.neurons_per_core=5,10"], depth="cores", jobs=1, **SHORT)
    assert counted == {"mappings": 2 + 4, "simulations": 2}


def test_automatic_sizes_depend_on_the_clock(counted):
    nm.sweep("chain", [CLOCKS], jobs=1, neurons_per_core="auto")
    assert counted["mappings"] == 2


class Unreadable:
    """Stands in for a section of a machine that must not be read."""

    def __getattr__(self, name):
        raise AssertionError(f"{name} was read")


@pytest.mark.parametrize("place", [name for name in PLACERS if name != "annealing"])  # the slowest; two like it stay
def test_no_stage_reads_what_mappings_are_shared_over(place):
    network, machine = NETWORKS["chain"](), load_machine("spinnaker1")
    sections = {name: Unreadable() for name in UNMAPPED_SECTIONS - {"constants", "name", "description"}}
    blind = replace(machine, cost=Unreadable(), **sections)
    for route in ROUTERS:
        wanted = map_network(network, machine, Recipe(place=place, route=route))
        other = map_network(network, blind, Recipe(place=place, route=route))
        assert (other.tables.key == wanted.tables.key).all()
        assert (other.placement.core == wanted.placement.core).all()


def test_keys_of_what_is_shared():
    base = make_experiment("chain")
    machine = load_machine("spinnaker1")
    faster = load_machine("spinnaker1", {"core.clock_hz": 300e6})
    smaller = load_machine("spinnaker1", {"core.dtcm_bytes": 60000})
    assert mapping_key(base, machine) == mapping_key(base, faster)
    assert mapping_key(base, machine) != mapping_key(base, smaller)
    automatic = make_experiment("chain", neurons_per_core="auto")
    assert mapping_key(automatic, machine) != mapping_key(automatic, faster)
    dealt = make_experiment("chain", recipe="spread")  # cores are dealt to populations by their work
    dearer = load_machine("spinnaker1", {"cost.synapse_cycles": 99.0})
    assert mapping_key(base, machine) == mapping_key(base, dearer)
    assert mapping_key(dealt, machine) != mapping_key(dealt, dearer)
    assert simulation_key(base) == simulation_key(make_experiment("chain", recipe="combined", threads=1))
    assert simulation_key(base) != simulation_key(make_experiment("chain", arithmetic="float"))


# ---- the folder --------------------------------------------------------------------------------------------------


def test_files_of_a_sweep(tmp_path):
    result = nm.sweep("chain", [CLOCKS, SIZES], jobs=1, out=tmp_path / "out")
    folder = result.out
    assert sorted(path.name for path in folder.iterdir()) == [
        "points.jsonl",
        "sweep-core-clock_hz--recipe-neurons_per_core.png",
        "sweep-core-clock_hz.png",
        "sweep-recipe-neurons_per_core.png",
        "sweep.json",
        "table.csv",
    ]
    assert sorted(lines_of(folder), key=lambda row: row["point"]) == list(result.rows)
    table = table_of(folder)
    assert [row["point"] for row in table] == ["0", "1", "2", "3", "4", "5"]
    for text, row in zip(table, result.rows, strict=True):
        assert float(text["machine.core.clock_hz"]) == row["machine.core.clock_hz"]
        assert (text["power_w"] == "") == (row["power_w"] is None)
        assert row["power_w"] is None or float(text["power_w"]) == row["power_w"]


def test_a_sweep_that_was_cut_anywhere_goes_on(tmp_path, monkeypatch):
    arguments = ("chain", [CLOCKS, SIZES])
    whole = nm.sweep(*arguments, jobs=1, out=tmp_path / "whole", figures=False)
    content = (whole.out / "points.jsonl").read_bytes()
    table = (whole.out / "table.csv").read_bytes()
    ran = []
    original = PointRunner.run
    monkeypatch.setattr(PointRunner, "run", lambda self, *given: ran.append(given) or original(self, *given))
    folder = tmp_path / "cut"
    for n_bytes in (0, 1, 150, len(content) // 2, len(content) - 1, len(content)):
        ran.clear()
        nm.sweep(*arguments, jobs=1, out=folder, overwrite=True, figures=False)
        assert len(ran) == 6
        ran.clear()
        (folder / "points.jsonl").write_bytes(content[:n_bytes])
        (folder / "table.csv").unlink()
        result = nm.sweep(*arguments, jobs=1, out=folder, figures=False)
        n_kept = content[:n_bytes].count(b"\n")
        assert (result.n_reused, len(ran)) == (n_kept, 6 - n_kept)
        assert (folder / "table.csv").read_bytes() == table
        assert len(lines_of(folder)) == 6


def test_a_plan_that_was_cut_goes_on(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / ".neuromap-0123.tmp").write_text("{")  # a process was killed as it wrote the plan
    (folder / ".neuromap.lock").write_text("")
    assert nm.sweep("chain", [CLOCKS], jobs=1, out=folder, figures=False).is_complete
    assert sorted(path.name for path in folder.iterdir()) == ["points.jsonl", "sweep.json", "table.csv"]


def test_a_point_that_does_not_fit_on_the_disk_leaves_no_part_of_its_line(tmp_path, monkeypatch):
    path = tmp_path / "points.jsonl"
    with opened_points(path) as file:
        append_point(file, {"point": 0})

        def full(descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(FileWriteError, match=r"^file .*points\.jsonl: needs to be written, has 'No space left on"):
            append_point(file, {"point": 1})
        monkeypatch.undo()
        append_point(file, {"point": 2})
    assert path.read_bytes() == b'{"point": 0}\n{"point": 2}\n'


def test_points_are_kept_when_interrupted(tmp_path, monkeypatch):
    original = PointRunner.run
    n_run = iter(range(10))

    def run_two(self, *given):
        if next(n_run) == 2:
            raise KeyboardInterrupt
        return original(self, *given)

    monkeypatch.setattr(PointRunner, "run", run_two)
    with pytest.raises(KeyboardInterrupt):
        nm.sweep("chain", [CLOCKS, SIZES], jobs=1, out=tmp_path / "out")
    assert len(lines_of(tmp_path / "out")) == 2
    assert nm.sweep("chain", [CLOCKS, SIZES], jobs=1, out=tmp_path / "out").n_reused == 2


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"vary": ["seed=1,3"]}, "vary and fingerprint"),
        ({"depth": "cores"}, "depth and fingerprint"),
        ({"drive": None, "time_scale_factor": 2.0}, "experiment"),
        ({"settings": {"machine.core.clock_hz": 1e8}}, "experiment and fingerprint"),
    ],
    ids=["axes", "depth", "experiment", "machine"],
)
def test_another_sweep_does_not_go_on(tmp_path, change, what):
    arguments = {"vary": ["seed=1,2"], "jobs": 1, "out": tmp_path / "out", "figures": False}
    nm.sweep("chain", **arguments)
    message = (
        rf"^sweep in .*out: needs the sweep that was begun there, another out, or overwrite=True to begin anew, "
        rf"has 'another {what}'$"
    )
    with pytest.raises(ParameterError, match=message):
        nm.sweep("chain", **arguments | change)
    assert nm.sweep("chain", **arguments | change, overwrite=True).n_reused == 0


def test_folder_of_something_else(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "photo.png").write_text("mine")
    with pytest.raises(ParameterError, match=r"^output folder \(out\): needs a new or empty folder, or overwrite=True"):
        nm.sweep("chain", ["seed=1"], out=tmp_path)
    nm.sweep("chain", ["seed=1"], out=tmp_path, overwrite=True, jobs=1)
    assert (tmp_path / "mine.txt").read_text() == (tmp_path / "photo.png").read_text() == "mine"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("core_load_ratio", "much"),
        ("core_load_ratio", True),
        ("n_cores", [1]),
        ("power_w", 10**400),
        ("power_w", float("nan")),
        ("status", "fine"),
        ("message", 3),
        ("binds", {}),
        ("busiest_core", 1.0),
    ],
)
def test_point_whose_values_are_of_another_kind(tmp_path, column, value):
    nm.sweep("chain", ["seed=1,2"], jobs=1, out=tmp_path / "out", figures=False)
    path = tmp_path / "out" / "points.jsonl"
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{json.dumps(json.loads(second) | {column: value})}\n")
    with pytest.raises(
        ParameterError, match=r"^line 2 of .*points\.jsonl: needs a point of this sweep, or overwrite=True"
    ):
        nm.sweep("chain", ["seed=1,2"], jobs=1, out=tmp_path / "out", figures=False)


@pytest.mark.parametrize("line", ["{}", "nonsense", '{"point": 7}', '{"point": 0, "seed": 2}', "[" * 50_000])
def test_line_that_is_no_point(tmp_path, line):
    nm.sweep("chain", ["seed=1,2"], jobs=1, out=tmp_path / "out", figures=False)
    (tmp_path / "out" / "points.jsonl").write_text(f"{line}\n")
    with pytest.raises(
        ParameterError, match=r"^line 1 of .*points\.jsonl: needs a point of this sweep, or overwrite=True"
    ):
        nm.sweep("chain", ["seed=1,2"], jobs=1, out=tmp_path / "out")


def test_plan_that_cannot_be_read(tmp_path):
    (tmp_path / "sweep.json").write_text("{")
    with pytest.raises(ParameterError, match=r"^file .*sweep\.json.*: needs the plan of a sweep, or overwrite=True, "):
        nm.sweep("chain", ["seed=1,2"], out=tmp_path)


# ---- processes ---------------------------------------------------------------------------------------------------


def test_a_worker_takes_what_it_can_share():
    waiting = [Task(index, None, group) for index, group in enumerate("aabbc")]
    assert next_task(waiting, "b", {"a", "b"}) == 2
    assert next_task(waiting, None, {"a"}) == 2
    assert next_task(waiting, "x", {"a", "b"}) == 4
    assert next_task(waiting, "x", {"a", "b", "c"}) == 0


def test_processes_give_the_same_rows():
    alone = nm.sweep("chain", [CLOCKS, SIZES], jobs=1)
    together = nm.sweep("chain", [CLOCKS, SIZES], jobs=2)
    assert together.rows == alone.rows
    assert multiprocessing.active_children() == []
    assert "NUMBA_NUM_THREADS" not in os.environ


@pytest.mark.parametrize(("folder", "kept"), [(None, ""), (Path("o"), "the finished points are kept in o; ")])
def test_process_that_is_killed_is_reported(folder, kept):
    tasks = [Task(index, make_experiment("chain", seed=index), str(index)) for index in range(40)]
    rows = run_tasks(tasks, "static", 2, folder)
    next(rows)
    for child in multiprocessing.active_children():
        os.kill(child.pid, signal.SIGKILL)
    message = rf"^process of point \d+: needs to finish, was ended with exit code -9; {kept}run the sweep again, with "
    with pytest.raises(NeuromapError, match=message):
        list(rows)
    assert multiprocessing.active_children() == []


def test_the_error_of_a_killed_process_names_the_folder_of_the_sweep(tmp_path, monkeypatch):
    asked = []

    def no_rows(tasks, depth, n_jobs, folder):
        asked.append(folder)
        return iter(())

    monkeypatch.setattr(sweep, "run_tasks", no_rows)
    for out in (None, tmp_path / "out"):
        with contextlib.suppress(KeyError):  # of the rows that are missing
            nm.sweep("chain", ["seed=1,2"], out=out)
    assert asked == [None, tmp_path / "out"]


class OneQuestion:
    """A worker's end of a pipe: one experiment, then the parent is gone."""

    def __init__(self, question):
        self.questions, self.answers = [question], []

    def recv(self):
        if not self.questions:
            raise EOFError
        return self.questions.pop()

    def send(self, answer):
        self.answers.append(answer)


def test_worker_sends_errors_and_ends_with_its_parent(monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *arguments: None)
    monkeypatch.setattr(PointRunner, "run", lambda self, experiment, depth: 1 / 0)
    pipe = OneQuestion((make_experiment("chain"), "static"))
    sweep_pool._work(pipe)
    (error,) = pipe.answers
    assert isinstance(error, ZeroDivisionError)
    worker = sweep_pool._Worker(None, OneQuestion(error), Task(0, None, ""))
    with pytest.raises(ZeroDivisionError, match=r"^division by zero$"):
        sweep_pool._answer(worker)


def test_error_that_cannot_be_sent():
    class LocalError(Exception):
        pass

    error = sweep_pool._portable(LocalError("here"))
    assert (type(error), str(error)) == (RuntimeError, "LocalError: here")
    assert type(sweep_pool._portable(ValueError("x"))) is ValueError


# ---- figures and command line ------------------------------------------------------------------------------------


def test_figures_show_the_first_values_of_the_others(tmp_path):
    result = nm.sweep("chain", [CLOCKS, SIZES, "machine.power.core_active_w=0.1,0.2"], jobs=1)
    clock, size, power = result.axes
    figure = draw_lines(result, clock)
    assert figure.get_suptitle() == (
        "chain on spinnaker1: expected loads, recipe.neurons_per_core = 5, machine.power.core_active_w = 0.1"
    )
    cycles = next(line for line in figure.axes[0].lines if line.get_label() == "cycles")
    wanted = [result.rows[index]["core_load_ratio"] * 100 for index in (0, 6)]
    assert cycles.get_ydata().tolist() == wanted
    grid = draw_maps(result, clock, size).axes[1].images[0].get_array()
    assert grid.shape == (2, 3)
    assert grid[1, 1] == result.rows[8]["n_cores"]
    assert {text.get_text() for text in draw_maps(result, size, power).axes[1].texts} >= {"does\nnot fit"}
    assert [path.name for path in write_figures(result, tmp_path)][-1] == (
        "sweep-recipe-neurons_per_core--power-core_active_w.png"
    )


def test_figures_of_names_and_of_nothing_that_fits():
    result = nm.sweep("chain", ["recipe.name=combined,ensemble"], jobs=1)
    assert [tick.get_text() for tick in draw_lines(result, result.axes[0]).axes[1].get_xticklabels()] == [
        "combined",
        "ensemble",
    ]
    nothing = nm.sweep("chain", ["recipe.neurons_per_core=100000,200000", "seed=1,2"], jobs=1)
    assert draw_lines(nothing, nothing.axes[0]).axes[2].texts[0].get_text() == "not known"
    assert [text.get_text() for text in draw_maps(nothing, *nothing.axes).axes[2].texts] == ["not known"]


def test_command_prints_the_table(tmp_path, capsys):
    arguments = ["sweep", "chain", "--vary", CLOCKS, "--vary", SIZES, "--jobs", "1", "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split()[:5] == ["clock_hz", "neurons_per_core", "cores", "boards", "core"]
    assert out[1].split()[:3] == ["100e6", "5", "ok"]
    assert out[3].split()[:6] == ["100e6", "100000", "does", "not", "fit", "-"]
    assert out[-1] == f"6 points; results in {tmp_path / 'out'}"
    assert main([*arguments, "--no-figures"]) == 0
    assert (
        capsys.readouterr().out.splitlines()[-1]
        == f"6 points, 6 of them from an earlier run; results in {tmp_path / 'out'}"
    )


def test_command_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        options["out"].mkdir()
        (options["out"] / "points.jsonl").write_text("{}\n")
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "sweep", interrupted)
    out = tmp_path / "out"
    assert main(["sweep", "chain", "--vary", CLOCKS, "--out", str(out)]) == 130
    assert capsys.readouterr().err == (
        "neuromap: error: interrupted before the end; "
        f"kept 1 finished point in {out}; the same command with --out {out} continues\n"
    )


def test_command_refuses_in_one_line(capsys):
    assert main(["sweep", "chain"]) == 2
    assert capsys.readouterr().err.startswith("neuromap: error: --vary: needs path=value,value,...")


# ---- the public function -------------------------------------------------------------------------------------------


def test_python_gives_axes_as_a_mapping():
    result = nm.sweep("chain", vary={"recipe.neurons_per_core": [5, 10], "seed": [1]}, jobs=1)
    assert [row["recipe.neurons_per_core"] for row in result.rows] == [5, 10]
    assert result.is_complete
    page = result._repr_html_()
    assert page.count("<tr>") == 1 + 2
    assert "recipe.neurons_per_core" in page


def test_network_object_gives_what_its_name_gives():
    network = nm.build_network(nm.NetworkChoice(name="chain"))
    vary = {"recipe.neurons_per_core": [5, 10]}
    assert nm.sweep(network, vary=vary, jobs=1).rows == nm.sweep("chain", vary=vary, jobs=1).rows


def test_network_object_goes_to_other_processes():
    network = nm.build_network(nm.NetworkChoice(name="chain"))
    vary = {"recipe.neurons_per_core": [5, 10]}
    assert nm.sweep(network, vary=vary, jobs=2).rows == nm.sweep(network, vary=vary, jobs=1).rows


def test_axis_of_a_network_object_is_refused():
    network = nm.build_network(nm.NetworkChoice(name="chain"))
    with pytest.raises(ParameterError, match=r"network\.n_populations.*a Network object is run as it is"):
        nm.sweep(network, vary={"network.n_populations": [5, 10]}, jobs=1)


def test_a_misspelt_option_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"^option of sweep: needs .*, has 'seeds'; did you mean 'seed'\?$"):
        nm.sweep("chain", vary=["seed=1"], seeds=1)
    assert {"vary", "jobs", "scale", "out"} <= set(inspect.signature(nm.sweep).parameters)
    assert "ring_buffer_sigma" in nm.sweep.__doc__


def test_figures_are_public(tmp_path):
    result = nm.sweep("chain", vary=[CLOCKS, SIZES], jobs=1)
    first, second = (axis.path for axis in result.axes)
    lines = nm.sweep_lines(result, first, tmp_path / "lines.png")
    assert lines.get_supxlabel() == first
    assert (tmp_path / "lines.png").read_bytes().startswith(b"\x89PNG")
    maps = nm.sweep_maps(result, first, second)
    assert (maps.get_supxlabel(), maps.get_supylabel()) == (second, first)
    with pytest.raises(UnknownNameError, match=r"^axis of the sweep: needs one of .*, has 'seed'"):
        nm.sweep_lines(result, "seed")


def test_a_script_without_guard_is_told_what_to_add(tmp_path):
    script = tmp_path / "study.py"
    script.write_text(
        "import neuromap\nneuromap.sweep('chain', vary={'network.n_populations': [2, 3]}, depth='static', jobs=2)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "below `if __name__ == '__main__':`, or with jobs=1" in done.stderr
