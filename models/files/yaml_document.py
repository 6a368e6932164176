"""Parses YAML 1.2 text to plain values with the line of every key, within limits that make any file harmless.

It uses the events of ruamel instead of its constructors, because a file from an unknown source may hold content that no
experiment or machine needs: aliases that expand to billions of values or contain themselves, nesting deeper than
Python's stack, tags that create objects, numbers with thousands of digits or beyond the range of doubles. Each of these
is an error with its line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from models.errors import ParameterError, shown

MAX_BYTES = 256 * 1024  # ruamel reads some 100 KiB a second
MAX_VALUES = 40_000  # keys and values; an alias counts as many as it expands to
MAX_DEPTH = 32  # of lists and mappings inside each other
MAX_DIGITS = 400  # of a number; the largest double has 309
_CORE = "tag:yaml.org,2002:"
_TAGS = {_CORE + name for name in ("str", "int", "float", "bool", "null", "map", "seq")}
SYNTAX = "valid YAML 1.2 with each key once"


class YamlMapping(dict[str, Any]):
    """A mapping read from a file; ``lines`` holds the line of every key, counted from 1."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


def read_document(text: str, file: str) -> Any:
    """Read the one document of a YAML text.

    Parameters
    ----------
    text : str
    file : str
        Name of the text in errors, which add the line.

    Returns
    -------
    YamlMapping, list, str, int, float, bool or None
        Dates are text, since YAML 1.2 has no dates.

    Raises
    ------
    ParameterError
        For wrong syntax, a key that is not text or occurs twice, more than one document, or content beyond the limits
        of this module.
    """
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    if len(text) > MAX_BYTES:
        raise _wrong(file, 1, f"{len(text):,} characters", f"at most {MAX_BYTES:,} characters")
    builder = _Builder(text.removeprefix("\ufeff"), file)
    try:
        return builder.document()
    except ParameterError:
        raise
    except MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        problem = (err.problem or err.context or "a syntax error").split("\n")[0].strip()
        raise _wrong(file, 1 if mark is None else mark.line + 1, problem, SYNTAX) from err
    except ReaderError as err:
        line = text.count("\n", 0, err.position) + 1
        raise _wrong(file, line, f"the character {err.character!r}", "text that can be printed") from err
    except Exception as err:  # a bug of ruamel's scanner on an odd text (an escape beyond Unicode ...)
        raise _wrong(file, builder.line, str(err) or type(err).__name__, SYNTAX) from err


def _wrong(file: str, line: int, has: str, needs: str) -> ParameterError:
    return ParameterError(f"YAML at {file}:{line}", has, needs)


