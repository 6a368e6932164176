"""The verdict in words, and the change that it names, for each thing that can limit a run."""

from dataclasses import replace

import pytest

from models.machine.file import load_machine
from neuromap.experiment.nouns import Experiment
from neuromap.measures.results import LimitingCore, MappingReport, PacketReport, StepTime, TimingBound, TimingReport
from neuromap.measures.verdict import make_verdict

CORE = LimitingCore(
    kind="neuron", population="A", neuron_start=64, neuron_stop=128, lane=0, x=3, y=1, p=7, step=42,
    used_cycles=15_000, budget_cycles=20_000,
)  # fmt: skip
TIMING = TimingReport(
    time_scale_factor=1.0, real_time_factor=1.0, min_lossless_time_scale_factor=0.75, n_steps=1000, n_overruns=0,
    first_overrun_step=None, step_us=StepTime(mean=70.0, p99=72.0, max=75.0), limiting_core=CORE,
)  # fmt: skip
MAPPING = MappingReport(
    recipe="ensemble", n_cores=9, n_cores_by_kind={"neuron": 3, "synapse": 6}, n_chips=1, n_boards=1,
    max_table_entries=1, total_table_entries=1, mean_link_hops=0.0, violations=[],
)  # fmt: skip
PACKETS = PacketReport(
    n_sent=10,
    n_expected=100,
    n_delivered=100,
    n_late=0,
    n_lost=0,
    busiest_link_packets_per_s=1e6,
    link_capacity_packets_per_s=5e6,
)
ENSEMBLE = "--recipe ensemble (neurons and synapses on cores of their own)"
WHERE = "pd14 on spinnaker1 (ensemble, 9 cores on 1 board)"


def verdict(mapping=MAPPING, timing=TIMING, packets=PACKETS, machine="spinnaker1", n_spikes=10, **options):
    return make_verdict(Experiment(), load_machine(machine), mapping, timing, packets, n_spikes=n_spikes, **options)


def between(low, high, timing=TIMING, n_lost=(0, 0)):
    """The timing with ends that need these time-scale factors and lose so many packets."""
    ends = [
        TimingBound(
            real_time_factor=max(1.0, factor),
            min_lossless_time_scale_factor=factor,
            n_overruns=int(factor > 1) * 7,
            step_us=StepTime(mean=60.0, p99=70.0, max=100 * factor),
            n_late=0,
            n_lost=lost,
        )
        for factor, lost in zip((low, high), n_lost, strict=True)
    ]
    return replace(timing, low=ends[0], high=ends[1], unverified_costs=["cost.timer_cycles"])


def overrunning(kind, used_cycles):
    core = replace(CORE, kind=kind, used_cycles=used_cycles)
    factor = used_cycles / 20_000
    return replace(
        TIMING, n_overruns=5, first_overrun_step=42, limiting_core=core, min_lossless_time_scale_factor=factor
    )


def test_all_is_well():
    found = verdict()
    assert (found.fits, found.keeps_up, found.loses_nothing) == (True, True, True)
    assert found.summary == f"{WHERE} fits, keeps up with real time, and loses nothing."
    assert found.limit == "neuron core 7 of chip (3, 1), A[64:128]: 15,000 of 20,000 cycles in step 42"
    assert found.remedy == ""


def test_a_slow_down_is_named():
    found = verdict(timing=replace(TIMING, time_scale_factor=20.0))
    assert found.summary == f"{WHERE} fits, keeps up with a slow-down of 20, and loses nothing."


@pytest.mark.parametrize(
    ("kind", "used_cycles", "remedy"),
    [
        ("combined", 58_721, f"{ENSEMBLE}, or --time-scale-factor 2.94"),
        # two synapse cores a neuron core, of whose 20,000 cycles 3,000 do not shrink: 2 * (40,000 - 3,000) / 17,000
        ("synapse", 40_000, "--set recipe.n_synapse_cores=5 (more cores share the spikes), or --time-scale-factor 2"),
        # 64 * 17,000 / (25,000 - 3,000)
        ("neuron", 25_000, "--neurons-per-core 49 (less work on this core), or --time-scale-factor 1.25"),
        ("poisson", 22_000, "--neurons-per-core 57 (less work on this core), or --time-scale-factor 1.1"),
    ],
)
def test_a_core_that_overruns_names_its_change(kind, used_cycles, remedy):
    found = verdict(timing=overrunning(kind, used_cycles))
    assert (found.keeps_up, found.loses_nothing) == (False, True)
    assert found.summary == (
        f"{WHERE} fits and loses nothing, but does not keep up with real time: 5 of 1,000 steps overrun."
    )
    assert found.remedy == f"{remedy} (a longer tick)"


