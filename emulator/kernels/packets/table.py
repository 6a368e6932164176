"""Defines tables and records for kernels of many small functions: bare pointers with the syntax of an array.

numba counts the references to every array, and to every row taken from an array, with atomic additions. It removes
matching pairs of them, but not where many functions with many branches are involved: in the packet model's event loop
the counting took most of the time (3.5 us a hop, against 0.2 us with these tables). A `table`, `column`, `records` or
`record` is made inside a kernel from an array that outlives the call; it knows no size and checks no index. A field
(``x.is_awake``) lies at a constant offset, so it costs the same as a constant index: 26 million events of PD14 at half
scale took 1.17 s of processor time with fields and 1.21 s with indices (the least of 20 runs each).
"""

import operator

from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_getattr_generic, lower_setattr_generic
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model


class ColumnType(types.Type):
    """The type of a one-dimensional table: ``c[i]`` is an element."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(f"Column({dtype})")


class TableType(types.Type):
    """The type of a two-dimensional table in C order: ``t[i, j]`` is an element, ``t[i]`` a `ColumnType`."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(f"Table({dtype})")


class RecordType(types.Type):
    """The type of one record of a structured array: ``r.field`` is a field."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(f"Record({dtype})")


class RecordsType(types.Type):
    """The type of a one-dimensional structured array: ``r[i]`` is a `RecordType`."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(f"Records({dtype})")


@register_model(ColumnType)
class ColumnModel(models.StructModel):
    """A column in memory: a pointer."""

    def __init__(self, manager, column):
        super().__init__(manager, column, [("data", types.CPointer(column.dtype))])


@register_model(TableType)
class TableModel(models.StructModel):
    """A table in memory: a pointer and the length of a row."""

    def __init__(self, manager, table):
        super().__init__(manager, table, [("data", types.CPointer(table.dtype)), ("width", types.intp)])


@register_model(RecordType)
@register_model(RecordsType)
class RecordModel(models.StructModel):
    """A record, or records, in memory: a pointer to bytes."""

    def __init__(self, manager, kind):
        super().__init__(manager, kind, [("data", types.CPointer(types.uint8))])


def _pointer_to_bytes(made):
    """Return the code generator that makes a value of type ``made`` from a structured array."""

    def codegen(context, builder, signature, args):
        source = context.make_array(signature.args[0])(context, builder, args[0])
        proxy = cgutils.create_struct_proxy(made)(context, builder)
        proxy.data = builder.bitcast(source.data, context.get_value_type(types.CPointer(types.uint8)))
        return proxy._getvalue()

    return codegen


@intrinsic
def records(typingctx, array):
    """Return the `RecordsType` of a contiguous structured array of one dimension."""
    made = RecordsType(array.dtype)
    return made(array), _pointer_to_bytes(made)


@intrinsic
def record(typingctx, array):
    """Return the `RecordType` of the only record of a structured array."""
    made = RecordType(array.dtype)
    return made(array), _pointer_to_bytes(made)


@intrinsic
def column(typingctx, array):
    """Return the `ColumnType` of a contiguous one-dimensional array."""

    def codegen(context, builder, signature, args):
        made = cgutils.create_struct_proxy(signature.return_type)(context, builder)
        made.data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return made._getvalue()

    return ColumnType(array.dtype)(array), codegen


@intrinsic
def table(typingctx, array):
    """Return the `TableType` of a contiguous two-dimensional array."""

    def codegen(context, builder, signature, args):
        source = context.make_array(signature.args[0])(context, builder, args[0])
        made = cgutils.create_struct_proxy(signature.return_type)(context, builder)
        made.data = source.data
        made.width = cgutils.unpack_tuple(builder, source.shape)[1]
        return made._getvalue()

    return TableType(array.dtype)(array), codegen


