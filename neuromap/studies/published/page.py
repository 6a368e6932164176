"""Renders the page of `neuromap published`: the table, the figure and the notes in one offline HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from models.files.atomic_file import write_text
from neuromap.page.frame import page
from neuromap.page.markup import cell, figure, row, section, table, text
from neuromap.page.style import save_figure, styled, to_svg
from neuromap.studies.published.figure import draw
from neuromap.studies.published.folder import FIGURE_NAME, PAGE_NAME
from neuromap.studies.published.measure import Measure, PublishedRow
from neuromap.studies.published.setting import Setting

_HEAD = ("row", "what", "published", "ours", "range", "ratio", "")
ABOUT = (
    "Ratio: our number over the published number; where sources disagree, over the nearer end of their range. Range: "
    "our number with all constants of known range at their low ends, and at their high ends. A published time-scale "
    "factor is compared with our smallest factor at which no core overruns in any step. Predicted: no constant was "
    "fitted to the number. Calibrated: a constant was fitted to it. Reproduced: it follows from the published model's "
    "own constants and formulas. Open: nothing is published, or nothing is claimed."
)


def number(value: float | None) -> str:
    """Return a number with three digits, more where it is large; a dash for None."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def published_text(one: Measure) -> str:
    """Return the published number or range of a measure."""
    if one.published_low is None or one.published_low == one.published_high:
        return number(one.published_low)
    return f"{number(one.published_low)} to {number(one.published_high)}"


def range_text(one: Measure) -> str:
    """Return the range of our number; empty if it has none."""
    if one.ours_low is None or one.ours_low == one.ours_high:
        return ""
    return f"{number(one.ours_low)} to {number(one.ours_high)}"


def cells_of(one: Measure) -> tuple[str, str, str, str, str, str]:
    """Return a measure as the cells of a table: what, published, ours, range, ratio, verdict."""
    what = one.quantity + (f" ({one.unit})" if one.unit else "")
    ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
    return what, published_text(one), number(one.ours), range_text(one), ratio, one.verdict


def _lines(rows: Sequence[PublishedRow]) -> Iterator[str]:
    for one in rows:
        for index, measure in enumerate(one.measures):
            name = one.row_id if index == 0 else ""
            kind = "open" if measure.is_within is False else ""
            what, *numbers, verdict = cells_of(measure)
            shown = [
                cell(name),
                cell(what, kind="text"),
                *(cell(value) for value in numbers),
                cell(verdict, kind="text"),
            ]
            yield row(shown, kind)


def _notes(rows: Sequence[PublishedRow]) -> Iterator[str]:
    for one in rows:
        parts = [
            f"{name}: {value}"
            for name, value in (("set up", one.configuration), ("taken over", one.given), ("note", one.note))
            if value
        ]
        parts.append(f"calibrated: {one.calibrated}")
        sources = sorted({measure.source for measure in one.measures if measure.source})
        parts += [f"source: {source}" for source in sources]
        listed = "".join(f"<li>{text(part)}</li>" for part in parts)
        yield f"<h3>{text(one.row_id)}: {text(one.system)}</h3><ul>{listed}</ul>"


def render_page(rows: Sequence[PublishedRow], setting: Setting) -> str:
    """Return the page as HTML."""
    scaled = ""
    if setting.scale != 1:
        said = (
            f"PD14 at scale {setting.scale:g}; the published systems ran it at full size, so the ratios mean nothing."
        )
        scaled = f'<p class="banner">{text(said)}</p>'
    about = f"PD14, {setting.seconds:g} s of model time after {setting.warmup_ms:g} ms, seed {setting.seed}"
    body = (
        f"<h1>{text(about)}</h1>{scaled}<p class=headline>Published results, and ours</p><p>{text(ABOUT)}</p>"
        + table(_HEAD, _lines(rows), is_sortable=False, text_columns=(0, 1, 6))
        + section("figure", "Figure", figure(to_svg(draw(rows), "published"), "Dots and bars: ours."))
        + section("rows", "Rows", *_notes(rows))
    )
    return page("Published results of PD14", body, {"rows-data": [one.to_dict() for one in rows]})


def write_page(rows: Sequence[PublishedRow], setting: Setting, folder: Path) -> None:
    """Write ``published.html`` and ``published.png``."""
    write_text(folder / PAGE_NAME, render_page(rows, setting))
    with styled():
        save_figure(draw(rows), folder / FIGURE_NAME, 120)
