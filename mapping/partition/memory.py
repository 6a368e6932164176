"""Bytes that a slice needs, and checks of the limits of a core that no placement can help with.

Sizes follow sPyNNaker's data structures (fact sheet spinnaker.md 2.2-2.4). SDRAM holds the synaptic matrix and the sums
that the cores of an ensemble hand over; recording buffers are not counted, since they take the SDRAM that is left. The
bytes marked *estimate* are rounded up from the C structures and are small beside ring buffers and rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mapping.expected import planned_rates_hz
from mapping.model import Role, Slice
from mapping.neuron_cost import LIF_CURR_EXP_BYTES
from mapping.partition.hints import fewer_neurons
from mapping.partition.row import expected_row_length, longest_delay_steps, longest_row
from models.errors import CapacityError, ParameterError
from models.machine import Machine, PlasticitySpec
from models.network import Explicit, Network, Projection
from models.network.plasticity import n_decays

N_RECEPTORS = 2
_RING_BUFFER_BYTES = 2  # one 16-bit sum per slot, receptor and neuron
_WORD_BYTES = 4
_POISSON_WORDS = 6  # estimate: rate, start, stop, next change, exp(-rate), time to spike
_POPULATION_TABLE_BYTES = 20  # estimate: key, mask, start, count, core bits; one address
_N_ROW_BUFFERS = 2  # one row is worked on while the next is fetched (spike_processing_fast.c:53)


@dataclass(frozen=True, slots=True)
class InputNeeds:
    """Memory and work that the synapses onto one slice take.

    ``longest_row`` in synapses, of projection ``longest_row_of``; ``n_slots`` of the ring buffer (a power of two);
    ``matrix_bytes`` in SDRAM; ``row_synapses_per_s``: synapses per second in the rows that arrive at the planned rates,
    where every row is as long as the longest of its projection (sPyNNaker divides this number among synapse cores,
    population_vertex.py:660) and a plastic synapse counts as many as the static ones that a core processes in the same
    time. ``row_buffer_bytes``: the largest row as it is fetched. ``history_bytes``: postsynaptic spikes of the slice,
    and decay tables.
    """

    n_projections: int
    longest_row: int
    longest_row_of: str
    n_slots: int
    matrix_bytes: int
    row_synapses_per_s: float
    row_buffer_bytes: int
    history_bytes: int = 0


class InputPlanner:
    """Computes the input needs of the slices of a network on a machine, once for equal slices."""

    def __init__(self, network: Network, machine: Machine) -> None:
        self._network, self._machine = network, machine
        self._rates_hz = planned_rates_hz(network, machine)
        self.populations = {population.name: population for population in network.populations}
        self._incoming: dict[str, list[Projection]] = {population.name: [] for population in network.populations}
        for projection in network.projections:
            self._incoming[projection.target].append(projection)
        self._known: dict[tuple[str, int, int], InputNeeds] = {}

    def needs(self, part: Slice) -> InputNeeds:
        """Return what the synapses onto ``part`` take."""
        incoming = self._incoming[part.population]
        is_same_everywhere = not any(isinstance(projection.connector, Explicit) for projection in incoming)
        key = (part.population, 0 if is_same_everywhere else part.start, part.n_neurons)
        if key not in self._known:
            self._known[key] = self._work_out(part, incoming)
        return self._known[key]

    def _work_out(self, part: Slice, incoming: list[Projection]) -> InputNeeds:
        memory = self._machine.memory
        longest, longest_of, n_steps, n_projections = 0, "", 1, 0
        matrix_bytes, row_synapses_per_s, row_buffer_bytes = 0.0, 0.0, 0
        for projection in incoming:
            bound = longest_row(projection, self._network, part.start, part.stop)
            if bound == 0:
                continue
            n_projections += 1
            if bound > longest:
                longest, longest_of = bound, f"{projection.source} -> {projection.target}"
            n_steps = max(n_steps, longest_delay_steps(projection, self._network.dt_ms))
            n_sources = self._network.group(projection.source).n_neurons
            stored = float(bound)
            if memory.row_padding == "none":
                stored = expected_row_length(projection, self._network, part.n_neurons)
            matrix_bytes += n_sources * row_bytes(self._machine, projection, stored)
            row_buffer_bytes = max(row_buffer_bytes, math.ceil(row_bytes(self._machine, projection, bound)))
            row_synapses_per_s += n_sources * bound * self._rates_hz[projection.source] * self._work_of(projection)
        return InputNeeds(
            n_projections=n_projections,
            longest_row=longest,
            longest_row_of=longest_of,
            n_slots=_power_of_two(n_steps),
            matrix_bytes=round(matrix_bytes),
            row_synapses_per_s=row_synapses_per_s,
            row_buffer_bytes=row_buffer_bytes,
            history_bytes=history_bytes(self._machine, self._network, part, incoming),
        )

    def _work_of(self, projection: Projection) -> float:
        """Return how many static synapses take as long as one of ``projection``, at the machine's planned rates."""
        if projection.plasticity is None:
            return 1.0
        plan = self._machine.plan.synapse_events_per_s
        return plan / plasticity_of(self._machine, projection).synapse_events_per_s


