"""Holds Ctrl-C back until work that must not stop halfway is finished."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Held:
    """The state of a block that holds signals back: whether a signal came, and which."""

    def __init__(self) -> None:
        self.is_pressed = False
        self._pending: int | None = None
        self.handlers: dict[int, Handler] = {}

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Remember a signal; a second one takes effect at once."""
        if self.is_pressed:
            self._call(number, frame)
        self.is_pressed, self._pending = True, number

    def deliver(self) -> None:
        """Let the signal that was held back take effect, if there was one."""
        if self._pending is not None:
            number, self._pending = self._pending, None
            self._call(number, None)

    def _call(self, number: int, frame: FrameType | None) -> None:
        self.handlers[number](number, frame)


@contextmanager
def interrupt_held() -> Iterator[Held]:
    """Hold back SIGINT, and SIGTERM if the program has set a handler for it, until the block ends.

    Yields
    ------
    Held
        Says whether a signal came. The block decides what to do about it: stop early, or call ``deliver`` afterwards.
        In other threads than the main thread no signal ever comes, because Python does not handle signals there.
    """
    held = Held()
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            before = signal.getsignal(number)
            if callable(before) and not isinstance(before, signal.Handlers):
                held.handlers[number] = before
                signal.signal(number, held.handle)
    try:
        yield held
    finally:
        for replaced, handler in held.handlers.items():
            signal.signal(replaced, handler)