class _Builder:
    """Builds the value of a document from its events in one pass, never deeper than `MAX_DEPTH`."""

    def __init__(self, text: str, file: str) -> None:
        from ruamel.yaml import YAML
        from ruamel.yaml.nodes import ScalarNode

        yaml = YAML(typ="safe", pure=True)
        self._events: Iterator[Any] = yaml.parse(text)
        self.line = 1  # of the last event
        self._resolver, self._scalar_kind = yaml.resolver, ScalarNode
        self._file = file
        self._n_values = 0
        self._anchors: dict[str, tuple[Any, int] | None] = {}  # value and number of values in it; None: incomplete

    def document(self) -> Any:
        """Return the value of the only document, or None if the text is empty."""
        value, n_documents = None, 0
        while (event := self._next()) is not None:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                n_documents += 1
                if n_documents > 1:
                    raise self._error(event, "a second document", "one document")
                if event.version is not None and tuple(event.version) != (1, 2):
                    raise self._error(event, f"%YAML {'.'.join(map(str, event.version))}", "YAML 1.2")
                value = self._value(self._next(), 0)
        return value

    def _next(self) -> Any:
        """Return the next event, or None after the last one."""
        event = next(self._events, None)
        if event is not None:
            self.line = event.start_mark.line + 1
        return event

    def _error(self, event: Any, has: str, needs: str) -> ParameterError:
        return _wrong(self._file, event.start_mark.line + 1, has, needs)

    def _value(self, event: Any, depth: int) -> Any:
        """Return the value whose first event is ``event``."""
        self._count(event, 1)
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self._alias(event)
        if event.tag is not None and str(event.tag) not in _TAGS and str(event.tag) != "!":
            raise self._error(event, f"the tag {event.tag}", "values without tags")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        before = self._n_values
        if kind == "ScalarEvent":
            value = self._scalar(event)
        elif depth == MAX_DEPTH:
            raise self._error(event, "more", f"at most {MAX_DEPTH} levels of lists and mappings")
        else:
            value = self._mapping(depth) if kind == "MappingStartEvent" else self._list(depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._n_values - before)
        return value

    def _count(self, event: Any, n_values: int) -> None:
        self._n_values += n_values
        if self._n_values > MAX_VALUES:
            needs = f"at most {MAX_VALUES:,} keys and values (an alias counts as what it stands for)"
            raise self._error(event, f"more than {MAX_VALUES:,}", needs)

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._error(event, f"the alias *{event.anchor}", "an anchor of that name before it")
        found = self._anchors[event.anchor]
        if found is None:
            raise self._error(event, f"the alias *{event.anchor} inside its own anchor", "an anchor that is complete")
        self._count(event, found[1])
        return found[0]

    def _list(self, depth: int) -> list[Any]:
        items = []
        while type(event := self._next()).__name__ != "SequenceEndEvent":
            items.append(self._value(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> YamlMapping:
        own, merged = YamlMapping(), YamlMapping()
        while type(event := self._next()).__name__ != "MappingEndEvent":
            key, line = self._value(event, depth + 1), event.start_mark.line + 1
            is_merge = key == "<<" and type(event).__name__ == "ScalarEvent" and event.implicit[0]
            item = self._next()
            value = self._value(item, depth + 1)
            if is_merge:
                self._merge(merged, value, item)
            elif not isinstance(key, str):
                raise self._error(event, f"the key {shown(key)}", "text as a key (in quotes if need be)")
            elif key in own:
                raise self._error(event, f"found duplicate key {shown(key)} (first at line {own.lines[key]})", SYNTAX)
            else:
                own[key], own.lines[key] = value, line
        for key, value in merged.items():
            if key not in own:
                own[key], own.lines[key] = value, merged.lines[key]
        return own

    def _merge(self, merged: YamlMapping, value: Any, event: Any) -> None:
        """Add the mappings that ``<<`` names; the first one that has a key wins."""
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, YamlMapping):
                raise self._error(event, f"the merge key << with {shown(one)}", "an alias of a mapping, or several")
            for key, item in one.items():
                if key not in merged:
                    merged[key], merged.lines[key] = item, one.lines[key]

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        tag = str(event.tag) if event.tag is not None else self._tag(text, event.implicit)
        match tag.removeprefix(_CORE):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" | "float" as kind:
                return self._number(event, text, kind)
        return text

    def _tag(self, text: str, implicit: Any) -> str:
        return str(self._resolver.resolve(self._scalar_kind, text, implicit))

    def _number(self, event: Any, text: str, kind: str) -> int | float:
        plain = text.replace("_", "").lower()
        if len(plain) > MAX_DIGITS:
            raise self._error(event, f"a number of {len(plain):,} digits", f"numbers of at most {MAX_DIGITS} digits")
        try:
            if kind == "int":
                sign, digits = (-1 if plain.startswith("-") else 1), plain.lstrip("+-")
                base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2], 10)
                return sign * int(digits, base)
            if plain.lstrip("+-") in (".inf", ".nan"):
                return float(plain.replace(".", ""))
            value = float(plain)
        except ValueError as err:
            raise self._error(event, text, f"a number, since its tag is {kind}") from err
        is_lost = math.isinf(value) or (value == 0 and re.search("[1-9]", plain.partition("e")[0]) is not None)
        if is_lost:
            raise self._error(event, text, "a number between 1e-308 and 1.8e308 in size, or 0")
        return value
