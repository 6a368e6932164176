"""Draws the figures of the studies, with the functions that neuromap exports, such as ``neuromap.sweep_lines``.

Every function returns a matplotlib figure; with ``path`` it also writes the figure into a file that ends in ``.png``,
``.svg`` or ``.pdf``. The pages and folders of the studies hold the same figures.
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from models.errors import UnknownNameError
from neuromap.page.style import draw_to, styled
from neuromap.studies.accuracy import figure as accuracy_figure
from neuromap.studies.accuracy.result import AccuracyResult
from neuromap.studies.published import figure as published_figure
from neuromap.studies.published.table import PublishedTable
from neuromap.studies.sweep import figure as sweep_figure
from neuromap.studies.sweep.plan import Axis
from neuromap.studies.sweep.result import SweepResult


def sweep_lines(result: SweepResult, axis: str, path: str | Path | None = None) -> Figure:
    """Draw the effect of one parameter of a sweep on resources in use, real-time factor, cores and energy.

    Parameters
    ----------
    result : SweepResult
    axis : str
        Path of the parameter, such as ``"network.scale"``. The others keep their first values, given in the title.
    path : str or Path, optional
        File to write the figure into.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UnknownNameError
        If the sweep has no such axis.
    ParameterError
        If ``path`` does not end in .png, .svg or .pdf, or cannot be written.
    """
    chosen = _axis(result, axis)

    def draw() -> Figure:
        with styled():
            return sweep_figure.draw_lines(result, chosen)

    return draw_to(path, draw)


def sweep_maps(result: SweepResult, first: str, second: str, path: str | Path | None = None) -> Figure:
    """Draw the joint effect of two parameters of a sweep on busiest core, number of cores and energy, as heat maps.

    Parameters
    ----------
    result : SweepResult
    first, second : str
        Paths of the parameters along the vertical and the horizontal edge. The others keep their first values, given in
        the title.
    path : str or Path, optional
        File to write the figure into.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UnknownNameError
        If the sweep has no such axis.
    ParameterError
        If ``path`` does not end in .png, .svg or .pdf, or cannot be written.
    """
    axes = _axis(result, first), _axis(result, second)

    def draw() -> Figure:
        with styled():
            return sweep_figure.draw_maps(result, *axes)

    return draw_to(path, draw)


def _axis(result: SweepResult, path: str) -> Axis:
    known = {axis.path: axis for axis in result.axes}
    if path not in known:
        raise UnknownNameError("axis of the sweep", path, known)
    return known[path]


def accuracy_errors(result: AccuracyResult, path: str | Path | None = None) -> Figure:
    """Draw the errors of potential and current of single neurons over time, for every arithmetic.

    Parameters
    ----------
    result : AccuracyResult
    path : str or Path, optional
        File to write the figure into.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ParameterError
        If ``path`` does not end in .png, .svg or .pdf, or cannot be written.
    """
    return draw_to(path, lambda: accuracy_figure.neuron_errors(result.report))


def accuracy_trace(result: AccuracyResult, path: str | Path | None = None) -> Figure:
    """Draw the potential of one neuron in float64, and how far every arithmetic is from it under the same input.

    The parameters, the result and the errors are the same as for `accuracy_errors`.
    """
    return draw_to(path, lambda: accuracy_figure.trace(result.report, result.arrays))


def accuracy_parting(result: AccuracyResult, path: str | Path | None = None) -> Figure:
    """Draw, over time, the share of active neurons whose spike train has come to differ from float64.

    The parameters, the result and the errors are the same as for `accuracy_errors`.
    """
    return draw_to(path, lambda: accuracy_figure.parting(result.report, result.arrays))


def accuracy_distances(result: AccuracyResult, path: str | Path | None = None) -> Figure:
    """Draw the KS distance of every arithmetic from float64, divided by its limit, as a heat map for each statistic.

    The parameters, the result and the errors are the same as for `accuracy_errors`.
    """
    return draw_to(path, lambda: accuracy_figure.distance_map(result.report))


def accuracy_distributions(result: AccuracyResult, path: str | Path | None = None) -> Figure:
    """Draw the cumulative distributions of every statistic for the first eight populations, with float64 in black.

    The parameters, the result and the errors are the same as for `accuracy_errors`.
    """
    return draw_to(path, lambda: accuracy_figure.distributions(result.report, result.arrays))


def published_comparison(result: PublishedTable, path: str | Path | None = None) -> Figure:
    """Draw our factors and energies beside the published ones, and the power by part.

    ``result`` is a table from `neuromap.published`. Everything else is the same as for `accuracy_errors`.
    """
    return draw_to(path, lambda: published_figure.draw(result.rows))
