"""Puts the body of a page into one HTML file that works offline, and writes the parts that all pages share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from neuromap.page.markup import embedded_json, section, text


def page(title: str, body: str, data: Mapping[str, Any]) -> str:
    """Return a whole HTML page with its style and its script inside.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        Finished HTML.
    data : mapping of str to object
        Embedded as JSON, each value in a script element with its key as id.
    """
    asset = files("neuromap.page")
    embedded = "".join(embedded_json(element_id, value) for element_id, value in data.items())
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title>"
        f"<style>{(asset / 'page.css').read_text(encoding='utf-8')}</style></head><body><main>{body}</main>{embedded}"
        f"<script>{(asset / 'page.js').read_text(encoding='utf-8')}</script></body></html>\n"
    )


def tile(mark: str, answer: str, details: Iterable[str]) -> str:
    """Return one of the tiles at the top of a page; ``mark`` (``good``, ``bad``, ``open``, ``number``) colours it."""
    lines = "".join(f"<li>{text(detail)}</li>" for detail in details)
    return f'<div class="tile {mark}"><b>{text(answer)}</b><ul>{lines}</ul></div>'


def navigation(sections: Iterable[tuple[str, str]]) -> str:
    """Return the links to the sections of a page, given as (id, name)."""
    return "<nav>" + "".join(f'<a href="#{key}">{text(name)}</a>' for key, name in sections) + "</nav>"


def unverified_note(names: Sequence[str]) -> str:
    """Return the sentence that lists the unverified constants of a machine."""
    if not names:
        return '<p class="note">Every machine constant used here has a source.</p>'
    verb = "constant is" if len(names) == 1 else "constants are"
    listed = text(", ".join(names))
    return f'<p class="note"><span class="mark">{len(names)} machine {verb} unverified:</span> {listed}.</p>'


def reproduce_section(about: str, experiment: Mapping[str, Any]) -> str:
    """Return the section that shows the experiment of a page; ``about`` is the finished HTML of its first sentence."""
    shown = json.dumps(experiment, indent=2, ensure_ascii=False, default=str)
    return section(
        "reproduce",
        "Reproduce",
        f"<p>{about}</p>",
        f"<pre>{text(shown)}</pre>",
        '<p class="note">All numbers of this page are embedded in it as JSON: '
        "<code>JSON.parse(document.getElementById(&quot;report&quot;).textContent)</code>.</p>",
    )
