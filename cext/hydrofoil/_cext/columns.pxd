# Where a column's values are, and memory that builders append to; columns.pyx says who owns what.

from libc.stdint cimport int64_t, uint8_t

from hydrofoil._cext.abi cimport ArrowArray, ArrowSchema, set_bit
from hydrofoil._cext.frames cimport Frame, FrameWriter


cdef enum Layout:
    LAYOUT_NULL
    LAYOUT_BITS       # one bit a value
    LAYOUT_FIXED      # `width` bytes a value
    LAYOUT_VARLEN     # offsets of `width` bytes, then bytes
    LAYOUT_LIST       # offsets of `width` bytes, one child
    LAYOUT_STRUCT


cdef class ColumnView:
    cdef Layout layout
    cdef readonly Py_ssize_t width
    cdef readonly str format
    cdef readonly str name
    cdef readonly list children
    cdef object owner
    cdef readonly Py_ssize_t length
    cdef readonly Py_ssize_t offset
    cdef readonly Py_ssize_t null_count
    cdef const uint8_t* validity
    cdef const uint8_t* data
    cdef const uint8_t* var
    cdef Py_ssize_t var_size

    cdef int describe(self, ArrowSchema* schema) except -1
    cdef int take(self, Frame frame) except -1
    cdef int check(self, ArrowSchema* schema) except -1
    cdef int borrow(self, ArrowArray* array, object owner) except -1
    cdef int _check_offsets(self, Py_ssize_t limit) except -1
    cdef void drop(self) noexcept


cdef enum:
    # What offsets of 32 bits reach.
    MAX_NARROW_OFFSET = 0x7FFFFFFF


cdef int bind_columns(Frame frame, list views) except -1


cdef struct Buffer:
    uint8_t* data
    Py_ssize_t size
    Py_ssize_t capacity


cdef int buffer_grow(Buffer* buffer, Py_ssize_t needed, uint8_t fill) except -1
cdef void buffer_free(Buffer* buffer) noexcept
cdef int buffer_emit(Buffer* buffer, FrameWriter writer) except -1


cdef inline int buffer_ensure(Buffer* buffer, Py_ssize_t needed) except -1:
    if needed > buffer.capacity:
        return buffer_grow(buffer, needed, 0)
    return 0


cdef inline int buffer_put_bit(Buffer* buffer, Py_ssize_t i, bint value) except -1:
    # Append bit `i`.
    if i >> 3 >= buffer.capacity:
        buffer_grow(buffer, (i >> 3) + 1, 0)
    if i & 7 == 0:
        buffer.data[i >> 3] = 0
    if value:
        set_bit(buffer.data, i)
    return 0


cdef inline int buffer_append(Buffer* buffer, const void* data, Py_ssize_t size) except -1:
    if size:  # Nothing has no address.
        buffer_ensure(buffer, buffer.size + size)
        copy_bytes(buffer.data + buffer.size, data, size)
        buffer.size += size
    return 0


cdef extern from "string.h":
    void copy_bytes "memcpy"(void* target, const void* source, size_t size) noexcept nogil
