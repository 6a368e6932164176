"""Draws the activity of the network: raster plot, rates, and distributions with the reference."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from neuromap.measures.arrays import RunArrays
from neuromap.measures.results import Report
from neuromap.measures.statistics import ks_distance, window
from neuromap.page.style import GREY, INK, PAGE_WIDTH_IN, new_figure, population_colours, say, styled
from neuromap.report.sample import Samples, collect_samples

#: The raster shows this much model time, and at most about this many spikes; of more, only every n-th neuron is drawn.
RASTER_MS = 400.0
MAX_RASTER_SPIKES = 40_000
#: Number of populations that have panels; the tables list all populations.
MAX_PANELS = 8

_Floats = NDArray[np.float64]


def raster(report: Report, arrays: RunArrays) -> Figure:
    """Return the raster plot: populations stacked from the first down, excitatory blue, inhibitory vermillion."""
    sizes, dt_ms = report.network.population_sizes, report.network.dt_ms
    start = min(arrays.warmup_steps, arrays.n_steps)
    if arrays.n_steps - start < 1:
        start = 0
    stop = min(start + round(RASTER_MS / dt_ms), arrays.n_steps)
    step, neuron = window(arrays.spike_step, arrays.spike_neuron, start, stop)
    time_ms: _Floats = np.asarray((step + start) * dt_ms, dtype=np.float64)
    stride = max(1, -(-neuron.size // MAX_RASTER_SPIKES))
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 6.2)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1))
        _dots(top, sizes, time_ms, neuron, stride)
        _population_rate(bottom, time_ms, neuron < sum(sizes.values()), (start * dt_ms, stop * dt_ms), report)
        which = "all neurons" if stride == 1 else f"every {stride}{_ordinal(stride)} neuron"
        top.set_title(f"Spikes, {which}")
        bottom.set_xlabel("model time (ms)")
        figure.align_ylabels([top, bottom])
    return figure


def _ordinal(number: int) -> str:
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")


def _dots(ax: Axes, sizes: dict[str, int], time_ms: _Floats, neuron: NDArray[np.int32], stride: int) -> None:
    colours = population_colours(tuple(sizes))
    n_neurons = sum(sizes.values())
    is_shown = neuron % stride == 0
    time_ms, neuron = time_ms[is_shown], neuron[is_shown]
    size_pt = 1.6 if time_ms.size > 5000 else 4.0
    first, last_label = 0, -np.inf
    ticks, labels = [], []
    for name, size in sizes.items():
        is_own = (neuron >= first) & (neuron < first + size)
        ax.plot(
            time_ms[is_own],
            neuron[is_own] + 0.5,
            ls="",
            marker=".",
            ms=size_pt,
            mew=0,
            color=colours[name],
            rasterized=True,
        )
        if first:
            ax.axhline(first, color="#cccccc", lw=0.4)
        if first + size / 2 - last_label > n_neurons / 40:
            last_label = first + size / 2
            ticks.append(last_label)
            labels.append(name)
        first += size
    ax.set_ylim(n_neurons, 0)
    ax.set_yticks(ticks, labels)
    ax.tick_params(axis="y", length=0)
    for label in ax.get_yticklabels():
        label.set_color(colours[label.get_text()])
    if not time_ms.size:
        ax.text(0.5, 0.5, "no spikes in this window", transform=ax.transAxes, ha="center", color=GREY)
    ax.set_ylabel("population")


def _population_rate(
    ax: Axes, time_ms: _Floats, is_neuron: NDArray[np.bool_], span_ms: tuple[float, float], report: Report
) -> None:
    bin_ms = max(1.0, report.network.dt_ms)
    n_bins = max(1, round((span_ms[1] - span_ms[0]) / bin_ms))
    counts, edges = np.histogram(time_ms[is_neuron], bins=n_bins, range=(span_ms[0], max(span_ms[1], span_ms[0] + 1)))
    rate_hz = counts / (edges[1] - edges[0]) * 1e3 / max(report.network.n_neurons, 1)
    ax.stairs(rate_hz, edges, fill=True, color=GREY)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, max(1.1 * rate_hz.max(initial=0), 1e-9) if rate_hz.any() else 1)
    ax.set_ylabel("rate (Hz)")


def rate_boxes(report: Report, arrays: RunArrays, samples: Samples | None = None) -> Figure:
    """Return one box per population: quartiles, 5 and 95 % whiskers, mean, and the means of the reference runs."""
    samples = samples or collect_samples(report, arrays)
    names = tuple(report.network.population_sizes)
    colours = population_colours(names)
    seeds = samples.reference.seeds if samples.reference else {}
    with styled():
        figure = new_figure(PAGE_WIDTH_IN / 2, max(1.6, 0.36 * min(len(names), 40) + 1.0))
        ax = figure.subplots()
        for y, name in enumerate(names[:40]):
            rate_hz = samples.own[name].rate_hz
            if not np.isfinite(rate_hz).all():
                continue
            low, q25, median, q75, high = np.percentile(rate_hz, (5, 25, 50, 75, 95))
            ax.plot((low, high), (y, y), color=colours[name], lw=1)
            ax.barh(y, q75 - q25, left=q25, height=0.55, color=colours[name], alpha=0.45)
            ax.plot((median, median), (y - 0.28, y + 0.28), color=colours[name], lw=1.6)
            ax.plot(rate_hz.mean(), y, "o", ms=4.5, color=INK, label="mean" if y == 0 else None)
            for index, run in enumerate(seeds.values()):
                label = "mean in NEST (two seeds)" if y == index == 0 else None
                ax.plot(run[name].rate_hz.mean(), y, "x", ms=6, mew=1.2, color=INK, label=label)
        ax.set_yticks(range(len(names[:40])), names[:40])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(min(len(names), 40) - 0.4, -0.6)
        ax.set_xlim(left=0)
        ax.set_xlabel("rate (Hz)")
        ax.set_title("Rates: quartiles, 5 % to 95 %, mean")
        if ax.get_legend_handles_labels()[0]:
            ax.legend(loc="best")
    return figure


_ROWS = (
    ("rate_hz", "rate (Hz)", "neurons", (0.0, None)),
    ("cv_isi", "CV of intervals", "neurons", (0.0, 1.6)),
    ("correlation", "correlation coefficient", "pairs (log scale)", (None, None)),
)


def distributions(report: Report, arrays: RunArrays, samples: Samples | None = None) -> Figure:
    """Return distributions of rate, CV and correlation of each population, with the reference runs drawn over them."""
    samples = samples or collect_samples(report, arrays)
    names = tuple(report.network.population_sizes)[:MAX_PANELS]
    colours = population_colours(names)
    seeds = samples.reference.seeds if samples.reference else {}
    duration_ms = report.activity.model_time_ms
    with styled():
        # fixed margins: the constrained layout of 24 panels takes most of a second
        figure = new_figure(PAGE_WIDTH_IN * max(len(names), 3) / MAX_PANELS, 5.8, is_constrained=False)
        left = 0.35 / figure.get_figwidth()
        figure.subplots_adjust(left=left, right=0.995, top=0.94, bottom=0.13, hspace=0.62, wspace=0.12)
        axes = figure.subplots(3, len(names), squeeze=False)
        for row, (statistic, label, what, bounds) in enumerate(_ROWS):
            for column, name in enumerate(names):
                ax = axes[row, column]
                others = [getattr(run[name], statistic) for run in seeds.values()]
                own = getattr(samples.own[name], statistic)
                edges = _edges([own, *others], bounds, 1e3 / duration_ms if row == 0 and duration_ms > 0 else 0.0)
                _distribution(ax, own, others, edges, colours[name])
                if statistic == "correlation" and ax.has_data():
                    _log_density(ax, edges, max(own.size, 2))
                if row == 0:
                    ax.set_title(name, color=colours[name], pad=10)
            axes[row, 0].set_ylabel(what)
            figure.text(0.5, axes[row, 0].get_position().y0 - 0.052, label, ha="center", va="top", fontsize=9)
        handles = [Line2D([], [], color=GREY, lw=6, alpha=0.5, label="this run")]
        handles += [
            Line2D([], [], color=INK, lw=1, ls=style, label=f"NEST, seed {seed}")
            for seed, style in zip(seeds, ("-", ":"), strict=False)
        ]
        figure.legend(handles=handles, loc="lower center", ncols=3)
    return figure


def _edges(samples: list[_Floats], bounds: tuple[float | None, float | None], quantum: float) -> _Floats:
    """Return edges of about 25 bins; every bin covers equally many multiples of ``quantum``, the rate of one spike."""
    values = np.concatenate(samples)
    values = values[np.isfinite(values)]
    if not values.size:
        return np.linspace(0.0, 1.0, 26)
    low = float(np.percentile(values, 1)) - 0.005 if bounds[0] is None else bounds[0]
    high = float(np.percentile(values, 99.5)) if bounds[1] is None else bounds[1]
    high = max(high, low + (quantum or 0.01))
    if not quantum:
        return np.linspace(low, high, 26)
    width = quantum * max(1, round((high - low) / 25 / quantum))
    n_edges = int(np.ceil((high - low) / width)) + 2
    return np.linspace(low - quantum / 2, low - quantum / 2 + width * (n_edges - 1), n_edges)


def _distribution(ax: Axes, own: _Floats, others: list[_Floats], edges: _Floats, colour: str) -> None:
    own = own[np.isfinite(own)]
    if not own.size and not any(other.size for other in others):
        say(ax, "no data")
        return
    width = edges[1] - edges[0]
    if own.size:
        ax.stairs(np.histogram(own, edges)[0] / own.size / width, edges, fill=True, color=colour, alpha=0.5)
    for other, style in zip(others, ("-", ":"), strict=False):
        if other.size:
            ax.stairs(np.histogram(other, edges)[0] / other.size / width, edges, color=INK, lw=0.9, ls=style)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlim(edges[0], edges[-1])
    ax.locator_params(axis="x", nbins=3)
    if own.size and others:
        distance = np.mean([ks_distance(own, other) for other in others])
        ax.text(1, 1.01, f"D {distance:.3f}", transform=ax.transAxes, ha="right", va="bottom", fontsize=7.5, color=GREY)


def _log_density(ax: Axes, edges: _Floats, n_values: int) -> None:
    """Make the density axis logarithmic: in short runs nearly all pairs are near zero, and the tails differ."""
    ax.set_yscale("log")
    ax.set_ylim(0.7 / n_values / (edges[1] - edges[0]), 2 / (edges[1] - edges[0]))
    ax.set_yticks([])
    ax.minorticks_off()
