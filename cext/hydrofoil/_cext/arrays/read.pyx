"""Columns as NumPy arrays, with the dtypes and values that pyarrow's ``to_pandas`` gives.

In: a bound `ColumnView`; out: a one-dimensional array. Where values lie in the column as NumPy has
them, the array is a read-only view that keeps the frame's body alive; otherwise it is new.
"""

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport (
    INT64_MAX,
    INT64_MIN,
    int8_t,
    int16_t,
    int32_t,
    int64_t,
    uint8_t,
)
from libc.string cimport memset

import numpy

from hydrofoil._cext.abi cimport bit_is_set
from hydrofoil._cext.columns cimport ColumnView
from hydrofoil._cext.objects.base cimport Decoder
from hydrofoil._cext.objects.base import UndecodableColumn

cdef object empty = numpy.empty
cdef object frombuffer = numpy.frombuffer
cdef object OBJECT = numpy.dtype(object)
cdef object BOOL = numpy.dtype(bool)
cdef object INT64 = numpy.dtype("int64")
cdef object FLOAT64 = numpy.dtype("float64")
cdef object DATETIME_NS = numpy.dtype("datetime64[ns]")

# Microseconds beyond which nanoseconds don't fit.
cdef int64_t MAX_MICROSECONDS = INT64_MAX // 1000

cdef enum:
    CACHE_SIZE = 1024
    # Where so few of the first rows equal one before, no more are compared.
    FIRST_ROWS = 2048
    FEW = 64

ctypedef fused Number:
    int8_t
    int16_t
    int32_t
    int64_t
    float
    double


cdef class ArrayReader:
    """Reads one column of one type; see the module."""

    def read(self, ColumnView view not None):
        """The column's values as an array.

        Raises
        ------
        UndecodableColumn
            If the column holds a value that stock should stumble over.
        """
        raise NotImplementedError


cdef inline void spread(Number* source, uint8_t* validity, double* target, Py_ssize_t n) noexcept:
    cdef Py_ssize_t i
    for i in range(n):
        target[i] = <double>source[i] if bit_is_set(validity, i) else float("nan")


cdef class NumberReader(ArrayReader):
    """Integers and floating point: a view; integers with nulls are float64 with NaN."""

    cdef object dtype
    cdef str kind

    def __cinit__(self, dtype):
        self.dtype = numpy.dtype(dtype)
        self.kind = self.dtype.char

    def read(self, ColumnView view not None):
        cdef Py_buffer target
        cdef Py_ssize_t n = view.length, i
        cdef uint8_t* validity = <uint8_t*>view.validity
        if n == 0:
            array = empty(0, self.dtype)
            array.flags.writeable = False
            return array
        if validity == NULL:
            return frombuffer(
                view.owner, self.dtype, n, <const char*>view.data - PyBytes_AS_STRING(view.owner)
            )
        array = empty(n, self.dtype if self.kind == "f" else FLOAT64)
        PyObject_GetBuffer(array, &target, PyBUF_WRITABLE)
        if self.kind == "b":
            spread(<int8_t*>view.data, validity, <double*>target.buf, n)
        elif self.kind == "h":
            spread(<int16_t*>view.data, validity, <double*>target.buf, n)
        elif self.kind == "i":
            spread(<int32_t*>view.data, validity, <double*>target.buf, n)
        elif self.kind == "l":
            spread(<int64_t*>view.data, validity, <double*>target.buf, n)
        elif self.kind == "d":
            spread(<double*>view.data, validity, <double*>target.buf, n)
        else:
            for i in range(n):
                (<float*>target.buf)[i] = (
                    (<float*>view.data)[i] if bit_is_set(validity, i) else <float>float("nan")
                )
        PyBuffer_Release(&target)
        return array


cdef class BoolReader(ArrayReader):
    """Booleans: one byte a value; with nulls, objects."""

    def read(self, ColumnView view not None):
        cdef Py_buffer target
        cdef Py_ssize_t n = view.length, i
        cdef PyObject** slots
        if view.validity != NULL:
            array = empty(n, OBJECT)
            PyObject_GetBuffer(array, &target, PyBUF_WRITABLE)
            slots = <PyObject**>target.buf
            for i in range(n):
                if bit_is_set(view.validity, i):
                    put(slots + i, True if bit_is_set(view.data, i) else False)
                else:
                    put(slots + i, None)
        else:
            array = empty(n, BOOL)
            PyObject_GetBuffer(array, &target, PyBUF_WRITABLE)
            for i in range(n):
                (<uint8_t*>target.buf)[i] = bit_is_set(view.data, i)
        PyBuffer_Release(&target)
        return array


