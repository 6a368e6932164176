"""The documents name what exists: links, options, networks, errors, fields; their YAML and Python works."""

import dataclasses
import inspect
import re
from pathlib import Path
from signal import SIGHUP, SIGTERM
from typing import get_args, get_type_hints

import pytest

import models.errors
import neuromap
from models.machine import CoreSpec, Machine, Status, TopologyKind
from models.machine.file import list_machines, load_machine
from models.networks import NETWORKS
from models.topology import build_topology
from neuromap.cli.exit_codes import EXIT_INTERRUPTED, EXIT_SYSTEM, EXIT_WRONG_INPUT
from neuromap.cli.options import Options
from neuromap.experiment.check import check_experiment
from neuromap.experiment.load import load_experiment
from neuromap.measures.arrays import RunArrays
from neuromap.measures.results import Report

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name, language):
    return re.findall(rf"```{language}\n(.*?)```", text_of(name), flags=re.DOTALL)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http:", "https:"))]
    assert [link for link in local if not (path.parent / link).exists()] == []


def anchors_of(path):
    """Headings as GitHub turns them into anchors, and the ids that the page sets itself."""
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return {*slugs, *re.findall(r'<a id="([^"]+)">', text)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_anchors_of_links_are_there(path):
    links = re.findall(r"\]\(([^):]*)#([^)]+)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if link[1] not in anchors_of(path.parent / link[0] if link[0] else path)] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_named_in_a_document_exist(path):
    if path.name == "CHANGELOG.md":
        return  # it names files as they were
    top = "models|mapping|emulator|neuromap|tests|docs|benchmarks|scripts"
    named = re.findall(rf"(?:`|python )((?:{top})/[\w./*-]+)", path.read_text(encoding="utf-8"))
    assert [name for name in named if not list(ROOT.glob(name.replace("NAME", "*")))] == []


def test_terms_of_the_glossary_are_in_order():
    terms = re.findall(r'^- <a id="[^"]+"></a>\*\*([^*]+)\*\*:', text_of("docs/glossary.md"), flags=re.MULTILINE)
    assert len(terms) > 30
    assert terms == sorted(set(terms), key=str.lower)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_has_one_title_and_no_long_lines(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert [line for line in lines if len(line) > 140 and not line.startswith("|")] == []


@pytest.mark.parametrize("field", dataclasses.fields(Options), ids=lambda field: field.name)
def test_every_option_is_documented(field):
    option = {"settings": "set"}.get(field.name, field.name.replace("_", "-"))
    assert f"| `--{option}" in text_of("docs/cli.md")


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_documented_with_its_parameters(name):
    parameters = ", ".join(inspect.signature(NETWORKS[name]).parameters)
    row = next(line for line in text_of("docs/cli.md").splitlines() if line.startswith(f"| `{name}` |"))
    assert f"`{parameters}`" in row


def test_every_error_is_documented_with_its_attributes():
    text = text_of("docs/errors.md")
    errors = inspect.getmembers(models.errors, lambda kind: inspect.isclass(kind) and issubclass(kind, Exception))
    for name, kind in errors:
        assert f"`{name}`" in text
        row = next((line for line in text.splitlines() if line.startswith(f"| `{name}`")), None)
        if row is not None:
            documented = row.split("|")[3].strip(" `").split(", ")
            assert set(documented) <= set(inspect.signature(kind).parameters) | {"known"}


def test_exit_codes_are_documented():
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", text_of("docs/errors.md"), flags=re.MULTILINE)]
    assert codes == [0, EXIT_SYSTEM, EXIT_WRONG_INPUT, 128 + SIGHUP, EXIT_INTERRUPTED, 128 + SIGTERM]


def test_every_section_and_status_of_a_machine_is_documented():
    text = text_of("docs/machines.md")
    sections = [field.name for field in dataclasses.fields(Machine) if field.name != "constants"]
    assert [name for name in sections if f"`{name}`" not in text] == []
    assert [status for status in get_args(Status) if f"| `{status}` |" not in text] == []


def test_machine_file_of_the_documents_loads(tmp_path):
    path = tmp_path / "machine.yaml"
    path.write_text(blocks("docs/machines.md", "yaml")[0], encoding="utf-8")
    machine = load_machine(path)
    assert machine.core.clock_hz == 250e6
    assert "core.clock_hz" in machine.unverified
    assert machine.router == load_machine("spinnaker1").router


@pytest.mark.parametrize(("name", "n_chips", "n_dead_links"), [("cube", 512, 1), ("star", 5, 0)])
def test_shapes_of_the_documents_are_built(tmp_path, name, n_chips, n_dead_links):
    text = next(block for block in blocks("docs/machines.md", "yaml") if f"name: {name}\n" in block)
    path = tmp_path / "machine.yaml"
    path.write_text(text, encoding="utf-8")
    topology = build_topology(load_machine(path))
    assert (topology.n_chips, topology.n_dead_links) == (n_chips, n_dead_links)


def test_every_machine_shape_and_limit_is_documented():
    text = text_of("docs/machines.md")
    names = [*list_machines(), *get_args(TopologyKind)]
    names += [field.name for field in dataclasses.fields(CoreSpec) if field.default is None]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_experiment_file_of_the_documents_is_right(tmp_path):
    path = tmp_path / "experiment.yaml"
    path.write_text(blocks("docs/cli.md", "yaml")[0], encoding="utf-8")
    network, machine = check_experiment(load_experiment(path))
    assert (network.name, network.scale, machine.core.clock_hz) == ("pd14", 0.1, 150e6)


def test_python_of_the_readme_runs(capsys):
    first, second = blocks("README.md", "python")
    exec(compile(first, "README.md", "exec"), {})
    summary, factor_and_rate, n_cores = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"pd14 on spinnaker1 \(ensemble, \d+ cores on 1 board\) fits, .*\.", summary)
    assert re.fullmatch(r"1\.0 [678]\.\d+", factor_and_rate)
    assert n_cores == "967 cores"
    names = {}
    exec(compile(second, "README.md", "exec"), names)
    assert names["network"].expected_n_synapses() == 10_000
    n_spikes, n_cores = capsys.readouterr().out.splitlines()
    assert int(n_spikes.split()[0]) > 300
    assert n_cores == "4 cores, 0 broken invariants"


def test_figures_of_the_documents_are_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (snippet,) = blocks("docs/cli.md", "python")
    exec(compile(snippet, "cli.md", "exec"), {})
    assert re.fullmatch(r"\d+ panels\n", capsys.readouterr().out)
    assert {path.name for path in tmp_path.iterdir()} == {"raster.png", "sizes.svg"}


def test_every_figure_function_is_documented():
    figures = [
        name
        for name, module in neuromap._EXPORTS.items()
        if module in ("neuromap.report.figures", "neuromap.studies.figures")
    ]
    assert len(figures) >= 30
    text = text_of("docs/cli.md")
    assert [name for name in figures if not re.search(rf"`{name}[`(]", text)] == []


def test_every_field_of_the_report_and_every_array_is_documented():
    text = text_of("docs/report.md")
    hints = get_type_hints(Report)
    sections = [kind for kind in hints.values() if dataclasses.is_dataclass(kind)]
    assert len(sections) >= 10
    named = [field.name for kind in (Report, RunArrays, *sections) for field in dataclasses.fields(kind)]
    spikes = ["spike_step", "spike_neuron"]  # "step" and "neuron" of spikes.npz
    assert [name for name in named if name not in spikes and not re.search(rf"[`, |*]{name}[`,*.]", text)] == []