def test_a_change_beyond_the_bounds_of_its_setting_is_not_named():
    """8,325 synapse cores would be needed, of 1,024 that can be set; then a factor of 4,000,000, of 1,000,000."""
    found = verdict(timing=overrunning("synapse", 20_000 * 3538))
    assert found.remedy == "--time-scale-factor 3538 (a longer tick)"
    found = verdict(timing=overrunning("poisson", 20_000 * 4_000_000))
    assert found.remedy == "a smaller network or a faster machine: no time-scale factor that can be set is enough"


def test_a_long_factor_keeps_its_digits():
    """123,456.78 rounded to six digits would be too short a tick."""
    found = verdict(timing=replace(overrunning("poisson", 30_000), min_lossless_time_scale_factor=123_456.7712))
    assert found.remedy.endswith("--time-scale-factor 123456.78 (a longer tick)")


def test_overruns_that_lose_spikes_are_both_named():
    found = verdict(timing=overrunning("combined", 30_000), packets=replace(PACKETS, n_lost=3))
    assert found.summary == (
        f"{WHERE} fits, but does not keep up with real time (5 of 1,000 steps overrun) and loses spikes."
    )


def loaded(link_ratio):
    return replace(PACKETS, busiest_link_packets_per_s=link_ratio * 5e6, busiest_link="NE of chip (3, 1)")


def test_a_full_link_does_not_keep_up_and_is_what_limits():
    """A core at 75 % of its tick, a link at 102 %: headline, limit and change all name the link."""
    found = verdict(packets=loaded(1.02))
    assert (found.keeps_up, found.loses_nothing, found.limited_by) == (False, False, "link")
    assert found.summary == (
        f"{WHERE} fits, but does not keep up with real time (the offered load of a link is 102% of its capacity) and "
        "loses spikes."
    )
    assert found.limit == (
        "link NE of chip (3, 1): offered load 5,100,000 packets/s, capacity 5,000,000 packets/s (102%)"
    )
    assert found.remedy == "--time-scale-factor 1.02 (a longer tick)"


def test_what_binds_more_is_the_limit_and_the_change_is_enough_for_both():
    """A core that needs 1.25 ticks beside a link whose offered load is 2.03 times its capacity, and 1.1 times."""
    slow = overrunning("neuron", 25_000)
    found = verdict(timing=slow, packets=loaded(2.03))
    assert found.limited_by == "link"
    assert "(the offered load of a link is 203% of its capacity, 5 of 1,000 steps overrun)" in found.summary
    assert found.remedy == "--time-scale-factor 2.03 (a longer tick)"
    found = verdict(timing=slow, packets=loaded(1.1))
    assert (found.limited_by, found.remedy) == ("core", "--time-scale-factor 1.25 (a longer tick)")
    assert found.limit.startswith("neuron core 7 of chip (3, 1)")


def test_the_busier_of_core_and_link_is_named_where_both_hold():
    assert verdict(packets=loaded(0.7)).limited_by == "core"
    assert verdict(packets=loaded(0.8)).limited_by == "link"
    assert verdict(packets=loaded(0.8)).remedy == ""


def test_packets_that_were_followed_decide_what_is_lost():
    """A link that was overloaded, but only for so long that its queue held: late, not lost."""
    found = verdict(packets=loaded(1.5), loss_remedy="")
    assert (found.keeps_up, found.loses_nothing, found.loses_nothing_answer) == (False, True, "yes")
    assert "loses nothing, but does not keep up" in found.summary
    lossy = verdict(packets=replace(PACKETS, n_lost=3), timing=between(0.5, 0.9), loss_remedy="raise the buffer")
    assert (lossy.keeps_up, lossy.loses_nothing, lossy.loses_nothing_answer) == (True, False, "no")
    assert lossy.remedy == "raise the buffer"


