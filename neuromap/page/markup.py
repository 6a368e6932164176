"""Pieces of HTML: escaped text, tables, figures."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Sequence
from html import escape
from typing import Any


def text(value: object) -> str:
    """Return ``value`` as HTML text, escaped."""
    return escape(str(value))


def table(
    head: Sequence[str], rows: Iterable[str], *, is_sortable: bool = True, text_columns: Container[int] = (0,)
) -> str:
    """Return a table; ``rows`` are finished ``<tr>``; ``text_columns`` are aligned left."""
    cells = "".join(
        f'<th scope="col"{" class=text" if i in text_columns else ""}>{text(name)}</th>' for i, name in enumerate(head)
    )
    kind = ' class="sortable"' if is_sortable else ""
    return (
        f'<div class="scroll"><table{kind}><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def cell(shown: object, value: float | str | None = None, kind: str = "") -> str:
    """Return a table cell; ``value`` is what sorting compares."""
    data = "" if value is None else f' data-v="{text(value)}"'
    return f"<td{data}{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{text(shown)}</td>"


def row(cells: Iterable[str], kind: str = "") -> str:
    """Return a table row of finished cells."""
    return f"<tr{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{''.join(cells)}</tr>"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a two-column table of names and values."""
    rows = "".join(f"<tr><td>{text(name)}</td><td>{text(value)}</td></tr>" for name, value in pairs)
    return f"<table><tbody>{rows}</tbody></table>"


def figure(svg: str, caption: str) -> str:
    """Return a figure; ``caption`` is plain text."""
    return f"<figure>{svg}<figcaption>{text(caption)}</figcaption></figure>"


def section(section_id: str, title: str, *body: str) -> str:
    """Return a section with a heading that can be linked to."""
    return f'<section id="{section_id}"><h2>{text(title)}</h2>{"".join(body)}</section>'


def embedded_json(element_id: str, value: Any) -> str:
    """Return JSON inside a script element, escaped so that no text in it can close the element."""
    data = json.dumps(value, ensure_ascii=False, allow_nan=False)
    data = data.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return f'<script type="application/json" id="{element_id}">{data}</script>'
