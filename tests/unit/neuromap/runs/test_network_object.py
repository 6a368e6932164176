"""A Network object is taken wherever the name of a network is, and gets the full report."""

import json
import pickle

import pytest

import neuromap as nm
from mapping.files.resume import Resume
from models.errors import ParameterError
from models.network import AllToAll, Constant, CurrentDrive, LifCurrExp, Network, Population, Projection
from models.networks import pd14
from neuromap.cli.app import main
from neuromap.experiment.network import choice_of
from neuromap.runs.mapping_folder import check_same_network, load_folder


def network(name="mine", weight_pa=50.0):
    """Two populations, the first driven by a current."""
    first = Population(name="A", n_neurons=6, neuron=LifCurrExp(), current=CurrentDrive(amplitude_pa=500.0))
    projection = Projection(
        source="A", target="B", connector=AllToAll(), weight_pa=Constant(value=weight_pa), delay_ms=Constant(value=1.0)
    )
    return Network(name=name, populations=(first, Population(name="B", n_neurons=4)), projections=(projection,))


SHORT = {"machine": "spinnaker1", "seconds": 0.05, "settings": {"warmup_ms": 0}}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folder of a run of an object, and its result."""
    folder = tmp_path_factory.mktemp("object") / "out"
    return folder, nm.run(network(), out=folder, **SHORT)


def test_an_object_gets_the_full_report(saved):
    folder, result = saved
    report = json.loads((folder / "report.json").read_text())
    assert report["network"]["name"] == "mine"
    assert report["experiment"]["network"] == {
        "name": "mine",
        "parameters": {},
        "digest": choice_of(network()).digest,
    }
    assert report["activity"]["n_spikes"] > 0
    assert "mine" in (folder / "report.html").read_text()
    assert result.simulation.network == network()
    assert (folder / "mapping" / "mapping.json").exists()


@pytest.mark.parametrize("depth", ["static", "dynamic", "full"])
def test_every_depth_takes_an_object(depth, tmp_path):
    options = SHORT if depth == "full" else {"seconds": 0.05} if depth == "dynamic" else {}
    assert nm.run(network(), depth=depth, out=tmp_path / "out", **options).mapping.network_name == "mine"


def test_the_file_of_an_experiment_says_that_the_network_was_an_object(saved, capsys):
    folder, _ = saved
    text = (folder / "mapping" / "experiment.yaml").read_text()
    assert text.startswith("# The network was given as a Network object in Python. No file holds this object;")
    assert f"  name: mine\n  digest: {choice_of(network()).digest}\n" in text
    for command in (
        ["verify", str(folder)],
        ["map", "--from", str(folder)],
        ["run", f"{folder}/mapping/experiment.yaml"],
    ):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert "network at " in error
        assert "needs the Network object that this experiment was made with, which no file holds" in error


def test_a_folder_is_verified_with_the_object(saved):
    folder, _ = saved
    mapping, violations = nm.verify_folder(folder, network=network())
    assert (mapping.network_name, violations) == ("mine", ())
    with pytest.raises(ParameterError, match=r"^network\.digest at .*: needs the network with the digest [0-9a-f]{64}"):
        nm.verify_folder(folder, network=network(weight_pa=51.0))


def test_a_mapping_is_resumed_with_the_same_object(saved):
    folder, result = saved
    given, prepared = load_folder(folder, network=network())
    assert prepared.network == network()
    again = nm.map_network(network(), resume=Resume(given, "route"))
    assert (again.placement.core == result.mapping.placement.core).all()
    other = nm.prepare(network(weight_pa=51.0))
    check_same_network(prepared.experiment, other.experiment, "partition")
    with pytest.raises(ParameterError, match=r"^network\.digest with stage='route': needs "):
        check_same_network(prepared.experiment, other.experiment, "route")


@pytest.mark.parametrize("option", [{"scale": 0.1}, {"drive": "dc"}, {"settings": {"network.n_neurons": 3}}])
def test_parameters_of_built_in_networks_are_refused(option):
    message = (
        r"^option \S+: needs the name of a built-in network: a Network object is run as it is, has 'Network object"
    )
    with pytest.raises(ParameterError, match=message):
        nm.run(network(), **option)
    with pytest.raises(ParameterError, match=r"^option network: needs the name of a built-in network"):
        nm.apply_settings(nm.Experiment(network=choice_of(network())), {"network": "pd14"})


def test_an_object_is_compared_by_its_values_and_pickled():
    one, same, other = choice_of(network()), choice_of(network()), choice_of(network(weight_pa=51.0))
    assert one == same
    assert one != other
    assert repr(one) != repr(other)
    assert one != nm.NetworkChoice(name="mine")
    again = pickle.loads(pickle.dumps(nm.Experiment(network=one)))
    assert again.network == one
    assert again.network.given == network()


def test_the_name_of_an_object_means_nothing(tmp_path):
    result = nm.run(network(name="pd14"), out=tmp_path / "out", **SHORT)
    assert result.report.activity.reference is None
    assert "PD14 on real systems" not in (tmp_path / "out" / "report.html").read_text()
    named = nm.map_network(network(name="pd14"))
    assert len(named.partition.first_slice) == 2


def test_an_object_that_a_built_in_function_made_gives_the_result_of_the_name():
    options = {"seconds": 0.02, "settings": {"warmup_ms": 10}, "remedies": False}
    by_object, by_name = nm.run(pd14(scale=0.02), **options), nm.run("pd14", scale=0.02, **options)
    assert by_object.report.to_dict()["activity"] == by_name.report.to_dict()["activity"]
    assert by_object.report.activity.reference is not None  # Network.reference names it


def test_a_choice_without_the_digest_is_refused():
    with pytest.raises(ParameterError, match=r"^NetworkChoice\.digest: needs the digest of the object; use choice_of"):
        nm.NetworkChoice(name="mine", given=network())
    with pytest.raises(ParameterError, match=r"^network: needs an Experiment, a Network, the name of a built-in"):
        nm.run(3)
