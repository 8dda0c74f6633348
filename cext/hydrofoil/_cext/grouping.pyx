"""Rows in the order of their groups, by counting: one pass, where a sort takes several.

In: a code for each row. Out, into arrays of the caller's: where each code's rows begin, and the
rows in the order of their codes. Nothing is kept.
"""

from libc.stdint cimport int32_t, int64_t


def order_by_code(const int32_t[::1] codes, int64_t[::1] bounds, int64_t[::1] order):
    """Put the rows of each code together, in the order that they have among themselves.

    Parameters
    ----------
    codes : buffer of int32
        A code from 0 for each row.
    bounds : buffer of int64
        One longer than there are codes. Becomes where the rows of each code begin in ``order``; the
        last is where they end.
    order : buffer of int64
        As long as ``codes``. Becomes the rows' numbers.

    Raises
    ------
    ValueError
        If a code is negative or has no place in ``bounds``, or ``order`` is not as long as
        ``codes``.
    """
    cdef Py_ssize_t rows = codes.shape[0]
    cdef Py_ssize_t count = bounds.shape[0] - 1
    cdef Py_ssize_t i
    cdef int32_t code
    cdef int64_t start, size
    if order.shape[0] != rows:
        raise ValueError(f"order has {order.shape[0]} places for {rows} rows")
    if count < 0:
        raise ValueError("bounds has no place for the end of the rows")
    bounds[:] = 0
    for i in range(rows):
        code = codes[i]
        if code < 0 or code >= count:
            raise ValueError(f"the code of row {i} is {code}, which is none of {count}")
        bounds[code] += 1
    start = 0
    for i in range(count):
        size = bounds[i]
        bounds[i] = start
        start += size
    for i in range(rows):
        code = codes[i]
        order[bounds[code]] = i
        bounds[code] += 1
    # Each is now where the next one begins.
    for i in range(count, 0, -1):
        bounds[i] = bounds[i - 1]
    bounds[0] = 0
