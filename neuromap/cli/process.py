"""Handles events from outside a command: signals, terminals that know only ASCII, closed pipes, too little memory.

A signal or a lack of memory ends a command with one line for the user and an exit code of its own.
"""

from __future__ import annotations

import codecs
import os
import re
import signal
import sys
import threading
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from models.errors import FileWriteError, NeuromapWarning
from neuromap.cli.exit_codes import EXIT_INTERRUPTED

_ENDING = ("SIGTERM", "SIGHUP")  # Python itself handles SIGINT
#: Replacements for characters that a terminal cannot show, where leaving off an accent is not enough.
_ASCII = {  # +- x / arrows, comparisons, dashes, dots, ticks, Ohm, deg, quotes, blocks, micro
    "\u00b1": "+-",
    "\u00d7": "x",
    "\u00f7": "/",
    "\u2192": "->",
    "\u2190": "<-",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2248": "~",
    "\u2212": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u2026": "...",
    "\u00b7": ".",
    "\u2022": "*",
    "\u2713": "yes:",
    "\u2717": "no:",
    "\u03a9": "Ohm",
    "\u00b0": "deg",
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u2588": "#",
    "\u2591": ".",
    "\u2592": ":",
    "\u2593": "#",
    "\u00b5": "u",
    "\u03bc": "u",
}
_UPRIGHT, _LEVEL = "│┃║┆┇┊┋", "─━═┄┅┈┉╌╍╸╺╴╶"


class SignalExit(KeyboardInterrupt):
    """Raised by SIGTERM and SIGHUP; results are kept as after Ctrl-C."""


@contextmanager
def ending_signals() -> Iterator[list[int]]:
    """End the block at SIGTERM and SIGHUP as at Ctrl-C; the yielded list then holds the number of the signal.

    A signal that is ignored (``nohup``) stays ignored.
    """
    received: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise SignalExit

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in _ENDING if hasattr(signal, name)):
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, end)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code_of(code: int, received: list[int]) -> int:
    """Return the exit code of a command: 128 plus the signal's number if a signal interrupted it, else ``code``."""
    return 128 + received[0] if received and code == EXIT_INTERRUPTED else code


def to_ascii(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that a stream cannot show; the handler of encoding errors ``neuromap``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_plain(one) for one in error.object[error.start : error.end]), error.end


def _plain(character: str) -> str:
    if character in _ASCII:
        return _ASCII[character]
    if 0x2500 <= ord(character) < 0x2580:  # lines and corners of boxes
        return "|" if character in _UPRIGHT else "-" if character in _LEVEL else "+"
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or character.encode("ascii", "backslashreplace").decode()


@contextmanager
def streams_that_exist() -> Iterator[None]:
    """Open stdout and stderr to the null device inside the block if the process was started without them (``>&-``).

    This also occupies descriptors 1 and 2: otherwise a file of results could get one of them, and output meant for the
    terminal would be written into it.
    """
    missing = [name for name in ("stdout", "stderr") if getattr(sys, name) is None]
    with ExitStack() as opened:
        for name in missing:
            setattr(sys, name, opened.enter_context(Path(os.devnull).open("w", encoding="utf-8")))
        try:
            yield
        finally:
            for name in missing:
                setattr(sys, name, None)


@contextmanager
def streams_that_never_fail() -> Iterator[None]:
    """Inside the block, replace characters that a stream cannot show, and print each neuromap warning as a line."""
    codecs.register_error("neuromap", to_ascii)
    changed: list[tuple[Any, str]] = []
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            changed.append((stream, str(stream.errors)))
            stream.reconfigure(errors="neuromap")
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, NeuromapWarning):
            print_line(f"neuromap: warning: {message}")
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = usual
        for stream, errors in changed:
            with suppress(ValueError, OSError):  # it was closed
                stream.reconfigure(errors=errors)


def print_line(text: str) -> None:
    """Print a line on stderr after flushing stdout; ignore streams that are closed."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def forget_closed_streams() -> None:
    """Let Python end silently if the reader of stdout or stderr has ended (``neuromap schema | head``)."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError, AttributeError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def resource_message(err: BaseException) -> str | None:
    """Return a message that names the resource of this computer that ran out, or None for any other error."""
    limit = _address_limit_bytes()
    limited = "" if limit is None else f"a limit of {limit / 2**30:.2f} GiB (ulimit -v)"
    change = "lower --scale, --threads or --memory-gib" + (", or raise the limit" if limited else "")
    text = str(err)
    if isinstance(err, MemoryError):
        found = re.search(r"allocate ([\d.]+ \w+)", text)
        needs = f"{found[1]} for one more array" if found else "room for one more array"
        free = f"less than {found[1]} free" if found else "too little free"
        return f"memory: needs {needs}, has {limited or free}; {change}"
    if isinstance(err, RuntimeError) and "start new thread" in text:
        has = f"{limited or 'too little free memory'} or a limit of threads (ulimit -u)"
        return f"threads: needs one more, has {has}; {change}"
    if isinstance(err, ImportError | OSError) and limited and re.search(r"shared obj|map segment|memory", text):
        name = re.search(r"[\w.-]+\.so|'[\w.]+'", text)
        needs = f"room to load {f'the library {name[0]}' if name else 'a library'}"
        return f"memory: needs {needs}, has {limited}; {change}"
    return None


def _address_limit_bytes() -> int | None:
    """Return the limit of the address space of this process in bytes, or None if there is none."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    found = [resource.getrlimit(which)[0] for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    known = [limit for limit in found if limit != resource.RLIM_INFINITY]
    return min(known) if known else None


def system_message(err: OSError | FileWriteError) -> str:
    """Return a message that names the file and the reason of the operating system."""
    if isinstance(err, FileWriteError):
        return str(err)
    name = f"{err.filename}: " if err.filename is not None else ""
    return f"{name}{err.strerror or err} (--debug shows where)"
