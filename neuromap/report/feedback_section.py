"""Writes the section of the report on what late and lost packets do to the network."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from neuromap.measures.feedback import Feedback, feedback_sentence
from neuromap.measures.results import FeedbackReport
from neuromap.page.markup import cell, figure, row, section, table, text
from neuromap.page.quantity import fixed, percent
from neuromap.page.style import BLUE, GREY, ORANGE, PAGE_WIDTH_IN, VERMILLION, new_figure, styled, to_svg

_DECIMALS = {"rate_hz": 3, "cv_isi": 3, "correlation": 5}


def feedback_section(feedback: Feedback) -> str:
    """Return the section ``<section id="feedback">``."""
    report = feedback.report
    sentence = feedback_sentence(report)
    return section(
        "feedback",
        "What losses do to the network",
        f"<p>{text(sentence[0].upper() + sentence[1:])}. {text(_POLICY[report.end_of_tick])}</p>",
        loss_table(report),
        effect_table(report),
        '<p class="note">D: Kolmogorov-Smirnov distance between the run with losses and the same run without (same '
        "seed, same input); vermillion where independent samples of these sizes would differ that much in less than "
        "1 % of cases. In a chaotic network one changed spike soon changes all others, so a D that is not marked is no "
        "larger than a change of seed would make it.</p>",
        figure(
            to_svg(feedback_figure(feedback), "feedback"),
            "Above: late and lost synaptic events, in percent of all events of the spikes at that time. Below: rate of "
            "all neurons; where the two curves part, losses have changed the spikes.",
        ),
    )


_POLICY = {
    "late": "Work that a core has not done when its tick ends is done later, and its synapses take effect then.",
    "drop": "Packets that still wait at a core when its tick ends are thrown away.",
    "wait": "Every tick waits until all cores have done all their work.",
}


def loss_table(report: FeedbackReport) -> str:
    """Return late and lost synaptic events by target population."""
    rows = [
        row(
            [
                cell(name),
                cell(f"{one.n_events:,}", one.n_events),
                cell(percent(one.n_late, one.n_events, 3), one.n_late / max(one.n_events, 1)),
                cell(percent(one.n_lost, one.n_events, 3), one.n_lost / max(one.n_events, 1)),
            ]
        )
        for name, one in report.targets.items()
    ]
    return table(["target population", "synaptic events", "late", "lost"], rows)


def effect_table(report: FeedbackReport) -> str:
    """Return rates, CVs and correlations with and without losses, and their distances."""
    without = "without losses"
    head = ["population", "rate (Hz)", without, "D", "CV", without, "D", "correlation", without, "D"]
    rows = []
    for name in report.targets:
        cells = [cell(name)]
        for statistic, n_decimals in _DECIMALS.items():
            effect = report.effects[statistic][name]
            is_beyond = (
                effect.ks_distance is not None
                and effect.ks_critical is not None
                and effect.ks_distance > effect.ks_critical
            )
            cells += [
                cell(fixed(effect.mean, n_decimals)),
                cell(fixed(effect.lossless_mean, n_decimals)),
                cell(fixed(effect.ks_distance, 3), kind="beyond" if is_beyond else ""),
            ]
        rows.append(row(cells))
    return table(head, rows)


def feedback_figure(feedback: Feedback) -> Figure:
    """Return the shares of late and lost events over time, and the rate with and without losses."""
    with styled():
        made = new_figure(PAGE_WIDTH_IN, 3.6)
        upper, lower = made.subplots(2, 1, sharex=True)
        time_ms = (np.arange(feedback.rate_hz.size) + 0.5) * feedback.bin_ms
        late, lost = np.nan_to_num(100 * feedback.late_ratio), np.nan_to_num(100 * feedback.lost_ratio)
        upper.fill_between(time_ms, lost, step="mid", color=VERMILLION, lw=0, label="lost")
        upper.fill_between(time_ms, lost, lost + late, step="mid", color=ORANGE, lw=0, label="late")
        upper.set_ylabel("synaptic events (%)")
        upper.set_ylim(0, max(1.0, 1.05 * float((late + lost).max(initial=0))))
        upper.legend(loc="upper right", ncols=2)
        lower.plot(time_ms, feedback.lossless_rate_hz, color=GREY, lw=1.6, label="without losses")
        lower.plot(time_ms, feedback.rate_hz, color=BLUE, lw=1.0, label="with losses")
        lower.set_ylabel("rate (Hz)")
        lower.set_xlabel("model time, warm-up included (ms)")
        lower.set_ylim(bottom=0)
        lower.legend(loc="upper right", ncols=2)
    return made
