"""What the parts of a machine are called in its report: a chip of neuromap is a node of neuroAIx or a tile of Loihi."""

from __future__ import annotations

from dataclasses import dataclass

from models.machine import CoreKind
from neuromap.measures.results import Report


@dataclass(frozen=True, slots=True)
class Words:
    """Names of a chip, a board, a core, the memory of a chip and that of a core; what a step is measured against."""

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
    """Return what a core in a role is called: its role on processors, else what the machine's cores are."""
    if report.machine.core_kind == "software":
        return f"{role} core"
    return words_of(report).core if role == "combined" else f"{role} {words_of(report).core}"