def test_a_run_in_which_nothing_fired_has_nothing_to_judge():
    found = verdict(packets=replace(PACKETS, n_sent=0, n_expected=0, n_delivered=0), n_spikes=0)
    assert (found.keeps_up_answer, found.loses_nothing_answer) == ("nothing to judge", "nothing to judge")
    assert "nothing fired in the 1,000 steps after the warm-up" in found.summary
    assert "keeps up" not in found.summary
    nothing = replace(PACKETS, n_sent=0, n_expected=0, n_delivered=0)
    slow = verdict(timing=overrunning("neuron", 25_000), packets=nothing, n_spikes=0)
    assert (slow.keeps_up, slow.keeps_up_answer) == (False, "no")
    assert "does not keep up with real time although nothing fired" in slow.summary


def test_a_run_that_sends_nothing_has_nothing_to_lose():
    found = verdict(packets=replace(PACKETS, n_sent=0, n_expected=0, n_delivered=0))
    assert found.summary == f"{WHERE} fits, keeps up with real time, and sends no packet that could be lost."


def test_broken_mapping_does_not_fit():
    found = verdict(mapping=replace(MAPPING, violations=["net 3 reaches no core"]))
    assert not found.fits
    assert found.summary == f"{WHERE} breaks 1 invariant of the mapping."
    assert found.remedy == "the mapping itself is wrong, please report it: net 3 reaches no core"


def test_run_without_steps_has_no_limit_and_no_answer():
    found = verdict(timing=replace(TIMING, n_steps=0, limiting_core=None), n_spikes=0)
    assert (found.limit, found.limited_by, found.remedy) == ("", "nothing", "")
    assert (found.keeps_up, found.loses_nothing) == (False, False)
    assert (found.keeps_up_answer, found.loses_nothing_answer) == ("nothing to judge", "nothing to judge")
    assert found.summary == (
        f"{WHERE} fits; no step after the warm-up was simulated, so that nothing is known of how it keeps up or what "
        "it loses."
    )


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [(0.6, 0.9, "yes"), (0.6, 1.2, "depends on unverified constants"), (1.1, 1.2, "depends on unverified constants")],
)
def test_answer_within_the_ranges_of_unverified_costs(low, high, answer):
    assert verdict(timing=between(low, high)).keeps_up_answer == answer
    assert verdict(timing=between(low, high)).keeps_up  # as stated


def test_no_within_all_ranges():
    found = verdict(timing=between(1.1, 3.0, overrunning("neuron", 25_000)))
    assert (found.keeps_up, found.keeps_up_answer) == (False, "no")
    assert "depends" not in found.summary


def test_summary_says_what_the_answer_depends_on():
    depends = "whether it keeps up with real time depends on unverified constants (no step overruns from a slow-down of"
    found = verdict(timing=between(0.6, 1.25))
    assert found.summary == (
        f"{WHERE} fits; {depends} 0.60 to 1.25): with the values used it keeps up and loses nothing."
    )
    found = verdict(timing=between(0.9, 1.5, overrunning("neuron", 25_000)), packets=replace(PACKETS, n_lost=2))
    assert found.summary == (
        f"{WHERE} fits; {depends} 0.90 to 1.50): with the values used it does not (5 of 1,000 steps overrun) and "
        "loses spikes."
    )


def test_losses_within_the_ranges():
    assert verdict(timing=between(0.5, 0.9)).loses_nothing_answer == "yes"
    assert verdict(timing=between(0.5, 2.0, n_lost=(0, 3))).loses_nothing_answer == "depends on unverified constants"
    lossy = verdict(timing=between(1.5, 2.0, n_lost=(1, 3)), packets=replace(PACKETS, n_lost=2))
    assert lossy.loses_nothing_answer == "no"


@pytest.mark.parametrize(
    ("machine", "where", "limit"),
    [
        (
            "neuroaix",
            "pd14 on neuroaix (ensemble, 9 pipelines on 1 board)",
            "node (3, 1), done last in the longest step (42): 79.20 µs",
        ),
        (
            "loihi1",
            "pd14 on loihi1 (ensemble, 9 neuro-cores on 1 chip)",
            "core 7 of tile (3, 1), A[64:128]: 15.00 µs in the longest step (42), barrier included",
        ),
    ],
)
def test_steps_without_a_timer(machine, where, limit):
    found = verdict(timing=replace(TIMING, is_free_running=True, real_time_factor=0.05), machine=machine)
    assert found.summary == f"{where} fits, runs 20 times as fast as real time, and loses nothing."
    assert found.limit == limit
