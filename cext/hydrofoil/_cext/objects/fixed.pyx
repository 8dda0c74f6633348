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
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t
from libc.string cimport memcpy, memset

from hydrofoil._cext.abi cimport bit_is_set, bytes_for_bits, clear_bit, set_bit
from hydrofoil._cext.columns cimport (
    Buffer,
    ColumnView,
    buffer_emit,
    buffer_ensure,
    buffer_free,
    buffer_grow,
    buffer_put_bit,
)
from hydrofoil._cext.frames cimport FrameWriter
from hydrofoil._cext.objects.base cimport LEFT, TAKEN, Decoder, Encoder
from hydrofoil._cext.recycle cimport long_value, recycle_float, recycle_long

cdef extern from "Python.h":
    PyObject* Py_None
    PyObject* Py_True
    PyObject* Py_False

cdef inline int64_t integer_at(const uint8_t* data, Py_ssize_t width, Py_ssize_t i) noexcept:
    if width == 8:
        return (<const int64_t*>data)[i]
    if width == 4:
        return (<const int32_t*>data)[i]
    return (<const int16_t*>data)[i] if width == 2 else (<const int8_t*>data)[i]


cdef inline double floating_at(const uint8_t* data, Py_ssize_t width, Py_ssize_t i) noexcept:
    return (<const double*>data)[i] if width == 8 else (<const float*>data)[i]


cdef inline PyObject* null_in_place_of(PyObject* spare) noexcept:
    Py_XDECREF(spare)
    Py_INCREF(None)
    return Py_None


cdef class BoolDecoder(Decoder):
    cdef const uint8_t* data

    cdef int attach(self, ColumnView view) except -1:
        self.data = view.data
        return 0

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


cdef class _NumberDecoder(Decoder):
    # Of the width that the column has.
    cdef const uint8_t* data
    cdef Py_ssize_t width
    cdef bint floating

    cdef int attach(self, ColumnView view) except -1:
        self.data, self.width = view.data, view.width
        return 0

    cdef inline object value_at(self, Py_ssize_t i):
        if self.floating:
            return PyFloat_FromDouble(floating_at(self.data, self.width, i))
        return PyLong_FromLongLong(integer_at(self.data, self.width, i))

    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return self.value_at(i)

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        return self.again(i, spare)

    cdef int reread_list(self, Py_ssize_t first, Py_ssize_t size, PyObject** items) except -1:
        cdef Py_ssize_t k
        cdef PyObject* spare
        for k in range(size):
            spare, items[k] = items[k], NULL
            items[k] = self.again(first + k, spare)
        return 0

    cdef inline PyObject* again(self, Py_ssize_t i, PyObject* spare) except NULL:
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return null_in_place_of(spare)
        if self.floating:
            return recycle_float(spare, floating_at(self.data, self.width, i))
        return recycle_long(spare, integer_at(self.data, self.width, i))

    cdef list read_list(self, Py_ssize_t first, Py_ssize_t size):
        cdef Py_ssize_t k
        if self.validity != NULL:
            return Decoder.read_list(self, first, size)
        first += self.offset
        values = PyList_New(size)
        for k in range(size):
            value = self.value_at(first + k)
            Py_INCREF(value)
            PyList_SET_ITEM(values, k, value)
        return values


cdef class IntegerDecoder(_NumberDecoder):
    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        # Most columns are these, and have no nulls.
        if self.width == 8 and self.validity == NULL:
            return recycle_long(spare, (<const int64_t*>self.data)[i + self.offset])
        return self.again(i, spare)


cdef class FloatingDecoder(_NumberDecoder):
    def __cinit__(self):
        self.floating = True

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        if self.width == 8 and self.validity == NULL:
            return recycle_float(spare, (<const double*>self.data)[i + self.offset])
        return self.again(i, spare)


cdef class BoolEncoder(Encoder):
    cdef Buffer values

    def __cinit__(self, *, nullable=True):
        self.nullable = nullable
        self.restores = True

    def __dealloc__(self):
        buffer_free(&self.values)

    cdef inline int put(self, bint value) except -1:
        buffer_put_bit(&self.values, self.length, value)
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


cdef class _FixedEncoder(Encoder):
    cdef Buffer values
    cdef Py_ssize_t width

    def __cinit__(self, *args, **kwargs):
        self.restores = True

    def __dealloc__(self):
        buffer_free(&self.values)

    cdef inline uint8_t* reserve(self) except NULL:
        # Where the next value goes: eight bytes for any width, for the one after it comes later.
        cdef Py_ssize_t end = self.length * self.width
        buffer_ensure(&self.values, end + 8)
        return self.values.data + end

    cdef int append_null(self) except -1:
        self.mark_null()
        memset(self.reserve(), 0, 8)
        self.length += 1
        return 0

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        self.values.size = self.length * self.width
        return buffer_emit(&self.values, writer)


