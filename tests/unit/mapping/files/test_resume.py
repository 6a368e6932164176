"""What a continued mapping keeps: refused where a kept stage depends on a value that is different now."""

import re
from dataclasses import replace

import pytest

from machines import machine, network, pair
from mapping.files.resume import Resume, differences, stage_of_machine
from mapping.flow import map_network
from mapping.recipe import STAGES, Recipe
from mapping.verify import verify
from models.errors import ParameterError, TableOverflowError, UnknownNameError
from models.machine import Machine
from models.machine.file import load_machine

NET = pair()
SMALL = Recipe(name="combined", neurons_per_core=16)
MADE = map_network(NET, machine(), SMALL)
SECTIONS = ("core", "memory", "router", "cost", "plan", "power", "link", "topology")


@pytest.mark.parametrize(
    ("changed", "stage", "message"),
    [
        (
            {"dead_chips": ((0, 0),)},
            "route",
            r"machine\.dead_chips with stage='route': needs \(\).* stage='place', has",
        ),
        ({"dead_cores": ((0, 0, 4),)}, "keys", r"machine\.dead_cores with stage='keys': needs \(\).* stage='place', "),
        ({"dead_links": ((0, 0, 1),)}, "tables", r"machine\.dead_links .* or stage='place', has \(\(0, 0, 1\),\)"),
        ({"core": {"dtcm_bytes": 60000}}, "place", r"machine\.core\.dtcm_bytes .*needs 65536, .* stage='partition', "),
        (
            {"memory": {"sdram_bytes": 1 << 20}},
            "place",
            r"machine\.memory\.sdram_bytes .* stage='partition', has 10485",
        ),
    ],
)
def test_machine_that_a_kept_stage_depends_on(changed, stage, message):
    with pytest.raises(ParameterError, match=f"^{message}"):
        map_network(NET, machine(**changed), SMALL, resume=Resume(MADE, stage))


@pytest.mark.parametrize(
    ("changed", "stage", "setting"),
    [
        ({"name": "spread"}, "place", "recipe.name"),
        ({"neurons_per_core": 8}, "place", "recipe.neurons_per_core"),
        ({"place": "random"}, "route", "recipe.place"),
        ({"route": "ner"}, "keys", "recipe.route"),
        ({"keys": "dense"}, "tables", "recipe.keys"),
        ({"seed": 7}, "route", "seed"),
    ],
)
def test_choice_that_belongs_to_a_kept_stage(changed, stage, setting):
    with pytest.raises(ParameterError, match=rf"^{re.escape(setting)} with stage='{stage}': needs "):
        resumed(changed, stage)
    last = next(stage for stage in ("keys", "route", "place", "partition") if _is_made(changed, stage))
    assert verify(resumed(changed, last), NET) == ()


def resumed(changed, stage):
    choices = {key: value for key, value in changed.items() if key != "seed"}
    resume = Resume(MADE, stage)
    return map_network(NET, machine(), replace(SMALL, **choices), seed=changed.get("seed", 0), resume=resume)


def _is_made(changed, stage):
    try:
        resumed(changed, stage)
    except ParameterError:
        return False
    return True


def test_another_network_is_refused():
    other = network({"A": 200, "B": 100}, [("A", "A"), ("A", "B"), ("B", "A"), ("S", "A")], source_sizes={"S": 30})
    with pytest.raises(
        ParameterError, match=r"^network with stage='tables': needs '[0-9a-f]{12}', .* or stage='partition', has"
    ):
        map_network(other, machine(), SMALL, resume=Resume(MADE, "tables"))


def test_stage_that_does_not_exist():
    with pytest.raises(UnknownNameError, match=r"^stage: needs one of keys, .*, tables, has 'minimise'$"):
        Resume(MADE, "minimise")


def test_what_no_kept_stage_reads_is_taken_over():
    slow = machine(core={"clock_hz": 1e8}, power={"core_active_w": 9.0})
    made = map_network(NET, slow, SMALL, resume=Resume(MADE, "tables"))
    assert made.machine == replace(slow, topology=MADE.machine.topology)
    with pytest.raises(TableOverflowError, match=r"needs \d+ entries, has 1 entries"):
        map_network(NET, machine(router={"n_table_entries": 1}), SMALL, resume=Resume(MADE, "tables"))


def test_clock_counts_where_cores_are_filled_by_their_work():
    auto = replace(SMALL, neurons_per_core="auto")
    made = map_network(NET, machine(), auto)
    with pytest.raises(ParameterError, match=r"^machine\.core\.clock_hz .*needs 200000000\.0, .* stage='partition'"):
        map_network(NET, machine(core={"clock_hz": 1e8}), auto, resume=Resume(made, "place"))
    with pytest.raises(ParameterError, match=r"^time_scale_factor .*needs 1\.0, .* stage='partition', has 2\.0"):
        map_network(NET, machine(), replace(auto, time_scale_factor=2.0), resume=Resume(made, "place"))


def test_other_machine_is_named():
    with pytest.raises(ParameterError, match=r"^machine\.name with stage='route': needs 'spinnaker1' and the old mach"):
        map_network(NET, load_machine("generic_mesh"), SMALL, resume=Resume(MADE, "route"))


@pytest.mark.parametrize(
    "choice",
    [
        {"name": "ensemble"},
        {"name": "ensemble", "neurons_per_core": "auto"},
        {"name": "combined", "place": "random", "route": "ner", "minimise": "layered"},
        {"name": "combined", "place": "annealing_links", "route": "congestion_aware", "minimise": "default_route"},
        {"name": "combined", "place": "spectral", "route": "dimension_order", "keys": "dense"},
        {"name": "spread", "route": "two_phase"},
    ],
    ids=lambda choice: "-".join(str(value) for value in choice.values()),
)
def test_stages_read_no_more_of_a_machine_than_is_declared(choice, monkeypatch):
    """Every value of a machine that a stage reads is one that this stage, or an earlier one, is said to depend on."""
    given = machine()
    recipe = Recipe(**choice)
    read, stages = set(), [""]
    for section in SECTIONS:
        kind = type(getattr(given, section))

        def note(self, name, *, section=section):
            if not name.startswith("_"):
                read.add((stages[-1], f"{section}.{name}"))
            return object.__getattribute__(self, name)

        monkeypatch.setattr(kind, "__getattribute__", note)
    monkeypatch.setattr(Machine, "__post_init__", lambda self: None)  # checks of a whole machine, which is no reading
    map_network(NET, given, recipe, progress=lambda stage, fraction: stages.append(stage))
    monkeypatch.undo()
    late = {
        (stage, path)
        for stage, path in read
        if stage
        and (
            stage_of_machine(path, recipe) is None or STAGES.index(stage_of_machine(path, recipe)) > STAGES.index(stage)
        )
    }
    assert ("partition", "core.max_neurons") in read
    assert late == set()


def test_differences_name_what_differs():
    other = machine(core={"clock_hz": 1e6}, dead_chips=((1, 1),))
    assert differences(machine(), other) == [("core.clock_hz", 2e8, 1e6), ("dead_chips", (), ((1, 1),))]
