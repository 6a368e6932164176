"""The static model of neuroAIx: the published step times, a step by hand, monotony, messages."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.timing.pipeline_step import pipeline_step
from models.errors import ParameterError
from models.machine.file import load_machine

ROOT = Path(__file__).parents[4]
SECTIONS = {
    "n_pipelines": "core.n_per_chip",
    "transceiver_ns": "pipeline.transceiver_ns",
    "system_clock_hz": "router.clock_hz",
    "dram_bytes_per_s": "pipeline.dram_bytes_per_s",
    "neuron_clock_hz": "core.clock_hz",
    "packets_per_s": "link.packets_per_s",
    "synapse_bytes": "memory.synapse_bytes",
    "shape": "topology.shape",
}
NEUROAIX = load_machine("neuroaix")
#: What the authors' program prints for the change; facts of RWTH-IDS/neuroAIx-perf-sim at 6d5afcc, ns.
PUBLISHED = [
    ({}, 4894.53),
    ({"transceiver_ns": 34.0}, 4048.11),
    ({"dram_bytes_per_s": 6.4e9}, 6329.10),
    ({"rate_hz": 4.0}, 5281.81),
    ({"rate_hz": 0.32}, 4591.49),
    ({"synapse_bytes": 4}, 4554.53),
    ({"n_pipelines": 20}, 4809.31),
    ({"shape": (35, 1)}, 5634.77),
    ({"shape": (7, 7)}, 4886.40),
    ({"n_neurons": 77}, 3429.89),
]
OPTIONS = {
    "transceiver_ns": "--transceiver-ns=34",
    "dram_bytes_per_s": "--dram-gbytes=6.4",
    "rate_hz": "--rate-hz=4",
    "synapse_bytes": "--bytes-per-synapse=4",
    "n_pipelines": "--pipelines=20",
    "n_neurons": "--neurons=77",
}


def step(*, n_neurons=77169, rate_hz=3.2, n_synapses_per_neuron=3880, **changes):
    machine = NEUROAIX
    for name, value in changes.items():
        section, _, key = SECTIONS[name].partition(".")
        machine = replace(machine, **{section: replace(getattr(machine, section), **{key: value})})
    return pipeline_step(machine, n_neurons=n_neurons, rate_hz=rate_hz, n_synapses_per_neuron=n_synapses_per_neuron)


@pytest.mark.parametrize(("changes", "step_ns"), PUBLISHED, ids=str)
def test_published_step_time(changes, step_ns):
    assert step(**changes).step_ns == pytest.approx(step_ns, abs=0.01)


def test_events_of_the_published_step():
    """Neurons updated, spikes of one and of two hops received, last look-up: 1172, 2463, 3535 and 3638 ns."""
    done = step()
    ends = [done.phase(*key).end_ns for key in (("update", 0), ("receive", 1), ("receive", 2), ("look_up", 2))]
    assert [round(end) for end in ends] == [1172, 2463, 3535, 3638]
    assert (done.last.name, done.last.n_hops, done.n_nodes, done.row_bytes) == ("rows", 2, 35, 896)
    assert done.n_spikes_per_node == pytest.approx(77169 / 35 * 3.2e-4)
    assert done.acceleration_ratio == pytest.approx(20.431, abs=5e-4)
    assert done.last.late_ns == pytest.approx(303.03, abs=0.01)
    assert [phase.n_nodes for phase in done.phases if phase.name == "send"] == [1, 4]


def test_one_node_by_hand():
    """1,000 neurons in one node: two pipelines' worth of latency, no link; rows of 8,000 bytes read at 9.5 GB/s."""
    done = step(n_neurons=1000, n_synapses_per_neuron=1000, shape=(1, 1), neuron_clock_hz=200e6)
    start_ns = 30 * 5 + 60 + 43 + 880
    arrival_ns = (100 + 1) * 5 + 8000 / 12.12
    assert done.step_ns == pytest.approx(start_ns + arrival_ns)
    assert {phase.name for phase in done.phases} == {"update", "look_up", "rows"}
    work_ns = 1000 * 20 * 1e-4 * 8000 / (2 * 9.5)
    assert work_ns * 2 > arrival_ns  # the same at twice 20 Hz is more than the DRAM has time for
    busy = step(n_neurons=1000, n_synapses_per_neuron=1000, rate_hz=40, shape=(1, 1), neuron_clock_hz=200e6)
    assert busy.last.work_ns == pytest.approx(2 * work_ns)
    assert busy.step_ns == pytest.approx(start_ns + 2 * work_ns)


def test_two_groups_share_a_queue():
    """Three nodes in a row: rows of the neighbours wait for what is left of the node's own."""
    done = step(n_neurons=3000, n_synapses_per_neuron=3000, rate_hz=60, shape=(3, 1), neuron_clock_hz=50e6)
    own, others = done.phase("rows", 0), done.phase("rows", 1)
    assert own.start_ns + own.arrival_ns > others.start_ns
    assert own.late_ns == pytest.approx(0.0, abs=1e-9)
    before_ns = others.start_ns - own.start_ns
    left_ns = own.work_ns * (1 - before_ns / own.arrival_ns)  # arrives with the others' work
    assert others.end_ns == pytest.approx(others.start_ns + left_ns + others.work_ns)


def test_slow_link_delays_what_follows():
    slow = step(packets_per_s=1e6, rate_hz=20)
    sent, received = slow.phase("send", 0), slow.phase("receive", 1)
    assert sent.end_ns - sent.start_ns == pytest.approx(77169 / 35 * 20 * 1e-4 * 1000)
    assert received.arrival_ns == pytest.approx(sent.end_ns - sent.start_ns)
    assert slow.step_ns > step(rate_hz=20).step_ns


