"""Describes the losses of an arithmetic, with the setting to change, and its cost in bytes, products and cycles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.engine.simulation import Simulation
from emulator.numbers.fixed_point import S1615
from emulator.numbers.number_format import MAX_WEIGHT_BITS, NumberFormat, StateRounding
from models.machine import Machine
from neuromap.studies.accuracy.report import VariantCost

STUCK_RATIO = 0.01  # share of the updates; a smaller one is normal, since a membrane near its target stands still
_N_STATE_WORDS = 3  # potential, excitatory and inhibitory current
_N_PRODUCTS = 6  # two inputs, resistance, leak, two decays
_ADDRESS_BITS = 16  # of a synaptic word: delay, receptor and target
_MAX_NAMED = 3


def _worst(counters: dict[str, dict[str, int]], counter: str) -> tuple[int, str]:
    """Return the total of a counter, and the populations with the largest counts."""
    counts = {name: row[counter] for name, row in counters.items() if row[counter]}
    names = sorted(counts, key=lambda name: -counts[name])
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return sum(counts.values()), ", ".join(names[:_MAX_NAMED]) + more


def variant_notes(number_format: NumberFormat, simulation: Simulation) -> tuple[str, ...]:
    """Return notes on what saturated, vanished or stood still, in which populations, and on the setting to change."""
    q, counters = number_format.state, simulation.population_counters
    notes = list(simulation.notes)
    if q is None:
        return ()
    wider = f"take at least {q.int_bits + 1} integer bits"
    finer = "take more fractional bits or stochastic rounding"
    texts: tuple[tuple[str, Callable[[int, str], str]], ...] = (
        (
            "ring_saturated",
            lambda n, where: (
                f"summed input is above the 16-bit ring word {n:,} times, in {where}; "
                "halve the weight scale of these populations (one more bit of shift)"
            ),
        ),
        ("current_overflow", lambda n, where: f"{n:,} currents are outside {q}, in {where}; {wider}"),
        ("v_overflow", lambda n, where: f"{n:,} potentials are outside {q}, in {where}; {wider}"),
        (
            "input_lost",
            lambda n, where: (
                f"{n:,} inputs are too small for {q.frac_bits} fractional bits of a nA and "
                f"count as nothing, in {where}; {finer}"
            ),
        ),
    )
    for counter, say in texts:
        n, where = _worst(counters, counter)
        if n:
            notes.append(say(n, where))
    notes += _stuck_note(counters, number_format, finer)
    n_synapses = max(simulation.n_synapses, 1)
    n_zero, n_clipped = (simulation.provenance[key] for key in ("n_weights_zero", "n_weights_clipped"))
    for n, what in ((n_zero, "round to zero"), (n_clipped, "are clipped at the largest word")):
        if n:
            share = f"{100 * n / n_synapses:.3g} % of the weights"
            notes.append(f"{n:,} weights ({share}) {what} of {number_format.weight_bits} bits; take more weight bits")
    return tuple(notes)


def _stuck_note(counters: dict[str, dict[str, int]], number_format: NumberFormat, finer: str) -> list[str]:
    n_stuck, n_updates = (sum(row[key] for row in counters.values()) for key in ("v_stuck", "n_updates"))
    if n_stuck <= STUCK_RATIO * n_updates or number_format.rounding is StateRounding.STOCHASTIC:
        return []  # stochastic rounding moves the membrane in other updates, so that its mean movement is right
    by_ratio = {name: row["v_stuck"] / max(row["n_updates"], 1) for name, row in counters.items()}
    worst = max(by_ratio, key=lambda name: by_ratio[name])
    return [
        f"the membrane stands still in {100 * n_stuck / n_updates:.1f} % of the updates (most in {worst}, "
        f"{100 * by_ratio[worst]:.1f} %), since it should move by less than one unit; {finer}"
    ]


def variant_cost(number_format: NumberFormat, simulation: Simulation, machine: Machine) -> VariantCost:
    """Return the cost of an arithmetic on a machine, as far as it is known, and on this computer."""
    cycles, note = _cycles(number_format, machine)
    weight_bits = 32 if number_format.state is None else number_format.weight_bits
    connectivity = simulation.connectivity
    host_bytes = connectivity.synapse.itemsize + (0 if connectivity.weight is None else connectivity.weight.itemsize)
    is_stochastic = number_format.state is not None and number_format.rounding is StateRounding.STOCHASTIC
    return VariantCost(
        machine_state_bytes_per_neuron=_N_STATE_WORDS * number_format.state_bits / 8,
        machine_bytes_per_synapse=(_ADDRESS_BITS + weight_bits) / 8,
        n_products_per_neuron=_N_PRODUCTS,
        n_random_words_per_neuron=_N_PRODUCTS if is_stochastic else 0,
        cycles_per_neuron=cycles,
        cycles_note=note,
        host_bytes_per_synapse=float(host_bytes),
        host_simulate_s=simulation.simulate_s,
    )


def _cycles(number_format: NumberFormat, machine: Machine) -> tuple[float | None, str]:
    """Return the cycles of a neuron update and their source; they are known only for the machine's own arithmetic."""
    if number_format.state != S1615 or number_format.rounding is not StateRounding.FLOOR:
        return None, "not known: no source gives the cycles of this arithmetic; compare its products and random words"
    status = {note.path: note.status for note in machine.constants}.get("cost.neuron_update_cycles", "stated")
    narrow = "" if number_format.weight_bits == MAX_WEIGHT_BITS else "; the unpacking of narrow weights is not counted"
    return float(machine.cost.neuron_update_cycles), f"cost.neuron_update_cycles of {machine.name} ({status}){narrow}"


def format_facts(number_format: NumberFormat) -> dict[str, Any]:
    """Return format, rounding, weight bits and weight rounding for the report; float32 has only the format."""
    if number_format.state is None:
        return {"format": "float32", "rounding": None, "weight_bits": None, "weight_rounding": None}
    return {
        "format": str(number_format.state),
        "rounding": number_format.rounding.value,
        "weight_bits": number_format.weight_bits,
        "weight_rounding": number_format.weight_rounding.value,
    }
