"""Draw docs/gallery/congestion.png: the packets that PD14 loses on SpiNNaker 1 with combined cores, by place.

    python docs/gallery/plot_congestion.py [docs/gallery/congestion.png [spikes.npz]]

Every bar is one command of docs/congestion.md, run by the command line's own entry point; a table of all is printed.
The spikes are those of PD14's first 20 ms from the original initial potentials (Potjans & Diesmann 2014,
doi:10.1093/cercor/bhs358), of which 15,869 come in the very first step; the hot link takes Poisson spikes at the
expected rates. Needs 2 GiB and about 5 minutes; with the spikes of an earlier run (second argument) 1 GiB and 2.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from neuromap.cli.app import main as neuromap
from neuromap.page.style import BLUE, GREY, INK, ORANGE, PURPLE, VERMILLION, new_figure, styled

ROOT = Path(__file__).resolve().parents[2]
TRANSIENT = "--depth cores --set network.v_init=original --set warmup_ms=0 --seconds 0.02 --no-html"
FACTORS, BUFFERS = (1, 2, 5, 10, 20, 50, 100, 200), (256, 512, 1024, 2048, 4096)
RATES = ("2.5e6", "2.5e5", "2.0e5", "1.5e5")
OFF = "--set machine.flow_control.reinjection_queue_packets=0"
BURST = "--no-in-phase --recipe combined --spikes SPIKES --seconds 0.02"
HOT = "--recipe combined --machine docs/gallery/hot_link.yaml --seconds 0.02"
#: What every bar is called, and the options of the command behind it.
SCENARIOS: dict[str, dict[str, str]] = {
    "factor": {f"{f}": f"{BURST} --end-of-tick drop --time-scale-factor {f}" for f in FACTORS},
    "buffer": {
        f"{n:,}": f"{BURST} --time-scale-factor 20 --set machine.core.spike_buffer_packets={n}" for n in BUFFERS
    },
    "reinjection": {
        f"{f}, {word}": f"{BURST} --time-scale-factor {f}{' ' + OFF if word == 'off' else ''}"
        for f in (1, 5, 20)
        for word in ("on", "off")
    },
    "link": {
        f"{float(rate) / 1e3:,.0f}, {word}": " ".join(
            [HOT, f"--set machine.link.board_packets_per_s={rate}", *([OFF] if word == "off" else [])]
        )
        for rate in RATES
        for word in ("on", "off")
    },
}
COLOURS = {
    "spike buffer full": BLUE,
    "not done at the end of the tick": ORANGE,
    "dropped by a blocked router, no reinjection": VERMILLION,
    "dropped by a blocked router, dump register full": PURPLE,
    "dropped by a blocked router, reinjection queue full": INK,
}
HEADS = (
    "deliveries",
    "lost",
    "at routers",
    "at cores",
    "late",
    "dropped",
    "sent again",
    "fullest buffer",
    "busiest link",
)


def report_of(options: str, folder: Path, spikes: Path) -> dict[str, Any]:
    """Run the dynamic depth and return its dynamic.json."""
    words = options.replace("SPIKES", str(spikes)).replace("docs/", f"{ROOT}/docs/").split()
    run_quietly(["run", "pd14", "--depth", "dynamic", *words, "--no-html", "--overwrite", "--out", str(folder)])
    report: dict[str, Any] = json.loads((folder / "dynamic.json").read_text(encoding="utf-8"))
    return report


def run_quietly(words: list[str]) -> None:
    """Run neuromap, its output kept away."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
        code = neuromap(words)
    if code:
        raise SystemExit(errors.getvalue())


def row_of(report: dict[str, Any]) -> list[str]:
    """Return the row of the table for a run."""
    n_all, at_routers = report["n_expected"], report["router"]["n_lost_deliveries"]
    at_cores = report["core"]["n_overflow"] + report["core"]["n_expired"]
    shares = [100 * n / n_all for n in (at_routers + at_cores, at_routers, at_cores, report["n_late"])]
    counts = [report["router"][name] for name in ("n_dropped_multicast_packets", "n_reinjected_packets")]
    return [
        f"{n_all / 1e6:.1f} M",
        *(f"{share:.2f} %" for share in shares),
        *(f"{n:,}" for n in counts),
        f"{report['max_spike_buffer_packets']:,}",
        f"{100 * report['link_load_ratio']:.0f} %",
    ]


def draw(ax: Axes, title: str, reports: dict[str, dict[str, Any]], label: str) -> None:
    """Stack the shares of deliveries lost by each cause."""
    for x, report in enumerate(reports.values()):
        bottom = 0.0
        for loss in report["losses"]:
            share = 100 * loss["n_lost"] / report["n_expected"]
            ax.bar(x, share, bottom=bottom, color=COLOURS[loss["cause"]], width=0.7)
            bottom += share
        ax.annotate(f"{bottom:.3g} %", (x, bottom), (0, 2), textcoords="offset points", ha="center", fontsize=7)
    high = max(sum(loss["n_lost"] for loss in one["losses"]) / one["n_expected"] for one in reports.values())
    ax.set_ylim(0, max(115 * high, 1))
    ax.set_xlim(-0.6, len(reports) - 0.4)
    ax.set_xticks(range(len(reports)), list(reports), fontsize=7)
    ax.set_xlabel(label)
    ax.set_ylabel("deliveries lost (%)")
    ax.set_title(title, fontsize=9)


def plot(path: Path, reports: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Draw the four groups of scenarios."""
    with styled():
        figure = new_figure(10.6, 7.2)
        axes = figure.subplots(2, 2)
        panels = (
            ("factor", "Burst, dropped at the end of the tick", "time-scale factor"),
            ("buffer", "Burst at factor 20, done late", "places of the spike buffer"),
            ("reinjection", "Burst, done late: reinjection on and off", "time-scale factor, reinjection"),
            ("link", "One link between two boards", "packets a second of the link (thousands), reinjection"),
        )
        for ax, (name, title, label) in zip(axes.flat, panels, strict=True):
            draw(ax, title, reports[name], label)
        causes = {loss["cause"] for group in reports.values() for one in group.values() for loss in one["losses"]}
        handles = [axes[0, 0].bar(0, 0, color=COLOURS[cause], label=cause) for cause in COLOURS if cause in causes]
        figure.legend(handles=handles, loc="outside lower center", ncols=2, labelcolor=GREY)
        figure.savefig(path, dpi=110)


def main() -> None:
    """Run all scenarios, print the table, draw the figure."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("congestion.png")
    reports: dict[str, dict[str, dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        spikes = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "transient" / "spikes.npz"
        if not spikes.exists():
            run_quietly(["run", "pd14", *TRANSIENT.split(), "--out", str(spikes.parent)])
        for group, scenarios in SCENARIOS.items():
            print(f"| {group} | {' | '.join(HEADS)} |\n|---|{'---|' * len(HEADS)}")
            reports[group] = {}
            for name, options in scenarios.items():
                report = report_of(options, Path(folder) / "run", spikes)
                reports[group][name] = report
                print(f"| {name} | {' | '.join(row_of(report))} |", flush=True)
            print()
    plot(path, reports)


if __name__ == "__main__":
    main()