def plasticity_of(machine: Machine, projection: Projection) -> PlasticitySpec:
    """Return what plastic synapses cost on a machine.

    Raises
    ------
    ParameterError
        If the machine has no section ``plasticity``.
    """
    if machine.plasticity is None:
        where = f"plasticity of Projection({projection.source!r} -> {projection.target!r})"
        allowed = "a machine with a section 'plasticity' (spinnaker1 has one)"
        raise ParameterError(where, machine.name, allowed)
    return machine.plasticity


def row_bytes(machine: Machine, projection: Projection, n_synapses: float) -> float:
    """Return the bytes of a row of ``n_synapses`` with its headers."""
    memory = machine.memory
    if projection.plasticity is None:
        return memory.row_header_bytes + memory.synapse_bytes * n_synapses
    return memory.row_header_bytes + plasticity_of(machine, projection).row_bytes(n_synapses)


def history_bytes(machine: Machine, network: Network, part: Slice, incoming: list[Projection]) -> int:
    """Return the bytes of histories and decay tables on every core that updates the plastic synapses of a slice.

    Each pair of ``tau_minus_ms`` and pairing has a history (sPyNNaker allows only one rule onto a population).
    """
    rules = {projection.plasticity for projection in incoming if projection.plasticity is not None}
    if not rules:
        return 0
    spec = plasticity_of(machine, next(p for p in incoming if p.plasticity is not None))
    taus_ms = {tau_ms for rule in rules for tau_ms in (rule.tau_plus_ms, rule.tau_minus_ms)}
    n_histories = len({(rule.tau_minus_ms, rule.pairing) for rule in rules})
    tables = sum(spec.table_bytes * n_decays(tau_ms, network.dt_ms) for tau_ms in taus_ms)
    return n_histories * spec.history_bytes * part.n_neurons + tables


def hand_over_bytes(n_neurons: int) -> int:
    """Return the bytes that a synapse or Poisson core hands to the neuron core each step.

    They are one 16-bit sum for each receptor and neuron.
    """
    return _RING_BUFFER_BYTES * N_RECEPTORS * _power_of_two(n_neurons)


