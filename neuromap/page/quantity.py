"""Formats numbers for people: three digits, a unit, and an SI prefix where it helps."""

from __future__ import annotations

import math

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
MISSING = "-"


def fixed(value: float | None, n_decimals: int, unit: str = "") -> str:
    """Return a number with ``n_decimals`` decimals and thousands separators; a dash for ``None`` and NaN."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:,.{n_decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return f"{text} {unit}".rstrip()


def si(value: float | None, unit: str = "", n_digits: int = 3) -> str:
    """Return a number with an SI prefix: ``si(6.1e-7, "J")`` is ``610 nJ``; with a long unit, ``6.00 M packets/s``."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return f"0 {unit}".rstrip()
    size = float(f"{abs(value):.{n_digits}g}")
    scale, prefix = next(((s, p) for s, p in _PREFIXES if size >= s), _PREFIXES[-1])
    n_decimals = max(0, n_digits - 1 - math.floor(math.log10(size / scale)))
    gap = " " if prefix and len(unit) > 3 else ""
    return f"{value / scale:.{n_decimals}f} {prefix}{gap}{unit}".rstrip()


def count(value: int) -> str:
    """Return an integer with thousands separators; from ten million on, three digits and ``million`` or ``billion``."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(value) >= 10 * size or (size == 1e9 and abs(value) >= size):
            scaled = value / size
            return f"{scaled:,.{2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0}f} {word}"
    return f"{value:,}"


def size_of(n_bytes: float) -> str:
    """Return a memory size with a binary prefix."""
    for scale, prefix in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if n_bytes >= scale:
            value = n_bytes / scale
            return f"{value:.{0 if value >= 100 else 1}f} {prefix}"
    return f"{n_bytes:.0f} bytes"


def percent(part: float, whole: float, n_decimals: int = 0) -> str:
    """Return ``part`` as a percentage of ``whole``; a dash if the whole is zero."""
    return f"{100 * part / whole:.{n_decimals}f} %" if whole else MISSING


def deviation(value: float | None, reference: float | None) -> str:
    """Return the signed deviation from ``reference`` in percent; a dash where either is missing."""
    if value is None or not reference or not math.isfinite(value):
        return MISSING
    return f"{100 * (value / reference - 1):+.1f} %"


def plural(n: int, noun: str, nouns: str = "") -> str:
    """Return a count with its noun: ``plural(1, "board")`` is ``1 board``; ``nouns``: a plural that is not noun + s."""
    return f"{n:,} {noun if n == 1 else nouns or noun + 's'}"


def rounded_up(value: float, n_decimals: int) -> str:
    """Return a number rounded up, for a smallest value that must still suffice after rounding."""
    scale = 10**n_decimals
    return fixed(math.ceil(value * scale - 1e-9) / scale if math.isfinite(value) else value, n_decimals)


def seconds(duration_s: float) -> str:
    """Return a wall time."""
    if duration_s >= 120:
        return f"{int(duration_s // 60)} min {duration_s % 60:.0f} s"
    return f"{duration_s:.2f} s" if duration_s < 10 else f"{duration_s:.1f} s"


def constant_value(value: object) -> str:
    """Return the value of a machine constant: integers with separators, other numbers with up to six digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:.6g}"


def span(low: float, high: float, n_decimals: int) -> str:
    """Return a range, or one number if both ends are the same after rounding."""
    first, last = fixed(low, n_decimals), fixed(high, n_decimals)
    return first if first == last else f"{first} to {last}"
