"""Booleans, integers and floating point numbers.

Decoding cannot fail. Encoding takes exactly `bool` for boolean, `int` (no subclass, no bool) in
range for integers, and `float`, or `int` that is exact in the width, for floating point; a double
that is narrowed to a float is rounded as C does it, which is how pyarrow converts it. With `exact`,
floating point takes no `int`.
"""

from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact, PyFloat_FromDouble
from cpython.long cimport PyLong_CheckExact, PyLong_FromDouble, PyLong_FromLongLong
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE, PyList_New, PyList_SET_ITEM
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.string cimport memset
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t

from hydrofoil._cext.abi cimport bit_is_set, bytes_for_bits, set_bit
from hydrofoil._cext.objects.base cimport LEFT, TAKEN, Decoder, Encoder
from hydrofoil._cext.columns cimport (
    Buffer,
    ColumnView,
    buffer_emit,
    buffer_ensure,
    buffer_free,
    buffer_grow,
)
from hydrofoil._cext.frames cimport FrameWriter
from hydrofoil._cext.recycle cimport long_value, recycle_float, recycle_long

cdef extern from "Python.h":
    PyObject* Py_None
    PyObject* Py_True
    PyObject* Py_False

ctypedef fused Integer:
    int8_t
    int16_t
    int32_t
    int64_t

ctypedef fused Fixed:
    int8_t
    int16_t
    int32_t
    int64_t
    float
    double


cdef inline PyObject* null_in_place_of(PyObject* spare) noexcept:
    Py_XDECREF(spare)
    Py_INCREF(None)
    return Py_None


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

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        cdef PyObject* value = Py_True
        Py_XDECREF(spare)
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            value = Py_None
        elif not bit_is_set(self.data, i):
            value = Py_False
        Py_INCREF(<object>value)
        return value


# What every width does alike. `kind` is never read: it selects the width.

cdef inline object value_at(_FixedDecoder decoder, Py_ssize_t i, Fixed* kind):
    i += decoder.offset
    if decoder.validity != NULL and not bit_is_set(decoder.validity, i):
        return None
    if Fixed is float or Fixed is double:
        return PyFloat_FromDouble((<const Fixed*>decoder.data)[i])
    else:
        return PyLong_FromLongLong((<const Fixed*>decoder.data)[i])


cdef inline PyObject* value_again(
    _FixedDecoder decoder, Py_ssize_t i, PyObject* spare, Fixed* kind
) except NULL:
    i += decoder.offset
    if decoder.validity != NULL and not bit_is_set(decoder.validity, i):
        return null_in_place_of(spare)
    if Fixed is float or Fixed is double:
        return recycle_float(spare, (<const Fixed*>decoder.data)[i])
    else:
        return recycle_long(spare, (<const Fixed*>decoder.data)[i])


cdef inline list values_from(
    _FixedDecoder decoder, Py_ssize_t first, Py_ssize_t size, Fixed* kind
):
    cdef Py_ssize_t k
    if decoder.validity != NULL:
        return Decoder.read_list(decoder, first, size)
    values = PyList_New(size)
    for k in range(size):
        value = value_at(decoder, first + k, kind)
        Py_INCREF(value)
        PyList_SET_ITEM(values, k, value)
    return values


cdef class Int8Decoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        return value_at(self, i, <int8_t*>NULL)

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        return value_again(self, i, spare, <int8_t*>NULL)

    cdef list read_list(self, Py_ssize_t first, Py_ssize_t size):
        return values_from(self, first, size, <int8_t*>NULL)


cdef class Int16Decoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        return value_at(self, i, <int16_t*>NULL)

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        return value_again(self, i, spare, <int16_t*>NULL)

    cdef list read_list(self, Py_ssize_t first, Py_ssize_t size):
        return values_from(self, first, size, <int16_t*>NULL)


cdef class Int32Decoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        return value_at(self, i, <int32_t*>NULL)

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        return value_again(self, i, spare, <int32_t*>NULL)

    cdef list read_list(self, Py_ssize_t first, Py_ssize_t size):
        return values_from(self, first, size, <int32_t*>NULL)


cdef class Int64Decoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        return value_at(self, i, <int64_t*>NULL)

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        return value_again(self, i, spare, <int64_t*>NULL)

    cdef list read_list(self, Py_ssize_t first, Py_ssize_t size):
        return values_from(self, first, size, <int64_t*>NULL)


cdef class FloatDecoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        return value_at(self, i, <float*>NULL)

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        return value_again(self, i, spare, <float*>NULL)

    cdef list read_list(self, Py_ssize_t first, Py_ssize_t size):
        return values_from(self, first, size, <float*>NULL)


