"""The loop over the columns of a few rows of weights: what every pass over a weight matrix is made of.

LLVM makes vectors of plain loops too, but takes several of them in a turn, does what is left one number at a time (36
of 100 columns, 52 of 500), and takes longer to compile. Here the last columns are read and written under a mask.
"""

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable

#: Those of the kernels (``dispatch.FAST``), for each operation.
_FLAGS = ("contract", "reassoc", "nsz", "arcp")

_INT, _SHORT = ir.IntType(64), ir.IntType(32)


def _register_bytes() -> int:
    """Return how many bytes a vector register of the processor has that Numba compiles for."""
    if config.CPU_NAME is None:  # type: ignore[attr-defined]
        found = llvm.get_host_cpu_features()
        return 64 if found.get("avx512vl") else 32 if found.get("avx") else 16
    named = config.CPU_FEATURES or ""  # type: ignore[attr-defined]
    return 64 if "+avx512vl" in named else 32 if "+avx" in named else 16


_BYTES = _register_bytes()

#: Whether 32 vector registers are counted on, and not 16: where they have 64 bytes.
MANY_REGISTERS = _BYTES == 64


def sweep(
    rows: Any, which: Any, keep: Any, signal: Any, pre: Any, x: Any, last: Any, gain: Any, out: Any
) -> tuple[Any, ...]:
    """Go once through the columns of a few rows: mix, learn, multiply.

    First ``out += sum_q gain_q rows[last_q]`` with the rows as they were; then, one row after the other, ``w_r =
    keep_r rows[which_r] - sum_s signal_sr pre_s`` takes the place of ``rows[which_r]``, and the inner products
    ``w_r . x_l`` are returned. Each part of it is left out where its tuple is empty.

    Parameters
    ----------
    rows : (count, n) or (n,) array
        The weights; all arrays are contiguous and of one type. Sums of integers wrap around.
    which, keep : tuples of R numbers
        Which rows, and what is kept of each. What stands there again has to keep all and learn nothing.
    signal : tuple of S R numbers
        What each row learns of each of the presynaptic factors, those of the first factor first.
    pre, x : tuples of S and L arrays (n,)
        Presynaptic factors; what the rows are multiplied by.
    last, gain : tuples of Q numbers
        Which rows are mixed, and how much of each.
    out : (n,) array
        Where to.

    Returns
    -------
    tuple of R L numbers
        Those of the first row first.
    """
    rows = rows if rows.ndim == 2 else rows[None]
    for row, part in zip(last, gain, strict=True):
        out += part * rows[row]
    products = []
    for r, row in enumerate(which):
        w = rows[row] * keep[r] if keep else rows[row]
        for s, factor in enumerate(pre):
            w = w - signal[s * len(which) + r] * factor
        if keep or pre:
            rows[row] = w
        products += [w.dot(other) for other in x]
    return tuple(products)


class _Columns:
    """Code for what is done with the columns of a matrix, a vector of them at a time."""

    def __init__(self, context: Any, builder: Any, dtype: Any) -> None:
        self.context, self.builder, self.dtype = context, builder, dtype
        self.element, self.real = context.get_value_type(dtype), isinstance(dtype, types.Float)
        self.count = _BYTES * 8 // dtype.bitwidth
        self.kind = ir.VectorType(self.element, self.count)
        self.align = dtype.bitwidth // 8
        self.name = f"v{self.count}{'f' if self.real else 'i'}{dtype.bitwidth}"

    def spread(self, kind: Any, value: Any) -> Any:
        """Return a vector of one number."""
        number = self.context.cast(self.builder, value, kind, self.dtype)
        index, zeros = ir.Constant(_SHORT, 0), ir.Constant(ir.VectorType(_SHORT, self.count), None)
        one = self.builder.insert_element(ir.Constant(self.kind, ir.Undefined), number, index)
        return self.builder.shuffle_vector(one, one, zeros)

    def load(self, data: Any, j: Any, mask: Any) -> Any:
        """Return the numbers from `j` on; where the mask is 0 they are 0."""
        place, align = self._place(data, j), ir.Constant(_SHORT, self.align)
        if mask is None:
            return self.builder.load(place, align=self.align)
        return self._masked("load", self.kind, place, align, mask, ir.Constant(self.kind, None))

    def store(self, value: Any, data: Any, j: Any, mask: Any) -> None:
        """Write the numbers from `j` on, where the mask is 1."""
        place = self._place(data, j)
        if mask is None:
            self.builder.store(value, place, align=self.align)
        else:
            self._masked("store", ir.VoidType(), value, place, ir.Constant(_SHORT, self.align), mask)

    def times(self, a: Any, b: Any) -> Any:
        """Return the products of two vectors."""
        return self.builder.fmul(a, b, flags=_FLAGS) if self.real else self.builder.mul(a, b)

    def plus(self, a: Any, b: Any) -> Any:
        """Return the sums of two vectors."""
        return self.builder.fadd(a, b, flags=_FLAGS) if self.real else self.builder.add(a, b)

    def minus(self, a: Any, b: Any) -> Any:
        """Return the differences of two vectors."""
        return self.builder.fsub(a, b, flags=_FLAGS) if self.real else self.builder.sub(a, b)

    def total(self, vector: Any) -> Any:
        """Return the sum of the numbers of a vector."""
        start = (ir.Constant(self.element, -0.0),) if self.real else ()
        kind = ir.FunctionType(self.element, (*(one.type for one in start), self.kind))
        name = f"llvm.vector.reduce.{'fadd' if self.real else 'add'}.{self.name}"
        add = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(add, (*start, vector), fastmath=("reassoc",) if self.real else ())

    def first(self, count: Any) -> Any:
        """Return the mask of the first `count` numbers."""
        kind = ir.VectorType(_SHORT, self.count)
        index, zeros = ir.Constant(_SHORT, 0), ir.Constant(kind, None)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), self.builder.trunc(count, _SHORT), index)
        numbers = ir.Constant(kind, list(range(self.count)))
        return self.builder.icmp_signed("<", numbers, self.builder.shuffle_vector(one, one, zeros))

    def _place(self, data: Any, j: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(data, (j,)), self.kind.as_pointer())

    def _masked(self, what: str, result: Any, *arguments: Any) -> Any:
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.masked.{what}.{self.name}.p0")
        return self.builder.call(function, arguments)


