"""Shows the options of a public function in its signature and its help, and refuses an option that it does not have."""

from __future__ import annotations

import functools
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from models.errors import UnknownNameError
from neuromap.experiment.options import default_of, options_of

_F = TypeVar("_F", bound=Callable[..., Any])


def with_options(kind: type, mark: Callable[[str], str] = lambda name: "") -> Callable[[_F], _F]:
    """Make the ``**options`` of a public function visible, and refuse an option that it does not have.

    The signature shows every option of ``kind`` as a keyword with its default. The docstring explains the options
    instead of its entry ``**options``; each explanation starts with the text that ``mark`` returns for the name.

    Raises
    ------
    UnknownNameError
        When the function is called with another keyword; the error names the nearest option.
    """

    def decorate(function: _F) -> _F:
        given = inspect.signature(function, eval_str=False)
        own = [one for one in given.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            for name in kwargs:
                if name not in known:
                    raise UnknownNameError(f"option of {function.__name__}", name, known)
            return function(*args, **kwargs)

        options = options_of(kind)
        known = {one.name for one in own if one.kind is not inspect.Parameter.POSITIONAL_ONLY} | set(options)
        shown = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default_of(name), annotation=hint)
            for name, (hint, _) in options.items()
        ]
        checked.__signature__ = given.replace(parameters=[*own, *shown])  # type: ignore[attr-defined]
        hints = {name: hint for name, hint in function.__annotations__.items() if name != "options"}
        checked.__annotations__ = hints | {name: hint for name, (hint, _) in options.items()}
        texts = {name: mark(name) + text for name, (_, text) in options.items()}
        checked.__doc__ = _explained(inspect.getdoc(function), texts)
        return checked  # type: ignore[return-value]

    return decorate


def _explained(doc: str | None, texts: Mapping[str, str]) -> str | None:
    """Return a docstring with an entry for each option in the place of ``**options``."""
    if doc is None:  # python -OO
        return None
    before, entry, after = doc.partition("\n**options\n")
    if not entry:
        return doc
    after = "\n".join(_without_indented(after.split("\n")))
    wrap = textwrap.TextWrapper(width=110, initial_indent="    ", subsequent_indent="    ")
    entries = [f"{name}\n{wrap.fill(text)}" for name, text in texts.items()]
    return "\n".join([before, *entries, after])


def _without_indented(lines: list[str]) -> list[str]:
    """Return the lines without the indented ones at the beginning."""
    n = next((i for i, line in enumerate(lines) if not line.startswith("    ")), len(lines))
    return lines[n:]
