"""Holds how the packets of a run are simulated: the engine, the end of a tick, the log and the timeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from emulator.packets.machine_numbers import PacketOptions, usual_end_of_tick
from models.errors import UnknownNameError
from models.option_names import option_name
from models.vocabulary import EndOfTick, Engine
from neuromap.experiment.prepare import Prepared
from neuromap.runs.simpy_estimate import to_stderr

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketChoices:
    """The choices of a run at the depths dynamic and full (`neuromap.experiment.options.PacketOptions`).

    ``end_of_tick``: None for the machine's own rule. ``is_in_phase``: the ticks of all cores begin at the same time, or
    else at random phases. Only the depth dynamic reads ``spikes`` and ``with_log``.
    """

    engine: Engine = Engine.COMPILED
    end_of_tick: EndOfTick | None = None
    is_in_phase: bool = True
    trace: Path | None = None
    spikes: Path | None = None
    with_log: bool = False
    announce: Callable[[str], None] = to_stderr

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> PacketChoices:
        """Return the choices that the options of `neuromap.run` make.

        Raises
        ------
        UnknownNameError
            For an unknown engine or end of a tick.
        """
        engine, end_of_tick = options.get("engine"), options.get("end_of_tick")
        trace, spikes = options.get("trace"), options.get("spikes")
        return cls(
            engine=Engine.COMPILED if engine is None else _choose(option_name("engine"), engine, Engine),
            end_of_tick=None if end_of_tick is None else _choose(option_name("end_of_tick"), end_of_tick, EndOfTick),
            is_in_phase=options.get("in_phase") is not False,
            trace=None if trace is None else Path(trace),
            spikes=None if spikes is None else Path(spikes),
            with_log=bool(options.get("with_log")),
            announce=options.get("announce") or to_stderr,
        )


def packet_options(prepared: Prepared, choices: PacketChoices) -> PacketOptions:
    """Return the options of the packet model; the machine's usual end of a tick is taken if none was chosen."""
    return PacketOptions(
        time_scale_factor=prepared.experiment.time_scale_factor,
        is_in_phase=choices.is_in_phase,
        seed=prepared.experiment.seed,
        end_of_tick=choices.end_of_tick or usual_end_of_tick(prepared.machine),
    )


def _choose(what: str, value: str, choices: type[_Choice]) -> _Choice:
    """Return a member of a vocabulary.

    Raises
    ------
    UnknownNameError
        If it has no such member.
    """
    if value not in list(choices):
        raise UnknownNameError(what, str(value), [str(one) for one in choices])
    return choices(value)
