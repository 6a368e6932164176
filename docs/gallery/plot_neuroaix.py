"""Draw docs/gallery/neuroaix.png: a step of neuroAIx by phases, and its acceleration against size.

    python docs/gallery/plot_neuroaix.py [docs/gallery/neuroaix.png]

The left side shows PD14 on 35 nodes. A bar lasts from the first to the last request of a group of nodes to a resource;
its hatched end is work left over. On the right, lines are the model with PD14's 3,880 synapses a neuron and with
in-degrees that shrink with the network (the in-degrees of the measured networks are not published); dots are measured
(thebarnable/diss-plots at 77c18bf, plot.py, of a co-author of Kauth et al. 2023, doi:10.3389/fncom.2023.1144143).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from emulator.timing.pipeline_step import PipelineStep, pipeline_step
from models.machine.file import load_machine
from neuromap.page.style import BLUE, GREEN, GREY, INK, ORANGE, SKY, VERMILLION, new_figure, styled

N_NEURONS, RATE_HZ, N_SYNAPSES_PER_NEURON = 77169, 3.2, 3880
MEASURED = {
    (5, 7): ([77, 155, 385, 771, 1544, 3858, 7717, 15435, 38586, 77169],
             [33.78, 33.77, 33.73, 33.17, 32.56, 31.57, 30.82, 29.37, 24.61, 20.36]),
    (1, 1): ([77, 155, 385, 771, 1544], [124.36, 117.02, 97.52, 42.60, 24.66]),
}  # fmt: skip
COLOURS = {"update": INK, "send": ORANGE, "receive": SKY, "look_up": GREEN, "rows": BLUE}
GROUPS = ("the node itself", "10 neighbours", "24 others")
MACHINE = load_machine("neuroaix")


def step(shape: tuple[int, int], n_neurons: float, *, is_scaled: bool = False) -> PipelineStep:
    """The step of a network of PD14's rate; ``is_scaled``: in-degrees shrink as the number of neurons."""
    machine = replace(MACHINE, topology=replace(MACHINE.topology, shape=shape))
    share = min(n_neurons / N_NEURONS, 1.0) if is_scaled else 1.0
    return pipeline_step(
        machine, n_neurons=n_neurons, rate_hz=RATE_HZ, n_synapses_per_neuron=share * N_SYNAPSES_PER_NEURON
    )


def draw_phases(ax: Axes) -> None:
    """One bar a phase, first at the top."""
    done = step((5, 7), N_NEURONS)
    for row, phase in enumerate(done.phases):
        colour = COLOURS[phase.name]
        on_time_ns = phase.end_ns - phase.late_ns
        ax.barh(row, on_time_ns - phase.start_ns, left=phase.start_ns, color=colour, height=0.7)
        if phase.late_ns > 1:
            ax.barh(row, phase.late_ns, left=on_time_ns, color="white", edgecolor=colour, hatch="////", height=0.7)
        busy = phase.work_ns / phase.arrival_ns
        ax.text(phase.end_ns + 40, row, f"{busy:.0%}", va="center", fontsize=7, color=GREY)
    names = [
        "neurons updated"
        if one.name == "update"
        else f"sent after {one.n_hops} hop{'s' * (one.n_hops != 1)}"
        if one.name == "send"
        else f"{one.name.replace('_', ' ')}, {GROUPS[one.n_hops]}"
        for one in done.phases
    ]
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set(xlabel="ns from the beginning of the step", xlim=(0, 5400), title=f"PD14: {done.step_ns:,.0f} ns a step")
    ax.axvline(done.step_ns, color=INK, lw=0.6, ls=":")


def draw_scaling(ax: Axes) -> None:
    """Acceleration against neurons."""
    sizes = np.geomspace(50, 200_000, 60)
    for shape, colour, name in (((5, 7), BLUE, "5 x 7 nodes"), ((1, 1), VERMILLION, "1 node")):
        at = sizes if shape == (5, 7) else sizes[sizes < 3000]
        full = [step(shape, n).acceleration_ratio for n in at]
        scaled = [step(shape, n, is_scaled=True).acceleration_ratio for n in at]
        ax.plot(at, full, color=colour, lw=1.2, marker="", label=f"{name}, 3,880 synapses a neuron")
        ax.plot(at, scaled, color=colour, lw=1.2, ls="--", marker="", label=f"{name}, in-degree scaled")
        ax.plot(*MEASURED[shape], color=colour, ls="", marker="o", ms=4, label=f"{name}, measured")
    ax.set(xscale="log", yscale="log", xlabel="neurons", ylabel="acceleration (model time / wall time)")
    ax.set_yticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
    ax.minorticks_off()
    ax.legend(fontsize=7, loc="upper right")


def draw(path: Path) -> None:
    """Work everything out and draw."""
    with styled():
        figure = new_figure(10.6, 4.2)
        left, right = figure.subplots(1, 2)
        draw_phases(left)
        draw_scaling(right)
        figure.savefig(path, dpi=120)
    for shape, (sizes, measured) in MEASURED.items():
        for n, ratio in zip(sizes, measured, strict=True):
            full, scaled = step(shape, n).acceleration_ratio, step(shape, n, is_scaled=True).acceleration_ratio
            print(f"{shape} {n:>6}: measured {ratio:6.2f}, model {full:6.2f}, with in-degree scaled {scaled:6.2f}")


if __name__ == "__main__":
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("neuroaix.png")))
