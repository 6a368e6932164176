"""Runs a simulation on all threads in chunks of steps; reports progress and stops at Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.engine.recorder import Recorder
from emulator.engine.source import SpikeSources
from emulator.engine.state import MAX_CHUNK_STEPS, EngineState
from emulator.runtime.worker_pool import start_together, worker_pool
from emulator.synapses.connectivity import Connectivity
from emulator.synapses.plasticity_weights import Plasticity
from models.progress import Progress

_TELL_AFTER_S = 0.2  # shortest time between two reports of progress when a chunk is one step
#: Called after a step with its number and the ids that fired in it (int32, ascending, one entry a packet).
AfterStep = Callable[[int, NDArray[np.int32]], None]
Couple = Callable[[EngineState, Connectivity], AfterStep]


def advance(
    state: EngineState,
    sources: SpikeSources,
    recorder: Recorder,
    plasticity: Plasticity,
    n_steps: int,
    progress: Progress,
    after_step: AfterStep | None = None,
) -> int:
    """Run ``n_steps`` steps in chunks; return how many were done, which are fewer only after Ctrl-C.

    ``after_step`` is called after every step, so a chunk is then one step.
    """
    done = 0
    pool = worker_pool(state.n_threads)
    chunk_steps = min(MAX_CHUNK_STEPS, recorder.look_steps) if after_step is None else 1
    told_s = time.monotonic()
    try:
        while done < n_steps:
            n = min(chunk_steps, n_steps - done, plasticity.steps_to_sample(done), sources.max_steps)
            out_v = np.zeros((n, state.n_probes), state.cells.v.dtype)
            _run_chunk(pool, state, sources, done, out_v)
            steps, neurons = state.take_spikes()
            recorder.add(steps, neurons, np.asarray(out_v, np.float64))
            done += n
            plasticity.sample(done)
            if after_step is not None:
                after_step(done - 1, neurons)
            is_long = n > 1 and after_step is None
            is_long = is_long or done % MAX_CHUNK_STEPS == 0 or time.monotonic() - told_s > _TELL_AFTER_S
            if is_long or done == n_steps:
                told_s = time.monotonic()
                progress("simulate", done / n_steps)
    except KeyboardInterrupt:
        pool.shutdown(wait=True)
        if done < n_steps and (leftover := state.take_spikes())[0].size:  # the chunk that Ctrl-C arrived in
            recorder.add(*leftover, np.asarray(out_v, np.float64))
            done += n
    finally:
        pool.shutdown(wait=True)
    return done


def _run_chunk(
    pool: ThreadPoolExecutor, state: EngineState, sources: SpikeSources, done: int, out_v: NDArray[Any]
) -> None:
    """Advance all threads' shards by as many steps as ``out_v`` has rows."""
    n = len(out_v)
    ptr, neurons = sources.spikes(done, n)
    state.make_room(ptr)
    run_chunk = partial(
        state.run_chunk,
        first_step=done,
        injected_ptr=ptr,
        injected=neurons,
        out_v=out_v,
    )
    jobs = start_together(pool, state.n_threads, run_chunk)
    try:
        wait(jobs)
    finally:  # after Ctrl-C too: kernels cannot be interrupted, and the steps that they finish are kept
        wait(jobs)
        state.end_chunk(n)
    for job in jobs:
        job.result()
    state.check_delivery()
    state.check_arena()
