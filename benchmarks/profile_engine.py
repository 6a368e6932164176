"""Profile a step of the state engine: time, bytes and operations of its phases, and a roofline figure.

    python benchmarks/profile_engine.py                                  # full-scale PD14; writes docs/roofline.png
    python benchmarks/profile_engine.py --scale 0.1 --out /tmp/profile

One thread takes all shards through the steps and reads the processor's cycle counter between the phases, which are the
engine's own functions. Bytes are the least that a phase must move; operations are counted on the expressions of the
vector loops, and by hand for the rest. Ceilings are measured in the same session.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from harness import HERE, header
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from emulator.engine.build import build_state
from emulator.engine.options import SimulationOptions
from emulator.engine.state import EngineState
from emulator.kernels import engine
from emulator.kernels.lanes import vector_loop
from emulator.kernels.neuron import lif as neuron
from emulator.kernels.random import poisson
from emulator.kernels.synapses.delivery import segment_length
from emulator.numbers.weight_scale import weight_scales
from emulator.synapses.build import build_connectivity, choose_n_shards
from emulator.synapses.projection_table import SynapseDraw
from models.networks import pd14

mpl.use("Agg")
import matplotlib.pyplot as plt

PHASES = ("delivery", "Poisson drive", "update", "due lists")
N_WARM_UP, N_MEASURED = 400, 400  # steps
STATE_BYTES = 2 * (3 * 4 + 2 * 4) + 2  # three state words and two ring words read and written, one count read
DRIVE_BYTES = 2  # a count written
EVENT_BYTES, SEGMENT_BYTES = 4, 2 * 8  # a synapse word; a due entry written and read
EVENT_OPERATIONS, SEGMENT_OPERATIONS = 4, 20  # mask, shift, add, index; by hand


class CountingBuilder:
    """Stands for LLVM's builder: counts the operations of a loop's body, a product of 64 bits as one."""

    def __init__(self) -> None:
        self.n_operations = 0

    def __getattr__(self, name: str) -> Any:
        free = {"bitcast", "shuffle_vector", "gep", "load", "store", "zext", "sext", "trunc", "insert_element"}

        def operation(*arguments: Any, **options: Any) -> Any:
            self.n_operations += name not in free
            return ir.Constant(ir.VectorType(ir.IntType(32), 8), ir.Undefined)

        return operation


@intrinsic
def cycle_counter(typingctx):  # type: ignore[no-untyped-def]
    """Read the processor's time stamp."""

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function_type = ir.FunctionType(ir.IntType(64), [])
        function = builder.module.declare_intrinsic("llvm.readcyclecounter", (), function_type)
        return builder.call(function, [])

    return types.int64(), lower


@njit
def profile(first_step, n_steps, shard_bits, extra_delay, cells, drive, rows, due, fired, record, out_cycles):
    """Take all shards through ``n_steps`` as ``engine.run`` does; add each phase's cycles; return segments, events."""
    n_shards, mask = cells.v.shape[0], due.entry.shape[1] - 1
    scratch = np.empty((poisson.N_SCRATCH, poisson.BLOCK), np.uint32)
    limits = np.empty(drive.limits.shape[1] + poisson.N_LIMITS_AT_ONCE, np.int16)
    cursor, nobody = np.zeros(n_shards, np.int64), np.zeros(0, np.int32)
    n_segments, n_events = 0, 0
    for t in range(first_step, first_step + n_steps):
        for shard in range(n_shards):
            slot = t & mask
            for k in range(due.n[shard, slot]):
                n_events += segment_length(due.entry[shard, slot, k])
            n_segments += due.n[shard, slot]
            a = cycle_counter()
            engine.add_segments_fixed(
                due.n[shard, slot], due.entry[shard, slot], cells.v.shape[1], rows.synapse, cells.accumulator[shard]
            )
            due.n[shard, slot] = 0
            b = cycle_counter()
            if t % poisson.N_STEPS_PER_DRAW == 0:
                engine._draw_drives(shard, shard_bits, t, cells, drive, scratch, limits)
            c = cycle_counter()
            fired.n[shard, t & 1] = engine._update(
                shard, shard_bits, t, cells, drive, fired.neuron[shard, t & 1], record.saturated[shard]
            )
            d = cycle_counter()
            out_cycles[0] += b - a
            out_cycles[1] += c - b
            out_cycles[2] += d - c
        e = cycle_counter()
        engine._exchange(0, 1, t, shard_bits, extra_delay, nobody, rows, due, fired, None, cursor, record.counters[0])
        out_cycles[3] += cycle_counter() - e
    return n_segments, n_events


