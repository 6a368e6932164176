"""Searches for changes that make a network fit after its mapping has failed; a change is mapped before it is named.

A change is one step away from what was asked: other neurons on a core, another number of synapse cores, another recipe,
more boards, fewer constraints, shorter delays, a longer tick, another machine. Changes that affect the resource that
did not fit are tried first. If such a change only leads to another error, the search goes on from there. All other
changes come last. The search is bounded by the number of mappings and their sizes, not by time, so that the same
question has the same answer on every computer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from mapping.model import Mapping
from mapping.partition import combined, ensemble
from mapping.partition.cut import cut
from mapping.recipe import FixedChip, Recipe, ReservedChip, ReservedCores, SameChip
from mapping.remedy.shorter_delays import longest_delay_ms, with_delays_up_to
from mapping.task import Task
from mapping.usual import usual_recipe, usual_router
from models.errors import CapacityError, NeuromapError
from models.machine import Machine
from models.machine.file import list_machines, load_machine

#: Describes the mapping that a change leads to: its size, its expected load.
Describe = Callable[[Mapping, Task], str]
RunStages = Callable[[Task], Mapping]

_MAX_SLICES = 250_000  # slices cut in all attempts together: about two seconds
_MAX_SLICES_MAPPED = 20_000  # slices of one whole mapping; a larger one is not tried
_MAX_MAPPINGS = 20
_MAX_CHANGES = 3  # changes that are combined, one after the other
_MAX_DOUBLINGS = 4  # of a machine's size


def describe_size(mapping: Mapping, task: Task) -> str:
    """Return the cores and chips that a mapping takes."""
    n_cores, core = len(mapping.partition.vertices), mapping.placement.core
    n_chips = len({(x, y) for x, y in core[:, :2].tolist()})
    return f"{n_cores:,} core{'s' if n_cores != 1 else ''} on {n_chips:,} chip{'s' if n_chips != 1 else ''}"


@dataclass(frozen=True, slots=True)
class _Change:
    """One change: what to do, in the imperative, and the task that it leads to."""

    words: str
    task: Task


@dataclass(slots=True)
class _Search:
    """Tries tasks within the bounds, and counts what they take."""

    run: RunStages
    n_slices_left: int = _MAX_SLICES
    n_mappings_left: int = _MAX_MAPPINGS

    def attempt(self, task: Task) -> Mapping | NeuromapError | None:
        """Return the mapping of a task, or why it does not map; None if it is too large to be tried."""
        n_slices = _n_slices(task)
        if n_slices > min(_MAX_SLICES_MAPPED, self.n_slices_left) or not self.n_mappings_left:
            return None
        self.n_slices_left -= n_slices
        self.n_mappings_left -= 1
        try:
            return self.run(task)
        except NeuromapError as error:
            return error

    def can_cut(self, task: Task) -> bool:
        """Whether the partition of a task succeeds."""
        n_slices = _n_slices(task)
        if n_slices > self.n_slices_left:
            return False
        self.n_slices_left -= n_slices
        try:
            cut(task)
        except NeuromapError:
            return False
        return True


def tried_hint(error: CapacityError, task: Task, run: RunStages, describe: Describe) -> str:
    """Return a hint that says what to change; the change has been mapped.

    Parameters
    ----------
    error : CapacityError
        The error with which the task failed.
    task : Task
    run : callable
        ``run(task)`` maps a task.
    describe : callable
        ``describe(mapping, task)`` returns the words for a mapping that a change leads to.

    Returns
    -------
    str
        The changes, "which was tried", and what they lead to; or how far the best of them leads, or that none helps.
    """
    found = _solve(error, task, _Search(run), depth=_MAX_CHANGES)
    if found is None:
        return f"no change that was tried makes it fit ({', '.join(sum(_families(error), ()))}); {_bound(error)}"
    words = " and ".join(change.words for change in found.changes)
    if isinstance(found.end, Mapping):
        return f"{words}, which was tried: it takes {describe(found.end, found.changes[-1].task)}"
    other_machine = _other_machine_hint(task, _Search(run), describe)
    return f"{words}; that alone is not enough, since then {_without_hint(found.end)}{other_machine}"


def _other_machine_hint(task: Task, search: _Search, describe: Describe) -> str:
    """Return the end of a hint, naming a shipped machine that the unchanged network fits; empty if none is found."""
    for change in _machines(task, search):
        mapping = search.attempt(change.task)
        if isinstance(mapping, Mapping):
            return f"; or {change.words}, which was tried: it takes {describe(mapping, change.task)}"
    return ""


@dataclass(frozen=True, slots=True)
class _Found:
    """Changes, one after the other, and their result: a mapping, or the next error."""

    changes: tuple[_Change, ...]
    end: Mapping | NeuromapError


def _solve(error: CapacityError, task: Task, search: _Search, *, depth: int) -> _Found | None:
    """Look for a change that maps; else go on from a change that gets past this error; else try the other families."""
    first, others = _families(error)
    further: list[_Found] = []
    for families in (first, others):
        for family in families:
            if family == "other machines" and (further or depth < _MAX_CHANGES):
                continue  # a change that gets past this error is the better hint
            for change in _FAMILIES[family](task, search):
                end = search.attempt(change.task)
                if isinstance(end, Mapping):
                    return _Found((change,), end)
                if families is first and end is not None and getattr(end, "what", None) != error.what:
                    further.append(_Found((change,), end))
                    break  # more of the same change helps no further
        for one in further if families is first and depth > 1 else ():
            if isinstance(one.end, CapacityError):
                rest = _solve(one.end, one.changes[-1].task, search, depth=depth - 1)
                if rest is not None and isinstance(rest.end, Mapping):
                    return _Found((*one.changes, *rest.changes), rest.end)
    return further[0] if further else None


def _without_hint(error: NeuromapError) -> str:
    return str(error).removesuffix(f"; {error.hint}") if isinstance(error, CapacityError) else str(error)


def _bound(error: CapacityError) -> str:
    return f"change the network or the machine, so that {error.where} needs at most {error.have:,} {error.unit}"


def _n_slices(task: Task) -> int:
    """Return roughly the number of slices that a task is cut into."""
    recipe, machine = task.recipe, task.machine
    n = neurons_per_core(task)
    if recipe.neurons_per_core == "auto":
        n = max(1, n // 4)
    per_core = max(1, machine.core.max_poisson_sources)
    sources = sum(-(-source.n_neurons // per_core) for source in task.network.sources)
    return sources + sum(-(-population.n_neurons // n) for population in task.network.populations)


def neurons_per_core(task: Task) -> int:
    """Return the neurons that a full core holds: as asked, else the default of the machine or the recipe."""
    asked, machine = task.recipe.neurons_per_core, task.machine
    if isinstance(asked, int):
        return max(1, asked)
    usual = ensemble if task.recipe.name == "ensemble" else combined
    planned = machine.plan.neurons_per_core or usual.DEFAULT_NEURONS_PER_CORE
    return max(1, min(planned, machine.core.max_neurons))


def _with(task: Task, **changes: object) -> Task:
    """Return the task with fields of its recipe replaced."""
    return replace(task, recipe=replace(task.recipe, **changes))  # type: ignore[arg-type]


# ---- families of changes -----------------------------------------------------------------------------------------


def _fewer_neurons(task: Task, search: _Search) -> Iterator[_Change]:
    """Yield the largest smaller number of neurons on a core that can be cut, then half of it, and so on."""
    now = neurons_per_core(task)
    high, low = now, min(now - 1, task.machine.core.max_neurons)
    while low >= 1 and not search.can_cut(_with(task, neurons_per_core=low)):
        high, low = low, low // 2
    if low < 1:
        return
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if search.can_cut(_with(task, neurons_per_core=middle)) else (low, middle)
    while low >= 1:
        yield _Change(f"lower neurons_per_core (now {now}) to {low}", _with(task, neurons_per_core=low))
        low //= 2


def _more_neurons(task: Task, search: _Search) -> Iterator[_Change]:
    """Yield twice as many neurons on a core, then four times as many, and so on."""
    now, most = neurons_per_core(task), task.machine.core.max_neurons
    n = now
    while n < most:
        n = min(2 * n, most)
        yield _Change(f"raise neurons_per_core (now {now}) to {n}", _with(task, neurons_per_core=n))


def _synapse_cores(task: Task, search: _Search) -> Iterator[_Change]:
    asked = task.recipe.n_synapse_cores
    if asked is None:
        return
    yield _Change(f"leave n_synapse_cores (now {asked}) to the recipe", _with(task, n_synapse_cores=None))
    for n in range(asked - 1, 0, -1):
        yield _Change(f"lower n_synapse_cores (now {asked}) to {n}", _with(task, n_synapse_cores=n))


def _recipes(task: Task, search: _Search) -> Iterator[_Change]:
    for name in ("combined", "ensemble", "spread"):
        if name != task.recipe.name:
            other = _with(task, name=name, neurons_per_core=None, n_synapse_cores=None)
            yield _Change(f"take recipe {name!r}", other)
    if task.recipe.neurons_per_core != "auto":
        yield _Change("set neurons_per_core to 'auto'", _with(task, neurons_per_core="auto"))


def _tables(task: Task, search: _Search) -> Iterator[_Change]:
    if task.recipe.minimise != "auto":
        words = f"set minimise (now {task.recipe.minimise!r}) to 'auto'"
        yield _Change(words, _with(task, minimise="auto"))


def _placer(task: Task, search: _Search) -> Iterator[_Change]:
    if task.recipe.place != "connected":
        yield _Change(f"set place (now {task.recipe.place!r}) to 'connected'", _with(task, place="connected"))


def _larger_machine(task: Task, search: _Search) -> Iterator[_Change]:
    spec = task.machine.topology
    if spec.links:
        return
    if not spec.shape:
        if spec.n_boards != "auto":
            machine = replace(task.machine, topology=replace(spec, n_boards="auto"))
            change = f"set machine.topology.n_boards (now {spec.n_boards}) to 'auto'"
            yield _Change(change, replace(task, machine=machine))
        return
    shape = spec.shape
    for doubling in range(_MAX_DOUBLINGS):
        axis = len(shape) - 1 - doubling % len(shape)
        shape = (*shape[:axis], 2 * shape[axis], *shape[axis + 1 :])
        try:
            machine = replace(task.machine, topology=replace(spec, shape=shape, n_boards="auto"))
        except NeuromapError:
            return
        change = f"enlarge machine.topology.shape (now {list(spec.shape)}) to {list(shape)}"
        yield _Change(change, replace(task, machine=machine))


def _constraints(task: Task, search: _Search) -> Iterator[_Change]:
    for kinds, words in (
        ((ReservedCores,), "reserve no cores"),
        ((ReservedChip,), "reserve no chips"),
        ((FixedChip,), "fix no slices to chips"),
        ((SameChip,), "ask for no slices on the same chip"),
    ):
        kept = tuple(one for one in task.recipe.constraints if not isinstance(one, kinds))
        if len(kept) < len(task.recipe.constraints):
            yield _Change(words, _with(task, constraints=kept))


def _delays(task: Task, search: _Search) -> Iterator[_Change]:
    """Yield the longest limit that can be cut: a power-of-two number of steps, or the machine's own limit."""
    network, machine = task.network, task.machine
    longest_ms = longest_delay_ms(network)
    limits = {1 << bits for bits in range(16)}
    if machine.core.max_delay_steps is not None:
        limits.add(machine.core.max_delay_steps)
    for n_steps in sorted(limits, reverse=True):
        limit_ms = n_steps * network.dt_ms
        if limit_ms < longest_ms:
            shorter = replace(task, network=with_delays_up_to(network, limit_ms))
            if search.can_cut(shorter):
                yield _Change(f"shorten the delays (now up to {longest_ms:g} ms) to at most {limit_ms:g} ms", shorter)
                return


