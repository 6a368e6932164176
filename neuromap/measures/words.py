"""Names the parts of a machine in its report: what neuromap calls a chip is a node of neuroAIx or a tile of Loihi."""

from __future__ import annotations

from dataclasses import dataclass

from models.machine import CoreKind
from neuromap.measures.results import Report


@dataclass(frozen=True, slots=True)
class Words:
    """Names of a chip, a board, a core, a chip's memory, a core's memory, and the time that a step is compared with."""

    chip: str
    board: str
    core: str
    chip_memory: str
    core_memory: str
    tick: str


_OF_KIND: dict[CoreKind, Words] = {
    "software": Words("chip", "board", "core", "SDRAM", "DTCM", "tick"),
    "pipeline_node": Words("node", "board", "pipeline", "DRAM", "block RAM", "longest step"),
    "neuro_core": Words("tile", "chip", "neuro-core", "memory", "core memory", "longest step"),
}


def words_of(report: Report) -> Words:
    """Return the words for the machine of a report."""
    return words_of_kind(report.machine.core_kind)


def words_of_kind(core_kind: CoreKind) -> Words:
    """Return the words for machines with one kind of core."""
    return _OF_KIND[core_kind]


def kind_of_core(report: Report, role: str) -> str:
    """Return the name of a core in a role: ``synapse core`` on processors, else the machine's own word for a core."""
    if report.machine.core_kind == "software":
        return f"{role} core"
    return words_of(report).core if role == "combined" else f"{role} {words_of(report).core}"
