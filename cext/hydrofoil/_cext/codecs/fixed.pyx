"""Booleans, integers and floating point numbers.

Decoding cannot fail. Encoding takes exactly `bool` for boolean, `int` (no subclass, no bool) in range for
integers, and `float` for both widths; a double that is narrowed to a float is rounded as C does it, which
is how pyarrow converts it.
"""

from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact, PyFloat_FromDouble
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact, PyLong_FromLongLong
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t

from hydrofoil._cext.abi cimport bit_is_set, bytes_for_bits, set_bit
from hydrofoil._cext.codecs.base cimport LEFT, TAKEN, Decoder, Encoder
from hydrofoil._cext.columns cimport (
    Buffer,
    ColumnView,
    buffer_emit,
    buffer_ensure,
    buffer_free,
    buffer_grow,
)
from hydrofoil._cext.frames cimport FrameWriter

ctypedef fused Integer:
    int8_t
    int16_t
    int32_t
    int64_t


cdef class _FixedDecoder(Decoder):
    cdef const uint8_t* data

    cdef int attach(self, ColumnView view) except -1:
        self.data = view.data
        return 0


cdef class BoolDecoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return True if bit_is_set(self.data, i) else False


cdef class Int8Decoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return PyLong_FromLongLong((<const int8_t*>self.data)[i])


cdef class Int16Decoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return PyLong_FromLongLong((<const int16_t*>self.data)[i])


cdef class Int32Decoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return PyLong_FromLongLong((<const int32_t*>self.data)[i])


cdef class Int64Decoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return PyLong_FromLongLong((<const int64_t*>self.data)[i])


cdef class FloatDecoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return PyFloat_FromDouble((<const float*>self.data)[i])


cdef class DoubleDecoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return PyFloat_FromDouble((<const double*>self.data)[i])


cdef class _FixedEncoder(Encoder):
    cdef Buffer values
    cdef Py_ssize_t width

    def __cinit__(self, *, nullable=True):
        self.nullable = nullable
        self.restores = True

    def __dealloc__(self):
        buffer_free(&self.values)

    cdef inline int reserve(self) except -1:
        return buffer_ensure(&self.values, (self.length + 1) * self.width)

    cdef int append_null(self) except -1:
        cdef Py_ssize_t k
        self.mark_null()
        self.reserve()
        for k in range(self.width):
            self.values.data[self.length * self.width + k] = 0
        self.length += 1
        return 0

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        self.values.size = self.length * self.width
        return buffer_emit(&self.values, writer)


cdef class BoolEncoder(Encoder):
    cdef Buffer values

    def __cinit__(self, *, nullable=True):
        self.nullable = nullable
        self.restores = True

    def __dealloc__(self):
        buffer_free(&self.values)

    cdef inline int put(self, bint value) except -1:
        cdef Py_ssize_t at = self.length >> 3
        if at >= self.values.capacity:
            buffer_grow(&self.values, at + 1, 0)
        if self.length & 7 == 0:
            self.values.data[at] = 0
        if value:
            set_bit(self.values.data, self.length)
        self.length += 1
        return 0

    cdef int write(self, object value) except -1:
        if value is True:
            self.put(True)
        elif value is False:
            self.put(False)
        elif value is None:
            return self.write_null()
        else:
            return LEFT
        return TAKEN

    cdef int append_null(self) except -1:
        self.mark_null()
        return self.put(False)

    cdef object restore(self, Py_ssize_t i):
        if self.is_null(i):
            return None
        return True if bit_is_set(self.values.data, i) else False

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        self.values.size = bytes_for_bits(self.length)
        return buffer_emit(&self.values, writer)


cdef inline int put_integer(_FixedEncoder encoder, object value, Integer* kind) except -1:
    # `kind` is never read: it selects the width.
    cdef int overflow = 0
    cdef long long number
    if value is None:
        return encoder.write_null()
    if not PyLong_CheckExact(value):
        return LEFT
    number = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow or <Integer>number != number:
        return LEFT
    encoder.reserve()
    (<Integer*>encoder.values.data)[encoder.length] = <Integer>number
    encoder.length += 1
    return TAKEN


cdef class Int8Encoder(_FixedEncoder):
    def __cinit__(self, *, nullable=True):
        self.width = 1

    cdef int write(self, object value) except -1:
        return put_integer(self, value, <int8_t*>NULL)

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else (<int8_t*>self.values.data)[i]


cdef class Int16Encoder(_FixedEncoder):
    def __cinit__(self, *, nullable=True):
        self.width = 2

    cdef int write(self, object value) except -1:
        return put_integer(self, value, <int16_t*>NULL)

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else (<int16_t*>self.values.data)[i]


cdef class Int32Encoder(_FixedEncoder):
    def __cinit__(self, *, nullable=True):
        self.width = 4

    cdef int write(self, object value) except -1:
        return put_integer(self, value, <int32_t*>NULL)

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else (<int32_t*>self.values.data)[i]


cdef class Int64Encoder(_FixedEncoder):
    def __cinit__(self, *, nullable=True):
        self.width = 8

    cdef int write(self, object value) except -1:
        return put_integer(self, value, <int64_t*>NULL)

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else (<int64_t*>self.values.data)[i]


cdef class FloatEncoder(_FixedEncoder):
    # A restored float has been rounded to the column's width; stock would round the original to the same.
    def __cinit__(self, *, nullable=True):
        self.width = 4

    cdef int write(self, object value) except -1:
        if value is None:
            return self.write_null()
        if not PyFloat_CheckExact(value):
            return LEFT
        self.reserve()
        (<float*>self.values.data)[self.length] = <float>PyFloat_AS_DOUBLE(value)
        self.length += 1
        return TAKEN

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else <double>(<float*>self.values.data)[i]


cdef class DoubleEncoder(_FixedEncoder):
    def __cinit__(self, *, nullable=True):
        self.width = 8

    cdef int write(self, object value) except -1:
        if value is None:
            return self.write_null()
        if not PyFloat_CheckExact(value):
            return LEFT
        self.reserve()
        (<double*>self.values.data)[self.length] = PyFloat_AS_DOUBLE(value)
        self.length += 1
        return TAKEN

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else (<double*>self.values.data)[i]