def _slower(task: Task, search: _Search) -> Iterator[_Change]:
    """Yield slow-downs, which give ``auto`` neurons per core more cycles in a tick."""
    if task.recipe.neurons_per_core != "auto":
        return
    for ratio in (1.25, 1.5, 2, 3, 5, 10, 20, 50, 100):
        now = task.recipe.time_scale_factor
        words = f"raise time_scale_factor (now {now:g}) to {now * ratio:g}"
        yield _Change(words, _with(task, time_scale_factor=now * ratio))


def _no_dead_parts(task: Task, search: _Search) -> Iterator[_Change]:
    machine = task.machine
    if machine.dead_chips or machine.dead_cores or machine.dead_links:
        whole = replace(machine, dead_chips=(), dead_cores=(), dead_links=())
        yield _Change("list no dead chips, cores and links", replace(task, machine=whole))


def _machines(task: Task, search: _Search) -> Iterator[_Change]:
    """Yield the shipped machines with their default recipe and router.

    Machines with the smallest share of unverified constants come first.
    """
    others = [_shipped(name) for name in list_machines() if name != task.machine.name]
    for machine in sorted(others, key=lambda one: len(one.unverified) / max(1, len(one.constants))):
        factor = task.recipe.time_scale_factor
        recipe = Recipe(name=usual_recipe(machine), route=usual_router(machine), time_scale_factor=factor)
        words = f"take another machine: {machine.name} with recipe {recipe.name!r}"
        yield _Change(words, replace(task, machine=machine, recipe=recipe))


