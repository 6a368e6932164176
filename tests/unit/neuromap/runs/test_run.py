"""One function runs every depth; its options are visible, typed and checked by name; everything is built once."""

import inspect

import pytest

import neuromap as nm
from models.errors import ParameterError, UnknownNameError
from neuromap.experiment.options import OPTIONS_OF_DEPTH, RunOptions, options_of

TINY = {"recipe": "combined", "settings": {"network.n_neurons": 4}}
SHORT = {"static": {}, "dynamic": {"seconds": 0.01}, "cores": {"seconds": 0.01}, "full": {"seconds": 0.01}}
RESULTS = {"static": "StaticResult", "dynamic": "DynamicResult", "cores": "Result", "full": "FullResult"}


@pytest.mark.parametrize("depth", OPTIONS_OF_DEPTH)
def test_every_depth_returns_its_result_with_report_and_mapping(depth):
    result = nm.run("chain", depth=depth, **TINY, **SHORT[depth])
    assert type(result) is getattr(nm, RESULTS[depth])
    assert result.mapping.network_name == "chain"
    assert result.report.to_dict if depth in ("cores", "full") else result.report.network == "chain"


def test_help_shows_every_option_and_no_catch_all():
    parameters = inspect.signature(nm.run).parameters
    assert set(parameters) == {"network", "depth", "mapping", "simulation", *options_of(RunOptions)}
    for function in (nm.run, nm.map_network):
        kinds = {one.kind for one in inspect.signature(function).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds
    lines = inspect.getdoc(nm.run).splitlines()
    for name in parameters:
        assert lines[lines.index(name) + 1].startswith("    "), name


@pytest.mark.parametrize("function", ["run", "map_network"])
def test_a_misspelt_option_is_answered_with_the_nearest(function):
    message = rf"^option of {function}: needs one of .*, has 'sacle'; did you mean 'scale'\?$"
    with pytest.raises(UnknownNameError, match=message):
        getattr(nm, function)("pd14", sacle=0.1)


def test_an_unknown_depth():
    with pytest.raises(UnknownNameError, match=r"^depth: needs one of .*, has 'core'; did you mean 'cores'\?$"):
        nm.run("chain", depth="core")


UNREAD = [
    ("static", {"html": False}, "html"),
    ("static", {"trace": "x.json"}, "trace"),
    ("cores", {"spikes": "x.npz"}, "spikes"),
    ("cores", {"engine": "simpy"}, "engine"),
    ("cores", {"in_phase": False}, "in_phase"),
    ("full", {"with_log": True}, "with_log"),
    ("full", {"remedies": False}, "remedies"),
    ("dynamic", {"threads": 1}, "threads"),
    ("dynamic", {"warmup_ms": 1.0}, "warmup_ms"),
]


@pytest.mark.parametrize(("depth", "options", "name"), UNREAD)
def test_an_option_that_a_depth_does_not_read_is_refused(depth, options, name):
    message = rf"^option {name}: needs a command that reads it \(.*\), has 'run --depth {depth}'$"
    with pytest.raises(ParameterError, match=message):
        nm.run("chain", depth=depth, **options)


def test_an_earlier_mapping_is_for_the_depth_cores():
    mapping = nm.map_network("chain", **TINY)
    assert nm.run("chain", mapping=mapping, seconds=0.01, **TINY).mapping is mapping
    with pytest.raises(ParameterError, match=r"^option mapping: needs .*, has 'run --depth full'$"):
        nm.run("chain", depth="full", mapping=mapping)


@pytest.fixture
def builds(monkeypatch):
    """Count the networks and machines that are built."""
    import neuromap.experiment.check as check

    counts = {"network": 0, "machine": 0}

    def count(name, function):
        def counting(*arguments, **options):
            counts[name] += 1
            return function(*arguments, **options)

        return counting

    monkeypatch.setattr(check, "build_network", count("network", check.build_network))
    monkeypatch.setattr(check, "load_machine", count("machine", check.load_machine))
    return counts


@pytest.mark.parametrize("depth", OPTIONS_OF_DEPTH)
@pytest.mark.parametrize("source", ["name", "file"])
def test_a_run_checks_and_builds_network_and_machine_once(depth, source, builds, tmp_path):
    file = tmp_path / "e.yaml"
    file.write_text("network: {name: chain, n_neurons: 4}\nrecipe: combined\n")
    options = SHORT[depth] | (TINY if source == "name" else {})
    nm.run("chain" if source == "name" else str(file), depth=depth, out=tmp_path / "out", **options)
    assert builds == {"network": 1, "machine": 1}


@pytest.mark.parametrize("depth", OPTIONS_OF_DEPTH)
def test_a_command_checks_and_builds_once(depth, builds, tmp_path):
    from neuromap.cli.app import main

    words = ["run", "chain", "--depth", depth, "--recipe", "combined", "--set", "network.n_neurons=4"]
    words += ["--seconds", "0.01", "--no-html"] if SHORT[depth] else []
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    assert builds == {"network": 1, "machine": 1}


def test_mapping_alone_builds_once(builds):
    nm.map_network("chain", **TINY)
    assert builds == {"network": 1, "machine": 1}


def test_what_is_prepared_is_run_as_it_is(builds):
    prepared = nm.prepare("chain", **TINY)
    assert nm.prepare(prepared) is prepared
    nm.run(prepared, depth="static")
    nm.map_network(prepared)
    assert builds == {"network": 1, "machine": 1}
    assert nm.prepare(prepared, seed=2).experiment.seed == 2


def test_a_value_of_a_file_is_named_with_its_line_and_an_option_is_not(tmp_path):
    file = tmp_path / "e.yaml"
    file.write_text("network: chain\nseconds: 0.00001\n")
    with pytest.raises(ParameterError, match=r"^seconds \(in ms\) at .*e\.yaml:2: needs .*, has 0\.01$"):
        nm.run(str(file))
    with pytest.raises(ParameterError, match=r"^seconds \(in ms\): needs "):
        nm.run(str(file), seconds=0.00002)