@type_callable(sweep)
def _type_of_sweep(context: Any) -> Any:
    def products(
        rows: Any, which: Any, keep: Any, signal: Any, pre: Any, x: Any, last: Any, gain: Any, out: Any
    ) -> Any:
        arrays = (rows, *pre, *x, *([out] if len(last) else []))
        if any(array.layout != "C" or array.dtype != rows.dtype for array in arrays):
            return None  # Numba says that it has no such function
        return types.UniTuple(rows.dtype, len(which) * len(x))

    return products


@lower_builtin(sweep, types.Array, *8 * [types.Any])
def _sweep(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    on = _Columns(context, builder, sig.args[0].dtype)
    matrix = cgutils.create_struct_proxy(sig.args[0])(context, builder, args[0])
    n = cgutils.unpack_tuple(builder, matrix.shape)[-1]

    def fields(k: int) -> list[tuple[Any, Any]]:
        return list(zip(sig.args[k], cgutils.unpack_tuple(builder, args[k]), strict=True))

    def row(kind: Any, value: Any) -> Any:
        return builder.gep(matrix.data, (builder.mul(context.cast(builder, value, kind, types.intp), n),))

    def array(kind: Any, value: Any) -> Any:
        return cgutils.create_struct_proxy(kind)(context, builder, value).data

    weights, mixed = ([row(*field) for field in fields(k)] for k in (1, 6))
    kept, learnt, parts = ([on.spread(*field) for field in fields(k)] for k in (2, 3, 7))
    factors, multiplied = ([array(*field) for field in fields(k)] for k in (4, 5))
    to = array(sig.args[8], args[8]) if mixed else None
    zero = ir.Constant(on.kind, None)
    sums = [cgutils.alloca_once_value(builder, zero) for _ in range(len(weights) * len(multiplied))]

    def columns(j: Any, mask: Any) -> None:
        before = [on.load(data, j, mask) for data in factors]
        others = [on.load(data, j, mask) for data in multiplied]
        if mixed:
            total = on.load(to, j, mask)
            for data, part in zip(mixed, parts, strict=True):
                total = on.plus(total, on.times(part, on.load(data, j, mask)))
            on.store(total, to, j, mask)
        for r, data in enumerate(weights):
            w = on.load(data, j, mask)
            if kept:
                w = on.times(kept[r], w)
            for s, factor in enumerate(before):
                w = on.minus(w, on.times(learnt[s * len(weights) + r], factor))
            if kept or before:
                on.store(w, data, j, mask)
            for place, other in zip(sums[r * len(others) : (r + 1) * len(others)], others, strict=True):
                builder.store(on.plus(builder.load(place), on.times(w, other)), place)

    whole = builder.and_(n, ir.Constant(_INT, -on.count))
    with cgutils.for_range_slice(builder, ir.Constant(_INT, 0), whole, ir.Constant(_INT, on.count)) as (j, _):
        columns(j, None)
    with builder.if_then(builder.icmp_signed("<", whole, n)):
        columns(whole, on.first(builder.sub(n, whole)))
    return context.make_tuple(builder, sig.return_type, [on.total(builder.load(place)) for place in sums])
