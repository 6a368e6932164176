"""The published table: what is kept and resumed, what it prints, one simulated row against the parts it is made of."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

import neuromap
from emulator.timing import TimedSpikes, time_run
from emulator.timing.model import row_lengths, slice_of_source
from models.errors import NeuromapError, ParameterError, UnknownNameError
from neuromap.cli.app import main
from neuromap.experiment.check import check_experiment
from neuromap.runs.cores import simulate_experiment
from neuromap.runs.map import map_network
from neuromap.studies import figures as study_figures
from neuromap.studies.published import table as published_table
from neuromap.studies.published.folder import COLUMNS, read_rows
from neuromap.studies.published.page import cells_of, render_page
from neuromap.studies.published.rows import ROWS, choose_rows
from neuromap.studies.published.run import work_out, work_out_again
from neuromap.studies.published.setting import Setting, experiment_of
from neuromap.studies.published.software import extend_spikes

QUICK = ("Kau23", "Hei22")  # no simulation


def spec_of(row_id):
    return next(row for row in ROWS if row.row_id == row_id)


def test_unknown_row():
    with pytest.raises(UnknownNameError, match=r"^rows: needs one of Hei22, .*, has 'vAl17'; did you mean 'vAl18'\?$"):
        choose_rows(["Kau23", "vAl17"])


def test_rows_come_in_the_order_of_the_table():
    assert [row.row_id for row in choose_rows(["Hei22", "vAl18"])] == ["vAl18", "Hei22"]
    assert choose_rows([]) == ROWS


def test_neuroaix_is_the_authors_step_and_their_energy():
    made = neuromap.published(["Kau23"])
    factor, energy = made.row("Kau23").measures
    assert factor.ours == pytest.approx(4894.53 / 100_000, rel=1e-5)
    assert factor.verdict == "reproduced, within 2%"
    assert energy.claim == "calibrated"
    events_per_s = 77_169 * 3.2 * 3880
    assert energy.ours == pytest.approx(35 * 26.5 * factor.ours / events_per_s * 1e6)
    assert made.row("Kau23").parts_w["idle boards"] == 35 * 26.5


def test_a_system_that_cannot_be_worked_out_says_why():
    row = neuromap.published(["Hei22"]).row("Hei22")
    assert [(one.ours, one.verdict) for one in row.measures] == [(None, "not worked out")] * 2
    assert (row.measures[0].published_low, row.measures[1].published_low) == (0.25, 0.284)
    assert "no cycles" in row.note


def test_sizes_are_those_of_the_published_mappings():
    measures = {one.quantity: one for one in neuromap.published(["sizes"]).row("sizes").measures}
    assert measures["neuron cores, 80 neurons each"].ours == 967
    assert measures["ensembles, 64 neurons each"].ours == 1210
    old, new = (measures[f"SDRAM of a neuron core, layout of {when}"] for when in ("2017", "today"))
    assert old.ours > 4 * new.ours
    assert measures["sending them"].claim == "calibrated"
    draw = measures["drawing synapses on the host"]
    assert draw.ours == pytest.approx(298_880_968 / 0.13e6 / 3600)
    assert draw.is_within is False


def test_what_is_finished_is_kept_and_taken_over(tmp_path):
    first = neuromap.published(["Hei22"], out=tmp_path / "t")
    again = neuromap.published(QUICK, out=tmp_path / "t")
    assert (first.n_reused, again.n_reused) == (0, 1)
    assert again.row("Hei22") == first.row("Hei22")
    content = json.loads((tmp_path / "t" / "published.json").read_text())
    assert [row["row_id"] for row in content["rows"]] == ["Kau23", "Hei22"]
    assert content["setting"]["scale"] == 1.0
    with (tmp_path / "t" / "published.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == COLUMNS
    assert [line["row_id"] for line in lines] == ["Kau23", "Kau23", "Hei22", "Hei22"]
    assert float(lines[0]["ratio"]) == again.row("Kau23").measures[0].ratio
    assert (lines[2]["ours"], lines[2]["verdict"]) == ("", "not worked out")
    assert {path.name for path in (tmp_path / "t").iterdir()} == {
        "plan.json",
        "rows.jsonl",
        "published.json",
        "published.csv",
        "published.png",
        "published.html",
    }


def test_a_line_that_was_cut_off_is_worked_out_again(tmp_path):
    neuromap.published(QUICK, out=tmp_path, figures=False)
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(rows.read_bytes()[:-20])
    assert neuromap.published(QUICK, out=tmp_path, figures=False).n_reused == 1
    with rows.open("r+b") as file:
        assert set(read_rows(file)) == set(QUICK)


def test_another_table_in_the_folder_is_refused_or_replaced(tmp_path):
    neuromap.published(["Hei22"], out=tmp_path, figures=False)
    expected = (
        r"^table in .*: needs the table begun there, another out, or overwrite=True to begin anew, has 'another seed'"
    )
    with pytest.raises(ParameterError, match=expected):
        neuromap.published(["Hei22"], seed=5, out=tmp_path)
    assert neuromap.published(["Hei22"], seed=5, out=tmp_path, overwrite=True, figures=False).n_reused == 0
    (tmp_path / "plan.json").write_text("nonsense")
    with pytest.raises(
        ParameterError, match=r"^file .*plan\.json.*: needs a plan of neuromap published, or overwrite=True"
    ):
        neuromap.published(["Hei22"], out=tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row | {"row_id": "mine"},
        lambda row: row | {"system": 3},
        lambda row: row | {"wall_s": "long"},
        lambda row: row | {"parts_w": {"a": "much"}},
        lambda row: row | {"parts_w": {"a": 1e305}},
        lambda row: row | {"measures": 3},
        lambda row: row | {"measures": [row["measures"][0] | {"ours": "12"}]},
        lambda row: row | {"measures": [row["measures"][0] | {"claim": "sure"}]},
    ],
)
def test_a_row_whose_values_are_of_another_kind_is_refused(tmp_path, change):
    neuromap.published(["Hei22"], out=tmp_path, figures=False)
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(change(json.loads(path.read_text()))) + "\n")
    with pytest.raises(ParameterError, match=r"^line 1 of .*rows\.jsonl: needs a row of the table, or overwrite=True"):
        neuromap.published(["Hei22"], out=tmp_path)


def test_a_line_that_is_no_row_is_refused(tmp_path):
    neuromap.published(["Hei22"], out=tmp_path, figures=False)
    (tmp_path / "rows.jsonl").write_text('{"row_id": "Hei22"}\n')
    with pytest.raises(ParameterError, match=r"^line 1 of .*rows\.jsonl: needs a row of the table, or overwrite=True"):
        neuromap.published(["Hei22"], out=tmp_path)


def test_wrong_input_is_found_before_anything_runs(tmp_path):
    with pytest.raises(NeuromapError, match=r"^seconds: needs a number from 1e-09 to 1e\+07 s, has -1"):
        neuromap.published(seconds=-1, out=tmp_path / "t")
    assert not (tmp_path / "t").exists()


@pytest.fixture(scope="module")
def small():
    """A small network of the row Rho19b, simulated."""
    setting = Setting(scale=0.03, seconds=0.05, warmup_ms=20.0, seed=3, n_threads=1)
    experiment = experiment_of(spec_of("Rho19b"), setting)
    network, _ = check_experiment(experiment)
    return setting, experiment, simulate_experiment(experiment, network, lambda stage, fraction, note: None)


def test_a_row_of_core_models_is_their_time_and_the_energy_at_the_published_factor(small):
    setting, experiment, simulation = small
    row = work_out(spec_of("Rho19b"), setting, simulation)
    mapping, network = map_network(experiment), simulation.network
    lengths = row_lengths(
        simulation.connectivity, slice_of_source(mapping, network)[: network.n_neurons], len(mapping.partition.slices)
    )
    is_late = simulation.spike_step >= 200
    timing = time_run(
        mapping,
        network,
        TimedSpikes(simulation.spike_step[is_late] - np.int32(200), simulation.spike_neuron[is_late], 500, lengths),
        with_range=True,
    )
    by_name = {one.quantity: one for one in row.measures}
    share = by_name["share of the tick in use, after 20 ms"]
    used = [one.step_cycles.max() / one.budget_cycles for one in (timing.low, timing, timing.high)]
    assert (share.ours_low, share.ours, share.ours_high) == pytest.approx(used)
    assert by_name["real-time factor"].ours == max(1.0, share.ours)
    busy = timing.mean_cycles.sum() / timing.budget_cycles
    assert row.parts_w["active cores"] == pytest.approx(busy * 0.034)
    assert row.parts_w["idle boards"] == pytest.approx(12 * 26.84)
    assert row.parts_w["frames"] == 117.0
    assert by_name["share of core time that draws active power"].ours == pytest.approx(
        100 * busy / len(mapping.partition.vertices)
    )
    out_degree = simulation.connectivity.row_length[simulation.spike_neuron[is_late]].sum()
    assert by_name["energy per synaptic event"].ours == pytest.approx(
        sum(row.parts_w.values()) / (out_degree / 0.05) * 1e6
    )
    assert all(one.target is None for one in row.measures)  # a scaled network is compared with nothing


def test_software_of_2017_is_timed_with_spikes_sent_again(small):
    setting, _, simulation = small
    spec = replace(spec_of("Rho19b"), is_software_2017=True, recipe="combined", neurons_per_core=80, settings=())
    row = work_out(spec, setting, simulation)
    mapping, network = map_network(experiment_of(spec, setting)), simulation.network
    lengths = row_lengths(
        simulation.connectivity, slice_of_source(mapping, network)[: network.n_neurons], len(mapping.partition.slices)
    )
    sent = extend_spikes(network, simulation.spike_step, simulation.spike_neuron, simulation.n_steps)
    assert 2 < sent.packets_per_spike < 3
    machine = mapping.machine
    cost = replace(machine.cost, synapse_cycles=machine.cost.synapse_cycles / sent.packets_per_spike)
    timing = time_run(
        replace(mapping, machine=replace(machine, cost=cost)),
        network,
        TimedSpikes(sent.step, sent.neuron, simulation.n_steps, lengths),
    )
    whole = next(one for one in row.measures if one.quantity == "share of the tick in use, whole run")
    assert whole.ours == pytest.approx(timing.step_cycles.max() / timing.budget_cycles)
    assert row.parts_w["active cores"] > 0


def test_a_row_of_the_same_set_up_is_compared_with_its_own_point():
    assert (spec_of("software2019").same_as, spec_of("software2020").same_as) == ("vAl18", "vAl18")
    same = neuromap.published(["Kau23"]).row("Kau23")
    row = work_out_again(replace(spec_of("software2019"), same_as="Kau23"), same)
    (factor,) = row.measures
    assert (factor.published_low, factor.ours) == (100.0, same.measures[0].ours)
    assert (row.row_id, row.parts_w) == ("software2019", {})


def test_an_interrupted_simulation_is_not_used(monkeypatch, tmp_path):
    class Partial:
        is_complete = False

    monkeypatch.setattr(published_table, "simulate_experiment", lambda *given: Partial())
    assert main(["published", "--rows", "Rho19b", "--rows", "Hei22", "--scale", "0.02", "--out", str(tmp_path)]) == 130


def test_command_prints_the_table_and_what_to_know(capsys, tmp_path):
    assert main(["published", "--rows", "Kau23,Hei22", "--out", str(tmp_path), "--no-figures"]) == 0
    out = capsys.readouterr().out
    head, factor, *_ = out.splitlines()
    assert head.split() == ["row", "what", "published", "ours", "range", "ratio"]
    assert factor.split()[:4] == ["Kau23", "real-time", "factor", "0.0491"]
    assert factor.split()[4:] == ["to", "0.05", "0.0489", "1.00", "reproduced,", "within", "2%"]
    assert "Hei22: of its 345 nodes only the mesh is known" in out
    assert f"2 rows; results in {tmp_path}" in out


def test_command_says_that_a_scaled_network_is_not_compared(capsys, tmp_path):
    assert main(["published", "--rows", "Hei22", "--scale", "0.1", "--out", str(tmp_path), "--no-figures"]) == 0
    assert "scale 0.1: the published systems ran the full size, so the ratios mean nothing" in capsys.readouterr().out


def test_page_has_every_row_and_its_sources():
    made = neuromap.published(QUICK)
    page = render_page(made.rows, made.setting)
    for row in made.rows:
        assert row.system in page
        for one in row.measures:
            assert one.source in page
            assert cells_of(one)[1] in page
    assert "<svg" in page
    assert made._repr_html_() == page
    factors, energies, power = neuromap.published_comparison(made).axes
    assert {label.get_text() for label in factors.get_yticklabels()} <= {one.row_id for one in made.rows}
    assert power.get_xlabel() == "W" or "none of the rows" in power.texts[0].get_text()
    assert energies.get_title(loc="left") == "energy per synaptic event (µJ)"


def test_a_misspelt_option_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"^option of published: needs .*, has 'thread'; did you mean 'threads'"):
        neuromap.published(thread=1)


def test_figures_of_studies_are_public():
    made_here = {
        name
        for name, value in vars(study_figures).items()
        if getattr(value, "__module__", "") == study_figures.__name__ and name[0].islower()
    }
    assert made_here == set(neuromap._STUDY_FIGURES)
    assert all(getattr(neuromap, name) is getattr(study_figures, name) for name in made_here)
