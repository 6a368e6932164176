"""Provides atomics, a barrier and prefetch, which numba lacks, for threads that advance in step.

The state engine runs one long kernel per thread (released from Python's lock) that meet at a barrier once per time
step. A fork/join per step would cost 5-25 us, ten thousand times a second of model time.
"""

import sys

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

N_SPINS_BEFORE_YIELD = 2000  # about 5-10 us of spinning; then another thread may run


def _element_pointer(context, builder, signature, args):
    array_type, array, index = signature.args[0], args[0], args[1]
    data = context.make_array(array_type)(context, builder, array)
    return cgutils.get_item_pointer(context, builder, array_type, data, [index], wraparound=False)


@intrinsic
def atomic_add(typingctx, array, index, value):
    """Add ``value`` to ``array[index]`` (int64) atomically and return the value before; a full memory barrier."""

    def codegen(context, builder, signature, args):
        pointer = _element_pointer(context, builder, signature, args)
        return builder.atomic_rmw("add", pointer, args[2], "seq_cst")

    return types.int64(array, types.intp, types.int64), codegen


@intrinsic
def prefetch(typingctx, array, index):
    """Ask for the cache line of ``array[index]`` to be loaded; never faults, even past the end."""

    def codegen(context, builder, signature, args):
        pointer = _element_pointer(context, builder, signature, args)
        i32 = ir.IntType(32)
        i8p = ir.IntType(8).as_pointer()
        fnty = ir.FunctionType(ir.VoidType(), [i8p, i32, i32, i32])
        name = "llvm.prefetch.p0i8" if not getattr(ir, "_opaque", False) else "llvm.prefetch.p0"
        function = cgutils.get_or_insert_function(builder.module, fnty, name)
        builder.call(function, [builder.bitcast(pointer, i8p), i32(0), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


if sys.platform == "win32":

    @njit
    def yield_processor():
        """Do nothing: Windows has no sched_yield; its scheduler preempts the spinning thread."""

else:
    _sched_yield = types.ExternalFunction("sched_yield", types.int32())

    @njit
    def yield_processor():
        """Let another thread run."""
        _sched_yield()


@njit
def wait_at_barrier(barrier, n_arrivals_expected):
    """Arrive, then wait until ``n_arrivals_expected`` arrivals were counted in ``barrier[0]`` (int64) since it was 0.

    The caller adds the number of threads to the expectation each time; nothing is ever reset, so no thread can miss
    a round.
    """
    n_arrived = atomic_add(barrier, 0, 1) + 1
    n_spins = 0
    while n_arrived < n_arrivals_expected:
        n_spins += 1
        if n_spins > N_SPINS_BEFORE_YIELD:
            yield_processor()
        n_arrived = atomic_add(barrier, 0, np.int64(0))
