"""Computes the integers of a 32-bit machine with Python's unlimited integers."""

from __future__ import annotations


def wrap32(value: int) -> int:
    """Keep the low 32 bits and read them as a signed number."""
    return (value + 2**31) % 2**32 - 2**31


def wrap64(value: int) -> int:
    """Keep the low 64 bits and read them as a signed number."""
    return (value + 2**63) % 2**64 - 2**63


def scaled_product(a: int, b: int, n_bits: int) -> int:
    """Return ``a * b / 2**n_bits``, towards minus infinity, as a signed 32-bit number."""
    return wrap32(a * b // 2**n_bits)
