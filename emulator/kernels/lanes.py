"""Vectors of 32- and 16-bit integers for numba kernels, written as expressions.

LLVM vectorises plain loops, but for the upper half of a 32 x 32 bit product it moves every operand through 64-bit lanes
and back. Here a loop's body is an expression on ``Lanes``, vectors of ``n_lanes`` neighbouring elements, and the upper
half is computed as processors do it: even and odd elements are multiplied separately. The code is portable LLVM IR. It
is correct on every processor, and compiles to AVX2 or NEON where they exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_REDUCTIONS = {
    "add": lambda b, x, y: b.add(x, y),
    "or": lambda b, x, y: b.or_(x, y),
    "max": lambda b, x, y: b.select(b.icmp_signed(">", x, y), x, y),
}


class Lanes:
    """A vector in the body of a loop; arithmetic wraps, comparisons are signed unless the name says otherwise."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder = builder
        self.value = value

    def _operand(self, other: Lanes | int) -> Any:
        if isinstance(other, Lanes):
            return other.value
        return ir.Constant(self.value.type, [_signed(other, self.value.type.element.width)] * self.value.type.count)

    def _binary(self, operation: Callable[..., Any], other: Lanes | int) -> Lanes:
        return Lanes(self.builder, operation(self.value, self._operand(other)))

    def __add__(self, other: Lanes | int) -> Lanes:
        return self._binary(self.builder.add, other)

    def __sub__(self, other: Lanes | int) -> Lanes:
        return self._binary(self.builder.sub, other)

    def __mul__(self, other: Lanes | int) -> Lanes:
        return self._binary(self.builder.mul, other)

    def __and__(self, other: Lanes | int) -> Lanes:
        return self._binary(self.builder.and_, other)

    def __or__(self, other: Lanes | int) -> Lanes:
        return self._binary(self.builder.or_, other)

    def __xor__(self, other: Lanes | int) -> Lanes:
        return self._binary(self.builder.xor, other)

    def shift_right_unsigned(self, other: Lanes | int) -> Lanes:
        """Shift right and fill with zeros."""
        return self._binary(self.builder.lshr, other)

    def is_above(self, other: Lanes | int) -> Lanes:
        """Compare: -1 where it holds, else 0."""
        return self._mask(self.builder.icmp_signed(">", self.value, self._operand(other)))

    def is_equal(self, other: Lanes | int) -> Lanes:
        """Compare: -1 where it holds, else 0."""
        return self._mask(self.builder.icmp_signed("==", self.value, self._operand(other)))

    def is_negative(self) -> Lanes:
        """Compare with zero: -1 where it holds, else 0."""
        return self._mask(self.builder.icmp_signed("<", self.value, self._operand(0)))

    def _mask(self, bits: Any) -> Lanes:
        return Lanes(self.builder, self.builder.sext(bits, self.value.type))

    def at_most_unsigned(self, other: Lanes | int) -> Lanes:
        """Take the smaller of two unsigned numbers."""
        bound = self._operand(other)
        return Lanes(
            self.builder, self.builder.select(self.builder.icmp_unsigned("<", self.value, bound), self.value, bound)
        )

    def at_least(self, other: Lanes | int) -> Lanes:
        """Take the larger of two numbers."""
        bound = self._operand(other)
        return Lanes(
            self.builder, self.builder.select(self.builder.icmp_signed(">", self.value, bound), self.value, bound)
        )

    def high_product(self, factor: Lanes) -> Lanes:
        """Return the upper 32 bits of the signed 64-bit product; ``factor`` must hold one number in all lanes."""
        return self._products(factor, is_signed=True)[0]

    def products_unsigned(self, factor: Lanes) -> tuple[Lanes, Lanes]:
        """Return the upper and lower 32 bits of the unsigned product; ``factor`` must hold one number in all lanes."""
        return self._products(factor, is_signed=False)

    def _products(self, factor: Lanes, *, is_signed: bool) -> tuple[Lanes, Lanes]:
        b, n = self.builder, self.value.type.count
        wide = ir.VectorType(_I64, n // 2)
        s32 = ir.Constant(wide, [32] * (n // 2))
        low32 = ir.Constant(wide, [0xFFFFFFFF] * (n // 2))

        def extend(x: Any) -> Any:  # the even elements, to 64 bits
            x = b.bitcast(x, wide)
            return b.ashr(b.shl(x, s32), s32) if is_signed else b.and_(x, low32)

        def pick(x: Any, y: Any, places: list[int]) -> Lanes:
            mask = ir.Constant(ir.VectorType(_I32, n), places)
            return Lanes(b, b.shuffle_vector(b.bitcast(x, self.value.type), b.bitcast(y, self.value.type), mask))

        odd_elements = pick(self.value, self.value, [k | 1 for k in range(n)]).value
        f = extend(factor.value)
        even, odd = b.mul(extend(self.value), f), b.mul(extend(odd_elements), f)
        upper = pick(even, odd, [(k | 1) + (n if k & 1 else 0) for k in range(n)])
        lower = pick(even, odd, [(k & ~1) + (n if k & 1 else 0) for k in range(n)])
        return upper, lower


def _signed(number: int, width: int) -> int:
    number &= (1 << width) - 1
    return number - (1 << width) if number >> (width - 1) else number


@dataclass(slots=True)
class Loop:
    """The interface of a loop's body: ``load`` and ``store`` by the number of an array, ``constants``, ``index``."""

    builder: Any
    vector: Any
    pointers: list[tuple[Any, int]]
    position: Any
    constants: list[Lanes]

    def load(self, array: int) -> Lanes:
        """Load neighbouring elements; narrower ones are extended with zeros."""
        pointer, width = self.pointers[array]
        vector = ir.VectorType(ir.IntType(width), self.vector.count)
        value = self.builder.load(self._address(pointer, vector), align=width // 8)
        return Lanes(self.builder, value if vector == self.vector else self.builder.zext(value, self.vector))

    def store(self, array: int, lanes: Lanes | int) -> None:
        """Store to an array of the vector's own width."""
        pointer, width = self.pointers[array]
        value = lanes.value if isinstance(lanes, Lanes) else ir.Constant(self.vector, [lanes] * self.vector.count)
        self.builder.store(value, self._address(pointer, self.vector), align=width // 8)

    def _address(self, pointer: Any, vector: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(pointer, [self.position]), vector.as_pointer())

    @property
    def index(self) -> Lanes:
        """Element numbers."""
        first = self.builder.trunc(self.position, self.vector.element)
        steps = ir.Constant(self.vector, list(range(self.vector.count)))
        return Lanes(self.builder, self.builder.add(_splat(self.builder, self.vector, first), steps))


def _splat(builder: Any, vector: Any, scalar: Any) -> Any:
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, _I32(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_I32, vector.count), [0] * vector.count))


def vector_loop(
    body: Callable[[Loop, list[Lanes]], list[Lanes]],
    *,
    n_lanes: int,
    width: int = 32,
    carried: Sequence[tuple[int, str]] = (),
) -> Any:
    """Make a numba function ``f(first, last, arrays, constants)`` from a body.

    ``f`` runs over the elements ``[first, last)`` of the arrays (a tuple of C-contiguous one-dimensional integer
    arrays), except the last ``(last - first) % n_lanes`` of them. Each constant (of a tuple of int32) fills all lanes.
    Bounds are not checked. ``f`` takes a range, not slices, since a slice costs more time than a hundred neurons.

    Parameters
    ----------
    body : callable
        Called once, to generate the code, with the loop and the carried vectors; returns the next carried vectors.
    n_lanes, width : int
        Elements of a vector, and bits of an element.
    carried : sequence of (initial value, 'add' | 'or' | 'max')
        Vectors that are carried from one round to the next, and how their lanes are joined at the end.

    Returns
    -------
    numba function
        It returns a tuple of the joined carried vectors (int32).
    """

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first, last, arrays, constants = args
        vector = ir.VectorType(ir.IntType(width), n_lanes)
        pointers = [
            (context.make_array(kind)(context, builder, builder.extract_value(arrays, k)).data, kind.dtype.bitwidth)
            for k, kind in enumerate(signature.args[2])
        ]
        splats = [
            Lanes(builder, _splat(builder, vector, _cut(builder, builder.extract_value(constants, k), width)))
            for k in range(len(signature.args[3]))
        ]
        step = ir.Constant(first.type, n_lanes)
        stop = builder.sub(last, ir.Constant(first.type, n_lanes - 1))
        before, inside, after = builder.block, builder.append_basic_block("lanes"), builder.append_basic_block("end")
        initial = [ir.Constant(vector, [value] * n_lanes) for value, _ in carried]
        builder.cbranch(builder.icmp_signed("<", first, stop), inside, after)
        builder.position_at_end(inside)
        position = builder.phi(first.type)
        position.add_incoming(first, before)
        current = [_phi(builder, vector, value, before) for value in initial]
        new = body(Loop(builder, vector, pointers, position, splats), [Lanes(builder, value) for value in current])
        following = builder.add(position, step)
        position.add_incoming(following, inside)
        for phi, lanes in zip(current, new, strict=True):
            phi.add_incoming(lanes.value, inside)
        builder.cbranch(builder.icmp_signed("<", following, stop), inside, after)
        builder.position_at_end(after)
        ends = [_phi(builder, vector, value, before) for value in initial]
        for phi, lanes in zip(ends, new, strict=True):
            phi.add_incoming(lanes.value, inside)
        joined = [_join(builder, phi, how) for phi, (_, how) in zip(ends, carried, strict=True)]
        return context.make_tuple(builder, signature.return_type, joined)

    @intrinsic
    def loop(typingctx, first, last, arrays, constants):  # type: ignore[no-untyped-def]
        """Run over the arrays."""
        return types.UniTuple(types.int32, len(carried))(types.intp, types.intp, arrays, constants), lower

    return loop


def _cut(builder: Any, scalar: Any, width: int) -> Any:
    return scalar if scalar.type.width == width else builder.trunc(scalar, ir.IntType(width))


def _phi(builder: Any, vector: Any, value: Any, block: Any) -> Any:
    phi = builder.phi(vector)
    phi.add_incoming(value, block)
    return phi


def _join(builder: Any, vector: Any, how: str) -> Any:
    """Join the lanes to one int32; narrower lanes are sign-extended."""
    result = builder.extract_element(vector, _I32(0))
    for k in range(1, vector.type.count):
        result = _REDUCTIONS[how](builder, result, builder.extract_element(vector, _I32(k)))
    return result if result.type == _I32 else builder.sext(result, _I32)
