"""Names an option in messages as the user gave it: ``--out`` on the command line, ``out`` in Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_on_command_line: ContextVar[bool] = ContextVar("on_command_line", default=False)
#: Keywords whose option on the command line has another name.
_OTHER_NAMES = MappingProxyType(
    {
        "html": "--no-html",
        "figures": "--no-figures",
        "roundings": "--rounding",
        "weight_roundings": "--weight-rounding",
        "settings": "--set",
    }
)


@contextmanager
def command_line_names() -> Iterator[None]:
    """Name options as on the command line inside the block."""
    token = _on_command_line.set(True)
    try:
        yield
    finally:
        _on_command_line.reset(token)


def option_name(keyword: str) -> str:
    """Return the name of an option: ``--memory-gib`` on the command line, ``memory_gib`` in Python."""
    if not _on_command_line.get():
        return keyword
    return _OTHER_NAMES.get(keyword, f"--{keyword.replace('_', '-')}")


def option_with(keyword: str, value: object = True) -> str:
    """Return an option with its value: ``--depth cores`` on the command line, ``depth='cores'`` in Python.

    True stands for a switch that is on: ``--overwrite`` on the command line, ``overwrite=True`` in Python.
    """
    if not _on_command_line.get():
        return f"{keyword}={value!r}"
    return option_name(keyword) if value is True else f"{option_name(keyword)} {value}"


def setting_name(path: str) -> str:
    """Return the name of a setting: ``--set seconds`` on the command line, its path ``seconds`` in Python."""
    return f"--set {path}" if _on_command_line.get() else path
