# What builders of strings and binary share: one value after another in memory of their own.

from cpython.exc cimport PyErr_Clear
from libc.stdint cimport int32_t, int64_t

from hydrofoil._cext.columns cimport (
    Buffer,
    MAX_NARROW_OFFSET,
    buffer_append,
    buffer_emit,
    buffer_ensure,
    buffer_free,
)
from hydrofoil._cext.frames cimport FrameWriter
from hydrofoil._cext.text cimport put_text, room_for

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size)  # NULL with an error set
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    void* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)


cdef enum:
    MOST_ROOM = 1 << 20


cdef struct VarBuffer:
    Buffer offsets  # of 64 bits if `wide`, else of 32
    Buffer data
    bint wide


cdef inline int var_end(VarBuffer* values, Py_ssize_t i) except -1:
    # Value `i` ends where the data do. Slot 0 is the first value's start, which is always zero.
    if values.wide:
        buffer_ensure(&values.offsets, (i + 2) * 8)
        (<int64_t*>values.offsets.data)[i + 1] = values.data.size
    else:
        buffer_ensure(&values.offsets, (i + 2) * 4)
        (<int32_t*>values.offsets.data)[i + 1] = <int32_t>values.data.size
    return 0


cdef inline bint var_put(
    VarBuffer* values, Py_ssize_t i, const char* data, Py_ssize_t size
) except -1:
    # Append value `i`; False, with nothing done, if offsets cannot reach its end.
    if not values.wide and values.data.size + size > MAX_NARROW_OFFSET:
        return False
    buffer_append(&values.data, data, size)
    var_end(values, i)
    return True


cdef inline Py_ssize_t var_start(VarBuffer* values, Py_ssize_t i) noexcept:
    # Where value `i` begins, which is where the one before it ends.
    if values.wide:
        return (<int64_t*>values.offsets.data)[i]
    return (<int32_t*>values.offsets.data)[i]


cdef inline int var_emit(VarBuffer* values, Py_ssize_t length, FrameWriter writer) except -1:
    cdef Py_ssize_t width = 8 if values.wide else 4
    buffer_ensure(&values.offsets, width)
    values.offsets.size = (length + 1) * width
    buffer_emit(&values.offsets, writer)
    return buffer_emit(&values.data, writer)


cdef inline void var_free(VarBuffer* values) noexcept:
    buffer_free(&values.offsets)
    buffer_free(&values.data)


cdef inline bint var_put_text(VarBuffer* values, Py_ssize_t i, object text) except -1:
    # Append a string as value `i`; False, with nothing done, if it has lone surrogates or offsets
    # cannot reach its end.
    cdef const char* data
    cdef Py_ssize_t size, room
    if PyUnicode_IS_COMPACT_ASCII(text):
        return var_put(
            values, i, <const char*>PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text)
        )
    room = room_for(text)
    if room > MOST_ROOM:
        # A buffer that is longer than what is in it by a part of this would be memory wasted.
        data = PyUnicode_AsUTF8AndSize(text, &size)
        if data == NULL:
            PyErr_Clear()
            return False
        return var_put(values, i, data, size)
    buffer_ensure(&values.data, values.data.size + room)
    size = put_text(text, <char*>values.data.data + values.data.size)
    if size < 0 or (not values.wide and values.data.size + size > MAX_NARROW_OFFSET):
        return False
    values.data.size += size
    var_end(values, i)
    return True
