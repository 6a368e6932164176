"""Plans an accuracy run: lists the arithmetics to compare, and finds every mistake before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from emulator.engine.initial_potential import initial_potentials_mv
from emulator.numbers.fixed_point import QFormat
from emulator.numbers.number_format import MAX_WEIGHT_BITS, NumberFormat, StateRounding, check_format
from emulator.rounding.notes import format_deviations
from models.errors import ParameterError, UnknownNameError
from models.network import Network
from models.option_names import option_name
from models.vocabulary import WeightRounding

DEFAULT_FORMATS = ("S16.15", "S8.7", "S8.23", "float32")
DEFAULT_ROUNDINGS = ("floor", "nearest", "stochastic")
DEFAULT_WEIGHT_BITS = (16, 8, 4)
DEFAULT_WEIGHT_ROUNDINGS = ("nearest",)

Names = str | Sequence[str]


def split_names(what: str, given: Names) -> tuple[str, ...]:
    """Return the names of a list that is given as ``"a,b"`` or as a sequence, without duplicates.

    Raises
    ------
    ParameterError
        If there are no names.
    """
    parts = given.split(",") if isinstance(given, str) else [str(one) for one in given]
    names = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if not names:
        raise ParameterError(what, given, "at least one name")
    return names


def _weight_bits(given: Names | Iterable[int]) -> tuple[int, ...]:
    names = split_names(option_name("weights"), given if isinstance(given, str) else [str(one) for one in given])
    for name in names:
        if not name.isdigit() or not 1 <= int(name) <= MAX_WEIGHT_BITS:
            allowed = f"whole numbers of bits from 1 to {MAX_WEIGHT_BITS}, such as 16,8,4"
            raise ParameterError(option_name("weights"), name, allowed)
    return tuple(int(name) for name in names)


def _known_names(what: str, given: Names, known: Iterable[str]) -> tuple[str, ...]:
    """Return the names of a list; each must be in ``known``."""
    names, known = split_names(what, given), [str(name) for name in known]
    for name in names:
        if name not in known:
            raise UnknownNameError(what, name, known)
    return names


def plan_variants(
    formats: Names = DEFAULT_FORMATS,
    roundings: Names = DEFAULT_ROUNDINGS,
    weights: Names | Iterable[int] = DEFAULT_WEIGHT_BITS,
    *,
    weight_roundings: Names = DEFAULT_WEIGHT_ROUNDINGS,
    all_combinations: bool = False,
) -> tuple[NumberFormat, ...]:
    """Return the arithmetics to compare.

    These are every format with every rounding, the first weight width and the first weight rounding; then the other
    weight widths and weight roundings with the first fixed-point format and the first rounding. With
    ``all_combinations`` every format is combined with everything. float32 has neither roundings nor weight widths.

    Parameters
    ----------
    formats : str or sequence of str
        ``S<integer bits>.<fractional bits>`` of at most 32 bits, or ``float32``.
    roundings : str or sequence of str
        ``floor``, ``nearest``, ``stochastic``.
    weights : str or sequence of int
        Bits of a weight, 1 to 16.
    weight_roundings : str or sequence of str
        ``nearest``, ``stochastic``: how a weight is rounded to its bits, once before the run.
    all_combinations : bool

    Raises
    ------
    ParameterError, UnknownNameError
        For an unknown name or a number out of range.
    """
    names, bits = split_names(option_name("formats"), formats), _weight_bits(weights)
    chosen = [StateRounding(name) for name in _known_names(option_name("roundings"), roundings, StateRounding)]
    of_weights = _known_names(option_name("weight_roundings"), weight_roundings, WeightRounding)
    makes = [(width, WeightRounding(how)) for width in bits for how in of_weights]
    parsed = [_parse(name) for name in names]
    fixed = [one.state for one in parsed if one.state is not None]
    variants: list[NumberFormat] = []
    for one in parsed:
        if one.state is None:
            variants.append(one)
            continue
        used = makes if all_combinations else makes[:1]
        variants += [NumberFormat(one.state, rounding, width, how) for width, how in used for rounding in chosen]
    if fixed and not all_combinations:
        variants += [NumberFormat(fixed[0], chosen[0], width, how) for width, how in makes[1:]]
    return tuple(dict.fromkeys(variants))


def _parse(name: str) -> NumberFormat:
    """Read a format; the error names the formats that are allowed here."""
    try:
        return NumberFormat.parse(name)
    except ParameterError as err:
        allowed = "S<integer bits>.<fractional bits> of at most 32 bits, such as S16.15, or float32"
        raise ParameterError(option_name("formats"), name, allowed) from err


def check_variants(network: Network, variants: Iterable[NumberFormat], seed: int) -> None:
    """Check that every constant and initial potential of a network is within every format.

    Raises
    ------
    ParameterError
        The error names the population, the constant and its range.
    """
    v_init_mv = initial_potentials_mv(network, seed)
    extremes = np.array([v_init_mv.min(), v_init_mv.max()])
    checked: set[QFormat | None] = set()
    for variant in variants:
        if variant.state not in checked:
            checked.add(variant.state)
            check_format(network, variant)
            format_deviations(network, variant)
            variant.to_state(extremes)