def dtcm_bytes(
    machine: Machine,
    role: Role,
    n_neurons: int,
    needs: InputNeeds | None,
    n_inputs: int = 0,
    *,
    bytes_per_neuron: int = LIF_CURR_EXP_BYTES,
) -> int:
    """Return the DTCM bytes of one core.

    Parameters
    ----------
    machine : Machine
    role : Role
    n_neurons : int
        Neurons (or sources) of the slice on this core.
    needs : InputNeeds or None
        Input needs of the slice; only synapse and combined cores use them.
    n_inputs : int
        Cores that hand over to a neuron core; 1 on a combined core that draws a Poisson drive itself, else 0.
    bytes_per_neuron : int
        State and parameters (``mapping.neuron_cost``); only neuron and combined cores have them.
    """
    size = machine.core.dtcm_reserved_bytes
    if role in (Role.COMBINED, Role.SYNAPSE) and needs is not None:
        size += _RING_BUFFER_BYTES * N_RECEPTORS * needs.n_slots * _power_of_two(n_neurons)
        size += _WORD_BYTES * machine.core.spike_buffer_packets
        size += _N_ROW_BUFFERS * needs.row_buffer_bytes + _POPULATION_TABLE_BYTES * needs.n_projections
        size += needs.history_bytes
    if role in (Role.COMBINED, Role.NEURON):
        size += bytes_per_neuron * n_neurons
    if role is Role.NEURON:
        size += n_inputs * hand_over_bytes(n_neurons)
    if role in (Role.POISSON, Role.SOURCE) or (role is Role.COMBINED and n_inputs):
        size += _WORD_BYTES * _POISSON_WORDS * n_neurons
    if role is Role.POISSON:
        size += hand_over_bytes(n_neurons)
    return size


def check_input(machine: Machine, part: Slice, needs: InputNeeds, dt_ms: float, neurons_per_core: int) -> None:
    """Raise CapacityError if rows or ring buffer of ``part`` break a limit of the core.

    Raises
    ------
    CapacityError
        For ``core.max_row_synapses`` and ``core.ring_buffer_index_bits``.
    """
    if needs.longest_row > machine.core.max_row_synapses:
        raise CapacityError(
            "synaptic row",
            f"{needs.longest_row_of} onto {slice_name(part)}",
            need=needs.longest_row,
            have=machine.core.max_row_synapses,
            unit="synapses",
            hint=fewer_neurons(min(neurons_per_core, part.n_neurons), "give each source fewer synapses"),
        )
    n_bits = _n_bits(needs.n_slots) + _n_bits(N_RECEPTORS) + _n_bits(part.n_neurons)
    have = machine.core.ring_buffer_index_bits
    if n_bits > have:
        longest_ms = (1 << max(0, have - _n_bits(N_RECEPTORS) - _n_bits(part.n_neurons))) * dt_ms
        raise CapacityError(
            "ring-buffer index",
            f"{slice_name(part)} with {needs.n_slots} delay slots of {dt_ms:g} ms",
            need=n_bits,
            have=have,
            unit="bits",
            hint=fewer_neurons(part.n_neurons, f"shorten the delays to at most {longest_ms:g} ms"),
        )


def check_synapse_memory(machine: Machine, part: Slice, needs: InputNeeds, neurons_per_core: int) -> None:
    """Raise CapacityError if the rows of ``part`` exceed a core's synapse memory; do nothing if cores have none."""
    have = machine.core.synapse_memory_bytes
    if machine.memory.synapse_store == "core" and have is not None and needs.matrix_bytes > have:
        raise CapacityError(
            "synapse memory",
            f"a core of {slice_name(part)}",
            need=needs.matrix_bytes,
            have=have,
            unit="bytes",
            hint=fewer_neurons(min(neurons_per_core, part.n_neurons), "scale the network down"),
        )


def check_core(machine: Machine, part: Slice, role: Role, size: tuple[int, int], neurons_per_core: int) -> None:
    """Raise CapacityError if ``size`` = (DTCM bytes, SDRAM bytes) of one vertex exceeds the core or the chip."""
    limits = (("DTCM", machine.core.dtcm_bytes), ("SDRAM", machine.memory.sdram_bytes))
    for (what, have), need in zip(limits, size, strict=True):
        if need > have:
            raise CapacityError(
                what,
                f"{role} core of {slice_name(part)}",
                need=need,
                have=have,
                unit="bytes",
                hint=fewer_neurons(min(neurons_per_core, part.n_neurons), "scale the network down"),
            )


def slice_name(part: Slice) -> str:
    """Return ``population[start:stop]``."""
    return f"{part.population}[{part.start}:{part.stop}]"


def _n_bits(n_values: int) -> int:
    """Return the bits that it takes to number ``n_values`` things."""
    return (n_values - 1).bit_length()


def _power_of_two(n_values: int) -> int:
    return 1 << _n_bits(n_values)
