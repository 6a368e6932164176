"""Every constant of every machine that comes with neuromap changes some result, and no two constants say the same."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emulator.packets.adaptor import SentSpikes, scenario_of
from emulator.packets.drawn_rows import drawn_row_length
from emulator.packets.machine_numbers import PacketOptions, usual_end_of_tick
from emulator.timing import TimedSpikes, time_run
from emulator.timing.energy import Traffic, energy
from emulator.timing.loading import load_times
from emulator.timing.pipeline_step import pipeline_step
from machines import DRIVE, projection
from mapping.flow import map_network
from mapping.neuron_cost import neuron_bytes, neuron_update_cycles
from mapping.recipe import Recipe
from mapping.usual import usual_recipe, usual_router
from models.errors import NeuromapError, ParameterError
from models.machine.file import list_machines, load_machine
from models.network import (
    Izhikevich,
    LifAdaptThresh,
    LifCondExp,
    LifCurrAlpha,
    LifDelta,
    Network,
    PoissonSource,
    Population,
)
from models.network.plasticity import PairStdp
from neuromap.measures.static import static_report

ROOT = Path(__file__).resolve().parents[4]
N_SOURCES = 40
MODELS = (LifCurrAlpha, LifCondExp, LifAdaptThresh, LifDelta, Izhikevich)


def small(rule=None):
    """Two populations that listen to each other and, with plastic synapses, to a source."""
    populations = (Population(name="A", n_neurons=20, poisson=DRIVE), Population(name="B", n_neurons=12))
    pairs = (("A", "B"), ("B", "A"))
    learning = replace(projection("S", "A", 0.3), plasticity=rule)
    return Network(
        name="small",
        populations=populations,
        sources=(PoissonSource(name="S", n_neurons=8, rate_hz=50.0),),
        projections=(*(projection(a, b, 0.3) for a, b in pairs), learning),
    )


def mapped_results(machine, recipe):
    """Yield what a mapping, the static depth, a run, its packets and its loading come to, cheapest first."""
    network = small(None if machine.plasticity is None else PairStdp(w_max_pa=100.0))
    mapping = map_network(network, machine, Recipe(name=recipe, route=usual_router(machine)), seed=3)
    yield str(mapping.partition.slices), str(mapping.partition.vertices), mapping.placement.core.tolist()
    yield replace(static_report(mapping, network), static_s=0.0)
    yield load_times(mapping, network)
    lengths = drawn_row_length(mapping, network, np.arange(N_SOURCES, dtype=np.int32), 1)
    step = np.repeat(np.arange(4, dtype=np.int32), 20)
    neuron = np.tile(np.arange(0, N_SOURCES, 2, dtype=np.int32), 4)
    plastic = lengths if machine.plasticity is not None else None
    timing = time_run(mapping, network, TimedSpikes(step, neuron, 4, lengths, plastic_length=plastic))
    yield timing.mean_cycles.tolist(), timing.step_cycles.tolist(), timing.n_late, timing.n_lost
    options = PacketOptions(end_of_tick=usual_end_of_tick(machine), is_in_phase=True)
    row = np.arange(N_SOURCES, dtype=np.int32)
    scenario = scenario_of(
        mapping, network, SentSpikes(step=step, neuron=neuron, n_steps=4, row_length=lengths, row=row), options
    )
    work, fabric = scenario.work, scenario.fabric
    yield scenario.parameters, scenario.tick_cycles, scenario.cycle_ns, fabric.period.tolist(), fabric.delay.tolist()
    yield [array.tolist() for array in (work.spike_work, work.synapse_work, work.tick_cycles, work.phase_cycles)]


def results(machine):
    """Yield all results; an error is one too."""
    ones = dict.fromkeys(Traffic.__slots__, 1e9)
    for n_boards in (1, 50):
        yield energy(machine, Traffic(**ones), n_boards=n_boards, n_cores=9, busy_cores=5.0, real_time_factor=1.0)
    yield machine.link.rates_packets_per_s, machine.link_latencies_ns
    if machine.neuron_models is not None:
        for model in MODELS:
            population = Population(name="P", n_neurons=1, neuron=model())
            yield neuron_update_cycles(machine, population), neuron_bytes(machine, population)
    if machine.plasticity is not None:
        spec = machine.plasticity
        yield spec.row_bytes(7), spec.write_back_bytes(3, 11)
    if machine.pipeline is not None:
        yield pipeline_step(machine, n_neurons=77_169, rate_hz=300.0, n_synapses_per_neuron=3880).step_ns
    for recipe in dict.fromkeys((usual_recipe(machine), "combined")):
        found = mapped_results(machine, recipe)
        while True:
            try:
                yield next(found)
            except StopIteration:
                break
            except NeuromapError as error:
                yield str(error)
                break


def is_read_elsewhere(path, machine):
    """Whether a constant is one that this small network or these depths cannot feel, and who reads it then."""
    section = path.partition(".")[0]
    if machine.memory.hand_over_bytes_per_s == 0 and path in ("cost.spike_cycles", "cost.hand_over_cycles"):
        return "cores of an ensemble, which this machine does not have"
    if path == "link.packet_bits" and machine.power.router_energy_per_bit_pj == 0:
        return "router_energy_per_bit_pj, which is 0"
    if path == "power.n_boards_per_frame" and machine.power.frame_idle_w == 0:
        return "frame_idle_w, which is 0"
    if section == "plan":
        return "weight scales, lanes and the usual neurons of a core"
    if path in (
        "plasticity.history_bytes",
        "plasticity.table_bytes",
        "plasticity.synapse_events_per_s",
        "plasticity.row_header_bytes",
    ):
        return "the memory of a plastic network"
    if path == "core.weight_bits":
        return "what a run's notes say of weights"
    if path == "core.n_weight_values":
        return "the check of a network with many weights"
    return ""


def names_read():
    """Names of all attributes that the packages read."""
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for folder in ("models", "mapping", "emulator", "neuromap")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return {node.attr for node in nodes if isinstance(node.ctx, ast.Load)}


@pytest.mark.parametrize("name", list_machines())
def test_every_constant_changes_a_result(name):
    base, read = load_machine(name), names_read()
    before, unread = list(results(base)), []
    for note in base.constants:
        is_number = isinstance(note.value, int | float) and not isinstance(note.value, bool)
        if not is_number or (why := is_read_elsewhere(note.path, base)):
            assert not is_number or note.path.rpartition(".")[2] in read, (note.path, why)
            continue
        if not any(changes(name, note, factor, before) for factor in (2, 0.5, 0.01, 1e-4, 100, 8)):
            unread.append(note.path)
    assert unread == []


def changes(name, note, factor, before):
    """Whether another value of a constant gives another result, or is refused."""
    value = note.value * factor if note.value else factor
    value = max(1, round(value)) if isinstance(note.value, int) else value
    try:
        machine = load_machine(name, {note.path: value})
    except NeuromapError as error:
        return " from " not in str(error)  # refused for what another constant is, not for its own bounds
    found = results(machine)
    return any(one != other for one, other in zip(found, before, strict=False))


def test_no_two_constants_of_neuroaix_say_the_same():
    """A sweep of a rate, a latency, a clock or the pipelines moves all that depends on it."""
    base = load_machine("neuroaix")
    twice = load_machine("neuroaix", {"link.packets_per_s": 2 * 45.47e6})
    assert twice.link.rates_packets_per_s == (2 * 45.47e6, 2 * 45.47e6)
    slower = load_machine("neuroaix", {"pipeline.transceiver_ns": 1600})
    assert slower.link_latencies_ns == (2029, 2029)
    assert base.link_latencies_ns == (1029, 1029)
    noted = {note.path for note in base.constants}
    assert not noted & {
        "link.board_packets_per_s",
        "link.latency_ns",
        "link.board_latency_ns",
        "pipeline.n_pipelines",
        "pipeline.system_clock_hz",
    }
    for name in ("latency_ns", "board_latency_ns"):
        with pytest.raises(ParameterError, match=rf"^link\.{name} at the settings: needs no value: pip"):
            load_machine("neuroaix", {f"link.{name}": 100})
    machine = load_machine("spinnaker1")
    machine = replace(machine, link=replace(machine.link, latency_ns=None))
    with pytest.raises(ParameterError, match=r"^link\.latency_ns: needs a value in ns, has None$"):
        _ = machine.link_latencies_ns


def test_the_step_follows_the_rate_of_the_links_that_there_are():
    """All links of neuroAIx join boards: a rate of their own is the step's too."""
    steps = {}
    for setting in ({}, {"link.packets_per_s": 1e5}, {"link.board_packets_per_s": 1e5}):
        machine = load_machine("neuroaix", setting)
        steps[tuple(setting)] = pipeline_step(
            machine, n_neurons=77_169, rate_hz=3.2, n_synapses_per_neuron=3880
        ).step_ns
    assert steps["link.packets_per_s",] == steps["link.board_packets_per_s",] > steps[()]