def _element(context, builder, kind, value, index):
    """Return a pointer to element ``index`` (a list of one or two LLVM integers) of a table or column."""
    proxy = cgutils.create_struct_proxy(kind)(context, builder, value=value)
    offset = index[0] if len(index) == 1 else builder.add(builder.mul(index[0], proxy.width), index[1])
    return builder.gep(proxy.data, [offset])


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):
    def generic(self, args, keywords):
        source, index = args
        if isinstance(source, ColumnType) and isinstance(index, types.Integer):
            return signature(source.dtype, source, types.intp)
        if isinstance(source, TableType) and isinstance(index, types.Integer):
            return signature(ColumnType(source.dtype), source, types.intp)
        if isinstance(source, RecordsType) and isinstance(index, types.Integer):
            return signature(RecordType(source.dtype), source, types.intp)
        if isinstance(source, TableType) and isinstance(index, types.BaseTuple) and len(index) == 2:
            return signature(source.dtype, source, types.UniTuple(types.intp, 2))
        return None


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):
    def generic(self, args, keywords):
        target, index, _ = args
        if isinstance(target, ColumnType) and isinstance(index, types.Integer):
            return signature(types.none, target, types.intp, target.dtype)
        if isinstance(target, TableType) and isinstance(index, types.BaseTuple) and len(index) == 2:
            return signature(types.none, target, types.UniTuple(types.intp, 2), target.dtype)
        return None


@lower_builtin(operator.getitem, ColumnType, types.intp)
def _get_element(context, builder, sig, args):
    return builder.load(_element(context, builder, sig.args[0], args[0], [args[1]]))


@lower_builtin(operator.getitem, TableType, types.UniTuple)
def _get_element2(context, builder, sig, args):
    return builder.load(_element(context, builder, sig.args[0], args[0], cgutils.unpack_tuple(builder, args[1])))


@lower_builtin(operator.getitem, TableType, types.intp)
def _get_row(context, builder, sig, args):
    source = cgutils.create_struct_proxy(sig.args[0])(context, builder, value=args[0])
    made = cgutils.create_struct_proxy(sig.return_type)(context, builder)
    made.data = builder.gep(source.data, [builder.mul(args[1], source.width)])
    return made._getvalue()


@lower_builtin(operator.setitem, ColumnType, types.intp, types.Any)
def _set_element(context, builder, sig, args):
    builder.store(args[2], _element(context, builder, sig.args[0], args[0], [args[1]]))
    return context.get_dummy_value()


@lower_builtin(operator.setitem, TableType, types.UniTuple, types.Any)
def _set_element2(context, builder, sig, args):
    builder.store(args[2], _element(context, builder, sig.args[0], args[0], cgutils.unpack_tuple(builder, args[1])))
    return context.get_dummy_value()


@lower_builtin(operator.getitem, RecordsType, types.intp)
def _get_record(context, builder, sig, args):
    source = cgutils.create_struct_proxy(sig.args[0])(context, builder, value=args[0])
    made = cgutils.create_struct_proxy(sig.return_type)(context, builder)
    size = context.get_constant(types.intp, sig.args[0].dtype.size)
    made.data = builder.gep(source.data, [builder.mul(args[1], size)])
    return made._getvalue()


@infer_getattr
class _Field(AttributeTemplate):
    key = RecordType

    def generic_resolve(self, typ, attr):
        return typ.dtype.typeof(attr) if attr in typ.dtype.fields else None


def _field(context, builder, kind, value, name):
    """Return a pointer to a field of a record."""
    proxy = cgutils.create_struct_proxy(kind)(context, builder, value=value)
    place = builder.gep(proxy.data, [context.get_constant(types.intp, kind.dtype.offset(name))])
    return builder.bitcast(place, context.get_value_type(types.CPointer(kind.dtype.typeof(name))))


@lower_getattr_generic(RecordType)
def _get_field(context, builder, typ, value, attr):
    return builder.load(_field(context, builder, typ, value, attr))


@lower_setattr_generic(RecordType)
def _set_field(context, builder, sig, args, attr):
    builder.store(args[1], _field(context, builder, sig.args[0], args[0], attr))