def _mix_body(loop: Any, carried: list[Any]) -> list[Any]:
    """Thirty-two independent additions and exclusive ors of eight lanes."""
    new = []
    for k, x in enumerate(carried):
        for _ in range(4):
            x = (x ^ loop.constants[0]) + (k + 1)
        new.append(x)
    return new


_mix = vector_loop(_mix_body, n_lanes=8, carried=[(k, "add") for k in range(8)])
_N_MIX_OPERATIONS = 8 * 4 * 2


@njit
def _mix_loop(n, number):
    return _mix(0, n, (), (number,))


@njit
def _stream(words, n_rounds):
    for _ in range(n_rounds):
        for j in range(words.size):
            words[j] = np.int32(words[j] + np.int32(1))


def best_s(work: Any, n: int = 7) -> float:
    """Return the shortest of ``n`` runs, s."""
    times = []
    for _ in range(n):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def ceilings() -> dict[str, float]:
    """Measure bandwidths (read and write together, GB/s) and vector operations (10^9 lanes a second) of one thread."""
    found = {}
    for name, n_bytes in (("L2", 1 << 18), ("L3", 1 << 22), ("memory", 1 << 28)):
        words, n_rounds = np.zeros(n_bytes // 4, np.int32), max(1, (1 << 28) // n_bytes)
        _stream(words, 1)
        found[name] = 2 * n_bytes * n_rounds / best_s(lambda w=words, r=n_rounds: _stream(w, r)) / 1e9
    n = 1 << 20
    _mix_loop(8, np.int32(3))
    found["operations"] = n * _N_MIX_OPERATIONS / best_s(lambda: _mix_loop(n, np.int32(3))) / 1e9
    return found


def operations_of(body: Any, n_arrays: int, n_constants: int, n_carried: int) -> int:
    """Return the vector operations of a loop's body, each counted once."""
    from emulator.kernels.lanes import Lanes, Loop

    builder = CountingBuilder()
    vector = ir.VectorType(ir.IntType(32), 8)
    one = Lanes(builder, ir.Constant(vector, ir.Undefined))
    pointers = [(ir.Constant(ir.IntType(32), 0), 32)] * n_arrays
    body(Loop(builder, vector, pointers, one.value, [one] * n_constants), [one] * n_carried)
    return builder.n_operations


def measure(scale: float, seed: int) -> dict[str, Any]:
    """Profile PD14 with Poisson drive; return the phases and the ceilings."""
    network = pd14(scale=scale)
    scales = weight_scales(network)
    connectivity = build_connectivity(
        network,
        SynapseDraw(seed=seed, raw_per_pa={key: one.raw_per_pa for key, one in scales.items()}),
        n_shards=choose_n_shards(network.n_neurons, 2),
        n_threads=2,
    )
    state = build_state(network, connectivity, scales, SimulationOptions(n_steps=1, seed=seed, n_threads=1))
    _run(state, 0, 1)
    _run(state, 1, N_WARM_UP)
    cycles, n_segments, n_events = _run(state, 1 + N_WARM_UP, N_MEASURED)
    us_per_cycle = _us_per_cycle()
    n, n_events, n_segments = network.n_neurons, n_events / N_MEASURED, n_segments / N_MEASURED
    lif_operations = operations_of(neuron._lif_body, 6, 15, 3)
    draw_operations = operations_of(poisson._philox_body, 4, 7, 0) / poisson.N_STEPS_PER_DRAW + 2 * 12 / 2
    bounds = {
        "delivery": (n_events * EVENT_BYTES + n_segments * SEGMENT_BYTES / 2, n_events * EVENT_OPERATIONS),
        "Poisson drive": (n * DRIVE_BYTES, n * draw_operations),
        "update": (n * STATE_BYTES, n * lif_operations),
        "due lists": (n_segments * SEGMENT_BYTES / 2, n_segments * SEGMENT_OPERATIONS),
    }
    phases = {
        name: {
            "us_per_step": float(cycles[i]) * us_per_cycle / N_MEASURED,
            "bytes": bounds[name][0],
            "operations": bounds[name][1],
        }
        for i, name in enumerate(PHASES)
    }
    return {
        "n_neurons": n,
        "events_per_step": n_events,
        "segments_per_step": n_segments,
        "phases": phases,
        "sum_us_per_step": sum(phase["us_per_step"] for phase in phases.values()),
        "ceilings": ceilings(),
    }


@njit
def _cycles_now():
    return cycle_counter()


def _us_per_cycle() -> float:
    """Return the length of a tick of the cycle counter."""
    _cycles_now()
    first, start = _cycles_now(), time.perf_counter()
    time.sleep(0.2)
    return 1e6 * (time.perf_counter() - start) / (_cycles_now() - first)


def _run(state: EngineState, first_step: int, n_steps: int) -> tuple[Any, int, int]:
    cycles = np.zeros(len(PHASES), np.int64)
    n_segments, n_events = profile(
        first_step,
        n_steps,
        state.shard_bits,
        state.extra_delay,
        state.cells,
        state.drive,
        state.rows,
        state.due,
        state.fired,
        state.record,
        cycles,
    )
    return cycles, n_segments, n_events


def draw(measured: dict[str, Any], path: Path) -> None:
    """Draw the roofline: operations a second against operations a byte, both axes logarithmic."""
    ceiling = measured["ceilings"]
    x = np.logspace(-2, 2, 200)
    figure, axes = plt.subplots(figsize=(7, 4.6), layout="constrained")
    for name, style in (("L2", ":"), ("L3", "--"), ("memory", "-")):
        roof = np.minimum(ceiling["operations"], ceiling[name] * x)
        axes.plot(x, roof, style, color="0.35", label=f"{name} {ceiling[name]:.0f} GB/s")
    axes.annotate(
        f"vector units {ceiling['operations']:.0f} G operations/s",
        (x[-1], ceiling["operations"]),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        fontsize=9,
    )
    for i, (name, phase) in enumerate(measured["phases"].items()):
        rate = phase["operations"] / phase["us_per_step"] / 1e3
        label = f"{name}: {phase['us_per_step']:.0f} us a step"
        axes.plot(phase["operations"] / phase["bytes"], rate, "o", ms=9, color=f"C{i}", label=label)
    axes.set(
        xscale="log", yscale="log", xlabel="operations per byte moved", ylabel="operations (10$^9$/s, 32-bit lanes)"
    )
    axes.set_title("PD14 on one thread: a step of the state engine", fontsize=10)
    axes.legend(fontsize=8, loc="lower right", frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description="Profile the state engine on PD14.")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="folder for roofline.png and profile.json instead of docs/, results/")
    options = parser.parse_args()
    measured = {"header": header(), "scale": options.scale, **measure(options.scale, options.seed)}
    figure = HERE.parent / "docs" / "roofline.png" if options.out is None else options.out / "roofline.png"
    table = HERE / "results" / "profile.json" if options.out is None else options.out / "profile.json"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    draw(measured, figure)
    for name, phase in measured["phases"].items():
        print(
            f"{name:14s} {phase['us_per_step']:7.1f} us  {phase['bytes'] / 1e3:7.0f} kB  "
            f"{phase['bytes'] / phase['us_per_step'] / 1e3:5.1f} GB/s  "
            f"{phase['operations'] / phase['us_per_step'] / 1e3:6.1f} G operations/s"
        )
    print(f"{'all':14s} {measured['sum_us_per_step']:7.1f} us; ceilings {measured['ceilings']}")
    print(f"written: {figure}, {table}", file=sys.stderr)


if __name__ == "__main__":
    main()