def test_shape_of_a_row_does_not_depend_on_its_direction():
    assert step(shape=(1, 35)).step_ns == step(shape=(35, 1)).step_ns
    assert step(shape=(7, 5)).step_ns == step(shape=(5, 7)).step_ns


MORE_IS_SLOWER = {"n_neurons": (10, 400_000), "rate_hz": (0.0, 30.0), "n_synapses_per_neuron": (1, 20_000)}
MORE_IS_FASTER = {
    "neuron_clock_hz": (5e7, 4e8),
    "system_clock_hz": (5e6, 2e8),
    "packets_per_s": (1e5, 1e8),
    "dram_bytes_per_s": (1e9, 5e10),
    "n_pipelines": (1, 100),
}


def pairs(bounds):
    low, high = bounds
    values = st.integers(low, high) if isinstance(low, int) else st.floats(low, high)
    return st.tuples(values, values).map(sorted)


@pytest.mark.parametrize("name", [*MORE_IS_SLOWER, *MORE_IS_FASTER])
def test_step_time_is_monotonous(name):
    bounds = MORE_IS_SLOWER.get(name) or MORE_IS_FASTER[name]

    @given(pairs(bounds), st.sampled_from([3.2, 15.0]), st.sampled_from([(5, 7), (4, 1), (2, 2)]))
    def check(pair, rate_hz, shape):
        fixed = {"rate_hz": rate_hz, "shape": shape}
        small, large = (step(**fixed | {name: value}).step_ns for value in pair)
        first, second = (small, large) if name in MORE_IS_SLOWER else (large, small)
        assert first <= second * (1 + 1e-12)

    check()


@given(st.integers(1, 400_000), st.floats(0.0, 50.0), st.integers(1, 12), st.integers(1, 12))
def test_no_resource_does_more_than_its_time_allows(n_neurons, rate_hz, height, width):
    done = step(n_neurons=n_neurons, rate_hz=rate_hz, shape=(height, width))
    for name in ("look_up", "rows", "send", "receive"):
        phases = [phase for phase in done.phases if phase.name == name]
        for i, phase in enumerate(phases):
            assert phase.end_ns >= phase.start_ns + max(phase.arrival_ns, phase.work_ns) * (1 - 1e-12)
            # the queue serves groups in turn: all work up to this group fits before its end
            total_ns = sum(one.work_ns for one in phases[: i + 1])
            assert phase.end_ns >= (phases[0].start_ns + total_ns) * (1 - 1e-12)
    assert done.step_ns == max(phase.end_ns for phase in done.phases)


def test_machine_without_pipelines():
    message = r"^machine spinnaker1: needs a section 'pipeline', as neuroaix has, has None$"
    with pytest.raises(ParameterError, match=message):
        pipeline_step(load_machine("spinnaker1"), n_neurons=1, rate_hz=1, n_synapses_per_neuron=1)


@pytest.mark.parametrize(
    ("settings", "has"),
    [
        ({"topology.kind": "mesh"}, r"'mesh \(5, 7\)'"),
        ({"topology.shape": [2, 3, 4], "topology.board_shape": [1, 1, 1]}, r"'hyperx \(2, 3, 4\)'"),
        ({"topology.shape": [], "topology.board_shape": [5, 7]}, "'hyperx'"),
    ],
    ids=["mesh", "three axes", "grows"],
)
def test_machine_of_another_shape(settings, has):
    message = rf"^topology of machine neuroaix: needs a hyperx with a shape of one or two axes, has {has}$"
    with pytest.raises(ParameterError, match=message):
        pipeline_step(load_machine("neuroaix", settings), n_neurons=1, rate_hz=1, n_synapses_per_neuron=1)


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("n_neurons", 0, ">"),
        ("rate_hz", -1.0, ">="),
        ("n_synapses_per_neuron", math.inf, ">"),
        ("dt_ms", math.nan, ">"),
    ],
)
def test_number_out_of_range(name, value, bound):
    numbers = {"n_neurons": 1, "rate_hz": 1, "n_synapses_per_neuron": 1} | {name: value}
    with pytest.raises(ParameterError, match=rf"^{name}: needs a number {bound} 0, has {value}$"):
        pipeline_step(NEUROAIX, **numbers)


def test_a_phase_that_is_not_there():
    with pytest.raises(KeyError, match=r"^\('rows', 2\)$"):
        step(shape=(3, 1)).phase("rows", 2)


def run_script(*arguments):
    command = [sys.executable, str(ROOT / "scripts/neuroaix_step.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_script_prints_the_published_step():
    code, out, err = run_script()
    assert (code, out, err) == (0, "step_ns: 4894.53\n", "")
    code, out, _ = run_script("--height=5", "--width=7", "--rate-hz", "3.2", "--link-gbit", "5.82", "--phases")
    assert out.splitlines()[0] == "step_ns: 4894.53"
    assert out.splitlines()[-1].split() == ["rows", "2", "24", "3345.40", "4894.53", "1463.91", "303.03"]


@pytest.mark.parametrize("name", OPTIONS)
def test_script_takes_every_option(name):
    expected = next(step_ns for changes, step_ns in PUBLISHED if name in changes)
    code, out, _ = run_script(OPTIONS[name])
    assert (code, out) == (0, f"step_ns: {expected:.2f}\n")


def test_script_refuses_what_cannot_be():
    code, out, err = run_script("--pipelines", "0")
    assert (code, out) == (2, "")
    assert err == (
        "neuroaix_step.py: error: core.n_per_chip at the settings: "
        "needs a whole number from 1 to 65,536 cores, has 0.0\n"
    )
