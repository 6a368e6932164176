"""The page of design questions: its commands are those of its figures, run at a small scale; numbers that are cheap."""

import importlib.util
import re
from pathlib import Path

import pytest

import neuromap as nm
from models.files.config_file import parse_value

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")


def load_script():
    spec = importlib.util.spec_from_file_location("plot_questions", ROOT / "docs" / "gallery" / "plot_questions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()


def commands():
    """Commands of the page by their --out."""
    text = "\n".join(re.findall(r"```\n(.*?)```", PAGE, flags=re.DOTALL)).replace("\\\n", " ")
    found = [" ".join(line.split()) for line in text.splitlines() if line.startswith("neuromap ")]
    return dict(reversed(command.removeprefix("neuromap sweep ").rsplit(" --out ", 1)) for command in found)


def ends(values):
    """First and last of an axis, lists in brackets whole."""
    parts = re.findall(r"\[[^\]]*\]|[^,]+", values)
    return ",".join(dict.fromkeys((parts[0], parts[-1])))


def small(name):
    """Return a sweep at a fiftieth of the size, of the corners of its grid, as (network, axes, options)."""
    words = SCRIPT.SWEEPS[name].split()
    axes = dict(words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "--vary")
    given = {words[i]: words[i + 1] for i in range(1, len(words), 2) if words[i] not in ("--vary", "--set")}
    settings = dict(words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "--set")
    scale = 0.02
    if "network.scale" in axes:
        axes["network.scale"], scale = "0.01,0.1", None
    if "network.n_scale" in axes:
        axes["network.n_scale"], settings["network.k_scale"] = "0.02,0.2", 0.02
    if words[0] == "brunel":
        settings["network.in_degree_exc"] = 100
    if "machine.topology.shape" in axes:
        axes["machine.topology.shape"] = "[5,7]"
    options = {"scale": scale, "settings": {path: parse_value(str(value)) for path, value in settings.items()}}
    options |= {key: given[f"--{key}"] for key in ("machine", "recipe", "depth") if f"--{key}" in given}
    if options.get("depth") == "cores":
        options |= {"seconds": 0.01}
        options["settings"] |= {"warmup_ms": 0}
    return words[0], [f"{path}={ends(values)}" for path, values in axes.items()], options


@pytest.fixture(scope="module")
def rows_of():
    known = {}

    def run(name):
        if name not in known:
            network, axes, options = small(name)
            known[name] = nm.sweep(network, axes, jobs=1, **options).rows
        return known[name]

    return run


def test_commands_are_those_of_the_script():
    assert {name: " ".join(text.split()) for name, text in SCRIPT.SWEEPS.items()} == commands()


@pytest.mark.parametrize("name", SCRIPT.SWEEPS)
def test_every_sweep_runs(rows_of, name):
    rows = rows_of(name)
    assert {row["status"] for row in rows} <= {"ok", "does not fit"}
    assert rows[0]["status"] == "ok"


def test_neurons_are_what_grows_with_the_size_of_a_slice_and_packets_are_not(rows_of):
    rows = {(row["recipe.name"], row["recipe.neurons_per_core"]): row for row in rows_of("bind1")}
    assert {row["status"] for (_, n), row in rows.items() if n == 256} == {"does not fit"}
    assert "ring-buffer index" in rows["combined", 256]["message"]
    result = nm.sweep("pd14", {"recipe.neurons_per_core": [16, 64]}, scale=0.02, recipe="combined", jobs=1)
    few, many = result.rows
    assert many["update_ratio"] == pytest.approx(4 * few["update_ratio"])
    assert many["packets_ratio"] < 1.1 * few["packets_ratio"]


def test_links_and_dma_latency_change_nothing(rows_of):
    rows = rows_of("twice-spinnaker1")
    assert len(rows) == 16
    for base, *others, last in (rows[:8], rows[8:]):
        assert [row["core_load_ratio"] for row in others[:3]] == [base["core_load_ratio"]] * 3
        assert last["core_load_ratio"] < base["core_load_ratio"]
    assert last["core_load_ratio"] == pytest.approx(base["core_load_ratio"] / 2)  # combined


def test_packets_are_what_grows_with_the_network(rows_of):
    first, last = rows_of("large-combined")
    assert last["packets_ratio"] == pytest.approx(10 * first["packets_ratio"], rel=0.05)
    assert last["events_ratio"] == pytest.approx(first["events_ratio"], rel=0.05)
    assert last["update_ratio"] == first["update_ratio"]


@pytest.mark.parametrize("name", ["twice-neuroaix", "twice-loihi1"])
def test_steps_of_the_table_are_todays(tmp_path, name):
    changes = SCRIPT.single_changes(SCRIPT.run_sweep(tmp_path, name))
    title = {"twice-neuroaix": "neuroAIx, 35 nodes", "twice-loihi1": "Loihi 1, PD14 at 0.05"}[name]
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {title} |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    head = next(line for line in PAGE.splitlines() if line.startswith("| step of PD14's"))
    heads = [cell.strip() for cell in head.strip("|").split("|")]
    found = dict(zip(heads[1:], cells[1:], strict=True))
    named = [part.rpartition(" ")[::2] for key in ("memory", "other") for part in found[key].split("; ") if part]
    wanted = {change: us for change, us in named if change in changes}
    wanted |= {change: found[change] for change in ("as it is", "clock x 2", "links x 2", "all")}
    assert wanted == {change: f"{100 * ratio:.2f}" for change, ratio in changes.items()}


def test_rows_of_the_first_table_are_todays():
    result = nm.sweep("pd14", {"recipe.neurons_per_core": [96, 128]}, recipe="combined", jobs=1)
    for row in result.rows:
        ratios = (row[name] for name in ("core_load_ratio", "dtcm_ratio", "sdram_ratio"))
        cells = ["combined", row["recipe.neurons_per_core"], f"{row['n_cores']:,}", row["n_chips"]]
        cells += [f"{100 * ratio:.0f} %" for ratio in ratios]
        assert "| " + " | ".join(map(str, cells)) + " |" in PAGE.replace("SpiNNaker 2", "")


def test_changes_are_told_apart():
    rows = [
        {
            "point": "0",
            "machine.core.clock_hz": "1",
            "machine.pipeline.transceiver_ns": t,
            "status": "ok",
            "core_load_ratio": "2",
            "real_time_factor": factor,
        }
        for t, factor in (("600", "0.5"), ("300", "0.4"))
    ]
    rows += [{**row, "machine.core.clock_hz": "2", "real_time_factor": "1.0", "core_load_ratio": "0.3"} for row in rows]
    assert SCRIPT.single_changes(rows) == {"as it is": 0.5, "transceiver / 2": 0.4, "clock x 2": 0.3, "all": 0.3}
    assert SCRIPT.is_pipeline(rows[0])
    assert not SCRIPT.is_pipeline(rows[3])