cdef class TimestampReader(ArrayReader):
    """Timestamps in microseconds as nanoseconds without a zone.

    Parameters
    ----------
    localize : callable, optional
        (instants as an int64 array) -> local times as one; without it they are the same.
    """

    cdef object localize

    def __cinit__(self, localize=None):
        self.localize = localize

    def read(self, ColumnView view not None):
        cdef Py_buffer local
        cdef Py_ssize_t n = view.length
        if self.localize is None or n == 0:
            return self.nanoseconds(view, <const int64_t*>view.data)
        array = self.localize(frombuffer(
            view.owner, INT64, n, <const char*>view.data - PyBytes_AS_STRING(view.owner)
        ))
        PyObject_GetBuffer(array, &local, PyBUF_C_CONTIGUOUS)
        try:
            if local.len != n * 8:
                raise UndecodableColumn(f"{local.len} bytes of local times for {n} instants")
            return self.nanoseconds(view, <const int64_t*>local.buf)
        finally:
            PyBuffer_Release(&local)

    cdef object nanoseconds(self, ColumnView view, const int64_t* source):
        cdef Py_buffer target
        cdef Py_ssize_t n = view.length, i
        cdef int64_t* values
        cdef bint wrong = False
        array = empty(n, INT64)
        PyObject_GetBuffer(array, &target, PyBUF_WRITABLE)
        values = <int64_t*>target.buf
        for i in range(n):
            if view.validity != NULL and not bit_is_set(view.validity, i):
                values[i] = INT64_MIN
                continue
            wrong |= source[i] > MAX_MICROSECONDS or source[i] < -MAX_MICROSECONDS
            values[i] = <int64_t>(<unsigned long long>source[i] * 1000)
        PyBuffer_Release(&target)
        if wrong:
            raise UndecodableColumn("a timestamp that does not fit nanoseconds")
        array = array.view(DATETIME_NS)
        if view.validity == NULL:
            array.flags.writeable = False
        return array


cdef inline void put(PyObject** slot, object value) noexcept:
    # NumPy's new object arrays hold NULL or None.
    cdef PyObject* before = slot[0]
    Py_INCREF(value)
    slot[0] = <PyObject*>value
    Py_XDECREF(before)


cdef class ObjectReader(ArrayReader):
    """Values that NumPy has as objects, made by a decoder.

    Equal values of a batch are the same object where that is cheap to find out, as pyarrow makes
    them; it keeps columns of few distinct values small.
    """

    cdef Decoder decoder

    def __cinit__(self, Decoder decoder not None):
        self.decoder = decoder

    def read(self, ColumnView view not None):
        cdef Py_buffer target
        cdef Py_ssize_t n = view.length, i
        cdef PyObject** slots
        # Rows before this one, by their digests.
        cdef Py_ssize_t seen[CACHE_SIZE]
        cdef Py_ssize_t* place
        cdef Py_ssize_t equal = 0
        self.decoder.bind(view)
        array = empty(n, OBJECT)
        PyObject_GetBuffer(array, &target, PyBUF_WRITABLE)
        slots = <PyObject**>target.buf
        try:
            i = 0
            if self.decoder.repeats:
                memset(seen, 0xFF, sizeof(seen))
                while i < n and (i != FIRST_ROWS or equal >= FEW):
                    place = seen + self.decoder.digest(i) % CACHE_SIZE
                    if place[0] >= 0 and self.decoder.same_at(i, place[0]):
                        put(slots + i, <object>slots[place[0]])
                        equal += 1
                    else:
                        put(slots + i, self.decoder.read(i))
                        place[0] = i
                    i += 1
            while i < n:
                put(slots + i, self.decoder.read(i))
                i += 1
            return array
        finally:
            PyBuffer_Release(&target)
            self.decoder.unbind()
