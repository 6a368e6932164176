"""A guess without a range is not certain: every answer that rests on one says so, and only those that this run used."""

import json

import pytest

from emulator.timing.kinds import used_constants
from machines import projection
from mapping.flow import map_network
from mapping.recipe import Recipe
from mapping.usual import usual_recipe, usual_router
from models.machine.file import list_machines, load_machine
from models.machine.ranges import unranged_in, unranged_times
from models.network import Network, Population
from neuromap.cli.app import main
from neuromap.measures.verdict import DEPENDS
from neuromap.report.verdict import verdict_lines
from neuromap.runs.run import run

PAIR = Network(
    name="pair",
    populations=(Population(name="A", n_neurons=20), Population(name="B", n_neurons=12)),
    projections=(projection("A", "B", 0.3),),
)


def used(name, recipe=None):
    machine = load_machine(name)
    recipe = recipe or usual_recipe(machine)
    mapping = map_network(PAIR, machine, Recipe(name=recipe, route=usual_router(machine)))
    return {note.path for note in used_constants(mapping, PAIR, unranged_times(mapping.machine))}


def test_only_constants_that_the_run_uses_count():
    by_recipe = {recipe: used("generic_mesh", recipe) for recipe in ("ensemble", "combined")}
    both = {
        "core.clock_hz",
        "cost.timer_cycles",
        "cost.neuron_update_cycles",
        "cost.ring_buffer_drain_cycles_per_neuron",
        "cost.spike_send_cycles",
        "cost.synapse_cycles",
    }
    of_ensemble = {"cost.spike_cycles", "cost.hand_over_cycles", "memory.hand_over_bytes_per_s"}
    assert by_recipe["ensemble"] == both | of_ensemble
    assert by_recipe["combined"] == both | {"cost.combined_spike_cycles"}  # nothing is drawn: no Poisson costs


@pytest.mark.parametrize("name", ["spinnaker1", "spinnaker2", "loihi1", "neuroaix"])
def test_machines_whose_times_have_sources_or_ranges(name):
    assert used(name) == set()


def test_every_constant_without_a_range_is_found():
    for name in list_machines():
        machine = load_machine(name)
        times = {note.path for note in unranged_times(machine)}
        for note in machine.constants:
            is_open = note.status == "unverified" and note.low is None
            assert (note.path in times) <= is_open, note.path
            if is_open and note.path.startswith("cost."):
                assert note.path in times, note.path
        assert all(note.low is None for note in unranged_in(machine, ("power",)))


#: The 64 neurons of a chain fire once each, in the first 64 ms.
FROM_THE_START = {"warmup_ms": 0}


def test_the_verdict_of_an_invented_machine_is_open():
    result = run("chain", machine="generic_mesh", seconds=0.05, settings=FROM_THE_START, html=False)
    verdict, timing = result.report.verdict, result.report.timing
    assert (verdict.fits, verdict.keeps_up, verdict.loses_nothing) == (True, True, True)  # with the values taken
    assert (verdict.fits_answer, verdict.keeps_up_answer, verdict.loses_nothing_answer) == (DEPENDS,) * 3
    assert "whether it keeps up with real time is not known: with the values used it keeps up" in verdict.summary
    assert "unverified constants of unknown range: core.clock_hz, " in verdict.summary
    assert "cost.neuron_update_cycles" in timing.unranged_costs
    assert "plan.default_rate_hz" not in timing.unranged_costs
    lines = verdict_lines(result.report)
    assert [line.mark for line in lines] == ["open", "open", "open", "number"]
    assert "no range is known for power.board_idle_w" in lines[3].short
    stored = json.loads(json.dumps(result.report.to_dict()))
    assert stored["timing"]["unranged_costs"] == timing.unranged_costs
    assert stored["verdict"]["keeps_up_answer"] == DEPENDS


def test_a_range_makes_the_verdict_certain(tmp_path):
    """The same machine with narrow ranges for all that the run uses: charged at both ends, which agree."""
    rows: dict[str, list[str]] = {}
    for note in load_machine("generic_mesh").constants:
        if note.status == "unverified" and isinstance(note.value, int | float):
            section, _, name = note.path.partition(".")
            ends = f"low: {note.value}, high: {note.value}"
            rows.setdefault(section, []).append(f"  {name}: {{value: {note.value}, status: unverified, {ends}}}")
    path = tmp_path / "m.yaml"
    sections = "\n".join(f"{section}:\n" + "\n".join(lines) for section, lines in rows.items() if section != "topology")
    path.write_text(f"base: generic_mesh\nname: m\n{sections}\n", encoding="utf-8")
    verdict = run("chain", machine=str(path), seconds=0.05, settings=FROM_THE_START, html=False).report.verdict
    assert (verdict.fits_answer, verdict.keeps_up_answer, verdict.loses_nothing_answer) == ("yes",) * 3
    assert "unknown range" not in verdict.summary


def test_terminal_and_page_say_so(tmp_path, capsys):
    assert (
        main(
            [
                "run",
                "chain",
                "--machine",
                "generic_mesh",
                "--seconds",
                "0.05",
                "--set",
                "warmup_ms=0",
                "--out",
                str(tmp_path / "o"),
            ]
        )
        == 0
    )
    shown = " ".join(capsys.readouterr().out.split())
    assert "unverified constants of unknown range: core.clock_hz" in shown
    page = (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    assert "Keeps up: depends on unverified constants" in page
    assert "Loses nothing: depends on unverified constants" in page


def test_a_machine_with_known_ranges_is_as_certain_as_before():
    verdict = run("chain", machine="spinnaker1", seconds=0.05, settings=FROM_THE_START, html=False).report.verdict
    assert (verdict.fits_answer, verdict.keeps_up_answer, verdict.loses_nothing_answer) == ("yes",) * 3
    assert verdict.summary.endswith("fits, keeps up with real time, and loses nothing.")


def test_a_constant_at_its_smallest_value_is_among_those_that_are_used(tmp_path):
    """Half of it would be out of bounds."""
    path = tmp_path / "m.yaml"
    path.write_text("base: spinnaker1\nname: m\nreception:\n  dma_bytes_per_s: {value: 1, status: unverified}\n")
    report = run("chain", machine=str(path), seconds=0.05, settings=FROM_THE_START, html=False, remedies=False).report
    assert "reception.dma_bytes_per_s" in report.timing.unranged_costs
