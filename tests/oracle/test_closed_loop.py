"""Closed loop: what the packet model loses or delays, the neurons miss or get later, synapse by synapse.

The SimPy network replays the spikes of the closed loop; its log says when each core was done with each spike; the
reference network, told so, must come to the same potentials and spikes.
"""

from collections import Counter

import numpy as np
import pytest

import emulator.loop.coupling
import emulator.timing.model
from emulator.engine.options import SimulationOptions
from emulator.engine.simulate import simulate
from emulator.loop.closed_loop import ClosedLoopRun, run_closed_loop
from emulator.loop.coupling import LoopOptions
from emulator.packets.adaptor import SentSpikes, scenario_of
from emulator.packets.compiled import CompiledRun
from emulator.packets.machine_numbers import PacketOptions
from emulator.packets.model import What
from emulator.packets.simpy_model.model import run_simpy
from emulator.reference.network import simulate_reference
from emulator.timing.model import row_lengths, slice_of_source
from machines import machine
from mapping.expected import expected_rates_hz
from mapping.flow import map_network
from mapping.recipe import Recipe
from models.errors import CapacityError, ParameterError
from models.network import Network
from models.network.plasticity import PairStdp
from models.vocabulary import EndOfTick, Engine
from reference_case import assert_identical, crowded_network, rich_network, spikes_of
from stdp_case import one_synapse

N_STEPS = 120
RICH = rich_network()
TEN_STEPS = LoopOptions(network=PacketOptions(), n_steps=10)
#: Clock of the cores in MHz, spike buffer in packets, reinjection queue (None: links that hold nobody up), end of tick;
#: whether anything is late, whether anything is lost.
CASES = {
    "late": (10, 64, None, EndOfTick.LATE, True, False),
    "overflow": (2, 2, None, EndOfTick.LATE, True, True),
    "dropped at the end of the tick": (10, 64, None, EndOfTick.DROP, True, True),
    "waited for": (4, 64, None, EndOfTick.WAIT, False, False),
    "dropped by routers": (200, 64, 0, EndOfTick.LATE, True, True),
    "reinjected": (200, 64, 100, EndOfTick.LATE, True, False),
}


def slow_machine(clock_mhz: float, spike_buffer_packets: int, queue_packets: int | None):
    core = {"clock_hz": clock_mhz * 1e6, "spike_buffer_packets": spike_buffer_packets}
    if queue_packets is None:
        return machine(n_boards=1, core=core)
    return machine(
        n_boards=1,
        core=core,
        link={"packets_per_s": 4e3},
        flow_control={"reinjection_queue_packets": queue_packets, "wait1_code": 60, "output_buffer_packets": 1},
    )


def close_loop(mapping, network: Network, options: LoopOptions, **own) -> ClosedLoopRun:
    """Run the closed loop with ``seed=1`` and further options of ``simulate``."""
    n_steps = options.n_steps
    return run_closed_loop(
        mapping, network, options, lambda couple: simulate(network, n_steps=n_steps, seed=1, couple=couple, **own)
    )


def closed_loop_run(
    case: str,
    arithmetic: str = "fixed",
    is_in_phase: bool = True,
    n_threads: int = 2,
    network: Network = RICH,
    **packets,
):
    *numbers, end_of_tick, _, _ = CASES[case]
    mapping = map_network(
        network,
        slow_machine(*numbers),
        Recipe(name="combined", neurons_per_core=6, place="random", time_scale_factor=20),
        seed=5,
    )
    options = PacketOptions(end_of_tick=end_of_tick, is_in_phase=is_in_phase, seed=3)
    own = {"probes": range(network.n_neurons), "arithmetic": arithmetic, "n_threads": n_threads}
    loop = close_loop(mapping, network, LoopOptions(network=options, n_steps=N_STEPS, **packets), **own)
    return mapping, options, loop, loop.simulation


