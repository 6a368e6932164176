"""Draw docs/gallery/stdp.png: the STDP window that the engine gives, and weights before and after learning.

    python docs/gallery/plot_stdp.py [docs/gallery/stdp.png]

On the left, 241 sources fire once around one postsynaptic spike, and once more much later, when the pair is applied.
The device's weights have 16 bits at a scale set by the strongest input of the receptor; a silent projection of 8 nA
makes their unit eight times coarser. On the right, 300 Poisson sources at 20 Hz drive 20 neurons for 100 s, additive
rule (Song, Miller & Abbott 2000, doi:10.1038/78829, figure 1).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from emulator.engine.simulate import simulate
from emulator.engine.simulation import Simulation
from models.network import (
    AllToAll,
    Constant,
    CurrentDrive,
    LifCurrExp,
    Network,
    OneToOne,
    PairStdp,
    PoissonSource,
    Population,
    Projection,
    Receptor,
    SpikeArraySource,
    Uniform,
)
from neuromap.page.style import BLUE, GREY, INK, VERMILLION, new_figure, styled

WINDOW = PairStdp(w_max_pa=200.0, tau_plus_ms=20.0, tau_minus_ms=20.0, a_plus=0.02, a_minus=0.015)
LEARNING = PairStdp(w_max_pa=300.0, tau_plus_ms=20.0, tau_minus_ms=20.0, a_plus=0.005, a_minus=0.00525)
DELAY_MS = 1.0


def window_network(strongest_pa: float) -> Network:
    """A neuron that a current makes fire once, and sources that fire once every half ms around that."""
    times = np.concatenate([np.arange(241) * 0.5 + 40.0, np.full(241, 600.0)])
    sources = (
        SpikeArraySource(name="pre", n_neurons=241, times_ms=times, ids=np.tile(np.arange(241), 2)),
        SpikeArraySource(name="silent", n_neurons=1, times_ms=np.zeros(0), ids=np.zeros(0, np.int64)),
    )
    neuron = LifCurrExp(c_m_pf=25_000.0, tau_mem_ms=100.0, t_ref_ms=2000.0)
    cells = Population(name="post", n_neurons=1, neuron=neuron, current=CurrentDrive(amplitude_pa=6000.0))
    projections = (
        Projection(
            source="pre",
            target="post",
            connector=AllToAll(),
            weight_pa=Constant(value=100.0),
            delay_ms=Constant(value=DELAY_MS),
            plasticity=WINDOW,
        ),
        Projection(
            source="silent",
            target="post",
            connector=OneToOne(),
            weight_pa=Constant(value=strongest_pa),
            delay_ms=Constant(value=DELAY_MS),
        ),
    )
    return Network(name="window", populations=(cells,), projections=projections, sources=sources)


def window(run: Simulation) -> tuple[np.ndarray, np.ndarray]:
    """Time from the presynaptic to the postsynaptic spike at the synapse, ms, and the change of weight, pA."""
    fired_ms = run.spike_step[run.spike_neuron == 0] * run.network.dt_ms
    (weights,) = run.plastic_weights
    return fired_ms[0] + DELAY_MS - (weights.source * 0.5 + 40.0), weights.last_pa - weights.first_pa


def learning_network() -> Network:
    """Sources that compete for the neurons they drive."""
    cells = Population(name="post", n_neurons=20)
    source = PoissonSource(name="pre", n_neurons=300, rate_hz=20.0)
    plastic = Projection(
        source="pre",
        target="post",
        connector=AllToAll(),
        weight_pa=Uniform(low=0.0, high=LEARNING.w_max_pa),
        delay_ms=Constant(value=1.0),
        plasticity=LEARNING,
    )
    return Network(name="learning", populations=(cells,), projections=(plastic,), sources=(source,), dt_ms=1.0)


def draw(path: Path) -> None:
    """Simulate and draw."""
    with styled():
        figure = new_figure(10.6, 3.8)
        left, right = figure.subplots(1, 2)
        at_ms = np.linspace(-75.0, 75.0, 601)
        amplitude = np.where(at_ms > 0, WINDOW.a_plus, -WINDOW.a_minus) * WINDOW.w_max_pa
        left.plot(at_ms, amplitude * np.exp(-np.abs(at_ms) / 20.0), color=GREY, lw=5, alpha=0.4, label="equation")
        for arithmetic, strongest_pa, style in (
            ("float", 100.0, {"color": INK, "marker": "", "ls": "-", "lw": 0.9}),
            ("fixed", 100.0, {"color": BLUE, "marker": ".", "ls": "", "ms": 4}),
            ("fixed", 8000.0, {"color": VERMILLION, "marker": ".", "ls": "", "ms": 4}),
        ):
            run = simulate(window_network(strongest_pa), n_steps=6100, seed=1, arithmetic=arithmetic)
            delta_ms, change_pa = window(run)
            name = "float64"
            if run.scales:
                name = f"fixed, weights in units of {1 / run.scales['post', Receptor.EXC].raw_per_pa:.2f} pA"
            left.plot(delta_ms, change_pa, label=name, **style)
            print(f"{name}: {change_pa.min():.3f} to {change_pa.max():.3f} pA")
        left.axhline(0.0, color=INK, lw=0.5)
        left.set(xlabel="postsynaptic after presynaptic spike (ms)", ylabel="change of weight (pA)")
        left.legend(loc="upper left")
        bins = np.linspace(0.0, LEARNING.w_max_pa, 41)
        for name, arithmetic, colour in (("float64", "float", INK), ("fixed", "fixed", BLUE)):
            run = simulate(learning_network(), n_steps=100_000, seed=3, arithmetic=arithmetic, n_threads=1)
            (weights,) = run.plastic_weights
            if arithmetic == "float":
                right.hist(weights.first_pa, bins, color=GREY, alpha=0.4, label="before")
            right.hist(weights.last_pa, bins, histtype="step", color=colour, label=f"after 100 s, {name}")
            rate_hz = (run.spike_neuron < 20).sum() / 20 / 100.0
            mean_pa, n_cut = weights.last_pa.mean(), run.provenance["n_stdp_updates_cut"]
            print(f"{name}: mean {mean_pa:.2f} pA, {rate_hz:.1f} Hz, {n_cut} updates cut")
        right.set(xlabel="weight (pA)", ylabel="synapses of 6,000")
        right.legend()
        figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("stdp.png")))