@cache
def _shipped(name: str) -> Machine:
    return load_machine(name)


_FAMILIES: dict[str, Callable[[Task, _Search], Iterator[_Change]]] = {
    "fewer neurons on a core": _fewer_neurons,
    "more neurons on a core": _more_neurons,
    "fewer synapse cores": _synapse_cores,
    "other recipes": _recipes,
    "shorter tables": _tables,
    "another placer": _placer,
    "a larger machine": _larger_machine,
    "fewer constraints": _constraints,
    "shorter delays": _delays,
    "a slower model": _slower,
    "no dead parts": _no_dead_parts,
    "other machines": _machines,
}
#: Families to try first, by the start of the resource's name; the first that applies counts.
_FIRST: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("fan-", "different weights"), ("other machines",)),
    (("delay",), ("shorter delays", "other machines")),
    (("working chips",), ("no dead parts",)),
    (("room for",), ("a larger machine", "fewer constraints", "more neurons on a core", "no dead parts")),
    (("routing table",), ("shorter tables", "more neurons on a core", "fewer synapse cores")),
    (("packet key",), ("more neurons on a core",)),
    (("table of ways",), ("another placer",)),
    (("cores", "reserved"), ("fewer synapse cores", "fewer constraints", "fewer neurons on a core")),
    (("cycles of a tick",), ("a slower model",)),
    (("",), ("fewer neurons on a core", "shorter delays", "fewer synapse cores")),
)


def _families(error: CapacityError) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the families of changes that affect the resource that did not fit, and the other families."""
    first = next(names for starts, names in _FIRST if error.what.startswith(starts))
    if first[0] in ("other machines", "no dead parts"):
        return first, ()  # no other family changes the synapses of one neuron, or a machine without working chips
    return first, tuple(name for name in _FAMILIES if name not in first)