cdef class IntegerEncoder(_FixedEncoder):
    # Signed, of `width` bytes.
    cdef long long least
    cdef long long greatest

    def __cinit__(self, Py_ssize_t width, *, nullable=True):
        self.nullable = nullable
        self.width = width
        self.greatest = (<long long>1 << (8 * width - 2)) - 1 + (<long long>1 << (8 * width - 2))
        self.least = -self.greatest - 1

    cdef int write(self, object value) except -1:
        cdef int overflow = 0
        cdef long long number
        if value is None:
            return self.write_null()
        if not PyLong_CheckExact(value):
            return LEFT
        number = long_value(value, &overflow)
        if overflow:
            return LEFT
        # All that has not overflown has a place in eight bytes.
        if self.width != 8 and (number < self.least or number > self.greatest):
            return LEFT
        # Little-endian, as Arrow's IPC is here: the low bytes come first.
        memcpy(self.reserve(), &number, 8)
        self.length += 1
        return TAKEN

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else integer_at(self.values.data, self.width, i)


cdef class FloatingEncoder(_FixedEncoder):
    # Of `width` bytes. A restored float of four has been rounded to them; stock would round the
    # original to the same.
    #
    # Integers are taken too, as far as the width holds every one of them, as by pyarrow. They are
    # noted, so that stock, should it have to convert the batch, is given integers again.
    cdef Buffer integers
    cdef long long largest
    cdef bint exact
    # What is not a number becomes null.
    cdef bint nan_is_null

    def __cinit__(self, Py_ssize_t width, *, exact=False, nullable=True, nan_is_null=False):
        self.nullable = nullable
        self.restores = not nan_is_null
        self.width = width
        self.largest = <long long>1 << (53 if width == 8 else 24)
        self.exact, self.nan_is_null = exact, nan_is_null

    def __dealloc__(self):
        buffer_free(&self.integers)

    cdef int note_integer(self, object value, double* number) except -1:
        cdef int overflow = 0
        cdef long long integer
        cdef Py_ssize_t at = self.length >> 3
        if self.exact or not PyLong_CheckExact(value):
            return LEFT
        integer = long_value(value, &overflow)
        if overflow or not -self.largest <= integer <= self.largest:
            return LEFT
        if at >= self.integers.capacity:
            buffer_grow(&self.integers, at + 1, 0)
        set_bit(self.integers.data, self.length)
        self.integers.size = at + 1
        number[0] = <double>integer
        return TAKEN

    cdef int write(self, object value) except -1:
        cdef double number
        cdef uint8_t* target
        if PyFloat_CheckExact(value):
            number = PyFloat_AS_DOUBLE(value)
            if self.nan_is_null and number != number:
                return self.write_null()
        elif value is None:
            return self.write_null()
        elif self.note_integer(value, &number) == LEFT:
            return LEFT
        target = self.reserve()
        if self.width == 8:
            (<double*>target)[0] = number
        else:
            (<float*>target)[0] = <float>number
        self.length += 1
        return TAKEN

    cdef int write_items(self, list values) except -1:
        cdef Py_ssize_t k, size = PyList_GET_SIZE(values)
        cdef double* target
        cdef PyObject* value
        if self.width != 8:
            return Encoder.write_items(self, values)
        buffer_ensure(&self.values, (self.length + size) * 8)
        target = <double*>self.values.data + self.length
        for k in range(size):
            value = PyList_GET_ITEM(values, k)
            if not PyFloat_CheckExact(<object>value):
                return Encoder.write_items(self, values)
            target[k] = PyFloat_AS_DOUBLE(<object>value)
            if self.nan_is_null and target[k] != target[k]:
                return Encoder.write_items(self, values)
        self.length += size
        return TAKEN

    cdef object restore(self, Py_ssize_t i):
        if self.is_null(i):
            return None
        value = floating_at(self.values.data, self.width, i)
        if (i >> 3) < self.integers.size and bit_is_set(self.integers.data, i):
            return PyLong_FromDouble(value)
        return value

    cdef int reset(self) except -1:
        if self.integers.size:
            memset(self.integers.data, 0, self.integers.size)
            self.integers.size = 0
        return Encoder.reset(self)

    cdef int cut(self, Py_ssize_t length) except -1:
        cdef Py_ssize_t i
        for i in range(length, min(self.length, self.integers.size * 8)):
            clear_bit(self.integers.data, i)
        return Encoder.cut(self, length)
