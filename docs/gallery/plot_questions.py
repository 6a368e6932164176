"""Run the sweeps of docs/questions.md and draw its figures.

    python docs/gallery/plot_questions.py [FOLDER [NAME ...]]

Every sweep is one command of the page, run by the command line's own entry point; its results go to FOLDER/NAME
(`out/questions`), where a second call finds them. With names, only those sweeps run and no figure is drawn. All sweeps
together take some 8 minutes of processor time and 1 GiB, most of it for the largest networks.
"""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuromap.cli.app import main as neuromap
from neuromap.page.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILLION, new_figure, styled
from neuromap.studies.sweep.point import PARTS, RATIOS

DOCS = Path(__file__).resolve().parents[1]
SIZES = "--vary recipe.name=ensemble,combined --vary recipe.neurons_per_core=16,32,48,64,96,128,256"
LARGE = "--vary network.n_scale=1,2,5,10"
#: What every sweep is called, and the rest of its command.
SWEEPS = {
    "bind1": f"pd14 {SIZES}",
    "bind2": f"pd14 --machine spinnaker2 {SIZES}",
    "bind1-range": "pd14 --vary recipe.neurons_per_core=64,96 --vary machine.cost.neuron_update_cycles=140,170,200 "
    "--vary machine.cost.ring_buffer_drain_cycles_per_neuron=16,28,40",
    "bind2-range": "pd14 --machine spinnaker2 --neurons-per-core 64 --vary machine.cost.neuron_update_cycles=50,190 "
    "--vary machine.cost.poisson_source_cycles=20,100 --vary machine.cost.poisson_event_cycles=15,75",
    "bind1-packet": "pd14 --recipe combined --vary recipe.neurons_per_core=16,64 "
    "--vary machine.cost.combined_spike_cycles=400,600,800",
    "lanes": "brunel --vary network.eta=1.1,1.25,1.5,2,3,5,9 --vary recipe.n_synapse_cores=1,2,3,4,6,8",
    "lanes-cores": "brunel --depth cores --seconds 0.2 --vary network.eta=1.1,1.25,1.5,2,3,5 "
    "--vary recipe.n_synapse_cores=1,2,4",
    "lanes-range": "brunel --vary network.eta=2,5 --vary recipe.n_synapse_cores=1,2,3,4,6,8 "
    "--vary machine.cost.spike_cycles=0,100,200",
    "lanes-pd14": "pd14 --vary recipe.neurons_per_core=64,128 --vary recipe.n_synapse_cores=1,2,3",
    "twice-spinnaker1": "pd14 --vary recipe.name=ensemble,combined --vary machine.core.clock_hz=200e6,400e6 "
    "--vary machine.link.board_packets_per_s=2.5e6,5e6 --vary machine.reception.dma_latency_ns=200,100",
    "twice-hand-over": "pd14 --vary machine.memory.hand_over_bytes_per_s=262144000,524288000",
    "twice-dma-range": "brunel --set network.eta=5 --set recipe.n_synapse_cores=1 "
    "--vary machine.cost.spike_cycles=0,100 --vary machine.reception.dma_bytes_per_s=600e6,750e6 "
    "--vary machine.reception.dma_latency_ns=300,200,100",
    "twice-spinnaker2": "pd14 --machine spinnaker2 --vary machine.core.clock_hz=300e6,600e6 "
    "--vary machine.link.packets_per_s=50e6,100e6 --vary machine.reception.dma_latency_ns=200,100",
    "twice-neuroaix": "pd14 --machine neuroaix --vary machine.core.clock_hz=189.393e6,378.786e6 "
    "--vary machine.router.clock_hz=92e6,184e6 --vary machine.link.packets_per_s=45.47e6,90.94e6 "
    "--vary machine.pipeline.transceiver_ns=600,300 --vary machine.pipeline.dram_bytes_per_s=12.12e9,24.24e9 "
    "--vary machine.pipeline.dispatcher_ns=880,440",
    "twice-loihi1": "pd14 --machine loihi1 --scale 0.05 --vary machine.core.clock_hz=1e9,2e9 "
    "--vary machine.link.packets_per_s=240e6,480e6 "
    "--vary machine.neuro_core.barrier_tile_ns=[600,1000,1400,1800],[300,500,700,900]",
    "twice-generic_mesh": "pd14 --machine generic_mesh --vary machine.core.clock_hz=250e6,500e6 "
    "--vary machine.link.board_packets_per_s=5e6,10e6 --vary machine.memory.hand_over_bytes_per_s=500e6,1e9",
    "large-neuroaix": f"pd14 --machine neuroaix {LARGE} --vary machine.topology.shape=[5,7],[7,10],[13,14],[18,20]",
    "large-loihi1": "pd14 --machine loihi1 --vary network.scale=0.01,0.02,0.05,0.1",
    "large-combined": f"pd14 --recipe combined {LARGE}",
    "large-spinnaker2": f"pd14 --machine spinnaker2 {LARGE}",
    "large-ensemble": f"pd14 {LARGE}",
    "large-four": f"pd14 --set recipe.n_synapse_cores=4 {LARGE}",
    "large-areas": "modular --recipe combined --vary network.n_areas=1,2,5,10",
}
Rows = list[dict[str, str]]


