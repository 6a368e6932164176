"""Philox4x32-10 in plain integers (Salmon et al. 2011, doi:10.1145/2063384.2063405, section 3.3 and Random123)."""

from __future__ import annotations

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_WORD = 2**32
Words = tuple[int, int, int, int]


def philox_block(counter: Words, key: tuple[int, int]) -> Words:
    """Return the four 32-bit words of one block."""
    x = counter
    for i in range(10):
        round_key = [(k + i * step) % _WORD for k, step in zip(key, _KEY_STEPS, strict=True)]
        high_0, low_0 = divmod(x[0] * _MULTIPLIERS[0], _WORD)
        high_1, low_1 = divmod(x[2] * _MULTIPLIERS[1], _WORD)
        x = (high_1 ^ x[1] ^ round_key[0], low_1, high_0 ^ x[3] ^ round_key[1], low_0)
    return x
