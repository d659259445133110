"""Ask for memory before it is needed, from a kernel compiled by numba.

Processors foresee a walk up through memory, but not one down row by row, each
row read upwards, as a backward pass goes.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

CACHE_LINE_BYTES = 64

_READ, _KEEP_IN_ALL_CACHES, _DATA = 0, 3, 1


@intrinsic
def prefetch(typing_context, array, row, query, key):
    """Bring the cache line of ``array[row, query, key]`` closer.

    For compiled code, which does not give the context.

    Arguments
    ---------
    typing_context : object
        Given by numba.
    array : np.ndarray
        With 3 axes.
    row : int
        Index along the first, in the array.
    query : int
        Index along the second, in the array.
    key : int
        Index along the third, in the array.

    Returns
    -------
    signature : object
        What numba is to know of the call.
    generate : Callable
        Writes the instruction.
    """
    signature = types.void(array, types.intp, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        """Write the instruction."""
        array_type = signature.args[0]
        struct = context.make_array(array_type)(context, builder, arguments[0])
        place = cgutils.get_item_pointer(
            context, builder, array_type, struct, arguments[1:]
        )
        word = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, *[word] * 3]),
            "llvm.prefetch.p0",
        )
        hints = [word(_READ), word(_KEEP_IN_ALL_CACHES), word(_DATA)]
        place = builder.bitcast(place, cgutils.voidptr_t)
        builder.call(function, [place, *hints])
        return context.get_dummy_value()

    return signature, generate
