"""One plastic synapse at a time: pair-based STDP in the device's integers and in float64.

Definition. The delay is dendritic: a postsynaptic spike of step ``s`` reaches the synapse in step ``s + delay``, a
presynaptic spike in its own step. When a presynaptic spike is processed, every postsynaptic spike that has reached the
synapse since the presynaptic spike before (that step excluded, this step included) raises the weight by the presynaptic
trace at that time. Then the trace of the postsynaptic spikes that reached the synapse before this step lowers the
weight. A spike raises its trace by one (``all``) or sets it to one (``nearest``).

Fixed point. Traces and decays have 11 fractional bits; decays come from a table of ``floor(exp(-k dt/tau) * 2**11)``
that ends where they reach one unit. Amplitudes and bounds are S16.15 (nA), and so is the weight within one update; the
stored weight keeps the population's 16 bits, and the bits below them are cut. Only the last 15 postsynaptic spikes of a
neuron count.

Sources (sPyNNaker): timing_dependence/timing_pair_impl.h, weight_dependence/weight_additive_one_term_impl.h and
weight_multiplicative_impl.h, stdp_typedefs.h, plasticity_helpers.py (table). Where we differ: docs/plasticity.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulator.reference.integer import scaled_product
from models.network.plasticity import PairStdp

N_POST_SPIKES = 15
_TRACE_BITS = 11
_ONE = 2**_TRACE_BITS


def decay_table(tau_ms: float, dt_ms: float) -> list[int]:
    """Return the decay after 0, 1, 2, ... steps: an even number (plasticity_helpers.py, get_exp_lut_array)."""
    rate = dt_ms / tau_ms
    size = 2 * math.ceil(math.log(_ONE) / rate / 2)
    return [math.floor(math.exp(-k * rate) * _ONE) for k in range(size)]


class FixedRule:
    """The device's arithmetic; a trace is 16 bits, a stored weight is ``w / 2**shift`` of the S16.15 weight."""

    one = _ONE
    n_post_spikes: int | None = N_POST_SPIKES

    def __init__(self, rule: PairStdp, dt_ms: float, shift: int) -> None:
        self._tables = decay_table(rule.tau_plus_ms, dt_ms), decay_table(rule.tau_minus_ms, dt_ms)
        unit = rule.w_max_pa / 1000 if rule.is_additive else 1.0
        self._a_plus, self._a_minus = (round(a * unit * 2**15) for a in (rule.a_plus, rule.a_minus))
        self._w_min, self._w_max = (round(w / 1000 * 2**15) for w in (rule.w_min_pa, rule.w_max_pa))
        self._is_additive, self._unit = rule.is_additive, 1 << shift

    def decay_plus(self, trace: int, n_steps: int) -> int:
        """Return the presynaptic trace ``n_steps`` later."""
        return self._decay(trace, self._tables[0], n_steps)

    def decay_minus(self, trace: int, n_steps: int) -> int:
        """Return the postsynaptic trace ``n_steps`` later."""
        return self._decay(trace, self._tables[1], n_steps)

    @staticmethod
    def _decay(trace: int, table: list[int], n_steps: int) -> int:
        return trace * table[n_steps] // _ONE if n_steps < len(table) else 0

    def keep_trace(self, trace: int) -> int:
        """Cut a trace to its 16 bits; it wraps at 16."""
        return (trace + 2**15) % 2**16 - 2**15

    def _bounded(self, weight: int) -> int:
        return min(max(weight, self._w_min), self._w_max)

    def first(self, stored: int) -> int:
        """Return the initial stored weight, within the bounds."""
        return min(max(stored, -(-self._w_min // self._unit)), self._w_max // self._unit)

    def load(self, stored: int) -> int:
        """Return the S16.15 weight of a stored weight."""
        return stored * self._unit

    def store(self, weight: int) -> int:
        """Return the stored weight of an S16.15 weight."""
        return weight // self._unit

    def potentiate(self, weight: int, trace: int) -> int:
        """Return the weight after one postsynaptic spike."""
        scale = self._a_plus if self._is_additive else scaled_product(self._w_max - weight, self._a_plus, 15)
        return self._bounded(weight + scaled_product(scale, trace, _TRACE_BITS))

    def depress(self, weight: int, trace: int) -> int:
        """Return the weight after a presynaptic spike."""
        scale = self._a_minus if self._is_additive else scaled_product(weight - self._w_min, self._a_minus, 15)
        return self._bounded(weight - scaled_product(scale, trace, _TRACE_BITS))


class FloatRule:
    """The equations in float64; weights in pA."""

    one = 1.0
    n_post_spikes: int | None = None

    def __init__(self, rule: PairStdp, dt_ms: float) -> None:
        self._rule, self._dt_ms = rule, dt_ms

    def decay_plus(self, trace: float, n_steps: int) -> float:
        """Return the presynaptic trace ``n_steps`` later."""
        return trace * math.exp(-n_steps * self._dt_ms / self._rule.tau_plus_ms)

    def decay_minus(self, trace: float, n_steps: int) -> float:
        """Return the postsynaptic trace ``n_steps`` later."""
        return trace * math.exp(-n_steps * self._dt_ms / self._rule.tau_minus_ms)

    def keep_trace(self, trace: float) -> float:
        """Return the trace unchanged."""
        return trace

    def first(self, stored: float) -> float:
        """Return the weight within the bounds."""
        return min(max(stored, self._rule.w_min_pa), self._rule.w_max_pa)

    def load(self, stored: float) -> float:
        """Return the stored weight unchanged."""
        return stored

    def store(self, weight_pa: float) -> float:
        """Return the weight unchanged."""
        return weight_pa

    def potentiate(self, weight_pa: float, trace: float) -> float:
        """Return the weight after one postsynaptic spike."""
        r = self._rule
        scale = r.w_max_pa if r.is_additive else r.w_max_pa - weight_pa
        return self.first(weight_pa + r.a_plus * scale * trace)

    def depress(self, weight_pa: float, trace: float) -> float:
        """Return the weight after a presynaptic spike."""
        r = self._rule
        scale = r.w_max_pa if r.is_additive else weight_pa - r.w_min_pa
        return self.first(weight_pa - r.a_minus * scale * trace)


Rule = Any  # FixedRule or FloatRule: the same methods, on int or float


@dataclass(slots=True)
class History:
    """Spikes of one neuron, each with the trace just after it."""

    steps: list[int] = field(default_factory=list)
    traces: list[float] = field(default_factory=list)


@dataclass(slots=True)
class PlasticSynapse:
    """One synapse with its own copy of everything; ``stored``: its weight (raw, or pA)."""

    rule: Rule
    pairs_all: bool
    delay_steps: int
    stored: float
    pre: History = field(default_factory=History)
    post: History = field(default_factory=History)

    def add_post_spike(self, step: int) -> None:
        """Enter a postsynaptic spike; its effect is computed with the next presynaptic one."""
        self._add(self.post, step, self.rule.decay_minus)

    def add_pre_spike(self, step: int) -> float:
        """Process a presynaptic spike; return the weight that it is delivered with."""
        rule, now = self.rule, step - self.delay_steps
        n_kept = len(self.post.steps) if rule.n_post_spikes is None else rule.n_post_spikes
        post = [*zip(self.post.steps, self.post.traces, strict=True)][-n_kept:] if n_kept else []
        weight = rule.load(self.stored)
        if self.pre.steps:
            before = self.pre.steps[-1] - self.delay_steps
            for s, _ in post:
                if before < s <= now:
                    weight = rule.potentiate(weight, rule.decay_plus(self.pre.traces[-1], s - before))
        earlier = [(s, trace) for s, trace in post if s < now]
        if earlier:
            s, trace = earlier[-1]
            weight = rule.depress(weight, rule.decay_minus(trace, now - s))
        self._add(self.pre, step, rule.decay_plus)
        self.stored = rule.store(weight)
        return self.stored

    def _add(self, history: History, step: int, decay: Callable[[Any, int], float]) -> None:
        trace: Any = self.rule.one
        if self.pairs_all and history.steps:
            trace += decay(history.traces[-1], step - history.steps[-1])
        history.steps.append(step)
        history.traces.append(self.rule.keep_trace(trace))


def weight_after(
    rule: Rule, *, pairs_all: bool, delay_steps: int, first: float, pre: Sequence[int], post: Sequence[int]
) -> list[float]:
    """Return the stored weight after each presynaptic spike of ``pre``, starting from ``first``.

    ``pre`` and ``post`` hold steps, ascending.
    """
    synapse = PlasticSynapse(rule, pairs_all, delay_steps, rule.first(first))
    after, waiting = [], list(post)
    for step in pre:
        while waiting and waiting[0] < step:
            synapse.add_post_spike(waiting.pop(0))
        after.append(synapse.add_pre_spike(step))
    return after
