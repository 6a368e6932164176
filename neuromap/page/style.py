"""Defines the look of figures (style sheet, colours of populations and core kinds), and turns them into inline SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from models.files.atomic_file import writing
from neuromap.output.file import FIGURE_ENDINGS, check_output_file

# Okabe and Ito's colours, distinguishable with any colour vision
BLUE, VERMILLION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, GREY, INK = "#CC79A7", "#56B4E9", "#888888", "#222222"
EXC_COLOUR, INH_COLOUR = BLUE, VERMILLION
_OTHERS = (GREEN, PURPLE, ORANGE, SKY)
KIND_COLOURS = {"neuron": BLUE, "combined": BLUE, "synapse": GREEN, "poisson": ORANGE, "source": PURPLE}
#: Widest figure, in inches; the page shows it 1060 px wide.
PAGE_WIDTH_IN = 10.6

#: Resolution (dots an inch) of a figure that is written into a file.
FILE_DPI = 144
_RASTER_DPI = 144
_STRUCTURE_ID = re.compile(r' id="(?:figure|axes|patch|text|matplotlib\.axis|[xy]tick|line2d|\w*[cC]ollection)_\d+"')
_LONG_NUMBER = re.compile(r"(\d+\.\d\d)\d+")
_ATTRIBUTE = re.compile(r'(?<==")[^"<>]*(?=")')


@contextmanager
def styled() -> Iterator[None]:
    """Apply neuromap.mplstyle inside the block; matplotlib's global settings stay as they are."""
    with as_file(files("neuromap.page") / "neuromap.mplstyle") as path:
        rc = mpl.rc_params_from_file(path, use_default_template=False)
    with mpl.rc_context(rc=rc):
        yield


def new_figure(width_in: float, height_in: float, *, is_constrained: bool = True) -> Figure:
    """Return an empty figure that needs no pyplot. Call inside ``styled()``.

    ``is_constrained``: matplotlib finds the margins; otherwise the caller sets them.
    """
    with mpl.rc_context({"figure.constrained_layout.use": is_constrained}):
        return Figure(figsize=(width_in, height_in))


def population_colours(names: tuple[str, ...]) -> dict[str, str]:
    """Return the colour of each population: blue for names ending in E, vermillion for I, other colours in turn."""
    colours: dict[str, str] = {}
    n_others = 0
    for name in names:
        if name.lower().endswith(("e", "exc")):
            colours[name] = EXC_COLOUR
        elif name.lower().endswith(("i", "inh")):
            colours[name] = INH_COLOUR
        else:
            colours[name] = _OTHERS[n_others % len(_OTHERS)]
            n_others += 1
    return colours


def say(ax: Axes, text: str) -> None:
    """Write ``text`` into the middle of axes that have nothing to show."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)


def save_figure(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure into a file; the ending of its name is the format."""
    with styled(), writing(path) as file:
        figure.savefig(file, format=path.suffix[1:], dpi=dpi)


def draw_to(path: str | Path | None, draw: Callable[[], Figure]) -> Figure:
    """Draw a figure and, if there is a path, write it into that file; the path is checked before anything is drawn.

    Raises
    ------
    ParameterError
        If the path does not end in .png, .svg or .pdf, or cannot be written.
    """
    file = None if path is None else check_output_file("figure", path, FIGURE_ENDINGS)
    figure = draw()
    if file is not None:
        save_figure(figure, file, FILE_DPI)
    return figure


def to_svg(figure: Figure, name: str) -> str:
    """Return the figure as an ``<svg>`` element for an HTML page, as wide as its container up to its own width.

    Text stays text. Numbers are cut to 1/100 point. Ids that matplotlib numbers within each figure are removed, since
    several figures share the page. Equal figures give equal text.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.set_dpi(_RASTER_DPI)  # of rasterised parts; print_svg, since savefig would lay out and draw twice
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, count=1, flags=re.DOTALL)
    width_px = round(figure.get_size_inches()[0] * 100)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', rf'\1 style="width:100%;max-width:{width_px}px"', text, count=1)
    text = re.sub(r"(<svg[^>]*?) version=\"[^\"]*\"", r"\1 role=\"img\"".replace('\\"', '"'), text, count=1)
    text = _STRUCTURE_ID.sub("", text)
    return _ATTRIBUTE.sub(lambda value: _LONG_NUMBER.sub(r"\1", value[0]), text)