cdef class DoubleDecoder(_FixedDecoder):
    cdef object read(self, Py_ssize_t i):
        return value_at(self, i, <double*>NULL)

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        return value_again(self, i, spare, <double*>NULL)

    cdef list read_list(self, Py_ssize_t first, Py_ssize_t size):
        return values_from(self, first, size, <double*>NULL)


cdef class _FixedEncoder(Encoder):
    cdef Buffer values
    cdef Py_ssize_t width
    # Of floating types: what is not a number becomes null.
    cdef bint nan_is_null

    def __cinit__(self, *, exact=False, nullable=True, nan_is_null=False):
        self.nan_is_null = nan_is_null
        self.nullable = nullable
        self.restores = not nan_is_null

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
    number = long_value(value, &overflow)
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


cdef class _FloatingEncoder(_FixedEncoder):
    # Integers are taken too, as far as the width holds every one of them, as by pyarrow. They are
    # noted, so that stock, should it have to convert the batch, is given integers again.
    cdef Buffer integers
    cdef long long largest
    cdef bint exact

    def __cinit__(self, *, exact=False, nullable=True, nan_is_null=False):
        self.exact = exact

    def __dealloc__(self):
        buffer_free(&self.integers)

    cdef int note_integer(self, object value, long long* number) except -1:
        cdef int overflow = 0
        cdef Py_ssize_t at = self.length >> 3
        if self.exact or not PyLong_CheckExact(value):
            return LEFT
        number[0] = long_value(value, &overflow)
        if overflow or not -self.largest <= number[0] <= self.largest:
            return LEFT
        if at >= self.integers.capacity:
            buffer_grow(&self.integers, at + 1, 0)
        set_bit(self.integers.data, self.length)
        self.integers.size = at + 1
        return TAKEN

    cdef inline object as_written(self, Py_ssize_t i, double value):
        if (i >> 3) < self.integers.size and bit_is_set(self.integers.data, i):
            return PyLong_FromDouble(value)
        return value

    cdef int reset(self) except -1:
        if self.integers.size:
            memset(self.integers.data, 0, self.integers.size)
            self.integers.size = 0
        return _FixedEncoder.reset(self)


cdef class FloatEncoder(_FloatingEncoder):
    # A restored float has been rounded to the column's width; stock would round the original to the
    # same.
    def __cinit__(self, *, exact=False, nullable=True, nan_is_null=False):
        self.width = 4
        self.largest = 1 << 24

    cdef int write(self, object value) except -1:
        cdef long long number
        cdef float narrow
        if PyFloat_CheckExact(value):
            narrow = <float>PyFloat_AS_DOUBLE(value)
            if self.nan_is_null and narrow != narrow:
                return self.write_null()
        elif value is None:
            return self.write_null()
        elif self.note_integer(value, &number) == TAKEN:
            narrow = <float>number
        else:
            return LEFT
        self.reserve()
        (<float*>self.values.data)[self.length] = narrow
        self.length += 1
        return TAKEN

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else self.as_written(i, (<float*>self.values.data)[i])


cdef class DoubleEncoder(_FloatingEncoder):
    def __cinit__(self, *, exact=False, nullable=True, nan_is_null=False):
        self.width = 8
        self.largest = <long long>1 << 53

    cdef int write(self, object value) except -1:
        cdef long long number
        cdef double wide
        if PyFloat_CheckExact(value):
            wide = PyFloat_AS_DOUBLE(value)
            if self.nan_is_null and wide != wide:
                return self.write_null()
        elif value is None:
            return self.write_null()
        elif self.note_integer(value, &number) == TAKEN:
            wide = <double>number
        else:
            return LEFT
        self.reserve()
        (<double*>self.values.data)[self.length] = wide
        self.length += 1
        return TAKEN

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else self.as_written(i, (<double*>self.values.data)[i])

    cdef int write_items(self, list values) except -1:
        cdef Py_ssize_t k, size = PyList_GET_SIZE(values)
        cdef double* target
        cdef PyObject* value
        buffer_ensure(&self.values, (self.length + size) * 8)
        target = <double*>self.values.data + self.length
        for k in range(size):
            value = PyList_GET_ITEM(values, k)
            if not PyFloat_CheckExact(<object>value):
                return _FixedEncoder.write_items(self, values)
            target[k] = PyFloat_AS_DOUBLE(<object>value)
            if self.nan_is_null and target[k] != target[k]:
                return _FixedEncoder.write_items(self, values)
        self.length += size
        return TAKEN
