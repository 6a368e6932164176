"""Random streams: independent of each other, the same again."""

import numpy as np

from emulator.runtime.random_stream import Stream, host_rng, stream_key


def test_stream_key_is_the_seed_and_the_stream():
    assert stream_key(5, Stream.COUNT).tolist() == [5, 0]
    assert stream_key(2**32 + 7, Stream.SYNAPSE).tolist() == [7, (1 + 0x9E3779B9) % 2**32]
    assert stream_key(2**64 - 1, Stream.COUNT).tolist() == [2**32 - 1, 2**32 - 1]
    assert len({tuple(stream_key(1, stream).tolist()) for stream in Stream}) == len(Stream)


def test_host_draws_differ_in_every_argument_and_repeat():
    variants = [(1, Stream.COUNT, 0, 0), (2, Stream.COUNT, 0, 0), (1, Stream.V_INIT, 0, 0), (1, Stream.COUNT, 1, 0),
                (1, Stream.COUNT, 0, 1)]  # fmt: skip
    draws = [host_rng(*v).integers(0, 2**63, 4).tolist() for v in variants]
    assert len({tuple(d) for d in draws}) == len(variants)
    assert host_rng(*variants[0]).integers(0, 2**63, 4).tolist() == draws[0]


def test_large_seeds_differ():
    draws = [host_rng(2**63 + seed, Stream.COUNT).integers(0, 2**63, 4) for seed in (1, 2)]
    assert not np.array_equal(*draws)
