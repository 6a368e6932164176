"""Defines random streams: a draw depends only on (seed, stream, entity, step), not on the partition or the threads."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.neuron import any_format as neuron_q
from emulator.kernels.random import poisson
from emulator.kernels.synapses import rows
from models.check import check_seed


class Stream(IntEnum):
    """Random streams; each has its own Philox key."""

    COUNT = 0
    SYNAPSE = rows.STREAM_SYNAPSE
    V_INIT = 2
    POISSON_DRIVE = poisson.STREAM_POISSON_DRIVE
    POISSON_SOURCE = 4
    ROUNDING = neuron_q.STREAM_ROUNDING
    KISS = 8  #: seeds of SpiNNaker's Poisson sources
    TIMER = 9  #: delays with which the timers of cores start


def stream_key(seed: int, stream: Stream) -> NDArray[np.uint32]:
    """Return the two key words of a stream: the seed's low word, and its high word mixed with the stream."""
    seed = check_seed("seed", seed)
    return np.array([seed & 0xFFFFFFFF, ((seed >> 32) + 0x9E3779B9 * int(stream)) & 0xFFFFFFFF], np.uint32)


def host_rng(seed: int, stream: Stream, entity: int = 0, step: int = 0) -> np.random.Generator:
    """Return numpy's generator for one (seed, stream, entity, step), independent of every other."""
    key = np.array([check_seed("seed", seed), int(stream)], np.uint64)  # numpy would convert a list by way of float64
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, entity, step]))
