"""Small networks for the comparison of engine and reference, and the comparison itself."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from emulator.engine.options import SimulationOptions
from emulator.engine.simulate import run_simulation
from emulator.engine.simulation import Simulation
from emulator.loop.open_loop import Replay
from emulator.reference.network import ReferenceRun, simulate_reference
from emulator.reference.stdp_network import PlasticSynapses
from models.network import (
    AllToAll,
    Connector,
    Constant,
    CurrentDrive,
    Distribution,
    FixedTotalNumber,
    LifCurrExp,
    Network,
    Normal,
    PoissonDrive,
    PoissonSource,
    Population,
    Projection,
    SpikeArraySource,
    Uniform,
)


def constant(value: float) -> Constant:
    return Constant(value=value)


def projection(
    source: str,
    target: str,
    connector: Connector,
    *,
    weight_pa: float | Distribution = 80.0,
    delay_ms: float | Distribution = 1.0,
) -> Projection:
    """A projection; numbers stand for constant distributions."""
    weight = constant(weight_pa) if isinstance(weight_pa, int | float) else weight_pa
    delay = constant(delay_ms) if isinstance(delay_ms, int | float) else delay_ms
    return Projection(source=source, target=target, connector=connector, weight_pa=weight, delay_ms=delay)


def drive(rate_hz: float = 20_000.0, weight_pa: float = 90.0, delay_ms: float = 0.0) -> PoissonDrive:
    return PoissonDrive(n_inputs=1, rate_hz=rate_hz, weight_pa=weight_pa, delay_ms=delay_ms)


def spikes_at(name: str, n_neurons: int, spikes: Sequence[tuple[float, int]]) -> SpikeArraySource:
    """A spike source from (time in ms, neuron) pairs."""
    times, ids = [time for time, _ in spikes], [i for _, i in spikes]
    return SpikeArraySource(name=name, n_neurons=n_neurons, times_ms=np.array(times), ids=np.array(ids, np.int64))


def rich_network(dt_ms: float = 0.1) -> Network:
    """Three populations with different neurons, both receptors from one source, both kinds of source, all drives."""
    fast = LifCurrExp(tau_mem_ms=5.0, tau_syn_exc_ms=0.3, tau_syn_inh_ms=2.0, t_ref_ms=0.0, v_reset_mv=-70.0)
    slow = LifCurrExp(tau_mem_ms=40.0, tau_syn_exc_ms=40.0, tau_syn_inh_ms=10.0, t_ref_ms=20.0, c_m_pf=100.0)
    populations = (
        Population(name="A", n_neurons=23, v_init_mv=Uniform(low=-70.0, high=-50.0), poisson=drive(delay_ms=1.0)),
        Population(name="B", n_neurons=17, neuron=fast, current=CurrentDrive(amplitude_pa=800.0)),
        Population(name="C", n_neurons=11, neuron=slow, v_init_mv=Normal(mean=-60.0, sd=5.0), poisson=drive(3000.0)),
    )
    sources = (
        PoissonSource(name="S", n_neurons=5, rate_hz=300.0, start_ms=dt_ms, stop_ms=30.0),
        spikes_at("T", 2, [(0.0, 1), (dt_ms, 0), (5.0, 1), (20.0, 0)]),
    )
    projections = (
        projection("A", "B", FixedTotalNumber(n_synapses=120), weight_pa=Normal(mean=90.0, sd=20.0, low=0.0),
                   delay_ms=Normal(mean=1.5, sd=0.8, low=0.1)),
        projection("A", "A", FixedTotalNumber(n_synapses=60), weight_pa=Normal(mean=-200.0, sd=30.0, high=0.0),
                   delay_ms=Uniform(low=1.0, high=6.0)),
        projection("B", "C", AllToAll(), weight_pa=Uniform(low=5.0, high=15.0), delay_ms=dt_ms),
        projection("C", "A", AllToAll(), weight_pa=-150.0, delay_ms=6.3),
        projection("S", "A", FixedTotalNumber(n_synapses=50), weight_pa=300.0, delay_ms=2.0),
        projection("T", "B", AllToAll(), weight_pa=400.0, delay_ms=1.0),
    )  # fmt: skip
    return Network(name="rich", populations=populations, projections=projections, sources=sources, dt_ms=dt_ms)


def crowded_network(dt_ms: float = 0.1, packets_per_step: float = 1.5) -> Network:
    """The rich network with sources that send several packets in one step, of small synapses."""
    network = rich_network(dt_ms)
    sources = (
        PoissonSource(name="S", n_neurons=5, rate_hz=1e3 * packets_per_step / dt_ms, start_ms=dt_ms, stop_ms=30.0),
        spikes_at("T", 2, [(0.0, 1), (dt_ms, 0), (dt_ms, 0), (5.0, 1), (5.0, 0), (5.0, 1), (5.0, 1), (20.0, 0)]),
    )
    small = (projection("S", "A", FixedTotalNumber(n_synapses=50), weight_pa=20.0, delay_ms=2.0),
             projection("S", "B", FixedTotalNumber(n_synapses=30), weight_pa=Normal(mean=5.0, sd=9.0, high=0.0),
                        delay_ms=Normal(mean=1.5, sd=0.8, low=0.1)),
             projection("T", "B", AllToAll(), weight_pa=400.0, delay_ms=1.0))  # fmt: skip
    return replace(network, name="crowded", sources=sources, projections=(*network.projections[:4], *small))


def run_both(
    network: Network,
    *,
    n_steps: int,
    seed: int = 1,
    delay_convention: str = "nest",
    poisson: str = "counter",
    **options: Any,
) -> tuple[Simulation, ReferenceRun]:
    """Run engine and reference with the potential of every neuron kept."""
    chosen = SimulationOptions(
        n_steps=n_steps,
        seed=seed,
        probes=range(network.n_neurons),
        delay_convention=delay_convention,
        poisson=poisson,
        **options,
    )
    engine = run_simulation(network, chosen)
    plastic = PlasticSynapses(network, engine.plastic_rows, engine.scales)
    reference = simulate_reference(network, engine.connectivity, engine.scales, chosen, plastic=plastic)
    return engine, reference


def spikes_of(run: Simulation | Replay) -> list[tuple[int, int]]:
    return list(zip(run.spikes.step.tolist(), run.spikes.neuron.tolist(), strict=True))


def assert_identical(engine: Simulation, reference: ReferenceRun) -> None:
    """Every potential of every step, every spike and the saturation count agree bit for bit."""
    np.testing.assert_array_equal(engine.v_mv * 2**15, np.array(reference.v))
    assert spikes_of(engine) == reference.spikes
    assert engine.provenance["n_saturations"] == reference.n_saturations
