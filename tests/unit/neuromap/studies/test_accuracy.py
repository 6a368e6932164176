"""The accuracy tool: the arithmetics it plans, what it measures and writes, and one message for every mistake."""

import inspect
import io
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

import neuromap as nm
from emulator.engine.spikes import Spikes
from emulator.loop.open_loop import Replay
from emulator.numbers.number_format import NumberFormat
from models.errors import ParameterError, UnknownNameError
from neuromap.cli.app import main
from neuromap.measures.statistics import PopulationStatistics
from neuromap.studies.accuracy import measure
from neuromap.studies.accuracy import run as accuracy_run
from neuromap.studies.accuracy.page import render_accuracy_html
from neuromap.studies.accuracy.plan import plan_variants
from neuromap.studies.accuracy.report import STATISTICS
from neuromap.studies.accuracy.text import largest_ratio, render_accuracy, significant

FORMATS = "S16.15,S8.7,float32"
N_VARIANTS = 6  # two formats x two roundings, float32, one more weight width


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """PD14 with 2 % of the neurons for 0.2 s, and the folder it was written to."""
    folder = tmp_path_factory.mktemp("accuracy")
    stages = []
    result = nm.accuracy(
        "pd14",
        scale=0.02,
        seconds=0.2,
        formats=FORMATS,
        roundings="floor,stochastic",
        weights=(16, 4),
        settings=["warmup_ms=100"],
        out=folder,
        overwrite=True,
        progress=lambda stage, fraction, note: stages.append((stage, fraction, note)),
    )
    return result, folder, stages


# ---- which arithmetics ---------------------------------------------------------------------------------------------


def labels(*arguments, **options):
    return [variant.label for variant in plan_variants(*arguments, **options)]


def test_default_plan():
    assert labels() == [
        *[f"{name} {how}" for name in ("S16.15", "S8.7", "S8.23") for how in ("floor", "nearest", "stochastic")],
        "float32",
        "S16.15 floor, 8-bit weights",
        "S16.15 floor, 4-bit weights",
    ]


def test_all_combinations():
    assert len(plan_variants(all_combinations=True)) == 3 * 3 * 3 + 1
    assert labels("S8.7", "nearest", (16, 4), all_combinations=True) == ["S8.7 nearest", "S8.7 nearest, 4-bit weights"]


def test_plan_with_roundings_of_weights():
    assert labels("S8.7,S8.23", "floor", (16, 4), weight_roundings="nearest,stochastic") == [
        "S8.7 floor",
        "S8.23 floor",
        "S8.7 floor, 16-bit stochastic weights",
        "S8.7 floor, 4-bit weights",
        "S8.7 floor, 4-bit stochastic weights",
    ]
    assert len(plan_variants(weight_roundings="nearest,stochastic", all_combinations=True)) == 2 * 3 * 3 * 3 + 1


def test_plan_drops_repetitions_and_spaces():
    assert labels(" S8.7 ,S8.7,", ["nearest"], "8") == ["S8.7 nearest, 8-bit weights"]
    assert labels("float32", "floor", "16,8") == ["float32"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("S8,7",),
            r"^formats: needs S<integer bits>\.<fractional bits> of at most 32 bits, such as S16\.15, or "
            r"float32, has 'S8'$",
        ),
        (("S20.20",), r"^formats: needs S<integer bits>\.<fractional bits> of at most 32 bits, .*, has 'S20\.20'$"),
        (("float16",), r"^formats: needs .* or float32, has 'float16'$"),
        (("",), r"^formats: needs at least one name, has ''$"),
        (("S8.7", "floor", "17"), r"^weights: needs whole numbers of bits from 1 to 16, such as 16,8,4, has '17'$"),
        (("S8.7", "floor", (16, 0)), r"^weights: needs whole numbers of bits from 1 to 16, such as 16,8,4, has '0'$"),
        (("S8.7", "floor", "eight"), r"^weights: needs whole numbers of bits .*, has 'eight'$"),
    ],
)
def test_wrong_lists(arguments, message):
    with pytest.raises(ParameterError, match=message):
        plan_variants(*arguments)


