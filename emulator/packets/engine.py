"""Runs a scenario tick by tick with either engine, which give the same results; Ctrl-C stops it between two ticks."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emulator.packets.compiled import CompiledRun
from emulator.packets.outcome import Outcome
from emulator.packets.scenario import Packets, Scenario
from emulator.packets.simpy_model.model import SimpyRun
from emulator.runtime.interrupt import interrupt_held
from models.progress import Progress, silent
from models.vocabulary import Engine

_SHORT_S, _LONG_S = 0.1, 0.3  # wall time between two checks for Ctrl-C


class PacketRun(Protocol):
    """A run of a scenario, tick by tick, in either engine (`compiled.CompiledRun`, `simpy_model.SimpyRun`)."""

    @property
    def n_packets(self) -> int:
        """Number of packets added so far, which is also the number of the next packet."""

    def add_packets(self, packets: Packets, n_ticks: int) -> None:
        """Add the packets of the ticks from the last call's ``n_ticks`` to below this ``n_ticks``."""

    def advance(self, n_ticks: int | None = None) -> None:
        """Run until tick ``n_ticks`` begins, or to the end."""

    def take_arrivals(self) -> NDArray[np.int32]:
        """Return the arrivals at cores since the last call: packet, column of the core, and how many ticks late."""

    def finish(self, scenario: Scenario) -> Outcome:
        """Run to the end and return the outcome."""


def start_run(
    scenario: Scenario, engine: Engine | str = Engine.COMPILED, *, is_watched: bool = False, with_log: bool = False
) -> PacketRun:
    """Return a run of a scenario; packets are added to it tick by tick."""
    kind = SimpyRun if Engine(engine) is Engine.SIMPY else CompiledRun
    return kind(scenario, is_watched=is_watched, with_log=with_log)


def run_scenario(
    scenario: Scenario,
    engine: Engine | str = Engine.COMPILED,
    *,
    with_log: bool = False,
    progress: Progress = silent,
) -> Outcome:
    """Run a scenario.

    Parameters
    ----------
    scenario : Scenario
    engine : Engine
        Both give the same outcome.
    with_log : bool
        Keep every event (32 bytes each).
    progress : Progress
        Called with the stage ``packets`` and the fraction of the ticks that is done.

    Returns
    -------
    Outcome
        After Ctrl-C only of the ticks that were finished: ``outcome.scenario`` has these ticks and their packets.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C is pressed before the first tick is finished, or twice.
    """
    run = start_run(scenario, engine, with_log=with_log)
    done, n_together = 0, 1
    with interrupt_held() as held:
        while done < scenario.n_ticks and not held.is_pressed:
            began_s, until = time.monotonic(), min(scenario.n_ticks, done + n_together)
            run.add_packets(packets_of(scenario.packets, done, until), until)
            run.advance(until)
            done, took_s = until, time.monotonic() - began_s
            n_together = 2 * n_together if took_s < _SHORT_S else max(1, n_together // (1 + (took_s > _LONG_S)))
            progress("packets", done / scenario.n_ticks)
        return run.finish(scenario if done == scenario.n_ticks else first_ticks(scenario, done))


def packets_of(packets: Packets, first_tick: int, end_tick: int) -> Packets:
    """Return the packets of the ticks from ``first_tick`` to below ``end_tick``."""
    part = slice(*np.searchsorted(packets.tick, [first_tick, end_tick]).tolist())
    return Packets(
        tick=packets.tick[part],
        core=packets.core[part],
        offset=packets.offset[part],
        net=packets.net[part],
        row=packets.row[part],
    )


def first_ticks(scenario: Scenario, n_ticks: int) -> Scenario:
    """Return the first ``n_ticks`` ticks of a scenario."""
    return replace(scenario, packets=packets_of(scenario.packets, 0, n_ticks), n_ticks=n_ticks)
