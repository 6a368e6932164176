"""Experiments from files, settings and Python: what they mean and how they are refused."""

import re
from dataclasses import replace

import pytest

from emulator.engine.options import MAX_THREADS
from models.errors import CapacityError, NeuromapError, ParameterError, UnknownNameError
from neuromap.experiment.check import check_experiment
from neuromap.experiment.load import apply_settings, load_experiment
from neuromap.experiment.network import build_network
from neuromap.experiment.nouns import Experiment, MachineChoice, NetworkChoice, RecipeChoice
from neuromap.experiment.template import experiment_template

WHOLE = """\
network:
  name: pd14
  scale: 0.1
  drive: dc
machine:
  name: spinnaker1
  core:
    clock_hz: 150e6
recipe: combined
seconds: 2
seed: 7
"""


@pytest.fixture
def experiment_file(tmp_path):
    def write(text: str):
        path = tmp_path / "e.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_defaults_are_the_main_job():
    experiment = Experiment()
    assert (experiment.network.name, experiment.machine.name, experiment.recipe.name) == (
        "pd14",
        "spinnaker1",
        "ensemble",
    )
    assert (experiment.seconds, experiment.warmup_ms, experiment.seed) == (1.0, 500.0, 1234)
    assert (experiment.arithmetic, experiment.delay_convention, experiment.time_scale_factor) == ("fixed", "nest", 1.0)
    assert experiment.n_threads in (1, 2)


def test_load_whole_file(experiment_file):
    loaded = load_experiment(experiment_file(WHOLE))
    assert loaded == Experiment(
        network=NetworkChoice(name="pd14", parameters={"scale": 0.1, "drive": "dc"}),
        machine=MachineChoice(name="spinnaker1", settings={"core.clock_hz": 150e6}),
        recipe=RecipeChoice(name="combined"),
        seconds=2.0,
        seed=7,
    )


def test_short_forms_and_defaults(experiment_file):
    assert load_experiment(experiment_file("network: brunel\n")) == Experiment(network=NetworkChoice(name="brunel"))


def test_machine_file_is_found_from_the_experiment(experiment_file, tmp_path):
    (tmp_path / "mine.yaml").write_text("base: spinnaker1\nname: mine\n")
    experiment = load_experiment(experiment_file("machine: mine.yaml\n"))
    assert check_experiment(experiment)[1].name == "mine"


def test_check_builds_network_and_machine(experiment_file):
    network, machine = check_experiment(load_experiment(experiment_file(WHOLE)))
    assert (network.drive, network.scale, machine.core.clock_hz) == ("dc", 0.1, 150e6)


def test_template_is_the_defaults(experiment_file):
    text = experiment_template()
    assert re.match(r"^# yaml-language-server: \$schema=/.*experiment\.schema\.json\n", text)
    loaded = load_experiment(experiment_file(text))
    assert apply_settings(loaded, {"network.scale": 1.0}).to_dict() == {
        **Experiment().to_dict(),
        "network": {
            "name": "pd14",
            "parameters": {"scale": 1.0, "drive": "poisson", "v_init": "optimised", "thalamus": False},
        },
    }


def test_settings_reach_every_part():
    settings = [
        "network.scale=0.2",
        "machine.core.clock_hz=150e6",
        "recipe.neurons_per_core=128",
        "recipe.n_synapse_cores=2",
        "seconds=0.5",
        "arithmetic=float",
        "n_threads=1",
    ]
    assert apply_settings(Experiment(), settings) == Experiment(
        network=NetworkChoice(parameters={"scale": 0.2}),
        machine=MachineChoice(settings={"core.clock_hz": 150e6}),
        recipe=RecipeChoice(neurons_per_core=128, n_synapse_cores=2),
        seconds=0.5,
        arithmetic="float",
        n_threads=1,
    )


def test_settings_choose_by_section_name():
    chosen = apply_settings(Experiment(), {"network": "brunel", "recipe": "combined"})
    assert (chosen.network.name, chosen.recipe.name) == ("brunel", "combined")


def test_later_settings_keep_earlier_ones():
    first = apply_settings(Experiment(), {"machine.core.clock_hz": 150e6})
    assert apply_settings(first, {"machine.core.dtcm_bytes": 1000}).machine.settings == {
        "core.clock_hz": 150e6,
        "core.dtcm_bytes": 1000,
    }