def ticks_late(mapping, options, run):
    """Steps that each (step, source, target) was late, from a log of the SimPy network; None for lost."""
    network = run.network
    slices = slice_of_source(mapping, network)
    lengths = row_lengths(run.connectivity, slices[: network.n_neurons], len(mapping.partition.slices))
    sent = SentSpikes(
        step=run.spike_step,
        neuron=run.spike_neuron,
        n_steps=N_STEPS,
        row_length=lengths,
        row=np.arange(network.n_sources, dtype=np.int32),
        rate_hz=expected_rates_hz(network, mapping.machine),
    )
    scenario = scenario_of(mapping, network, sent, options)
    outcome = run_simpy(scenario)
    served, n_sent, number = {}, Counter(), []
    columns = scenario.packets.tick, scenario.packets.row, scenario.packets.net
    for packet in zip(*(column.tolist() for column in columns), strict=True):
        number.append(n_sent[packet])
        n_sent[packet] += 1
    log = outcome.log
    for time, place, packet in zip(
        *(a[log.of(What.SERVE)].tolist() for a in (log.time, log.place, log.packet)), strict=True
    ):
        column = int(scenario.work.column[place])
        if column >= 0:
            tick, source = int(scenario.packets.tick[packet]), int(scenario.packets.row[packet])
            in_tick = -(-time // scenario.tick_cycles) - 1
            n_late = 0 if options.end_of_tick is EndOfTick.WAIT else max(0, in_tick - tick)
            served[tick, source, number[packet], column] = n_late
    return outcome, lambda step, source, number, target: served.get((step, source, number, int(slices[target])))


@pytest.mark.parametrize("network", [RICH, crowded_network(packets_per_step=0.25)], ids=lambda network: network.name)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("is_in_phase", [True, False])
def test_closed_loop_equals_the_reference_told_what_was_late_and_lost(case, is_in_phase, network):
    mapping, options, loop, run = closed_loop_run(case, is_in_phase=is_in_phase, network=network)
    outcome, late = ticks_late(mapping, options, run)
    arrivals = loop.arrivals
    assert loop.outcome.totals() == outcome.totals()
    if network is RICH:
        is_late, is_lost = CASES[case][-2:]
        assert (arrivals.n_late.sum() > 100, arrivals.n_lost.sum() > 100) == (is_late, is_lost)
        assert is_lost or arrivals.n_lost.sum() == 0
        assert (outcome.n_lost + outcome.total("n_overflow") + outcome.total("n_expired") > 0) == is_lost
    else:
        assert len(spikes_of(run)) > len(set(spikes_of(run))) + 5  # some in one step, each with a fate of its own
    assert (arrivals.n_on_time.sum() > 0) == (arrivals.late_by[0] > 0)
    assert arrivals.step_missed.sum() == (arrivals.n_events - arrivals.n_on_time).sum()
    assert arrivals.step_late.sum() == arrivals.n_late.sum()
    told = SimulationOptions(n_steps=N_STEPS, seed=1, probes=range(run.network.n_neurons))
    reference = simulate_reference(run.network, run.connectivity, run.scales, told, late=late)
    assert_identical(run, reference)


def test_float64_misses_the_same_synapses():
    mapping, options, _, run = closed_loop_run("overflow", arithmetic="float")
    _, late = ticks_late(mapping, options, run)
    told = SimulationOptions(n_steps=N_STEPS, seed=1, probes=range(run.network.n_neurons))
    reference = simulate_reference(run.network, run.connectivity, {}, told, late=late)
    np.testing.assert_allclose(run.v_mv, np.array(reference.v), rtol=0, atol=1e-9)
    assert spikes_of(run) == reference.spikes


@pytest.mark.parametrize("network", [RICH, crowded_network(packets_per_step=0.25)], ids=lambda network: network.name)
@pytest.mark.parametrize("recipe", ["combined", "ensemble"])
def test_without_late_spikes_the_closed_loop_is_the_open_one(recipe, network):
    mapping = map_network(network, machine(n_boards=1), Recipe(name=recipe, neurons_per_core=8, time_scale_factor=10))
    options = LoopOptions(network=PacketOptions(time_scale_factor=10, is_in_phase=True), n_steps=N_STEPS)
    probes = range(network.n_neurons)
    loop = close_loop(mapping, network, options, probes=probes)
    closed = loop.simulation
    opened = simulate(network, n_steps=N_STEPS, seed=1, probes=probes)
    np.testing.assert_array_equal(closed.v_mv, opened.v_mv)
    assert spikes_of(closed) == spikes_of(opened)
    assert loop.arrivals.n_on_time.sum() == loop.arrivals.n_events.sum() > 500
    outcome = loop.outcome
    assert outcome.n_delivered == outcome.n_expected > 100


def test_threads_do_not_change_what_is_late():
    runs = [closed_loop_run("overflow", n_threads=n)[3] for n in (1, 2, 3)]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.v_mv, runs[0].v_mv)


