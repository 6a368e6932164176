"""Run PD14 with lost and late packets: the closed loop at several paces, with small buffers, without reinjection.

``python benchmarks/run_losses.py [--scale 1] [--seconds 0.4] [--out benchmarks/results/losses.json]`` runs every case
that the file does not hold yet (one minute each at full scale, more where the network runs away), and draws
``docs/losses.png``.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neuromap.page.style import BLUE, GREY, ORANGE, VERMILLION, new_figure, styled
from neuromap.runs.run import run

ROOT = Path(__file__).resolve().parents[1]
_COMBINED: dict[str, Any] = {"recipe": "combined"}
#: Name of a case to options of ``neuromap.run``; ``settings`` as on the command line.
CASES: dict[str, dict[str, Any]] = {
    "ensembles": {"recipe": "ensemble"},
    **{f"combined, {pace:g}x": _COMBINED | {"time_scale_factor": pace} for pace in (8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.5)},
    "combined, 4x, dropped": _COMBINED | {"time_scale_factor": 4.0, "end_of_tick": "drop"},
    "combined, 4x, buffer of 256": _COMBINED
    | {"time_scale_factor": 4.0, "settings": ("machine.core.spike_buffer_packets=256",)},
    "combined, 1x": _COMBINED | {"time_scale_factor": 1.0},
    "combined, 1x, no reinjection": _COMBINED
    | {"time_scale_factor": 1.0, "settings": ("machine.flow_control.reinjection_queue_packets=0",)},
    "ensembles, first 200 ms": {"recipe": "ensemble", "warmup_ms": 0.0, "v_init": "original"},
    "combined, 20x, first 200 ms": _COMBINED | {"time_scale_factor": 20.0, "warmup_ms": 0.0, "v_init": "original"},
}


def run_case(name: str, scale: float, seconds: float) -> dict[str, Any]:
    """Run one case and return the results that are kept."""
    options = dict(CASES[name])
    settings = list(options.pop("settings", ()))
    settings.append(f"warmup_ms={options.pop('warmup_ms', 100.0)}")
    if "v_init" in options:
        settings.append(f"network.v_init={options.pop('v_init')}")
        seconds = 0.2
    start = time.perf_counter()
    full = run("pd14", depth="full", scale=scale, seconds=seconds, html=False, settings=tuple(settings), **options)
    return {
        "case": name,
        "scale": scale,
        "seconds": seconds,
        "wall_s": time.perf_counter() - start,
        "feedback": asdict(full.feedback.report),
        "late_by": np.trim_zeros(full.feedback.late_by, "b").tolist(),
        "bin_ms": full.feedback.bin_ms,
        "rate_hz": full.feedback.rate_hz.tolist(),
        "lossless_rate_hz": full.feedback.lossless_rate_hz.tolist(),
        "packets": {key: value for key, value in asdict(full.packets).items() if key not in ("router", "core")},
        "lost_deliveries": full.packets.n_lost,
    }


def draw(cases: list[dict[str, Any]]) -> Figure:
    """Return late and lost events of every case, and the rate over time."""
    with styled():
        figure = new_figure(10.6, 0.34 * len(cases) + 1.2)
        left, right = figure.subplots(1, 2, sharey=True)
        y = np.arange(len(cases))[::-1]
        n = np.array([max(case["feedback"]["n_events"], 1) for case in cases])
        for key, colour, marker, label in (("n_late", ORANGE, "o", "late"), ("n_lost", VERMILLION, "D", "lost")):
            percent = 100 * np.array([case["feedback"][key] for case in cases]) / n
            left.scatter(percent[percent > 0], y[percent > 0], color=colour, marker=marker, label=label, zorder=3)
        left.set_yticks(y, [case["case"] for case in cases])
        left.set_xscale("log")
        left.set_xticks([1e-4, 1e-3, 0.01, 0.1, 1, 10, 100], ["0.0001", "0.001", "0.01", "0.1", "1", "10", "100"])
        left.set_xlabel("synaptic events (%); no mark: none")
        for key, colour, marker, label in (
            ("lossless_mean", GREY, "o", "without losses"),
            ("mean", BLUE, "D", "with losses"),
        ):
            rates = [_mean_rate_hz(case, key) for case in cases]
            right.scatter(rates, y, color=colour, marker=marker, label=label, zorder=3)
        right.set_xscale("log")
        right.set_xticks([5, 10, 20, 50], ["5", "10", "20", "50"])
        right.minorticks_off()
        right.set_xlabel("mean rate of the populations (Hz)")
        for ax in (left, right):
            ax.grid(axis="y", color="#eeeeee", zorder=0)
            ax.legend(loc="upper right")
    return figure


def _mean_rate_hz(case: dict[str, Any], key: str) -> float:
    return float(np.mean([effect[key] or np.nan for effect in case["feedback"]["effects"]["rate_hz"].values()]))


def main() -> None:
    """Run the missing cases, then draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "losses.json")
    parser.add_argument("--figure", type=Path, default=ROOT / "docs" / "losses.png")
    options = parser.parse_args()
    cases = json.loads(options.out.read_text()) if options.out.exists() else []
    done = {case["case"] for case in cases}
    for name in CASES:
        if name not in done:
            cases.append(run_case(name, options.scale, options.seconds))
            options.out.write_text(json.dumps(cases, indent=1) + "\n")
            found = cases[-1]["feedback"]
            late, lost = (found[key] / found["n_events"] for key in ("n_late", "n_lost"))
            print(f"{name}: {late:.3%} late, {lost:.3%} lost, {cases[-1]['wall_s']:.0f} s", flush=True)
    order = list(CASES)
    draw(sorted(cases, key=lambda case: order.index(case["case"]))).savefig(options.figure, dpi=150)


if __name__ == "__main__":
    main()