WRONG_FILES = {
    "unknown key": (
        "seconds: 2",
        "secons: 2",
        r"^key of the experiment at {at}:10: needs one of .*, has 'secons'; did you mean 'seconds'\?$",
    ),
    "other unit": (
        "seconds: 2",
        "warmup_s: 2",
        r"^key of the experiment at {at}:10: needs warmup_ms \(rename it and multiply the value by 1,000: s to ms\), "
        r"has 'warmup_s'$",
    ),
    "negative": ("seconds: 2", "seconds: -2", r"^seconds at {at}:10: needs a number from 1e-09 to 1e\+07 s, has -2$"),
    "text": ("seconds: 2", "seconds: two", r"^seconds at {at}:10: needs a number from 1e-09 to 1e\+07 s, has 'two'$"),
    "fraction of a seed": (
        "seed: 7",
        "seed: 7.5",
        r"^seed at {at}:11: needs a whole number from 0 to [\d,]+, has 7\.5$",
    ),
    "negative seed": ("seed: 7", "seed: -7", r"^seed at {at}:11: needs a whole number from 0 to [\d,]+, has -7$"),
    "part of a step": (
        "seconds: 2",
        "seconds: 2.00001",
        r"^seconds \(in ms\) at {at}:10: needs a multiple of dt_ms = 0\.1 ms .*, has 2000\.01$",
    ),
    "keys where a value belongs": ("seed: 7", "seed: {a: 1}", r"^seed at {at}:11: needs one value .*, has {{'a': 1}}$"),
    "unknown network": ("pd14", "pd15", r"^network at {at}:2: needs one of .*, has 'pd15'; did you mean 'pd14'\?$"),
    "unknown parameter": (
        "scale:",
        "skale:",
        r"^key of network 'pd14' at {at}:3: needs one of .*, has 'skale'; did you mean 'scale'\?$",
    ),
    "negative scale": (
        "scale: 0.1",
        "scale: -1",
        r"^network\.scale at {at}:3: needs a number from 1e-06 to 1000, has -1$",
    ),
    "unknown drive": ("drive: dc", "drive: ac", r"^network\.drive at {at}:4: needs one of dc, poisson, has 'ac'"),
    "unknown machine": (
        "spinnaker1",
        "spinaker1",
        r"^machine\.name at {at}:6: needs one of .*, has 'spinaker1'; did you mean 'spinnaker1'\?$",
    ),
    "unknown machine section": (
        "  core:",
        "  cor:",
        r"^key at {at}:8: needs one of .* and \d+ more, has 'machine\.cor\.clock_hz'",
    ),
    "other unit in the machine": (
        "clock_hz: 150e6",
        "clock_mhz: 150",
        r"^key of machine\.core at {at}:8: needs clock_hz \(rename it and multiply the value by 1,000,000: mhz to hz\)",
    ),
    "negative clock": (
        "150e6",
        "-150e6",
        r"^machine\.core\.clock_hz at {at}:8: needs a number from 1000 to 1e\+12 Hz, has -150000000\.0$",
    ),
    "text for a clock": (
        "150e6",
        "fast",
        r"^machine\.core\.clock_hz at {at}:8: needs a number from 1000 to 1e\+12 Hz, has 'fast'$",
    ),
    "unknown recipe": ("combined", "combind", r"^recipe\.name at {at}:9: needs one of .*; did you mean 'combined'\?$"),
    "synapse cores without ensembles": (
        "recipe: combined",
        "recipe: {name: combined, n_synapse_cores: 3}",
        r"^recipe\.n_synapse_cores at {at}:9: needs null with the combined recipe, has 3$",
    ),
    "no neurons": (
        "recipe: combined",
        "recipe: {neurons_per_core: 0}",
        r"^recipe\.neurons_per_core at {at}:9: needs a whole number from 1 to 1,000,000 neurons .*, has 0$",
    ),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_wrong_file(experiment_file, case):
    old, new, message = WRONG_FILES[case]
    assert WHOLE.count(old) == 1
    path = experiment_file(WHOLE.replace(old, new))
    pattern = message.replace("{at}", re.escape(str(path))).replace("{{", r"\{").replace("}}", r"\}")
    with pytest.raises(ParameterError, match=pattern):
        load_experiment(path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["machine.core.clok_hz=1"],
            r"^setting of machine\.core at the settings: needs one of .*, has 'clok_hz'; did you mean 'clock_hz'\?$",
        ),
        (
            ["core.clock_hz=1"],
            r"^setting at the settings: .*has 'core\.clock_hz'; did you mean 'machine\.core\.clock_hz'\?$",
        ),
        (["secons=1"], r"^setting of the experiment at the settings: .*; did you mean 'seconds'\?$"),
        (["seconds=soon"], r"^seconds at the settings: needs a number from 1e-09 to 1e\+07 s, has 'soon'$"),
        (["network=pd15"], r"^network at the settings: needs one of .*; did you mean 'pd14'\?$"),
        (["time_scale_factor=0"], r"^time_scale_factor at the settings: needs a number from 1e-06 to 1e\+06, has 0$"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ParameterError, match=message):
        apply_settings(Experiment(), settings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seconds": "1"}, r"^seconds: needs a number from 1e-09 to 1e\+07 s, has '1'$"),
        ({"seconds": float("nan")}, r"^seconds: needs a finite number from 1e-09 to 1e\+07 s, has nan$"),
        ({"warmup_ms": -1}, r"^warmup_ms: needs a number from 0 to 1e\+10 ms, has -1$"),
        ({"seed": True}, r"^seed: needs a whole number from 0 to 9,223,372,036,854,775,807, has True$"),
        ({"n_threads": 0}, r"^n_threads: needs a whole number from 1 to 256 threads, has 0$"),
        ({"memory_gib": -1.0}, r"^memory_gib: needs a number from 1e-06 to 1e\+06 GiB or null, has -1\.0$"),
        ({"arithmetic": "flot"}, r"^arithmetic: needs one of fixed, float, has 'flot'; did you mean 'float'\?$"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ParameterError, match=message):
        Experiment(**arguments)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            RecipeChoice(neurons_per_core=300),
            r"^neurons of a core at every core of spinnaker1: needs 300 neurons, has 256 neurons; "
            r"lower recipe\.neurons_per_core \(neurons_per_core\) to at most 256, or take 'auto'$",
        ),
        (
            RecipeChoice(n_synapse_cores=15),
            r"^cores of an ensemble at every chip of spinnaker1: needs 17 cores, has 16 cores; "
            r"lower recipe\.n_synapse_cores to at most 14$",
        ),
    ],
)
def test_recipes_that_no_core_or_chip_holds(recipe, message):
    with pytest.raises(CapacityError, match=message):
        check_experiment(Experiment(recipe=recipe))