def test_an_interrupted_closed_loop_keeps_what_was_done(monkeypatch):
    advance = CompiledRun.advance

    def interrupted(self, n_ticks=None):
        if n_ticks == 50:
            raise KeyboardInterrupt
        advance(self, n_ticks)

    monkeypatch.setattr(CompiledRun, "advance", interrupted)
    _, _, loop, run = closed_loop_run("late")
    assert (run.n_steps, run.is_complete) == (50, False)
    outcome = loop.outcome
    assert outcome.total("n_sent") == outcome.scenario.packets.n_packets > 10
    assert len(outcome.tick_start) == 51


def test_plastic_synapses_are_refused():
    network = one_synapse(PairStdp(w_max_pa=100.0), delay_steps=1, weight_pa=50.0)
    mapping = map_network(network, machine(n_boards=1), Recipe(name="combined", neurons_per_core=8))
    with pytest.raises(
        ParameterError, match=r"^depth full: needs static synapses: late or lost .*, has 'plastic synapses'$"
    ):
        close_loop(mapping, network, TEN_STEPS)


def test_rows_that_are_not_stored_are_refused():
    network = rich_network()
    mapping = map_network(network, machine(n_boards=1), Recipe(name="combined", neurons_per_core=8))
    with pytest.raises(CapacityError, match=r"^synaptic rows at closed loop: needs \d+ stored synapses, has \d+ "):
        close_loop(mapping, network, TEN_STEPS, max_memory_bytes=0)


def test_lengths_that_do_not_fit_memory_are_refused(monkeypatch):
    monkeypatch.setattr(emulator.timing.model, "MAX_LENGTHS_BYTES", 0)
    network = rich_network()
    mapping = map_network(network, machine(n_boards=1), Recipe(name="combined", neurons_per_core=8))
    needed = r"^lengths of all rows at closed loop: needs [0-9,]+ bytes, has [0-9,]+ bytes; "
    with pytest.raises(CapacityError, match=needed):
        close_loop(mapping, network, TEN_STEPS)


@pytest.mark.parametrize("case", ["overflow", "reinjected"])
def test_what_is_very_late_waits_elsewhere_and_still_counts(case, monkeypatch):
    _, _, loop, run = closed_loop_run(case)
    monkeypatch.setattr(emulator.loop.coupling, "_MAX_AHEAD", 1)
    _, _, other_loop, other = closed_loop_run(case)
    assert loop.arrivals.late_by[2:].sum() > 50
    np.testing.assert_array_equal(other.v_mv, run.v_mv)
    np.testing.assert_array_equal(other_loop.arrivals.late_by, loop.arrivals.late_by)


# ---- both engines ----


@pytest.mark.parametrize("arithmetic", ["fixed", "float"])
@pytest.mark.parametrize("case", CASES)
def test_both_engines_close_the_same_loop(case, arithmetic):
    """SimPy and compiled packets, tick by tick with the neurons: the same losses, spikes, potentials and logs."""
    found = {}
    for engine in Engine:
        _, _, loop, run = closed_loop_run(case, arithmetic, engine=engine, with_log=True)
        found[engine] = loop.arrivals, run, loop.outcome
    (slow_arrivals, slow_run, slow), (fast_arrivals, fast_run, fast) = found[Engine.SIMPY], found[Engine.COMPILED]
    for name in ("n_events", "n_on_time", "n_late", "late_by", "step_missed", "step_late"):
        np.testing.assert_array_equal(getattr(slow_arrivals, name), getattr(fast_arrivals, name), err_msg=name)
    for name in ("spike_step", "spike_neuron", "v_mv"):  # bit for bit, in float64 too
        np.testing.assert_array_equal(getattr(slow_run, name), getattr(fast_run, name), err_msg=name)
    np.testing.assert_array_equal(slow.log.rows(), fast.log.rows())
    assert slow.totals() == fast.totals()
