"""Judges a run; the headline, cards, limit and remedy of its report are all written from this one judgement."""

from __future__ import annotations

from dataclasses import dataclass

from neuromap.measures.results import Answer, Limited, MappingReport, PacketReport, TimingReport

DEPENDS: Answer = "depends on unverified constants"
NOTHING: Answer = "nothing to judge"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Holds whether a run fits, keeps up and loses nothing, and the ratios that decide it.

    Attributes
    ----------
    fits : bool
        The mapping breaks no invariant.
    has_steps, has_packets : bool
        Whether any step after the warm-up was simulated, and whether any packet was sent in these steps.
    is_silent : bool
        No neuron fired in these steps, and no packet was sent.
    core_ratio, link_ratio : float
        Most cycles that a core needs in a step over the cycles of a tick; offered load of the busiest link over its
        capacity. A run keeps up only if both are at most 1. On machines without a timer ``core_ratio`` is 1, since a
        step lasts as long as its cores need.
    n_overruns : int
        Steps that were longer than the tick.
    keeps_up : bool
        Steps were simulated, none of them overran, and no link's offered load exceeds its capacity.
    loses_nothing : bool
        Steps were simulated and no delivery was lost. Where packets are not followed one by one, a link whose offered
        load exceeds its capacity counts as a loss.
    fits_answer, keeps_up_answer, loses_nothing_answer : Answer
        The three answers for all values of the unverified costs within their ranges; ``NOTHING`` if there was nothing
        to judge.
    """

    fits: bool
    has_steps: bool
    has_packets: bool
    is_silent: bool
    core_ratio: float
    link_ratio: float
    n_overruns: int
    keeps_up: bool
    loses_nothing: bool
    fits_answer: Answer
    keeps_up_answer: Answer
    loses_nothing_answer: Answer

    @property
    def limited_by(self) -> Limited:
        """What limits the run: a broken mapping; nothing without steps; else core or link, by the higher ratio."""
        if not self.fits:
            return "mapping"
        if not self.has_steps:
            return "nothing"
        return "link" if self.link_ratio > self.core_ratio else "core"


def judge(
    mapping: MappingReport, timing: TimingReport, packets: PacketReport, *, n_spikes: int, is_followed: bool
) -> Judgement:
    """Judge a run.

    Parameters
    ----------
    mapping, timing, packets : MappingReport, TimingReport, PacketReport
    n_spikes : int
        Spikes of neurons after the warm-up.
    is_followed : bool
        Whether the packet model followed every packet (depth ``full``). Otherwise losses on links are inferred from
        their loads, and losses at cores from their cycles, also at both ends of the ranges of unverified costs.
    """
    has_steps, is_silent = timing.n_steps > 0, n_spikes == 0 and packets.n_sent == 0
    is_link_free = packets.link_ratio <= 1
    core_ratio = 1.0 if timing.is_free_running else timing.min_lossless_time_scale_factor / timing.time_scale_factor
    keeps_up = has_steps and timing.n_overruns == 0 and is_link_free
    loses_nothing = has_steps and packets.n_lost == 0 and (is_followed or is_link_free)
    ends = [end for end in (timing.low, timing.high) if end is not None]
    in_time = _answer(
        keeps_up, [has_steps and end.n_overruns == 0 and is_link_free for end in ends], timing.unranged_costs
    )
    at_ends = [] if is_followed else [has_steps and end.n_lost == 0 and is_link_free for end in ends]
    unranged = [*timing.unranged_costs, *packets.unranged_rates]
    without_loss = _answer(loses_nothing, at_ends, unranged)
    if not has_steps:
        in_time = without_loss = NOTHING
    elif is_silent:  # cores can overrun by neuron updates alone
        in_time, without_loss = NOTHING if keeps_up else in_time, NOTHING
    fits = not mapping.violations
    return Judgement(
        fits=fits,
        fits_answer=_answer(fits, [], mapping.unranged_capacities),
        has_steps=has_steps,
        has_packets=packets.n_sent > 0,
        is_silent=is_silent,
        core_ratio=core_ratio,
        link_ratio=packets.link_ratio,
        n_overruns=timing.n_overruns,
        keeps_up=keeps_up,
        loses_nothing=loses_nothing,
        keeps_up_answer=in_time,
        loses_nothing_answer=without_loss,
    )


def _answer(as_stated: bool, at_ends: list[bool], unranged: list[str]) -> Answer:
    """Return yes or no; DEPENDS if the answer differs within the ranges or rests on a constant without a range."""
    if unranged or any(one != as_stated for one in at_ends):
        return DEPENDS
    return "yes" if as_stated else "no"