def test_largest_recipes_pass():
    check_experiment(Experiment(recipe=RecipeChoice(neurons_per_core=256, n_synapse_cores=14)))


def test_build_network_checks_types():
    with pytest.raises(
        UnknownNameError, match=r"^parameter of network 'pd14': needs one of .*; did you mean 'scale'\?$"
    ):
        build_network(NetworkChoice(parameters={"skale": 1}))
    with pytest.raises(ParameterError, match=r"^network\.thalamus: needs true or false, has 1$"):
        build_network(NetworkChoice(parameters={"thalamus": 1}))


def test_every_error_is_ours():
    with pytest.raises(NeuromapError):
        check_experiment(Experiment(network=NetworkChoice(name="nothing")))


@pytest.mark.parametrize(
    ("setting", "least"),
    [
        ("time_scale_factor=1e-6", "7.5188e-05"),
        ("machine.core.clock_hz=5e3", "2"),
        ("machine.router.clock_hz=5e3", "2"),
    ],
)
def test_a_tick_has_at_least_one_cycle(setting, least):
    """0.1 ms at 5 kHz are half a cycle, and 0.1 ns 0.0133 of a router at 133 MHz; the factor that is named works."""
    experiment = apply_settings(Experiment(network=NetworkChoice(name="chain")), [setting])
    message = rf"^time_scale_factor: needs at least {least}, with which a tick of 0\.1 ms has one cycle of \S+ Hz, has "
    with pytest.raises(ParameterError, match=message):
        check_experiment(experiment)
    check_experiment(replace(experiment, time_scale_factor=float(least)))


def test_as_many_threads_as_the_bound_says_can_be_used():
    with pytest.raises(
        ParameterError, match=rf"^n_threads: needs a whole number from 1 to {MAX_THREADS} threads, has "
    ):
        Experiment(n_threads=MAX_THREADS + 1)
    assert Experiment(n_threads=MAX_THREADS).n_threads == MAX_THREADS