def run_sweep(folder: Path, name: str) -> Rows:
    """Run a sweep, or its missing points, and return its table."""
    words = ["sweep", *SWEEPS[name].split(), "--jobs", "1", "--no-figures", "--out", str(folder / name)]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
        code = neuromap(words)
    if code:
        raise SystemExit(errors.getvalue())
    return read_table(folder / name)


def read_table(folder: Path) -> Rows:
    """Return the rows of a sweep."""
    with (folder / "table.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


#: Columns of the printed tables.
SHOWN = ("status", "n_cores", "n_chips", *RATIOS, "binds", "busiest_core", *PARTS, "real_time_factor", "mean_rate_hz")
SHARES = dict(zip(RATIOS, (VERMILLION, PURPLE, GREEN, BLUE, ORANGE), strict=True))
PART_COLOURS = dict(zip(PARTS, (BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE, GREY), strict=True))
PART_NAMES = {
    "update_ratio": "neurons",
    "draws_ratio": "Poisson draws",
    "hand_over_ratio": "hand-over",
    "packets_ratio": "packets, rows",
    "events_ratio": "synapses",
    "wait_ratio": "waiting for rows",
    "other_ratio": "rest",
}
CHANGES = {
    "clock_hz": "clock x 2",
    "packets_per_s": "links x 2",
    "board_packets_per_s": "board links x 2",
    "dma_latency_ns": "DMA latency / 2",
    "hand_over_bytes_per_s": "shared memory x 2",
    "barrier_tile_ns": "barrier / 2",
    "router.clock_hz": "system clock x 2",
    "transceiver_ns": "transceiver / 2",
    "dram_bytes_per_s": "DRAM rate x 2",
    "dispatcher_ns": "dispatcher / 2",
}


def axes_of(rows: Rows) -> list[str]:
    """Return the paths that a sweep varies."""
    names = list(rows[0])
    return names[1 : names.index("status")]


def number(text: str) -> float:
    """Return a cell as a number; an empty one is none."""
    return float(text) if text else float("nan")


def step_ratio(row: dict[str, str]) -> float:
    """Time of a step's work over its model time; it may be below 1 on a machine that waits for its tick."""
    factor = number(row["real_time_factor"])
    return factor if factor < 1 else number(row["core_load_ratio"])


def is_pipeline(row: dict[str, str]) -> bool:
    """Whether the row is of a machine with pipelines, whose factor does not follow from its busiest core."""
    return number(row["real_time_factor"]) < 1 and row["real_time_factor"] != row["core_load_ratio"]


def single_changes(rows: Rows) -> dict[str, float]:
    """Return the time of a step's work, in model time: as it is, with each change alone, with all together."""
    axes, base = axes_of(rows), rows[0]
    found = {"as it is": step_ratio(base)}
    for row in rows:
        changed = [path for path in axes if row[path] != base[path]]
        if len(changed) == 1:
            path = changed[0].removeprefix("machine.")
            found[CHANGES.get(path) or CHANGES[path.rpartition(".")[2]]] = step_ratio(row)
    return {**found, "all": step_ratio(rows[-1])} if len(axes) > 1 else found


def draw_binds(tables: dict[str, Rows]) -> Figure:
    """Draw shares of resources against neurons on a core."""
    figure = new_figure(10.6, 5.6)
    panels = figure.subplots(2, 2, sharex=True)
    for line, (name, machine) in zip(panels, (("bind1", "SpiNNaker 1"), ("bind2", "SpiNNaker 2")), strict=True):
        for ax, recipe in zip(line, ("ensemble", "combined"), strict=True):
            rows = [row for row in tables[name] if row["recipe.name"] == recipe]
            x = [float(row["recipe.neurons_per_core"]) for row in rows]
            for ratio, colour in SHARES.items():
                y = [100 * number(row[ratio]) for row in rows]
                ax.plot(x, y, color=colour, marker="o", ms=3, label=RATIOS[ratio])
            unfit = [at for at, row in zip(x, rows, strict=True) if row["status"] != "ok"]
            ax.plot(unfit, [2] * len(unfit), color=INK, ls="", marker="x", label="does not fit")
            ax.axhline(100, color=INK, lw=0.6, ls=":")
            ax.set_xscale("log", base=2)
            ax.set_xticks(x, [f"{n:g}" for n in x])
            ax.set_title(f"{machine}, {recipe}", fontsize=9)
            ax.set_ylim(0, 210)
            ax.set_ylabel("largest share in use (%)", fontsize=8)
            ax.minorticks_off()
    for ax in panels[1]:
        ax.set_xlabel("neurons on a core")
    panels[0, 0].legend(fontsize=7)
    return figure


def rate_hz(row: dict[str, str]) -> float:
    """Measured mean rate, or that at which the network's inhibition balances its drive."""
    return number(row["mean_rate_hz"]) if row["mean_rate_hz"] else 40 * (number(row["network.eta"]) - 1)


def draw_lanes(tables: dict[str, Rows]) -> Figure:
    """Draw the busiest core against firing rate, for numbers of synapse cores."""
    figure = new_figure(10.6, 3.8)
    panels = figure.subplots(1, 2, sharey=True)
    colours = dict(zip("123468", (INK, BLUE, SKY, GREEN, ORANGE, VERMILLION), strict=True))
    titles = {"lanes": "mean load, expected rates", "lanes-cores": "longest of 7,000 steps, simulated"}
    for ax, (name, title) in zip(panels, titles.items(), strict=True):
        for n, colour in colours.items():
            rows = [row for row in tables[name] if row["recipe.n_synapse_cores"] == n]
            x, y = [rate_hz(row) for row in rows], [100 * number(row["core_load_ratio"]) for row in rows]
            if rows:
                ax.plot(x, y, color=colour, lw=1, zorder=0)
                for at, share, row in zip(x, y, rows, strict=True):
                    marker = {"neuron": "s", "synapse": "o", "poisson": "^"}[row["busiest_core"]]
                    ax.plot(at, share, color=colour, marker=marker, ms=5, ls="")
                ax.plot([], [], color=colour, label=f"{n} synapse core{'s' * (n != '1')}")
        ax.axhline(100, color=INK, lw=0.6, ls=":")
        ax.set_xscale("log", base=2)
        ax.set_xticks([4, 10, 20, 40, 80, 160, 320], ["4", "10", "20", "40", "80", "160", "320"])
        ax.minorticks_off()
        ax.set_xlim(2.5, 400)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("mean rate (Hz)")
    panels[0].set_ylim(0, 250)
    panels[0].set_ylabel("busiest core (% of its tick)")
    panels[0].legend(fontsize=7, loc="upper left")
    for marker, kind in (("s", "neuron core"), ("o", "synapse core"), ("^", "Poisson core")):
        panels[1].plot([], [], color=GREY, marker=marker, ls="", label=f"busiest is a {kind}")
    panels[1].legend(fontsize=7, loc="upper left")
    return figure


def draw_twice(groups: dict[str, dict[str, float]]) -> Figure:
    """Draw how many times faster than real time the work of a step is, with each change."""
    figure = new_figure(10.6, 5.8)
    panels = figure.subplots(2, 3)
    for ax, (title, changes) in zip(panels.flat, groups.items(), strict=True):
        names = list(changes)[::-1]
        base = 1 / changes["as it is"]
        for y, name in enumerate(names):
            value = 1 / changes[name]
            colour = GREY if name == "as it is" else INK if name == "all" else BLUE
            ax.barh(y, value, color=colour, height=0.65)
            text = f"{value:.3g}" + ("" if name == "as it is" else f" ({100 * (value / base - 1):+.0f} %)")
            ax.annotate(text, (value, y), (3, 0), textcoords="offset points", va="center", fontsize=7)
        ax.axvline(base, color=GREY, lw=0.6, ls=":")
        ax.set_yticks(range(len(names)), names, fontsize=8)
        ax.set_xlim(0, 1.35 / min(changes.values()))
        ax.set_title(title, fontsize=9)
    figure.supxlabel("acceleration if steps end with their work (times real time)", fontsize=9)
    return figure


def draw_large(tables: dict[str, Rows], titles: dict[str, str]) -> Figure:
    """Stack the shares of the busiest core's tick, for growing networks."""
    figure = new_figure(10.6, 5.8)
    panels = figure.subplots(2, 3)
    for ax, (name, title) in zip(panels.flat, titles.items(), strict=True):
        draw_stack(ax, tables[name])
        ax.set_title(title, fontsize=9)
    handles = [panels[0, 0].bar(0, 0, color=PART_COLOURS[part], label=PART_NAMES[part]) for part in PARTS]
    handles.append(panels[0, 0].bar(0, 0, color=INK, label="step of the pipelines"))
    figure.legend(handles=handles, loc="outside lower center", ncols=8, fontsize=8)
    figure.supylabel("busiest core (% of its tick)", fontsize=9)
    return figure


def draw_stack(ax: Axes, rows: Rows) -> None:
    """Draw a bar for each row."""
    path, high = axes_of(rows)[0], 0.0
    for x, row in enumerate(rows):
        total = 100 * step_ratio(row) if row["status"] == "ok" else 0.0
        bottom = 0.0
        for part, colour in PART_COLOURS.items() if row["status"] == "ok" and not is_pipeline(row) else ():
            share = 100 * number(row[part])
            ax.bar(x, share, bottom=bottom, color=colour, width=0.65)
            bottom += share
        if row["status"] == "ok" and is_pipeline(row):
            ax.bar(x, total, color=INK, width=0.65)
        kind = f"\n{row['busiest_core']}" if row["busiest_core"] in ("neuron", "synapse", "poisson") else ""
        what = f"{total:.3g} %{kind}" if row["status"] == "ok" else "does\nnot fit"
        ax.annotate(what, (x, total), (0, 2), textcoords="offset points", ha="center", fontsize=7)
        high = max(high, total)
    if high > 100:
        ax.axhline(100, color=INK, lw=0.6, ls=":")
    ax.set_ylim(0, 1.25 * high)
    ax.set_xlim(-0.6, len(rows) - 0.4)
    ax.set_xticks(range(len(rows)), [f"{float(row[path]):g}" for row in rows])
    ax.set_xlabel(path.rpartition(".")[2], fontsize=8)


def on_equal_nodes(rows: Rows) -> Rows:
    """Return the rows of neuroAIx with as many times the nodes as neurons."""
    scales, shapes = (list(dict.fromkeys(row[path] for row in rows)) for path in axes_of(rows))
    return [row for row in rows if scales.index(row["network.n_scale"]) == shapes.index(row["machine.topology.shape"])]


def markdown(rows: Rows, columns: tuple[str, ...]) -> str:
    """Return rows as a table: the varied settings, then columns, ratios in percent."""
    heads = [*(path.rpartition(".")[2] for path in axes_of(rows)), *columns]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        cells = [row[path] for path in axes_of(rows)]
        for name in columns:
            is_share = name.endswith("_ratio") and row[name]
            cells.append(f"{100 * number(row[name]):.1f} %" if is_share else row[name] or "-")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def groups_of(tables: dict[str, Rows]) -> dict[str, dict[str, float]]:
    """Return the bars of the third figure, by panel."""
    one = tables["twice-spinnaker1"]
    of_recipe = {
        recipe: [{k: v for k, v in row.items() if k != "recipe.name"} for row in one if row["recipe.name"] == recipe]
        for recipe in ("ensemble", "combined")
    }
    ensemble = single_changes(of_recipe["ensemble"])
    del ensemble["all"]  # shared memory is doubled in a sweep of its own
    ensemble |= single_changes(tables["twice-hand-over"])
    return {
        "SpiNNaker 1, ensemble": ensemble,
        "SpiNNaker 1, combined": single_changes(of_recipe["combined"]),
        "SpiNNaker 2, ensemble": single_changes(tables["twice-spinnaker2"]),
        "neuroAIx, 35 nodes": single_changes(tables["twice-neuroaix"]),
        "Loihi 1, PD14 at 0.05": single_changes(tables["twice-loihi1"]),
        "generic_mesh, ensemble": single_changes(tables["twice-generic_mesh"]),
    }


def main() -> None:
    """Run the sweeps, print their tables, draw the figures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out/questions")
    names = sys.argv[2:] or list(SWEEPS)
    tables = {}
    for name in names:
        tables[name] = run_sweep(folder, name)
        print(f"\n{name}\n" + markdown(tables[name], SHOWN), flush=True)
    if len(tables) < len(SWEEPS):
        return
    tables["large-neuroaix"] = on_equal_nodes(tables["large-neuroaix"])
    for group, changes in groups_of(tables).items():
        print(f"\n{group}")
        for name, ratio in changes.items():
            print(f"| {name} | {100 * ratio:.2f} us | {1 / ratio:.3g} |")
    titles = {
        "large-ensemble": "SpiNNaker 1, ensemble",
        "large-combined": "SpiNNaker 1, combined",
        "large-areas": "SpiNNaker 1, combined, areas",
        "large-spinnaker2": "SpiNNaker 2, ensemble",
        "large-neuroaix": "neuroAIx, nodes as neurons",
        "large-loihi1": "Loihi 1",
    }
    with styled():
        draw_binds(tables).savefig(DOCS / "questions_binds.png", dpi=100)
        draw_lanes(tables).savefig(DOCS / "questions_lanes.png", dpi=100)
        draw_twice(groups_of(tables)).savefig(DOCS / "questions_twice.png", dpi=100)
        draw_large(tables, titles).savefig(DOCS / "questions_large.png", dpi=100)


if __name__ == "__main__":
    main()