def test_unknown_rounding():
    message = r"^roundings: needs one of floor, nearest, stochastic, has 'neerest'; did you mean 'nearest'\?$"
    with pytest.raises(UnknownNameError, match=message):
        plan_variants("S8.7", "neerest")
    message = r"^weight_roundings: needs one of nearest, stochastic, has 'up'$"
    with pytest.raises(UnknownNameError, match=message):
        plan_variants("S8.7", weight_roundings="up")


# ---- measures ------------------------------------------------------------------------------------------------------


def spikes(*pairs):
    """(step, neuron) pairs as arrays."""
    step, neuron = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(step, np.int32), np.array(neuron, np.int32)


def test_first_difference():
    a = spikes((3, 0), (5, 1), (7, 0), (9, 9))
    b = spikes((3, 0), (6, 1), (8, 2))
    parted_ms = measure.first_difference(a, b, 4, 0.1)
    assert parted_ms == pytest.approx([0.8, 0.6, 0.9, np.nan], nan_ok=True)  # neuron 9 is a spike source


def test_equal_trains_never_part():
    a = spikes((3, 0), (5, 1))
    assert measure.first_difference(a, a, 2, 0.1).tolist() == [np.inf, np.inf]
    summary = measure.parting(np.array([np.inf, 20.0, np.nan, np.inf, 10.0]))
    assert (summary.n_active, summary.n_parted, summary.first_ms, summary.median_ms) == (4, 2, 10.0, 20.0)
    assert summary.p90_ms is None


def replay_of(v_mv, spike_pairs):
    v_mv = np.array(v_mv, float)
    zero = np.zeros_like(v_mv)
    return Replay(v_mv, zero, zero, Spikes(*spikes(*spike_pairs), n_steps=len(v_mv)))


def test_neuron_error_ends_when_the_train_parts():
    exact = replay_of([[0.0, 0.0]] * 4, [(2, 0)])
    own = replay_of([[0.1, -0.3], [0.1, 0.3], [9.0, 0.3], [9.0, 0.3]], [(3, 0)])
    error = measure.neuron_error(exact, own, (0, 1), 2, 1.0)
    assert error.n_probes_parted == 1
    assert error.v_max_mv == pytest.approx(0.3)
    assert error.v_bias_mv == pytest.approx((0.1 + 0.1 - 0.3 + 3 * 0.3) / 6)
    assert error.v_rms_mv == pytest.approx(np.sqrt((2 * 0.01 + 4 * 0.09) / 6))
    assert error.v_rms_course_mv == pytest.approx([np.sqrt(0.05), np.sqrt(0.05), 0.3, 0.3])
    assert error.equal_spikes_ratio == 0.0
    assert error.i_max_pa == 0.0


def samples_of(rate, cv, correlation):
    values = [np.array(one, float) for one in (rate, cv, correlation)]
    return measure.RunSamples({"A": PopulationStatistics(*values)}, {"A": [values[2]] * 5})


def test_limits():
    same, other = samples_of([0.0] * 100, [1.0] * 100, [0, 1]), samples_of([0.0] * 100, [2.0] * 100, [0, 2])
    limit = measure.limits(same, other)
    factor = np.sqrt(-0.5 * np.log(0.01 / 2 / 2))  # two comparisons share the 1 %
    assert limit["rate_hz"]["A"] == pytest.approx(factor * np.sqrt(200 / 10_000))
    assert limit["cv_isi"]["A"] == 1.0
    assert limit["correlation"]["A"] == 2 * 0.5
    assert measure.limits(same, samples_of([], [], []))["rate_hz"]["A"] is None


def test_what_is_beyond_the_limits():
    limit = {"rate_hz": {"A": 0.1}, "cv_isi": {"A": 0.05}, "correlation": {"A": 0.04}}
    distance = {"rate_hz": {"A": 0.1}, "cv_isi": {"A": None}, "correlation": {"A": 0.05}}
    assert measure.beyond_limits(distance, limit) == (3, ("cv_isi of A", "correlation of A"))
    assert largest_ratio(distance, limit, "correlation") == pytest.approx(1.25)
    assert largest_ratio(distance, limit, "cv_isi") is None


