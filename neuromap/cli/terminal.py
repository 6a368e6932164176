"""Prints progress, tables and the verdict of a command."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from mapping.model import Mapping
    from models.machine import ConstantNote, Machine
    from models.network import Network

_REFRESH_PER_S = 8
#: Narrowest terminal, in columns, on which sources get a column of their own.
_SOURCES_WIDTH = 150
#: Widest column of values.
_VALUE_WIDTH = 28


class QuietConsole(Console):
    """A console that stops printing when its reader has closed the pipe; rich alone would end the process."""

    def on_broken_pipe(self) -> None:
        """Continue without output, so that the results are still kept."""
        self.quiet = True


def stdout() -> Console:
    """Return the console for results."""
    return QuietConsole(highlight=False, soft_wrap=True)


class ProgressView:
    """Shows the progress of a run on stderr: bars with the time left on a terminal, else one line for each stage.

    An instance is a `models.progress.Progress`. A stage ends at fraction 1, or when another stage starts.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or QuietConsole(stderr=True, highlight=False)
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._started_s: dict[str, float] = {}
        self._done: set[str] = set()
        self._current: str | None = None

    def __enter__(self) -> ProgressView:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            self._bars = Progress(
                TextColumn("{task.description:<12}"),
                BarColumn(bar_width=30),
                TaskProgressColumn(),
                TimeRemainingColumn(compact=True, elapsed_when_finished=True),
                TextColumn("{task.fields[note]}", markup=False),
                console=self._console,
                refresh_per_second=_REFRESH_PER_S,
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._current is not None:
            self._finish(self._current)
        if self._bars is not None:
            with contextlib.suppress(OSError):
                self._bars.stop()

    def __call__(self, stage: str, fraction: float, note: str = "") -> None:
        """Show that ``fraction`` (0 to 1) of ``stage`` is done."""
        if stage != self._current:
            if self._current is not None:
                self._finish(self._current)
            self._current = stage
        if stage not in self._started_s:
            self._started_s[stage] = time.perf_counter()
            if self._bars is not None:
                self._tasks[stage] = self._bars.add_task(stage, total=1.0, note=note)
        if self._bars is not None and stage not in self._done:
            self._bars.update(self._tasks[stage], completed=min(fraction, 1.0), note=note)
        if fraction >= 1:
            self._finish(stage, note)

    def say(self, sentence: str) -> None:
        """Print a sentence, above the bars if there are any."""
        self._console.print(sentence, markup=False, soft_wrap=True)

    def _finish(self, stage: str, note: str = "") -> None:
        """Mark a stage as done, once."""
        if stage in self._done:
            return
        self._done.add(stage)
        if self._bars is not None:
            self._bars.update(self._tasks[stage], completed=1.0)
            return
        elapsed_s = time.perf_counter() - self._started_s[stage]
        with contextlib.suppress(OSError):  # the reader has closed the pipe; the run goes on, to keep its results
            self._console.print(f"{stage}: {elapsed_s:.1f} s{f'; {note}' if note else ''}", markup=False)


def print_error(message: str) -> None:
    """Print an error on stderr as one line without colours, so that it can be searched for."""
    from neuromap.cli.process import print_line

    print_line(f"neuromap: error: {message}")


def print_machine(machine: Machine, console: Console | None = None, *, n_boards: int | None = None) -> None:
    """Print the shape of a machine, its capacities and every constant with unit, source and status.

    On a terminal too narrow for a column of sources, each source is printed below its constant, so that no text is cut.
    ``n_boards``: number of boards to describe, for a machine that gets as many boards as a mapping needs.
    """
    from models.topology import build_topology, is_size_open
    from neuromap.report.machine_text import capacity_lines, shown_boards, size_text

    console = console or stdout()
    topology = build_topology(machine, shown_boards(machine) if n_boards is None else n_boards)
    is_open = is_size_open(machine.topology)
    console.print(f"{machine.name}: {machine.description}", markup=False)
    size = f"as many boards as the mapping needs, for example {size_text(topology)}" if is_open else size_text(topology)
    edges = "edges joined" if machine.topology.wrap or machine.topology.kind in ("torus", "ring") else "open edges"
    shape = f", {edges}" if topology.metric in ("triangular", "lattice") else ""
    console.print(f"{size}{shape}", markup=False)
    for line in capacity_lines(machine, topology)[:-1]:
        console.print(line, markup=False)
    for name in ("dead_chips", "dead_links", "dead_cores"):
        if places := getattr(machine, name):
            console.print(f"{name}: {len(places)}", markup=False)
    if console.is_terminal and console.width < _SOURCES_WIDTH:
        for note in machine.constants:
            line = f"{note.path}  {_value(note.value)} {note.unit}".rstrip() + f"  ({_status(note)})"
            console.print(line, style=_style(note), markup=False)
            console.print(f"    {note.source}", style="dim", markup=False)
    else:
        _print_constants(machine, console)
    print_unverified(machine)


def _print_constants(machine: Machine, console: Console) -> None:
    """Print the constants as a table."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("constant", "value", "unit", "status"):
        if heading == "value":  # long curves are folded
            table.add_column(heading, justify="right", max_width=_VALUE_WIDTH)
        else:
            table.add_column(heading, no_wrap=True)
    table.add_column("source", overflow="fold")
    for note in machine.constants:
        table.add_row(note.path, _value(note.value), note.unit, _status(note), note.source, style=_style(note))
    if not console.is_terminal:
        console.width = 200
    console.print(table, markup=False)


def _status(note: ConstantNote) -> str:
    bounds = "" if note.low is None or note.high is None else f" [{note.low:g}, {note.high:g}]"
    return f"{note.status}{bounds}"


def _style(note: ConstantNote) -> str:
    return "yellow" if note.status in ("unverified", "stated") else ""


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(f"{one:g}" for one in value)
    if isinstance(value, float):
        return f"{value:,.12g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def print_unverified(machine: Machine) -> None:
    """Print the names of the constants of a machine that no source verifies."""
    if machine.unverified:
        print(f"{len(machine.unverified)} of {len(machine.constants)} constants are unverified: ", end="")
        print(", ".join(machine.unverified))
    else:
        print(f"all {len(machine.constants)} constants have a source")


def print_network(network: Network) -> None:
    """Print the size of a network in one line."""
    n_synapses = round(network.expected_n_synapses())
    print(
        f"network {network.name}: {network.n_neurons:,} neurons in {len(network.populations)} populations, "
        f"{n_synapses:,} synapses expected, drive {network.drive}, dt {network.dt_ms:g} ms"
    )


def print_notes(notes: Iterable[str]) -> None:
    """Print notes on the numbers, one line each."""
    for note in notes:
        print(f"note: {note}")


def print_mapping(mapping: Mapping) -> None:
    """Print the cores, chips, boards and table entries that a mapping uses."""
    from neuromap.measures.words import words_of_kind
    from neuromap.page.quantity import plural

    words = words_of_kind(mapping.machine.core.kind)
    kinds = Counter(vertex.role.value for vertex in mapping.partition.vertices)
    chips = {tuple(place) for place in mapping.placement.core[:, :2].tolist()}
    lengths = mapping.tables.indptr[1:] - mapping.tables.indptr[:-1]
    split = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items())
    cores = plural(sum(kinds.values()), words.core)
    print(f"mapping of {mapping.network_name} ({mapping.partition.recipe}): {cores} ({split})")
    n_boards = int(mapping.machine.topology.n_boards)
    print(f"machine {mapping.machine.name}: {plural(len(chips), words.chip)} used, {plural(n_boards, words.board)}")
    longest = int(lengths.max()) if lengths.size else 0
    n_max = mapping.machine.router.n_table_entries
    if not n_max:
        print(f"no routing tables: {mapping.machine.router.casting}")
        return
    print(f"routing tables: longest {longest:,} of {n_max:,} entries, {int(lengths.sum()):,} in all")


def print_verdict(report: Any) -> None:
    """Print the verdict of a run."""
    from neuromap.report.text import render_verdict

    verdict = render_verdict(report)
    if isinstance(verdict, str):
        print(verdict)
    else:
        stdout().print(verdict)