def test_distances_of_known_samples():
    ks, emd = measure.distances(samples_of([0, 1], [0, 1], []), samples_of([1, 2], [1, 2], []))
    assert ks == {"rate_hz": {"A": 0.5}, "cv_isi": {"A": 0.5}, "correlation": {"A": None}}
    assert emd["rate_hz"]["A"] == 1.0
    critical = measure.critical_values(samples_of([0] * 100, [0] * 100, []), samples_of([0] * 50, [0] * 50, []))
    assert critical["rate_hz"]["A"] == pytest.approx(1.6276 * np.sqrt(150 / 5000), rel=1e-4)
    assert critical["correlation"]["A"] is None


def test_correlations_are_sampled_several_times():
    rng = np.random.default_rng(0)
    step, neuron = np.sort(rng.integers(0, 4000, 6000)).astype(np.int32), rng.integers(0, 300, 6000).astype(np.int32)
    sets = measure.run_samples({"A": 300}, (step, neuron), (1000, 4000), 0.1).correlations["A"]
    assert [one.size for one in sets] == [200 * 199 // 2] * 5
    assert not np.array_equal(sets[0], sets[1])


def test_probes_are_spread_over_every_population():
    from models.networks import NETWORKS

    network = NETWORKS["pd14"](scale=0.02)
    probes = accuracy_run.choose_probes(network, 3)
    first = network.offsets["L23I"]
    assert probes[:3] == (0, (first - 1) // 2, first - 1)
    assert len(probes) == len(set(probes)) == 24


# ---- a whole run ---------------------------------------------------------------------------------------------------


def test_report_of_a_run(small):
    result, _, _ = small
    report = result.report
    assert report.status == "complete"
    assert [variant.label for variant in report.variants] == labels(FORMATS, "floor,stochastic", (16, 4))
    assert len(report.variants) == report.n_variants_asked == N_VARIANTS
    assert report.seeds == (1234, 1235)
    error_mv = {variant.label: variant.neuron.v_rms_mv for variant in report.variants}
    assert 0 < error_mv["float32"] < error_mv["S16.15 floor"] < error_mv["S16.15 floor, 4-bit weights"]
    assert error_mv["S16.15 floor"] < 0.05 < error_mv["S8.7 floor"]
    assert all(set(table) == set(STATISTICS) for table in (report.mean, report.ks_limit, report.seed_emd))
    coarse = result.variant("S16.15 floor, 4-bit weights")
    assert (coarse.weight_bits, coarse.cost.machine_bytes_per_synapse) == (4, 2.5)
    assert result.variant("S8.7 stochastic").cost.n_random_words_per_neuron == 6
    assert result.variant("S8.7 floor").cost.machine_state_bytes_per_neuron == 6
    with pytest.raises(UnknownNameError, match=r"^variant: needs one of .*, has 'S8\.8'$"):
        result.variant("S8.8")


def test_cycles_only_where_they_are_known(small):
    variants = {variant.label: variant.cost for variant in small[0].report.variants}
    assert variants["S16.15 floor"].cycles_per_neuron == 170
    assert variants["S16.15 floor"].cycles_note == "cost.neuron_update_cycles of spinnaker1 (unverified)"
    assert [label for label, cost in variants.items() if cost.cycles_per_neuron is not None] == [
        "S16.15 floor",
        "S16.15 floor, 4-bit weights",
    ]


def test_losses_are_counted_and_explained(small):
    narrow = small[0].variant("S8.7 floor")
    assert narrow.counters["L5E"]["v_stuck"] > 0
    assert any("membrane stands still" in note and "stochastic rounding" in note for note in narrow.notes)
    assert small[0].variant("float32").counters == {}
    assert small[0].variant("float32").notes == ()


def test_progress_names_every_run(small):
    ended = [stage for stage, fraction, _ in small[2] if fraction == 1.0]
    n = N_VARIANTS + 2
    assert ended[:3] == [f"1/{n} float64, seed 1234", f"2/{n} float64, seed 1235", f"3/{n} S16.15 floor"]
    assert len(ended) == n
    assert all(note.endswith("s left") for stage, _, note in small[2] if stage == f"4/{n} S16.15 stochastic" and note)


def test_json_holds_the_report(small):
    result, folder, _ = small
    written = json.loads((folder / "accuracy.json").read_text(encoding="utf-8"))
    assert written == result.report.to_dict()
    assert written["schema_version"] == 1
    assert written["variants"][1]["neuron"]["v_rms_mv"] == result.report.variants[1].neuron.v_rms_mv
    assert len(written["variants"][0]["neuron"]["v_rms_course_mv"]) == 300


def test_every_json_field_is_documented(small):
    from pathlib import Path

    text = (Path(__file__).parents[4] / "docs" / "accuracy.md").read_text(encoding="utf-8")
    written = small[0].report.to_dict()
    variant = written["variants"][0]
    names = {*written, *variant, *variant["neuron"], *variant["trains"], *variant["cost"], *written["network"]}
    assert [name for name in sorted(names) if name not in text] == []


class Page(HTMLParser):
    """Checks that every element is closed in order; collects ids and addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs[key] for key in ("src", "href", "xlink:href") if key in attrs]
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_closed_offline_and_complete(small):
    result, folder, _ = small
    text = (folder / "accuracy.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert [link for link in page.links if not link.startswith("#")] == []
    assert {"summary", "neurons", "trains", "statistics", "losses", "cost", "reproduce"} <= set(page.ids)
    assert text.count("<svg") == 5
    for variant in result.report.variants:
        assert variant.label in text


def test_terminal_shows_one_screen(small):
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(render_accuracy(small[0].report))
    lines = console.export_text().splitlines()
    assert len(lines) <= 24
    assert lines[0].startswith("pd14 (scale 0.02, poisson drive, ")
    assert sum(line.startswith("S16.15 floor") for line in lines) >= 2
    assert any(line.startswith("another seed of float64") for line in lines)


def test_small_numbers():
    assert [significant(value) for value in (None, 0.0, 0.0123, 1.4e-6, -2.5)] == ["-", "0", "0.012", "1.4e-06", "-2.5"]


# ---- interruption --------------------------------------------------------------------------------------------------


@pytest.fixture
def interrupted(monkeypatch):
    """Make the given run (0: the first float64) end as after Ctrl-C."""

    def at(n):
        original, calls = accuracy_run._Setting.simulate, []

        def simulate(self, *arguments):
            calls.append(arguments)
            if len(calls) > n:
                raise KeyboardInterrupt
            return original(self, *arguments)

        monkeypatch.setattr(accuracy_run._Setting, "simulate", simulate)

    return at


ARGUMENTS = [
    "accuracy",
    "pd14",
    "--scale",
    "0.01",
    "--seconds",
    "0.05",
    "--set",
    "warmup_ms=0",
    "--formats",
    "S8.7,S8.23",
    "--rounding",
    "floor",
    "--weights",
    "16",
]


def test_interrupted_run_keeps_what_is_finished(interrupted, tmp_path, capsys):
    interrupted(3)
    assert main([*ARGUMENTS, "--out", str(tmp_path / "out")]) == 130
    assert "PARTIAL: interrupted after 1 of 2 arithmetics" in capsys.readouterr().out
    written = json.loads((tmp_path / "out" / "accuracy.json").read_text(encoding="utf-8"))
    assert written["status"] == "partial"
    assert [variant["label"] for variant in written["variants"]] == ["S8.7 floor"]
    assert "Partial: interrupted after 1 of 2" in (tmp_path / "out" / "accuracy.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("n", [0, 2])
def test_interruption_before_the_first_result(interrupted, tmp_path, capsys, n):
    interrupted(n)
    assert main([*ARGUMENTS, "--out", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "neuromap: error: interrupted before anything was measured"
    assert not (tmp_path / "out").exists()


# ---- the command ---------------------------------------------------------------------------------------------------


def test_command_writes_and_says_where(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*ARGUMENTS, "--no-html", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "results in out/accuracy-pd14-seed3"
    assert [path.name for path in (tmp_path / "out" / "accuracy-pd14-seed3").iterdir()] == ["accuracy.json"]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            ["--formats", "S9.99"],
            "neuromap: error: --formats: needs S<integer bits>.<fractional bits> of at most 32 "
            "bits, such as S16.15, or float32, has 'S9.99'",
        ),
        (["--rounding", "up"], "neuromap: error: --rounding: needs one of floor, nearest, stochastic, has 'up'"),
        (
            ["--weights", "16,32"],
            "neuromap: error: --weights: needs whole numbers of bits from 1 to 16, such as 16,8,4, has '32'",
        ),
        (
            ["--formats", "S4.11"],
            "neuromap: error: Population('L23E').tau_mem_ms / c_m_pf in S4.11: needs a value "
            "from -16 to 15.9995 MOhm; choose a format with more integer bits, has 40.0",
        ),
        (["--set", "arithmetics=float"], "neuromap: error: setting of the experiment at the settings: needs one of "),
    ],
)
def test_mistakes_are_one_message_before_any_run(tmp_path, capsys, monkeypatch, extra, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(accuracy_run, "run_simulation", None)  # not callable: nothing may run
    assert main(["accuracy", "pd14", "--scale", "0.01", *extra]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith(message)
    assert not (tmp_path / "out").exists()


def test_arithmetic_is_no_option():
    with pytest.raises(UnknownNameError, match=r"^option of accuracy: needs one of .*, has 'arithmetic'"):
        nm.accuracy("pd14", arithmetic="float")
    with pytest.raises(ParameterError, match=r"^option arithmetic: needs a command that reads it .*, has 'accuracy'$"):
        nm.accuracy("pd14", settings={"arithmetic": "float"})


def test_a_misspelt_option_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"has 'rounding'; did you mean 'roundings'\?$"):
        nm.accuracy("pd14", rounding="floor")
    assert "seconds" in inspect.signature(nm.accuracy).parameters


def test_network_object_gives_what_its_name_gives():
    options = {"formats": "S8.7", "roundings": "floor", "weights": (16,), "settings": {"warmup_ms": 0}}
    options |= {"seconds": 0.02}
    by_name = nm.accuracy("chain", **options).report
    by_object = nm.accuracy(nm.build_network(nm.NetworkChoice(name="chain")), **options).report
    assert by_object.mean == by_name.mean
    assert by_object.variants[0].ks_distance == by_name.variants[0].ks_distance
    assert by_object.variants[0].counters == by_name.variants[0].counters
    assert "digest" in by_object.experiment["network"]


def test_figures_are_public(small, tmp_path):
    result = small[0]
    figures = [
        nm.accuracy_errors(result),
        nm.accuracy_trace(result),
        nm.accuracy_parting(result),
        nm.accuracy_distances(result),
        nm.accuracy_distributions(result, tmp_path / "d.png"),
    ]
    assert [len(one.axes) for one in figures] == [2, 2, 1, len(STATISTICS), 3 * 8]
    labels = [label.get_text() for label in figures[3].axes[0].get_yticklabels()]
    assert labels == ["another seed of float64", *(variant.label for variant in result.report.variants)]
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")


def test_seconds_have_their_own_default():
    assert accuracy_run._prepare("pd14", {"scale": 0.01}).n_steps == 55_000
    assert accuracy_run._prepare("pd14", {"scale": 0.01, "settings": ["seconds=2"]}).n_steps == 25_000
    assert accuracy_run._prepare("pd14", {"scale": 0.01, "seconds": 1.0}).n_steps == 15_000


def test_page_of_a_notebook(small):
    assert small[0]._repr_html_() == render_accuracy_html(small[0].report, small[0].arrays)


def test_format_of_the_device_needs_no_check():
    assert NumberFormat.parse("S16.15").to_state(np.array([-65.0])).tolist() == [-65 * 32768]
