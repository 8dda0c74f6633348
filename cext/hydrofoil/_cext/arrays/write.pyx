"""Arrays of results as columns: what ``pyarrow.Array.from_pandas`` makes of them under stock.

In: one-dimensional arrays whose dtype is that of the declared type, or objects that are exactly
its values. They are appended whole or not at all: an array that holds anything else is left to
stock's conversion. What pandas takes for missing (None, NaN, NaT) becomes null.
"""

from cpython.buffer cimport (
    PyBUF_FORMAT,
    PyBUF_SIMPLE,
    PyBUF_STRIDES,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.datetime cimport PyDate_CheckExact, date_day, date_month, date_year, import_datetime
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_CheckExact
from cython cimport floating
from libc.math cimport isnan
from libc.stdint cimport INT64_MIN, int32_t, int64_t, uint8_t
from libc.string cimport memcpy

import numpy

from hydrofoil._cext.abi cimport bit_is_set, bytes_for_bits, set_bit
from hydrofoil._cext.civil cimport days_of_civil
from hydrofoil._cext.columns cimport (
    Buffer,
    ColumnView,
    buffer_emit,
    buffer_ensure,
    buffer_free,
    buffer_put_bit,
)
from hydrofoil._cext.frames cimport FrameWriter
from hydrofoil._cext.objects.base cimport LEFT, TAKEN, Encoder
from hydrofoil._cext.recycle cimport long_value
from hydrofoil._cext.varbuffer cimport (
    VarBuffer,
    var_emit,
    var_free,
    var_put,
    var_put_text,
    var_start,
)

import_datetime()

cdef object float64 = numpy.float64
cdef object int64 = numpy.int64
cdef object bool_ = numpy.bool_
cdef object datetime_dtypes = {
    numpy.dtype("datetime64[ns]"): 1000,
    numpy.dtype("datetime64[us]"): 1,
}


cdef bint open_buffer(object array, Py_buffer* source):
    # NumPy has no buffer of some dtypes, such as times.
    try:
        PyObject_GetBuffer(array, source, PyBUF_STRIDES | PyBUF_FORMAT)
    except Exception:
        return False
    return True


cdef class ArrayWriter(Encoder):
    """Appends arrays, and single results of aggregates, to one column."""

    cdef int put_array(self, object array) except -1:
        # TAKEN or LEFT; what was appended before it was left is taken back by the caller.
        raise NotImplementedError

    cdef int write(self, object value) except -1:
        # A single result: as the only one of a Series, or one of several of the same type.
        if value is None:
            self.append_null()
            return TAKEN
        return LEFT

    cdef int cut(self, Py_ssize_t length) except -1:
        # Forget all values from `length` on.
        raise NotImplementedError

    cdef Py_ssize_t byte_size(self) noexcept:
        # Roughly what the column takes by now.
        return 0

    cdef int cut_validity(self, Py_ssize_t length) except -1:
        cdef Py_ssize_t i
        if self.null_count:
            for i in range(length, min(self.length, self.validity.capacity * 8)):
                if not bit_is_set(self.validity.data, i):
                    set_bit(self.validity.data, i)
                    self.null_count -= 1
        self.length = length
        return 0

    cdef int mark_null_at(self, Py_ssize_t i) except -1:
        # `mark_null` for a value that is there already.
        cdef Py_ssize_t length = self.length
        self.length = i
        try:
            self.mark_null()
        finally:
            self.length = length
        return 0

    def extend(self, array):
        """Append all values of a one-dimensional array; False if it is left to stock."""
        cdef Py_ssize_t before = self.length
        if self.put_array(array) == TAKEN:
            return True
        self.cut(before)
        return False

    def append(self, value, Py_ssize_t count=1):
        """Append a single result ``count`` times; False if it is left to stock."""
        cdef Py_ssize_t before = self.length
        while self.length < before + count:
            if self.write(value) == LEFT:
                self.cut(before)
                return False
        return True

    def truncate(self, Py_ssize_t length):
        """Forget all values from the given row on."""
        self.cut(length)

    def clear(self):
        """Forget all values, and keep the memory."""
        self.reset()

    def nbytes(self):
        """Bytes of the values."""
        return self.byte_size()


cdef class _FixedWriter(ArrayWriter):
    cdef Buffer values
    cdef Py_ssize_t width

    def __dealloc__(self):
        buffer_free(&self.values)

    cdef int cut(self, Py_ssize_t length) except -1:
        return self.cut_validity(length)

    cdef Py_ssize_t byte_size(self) noexcept:
        return self.length * self.width

    cdef inline uint8_t* reserve(self, Py_ssize_t count) except NULL:
        # One more than none, so that there always is memory to point to.
        buffer_ensure(&self.values, (self.length + count + 1) * self.width)
        return self.values.data + self.length * self.width

    cdef int append_null(self) except -1:
        cdef Py_ssize_t k
        cdef uint8_t* target = self.reserve(1)
        self.mark_null()
        for k in range(self.width):
            target[k] = 0
        self.length += 1
        return 0

    cdef int put_strided(self, object array, bytes kinds) except -1:
        # Values as they are, if their format is one of `kinds`.
        cdef Py_buffer source
        cdef Py_ssize_t i, n
        cdef uint8_t* target
        if not open_buffer(array, &source):
            return LEFT
        try:
            if (
                source.ndim != 1 or source.itemsize != self.width or source.format == NULL
                or source.format[0] not in kinds or source.format[1] != 0
            ):
                return LEFT
            n = source.shape[0]
            target = self.reserve(n)
            if source.strides[0] == self.width:
                memcpy(target, source.buf, n * self.width)
            else:
                for i in range(n):
                    memcpy(
                        target + i * self.width,
                        <uint8_t*>source.buf + i * source.strides[0],
                        self.width,
                    )
            self.length += n
            return TAKEN
        finally:
            PyBuffer_Release(&source)

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        self.values.size = self.length * self.width
        return buffer_emit(&self.values, writer)


cdef class IntegerWriter(_FixedWriter):
    """Signed integers of ``width`` bytes."""

    def __cinit__(self, Py_ssize_t width):
        self.width = width

    cdef int put_array(self, object array) except -1:
        return self.put_strided(array, b"bhilq")

    cdef int write(self, object value) except -1:
        cdef int overflow = 0
        cdef long long number, limit
        cdef uint8_t* target
        if value is None:
            self.append_null()
            return TAKEN
        if type(value) is int64:
            value = int(value)
        if not PyLong_CheckExact(value):
            return LEFT
        number = long_value(value, &overflow)
        if overflow:
            return LEFT
        if self.width < 8:
            limit = <long long>1 << (8 * self.width - 1)
            if not -limit <= number < limit:
                return LEFT
        target = self.reserve(1)
        # Little-endian, as Arrow's IPC is here: the low bytes come first.
        memcpy(target, &number, self.width)
        self.length += 1
        return TAKEN


cdef int mark_nan(_FixedWriter writer, Py_ssize_t start, const floating* values) except -1:
    # From row `start` on, what is not a number is null. Most columns have none to mark.
    cdef Py_ssize_t i
    cdef bint missing = False
    for i in range(start, writer.length):
        missing |= isnan(values[i])
    if missing:
        for i in range(start, writer.length):
            if isnan(values[i]):
                writer.mark_null_at(i)
    return 0


cdef class DoubleWriter(_FixedWriter):
    """64-bit floating point; NaN is missing."""

    def __cinit__(self):
        self.width = 8

    cdef int put_array(self, object array) except -1:
        cdef Py_ssize_t start = self.length
        if self.put_strided(array, b"d") == LEFT:
            return LEFT
        mark_nan(self, start, <const double*>self.values.data)
        return TAKEN

    cdef int write(self, object value) except -1:
        cdef double number
        if value is None:
            self.append_null()
            return TAKEN
        if not PyFloat_CheckExact(value) and type(value) is not float64:
            return LEFT
        number = PyFloat_AS_DOUBLE(value)
        if isnan(number):
            self.append_null()
            return TAKEN
        (<double*>self.reserve(1))[0] = number
        self.length += 1
        return TAKEN


cdef class FloatWriter(_FixedWriter):
    """32-bit floating point; NaN is missing."""

    def __cinit__(self):
        self.width = 4

    cdef int put_array(self, object array) except -1:
        cdef Py_ssize_t start = self.length
        if self.put_strided(array, b"f") == LEFT:
            return LEFT
        mark_nan(self, start, <const float*>self.values.data)
        return TAKEN


cdef class TimestampWriter(_FixedWriter):
    """Timestamps in microseconds; nanoseconds must be whole microseconds.

    Parameters
    ----------
    instants : callable, optional
        (local times) -> the instants to be written; without it they are the same.
    """

    cdef object instants

    def __cinit__(self, instants=None):
        self.width = 8
        self.instants = instants

    def localized(self, times):
        """What `extend` takes for an array of pandas' of times without a zone."""
        return times._ndarray if self.instants is None else self.instants(times)

    cdef int put_array(self, object array) except -1:
        cdef Py_ssize_t start = self.length, i
        cdef int64_t* values
        cdef int64_t unit
        cdef bint rest = False
        scale = datetime_dtypes.get(getattr(array, "dtype", None))
        if scale is None:
            return LEFT
        unit = scale
        if self.put_strided(array.view("int64"), b"lq") == LEFT:
            return LEFT
        values = <int64_t*>self.values.data
        for i in range(start, self.length):
            if values[i] == INT64_MIN:
                self.mark_null_at(i)
            elif unit != 1:
                rest |= values[i] % unit != 0
                values[i] = values[i] // unit
        return LEFT if rest else TAKEN


cdef class DateWriter(_FixedWriter):
    """Objects that are exactly `datetime.date`, or None."""

    def __cinit__(self):
        self.width = 4

    cdef int put_array(self, object array) except -1:
        return put_objects(self, array)

    cdef int write(self, object value) except -1:
        if value is None:
            self.append_null()
            return TAKEN
        if not PyDate_CheckExact(value):
            return LEFT
        (<int32_t*>self.reserve(1))[0] = <int32_t>days_of_civil(
            date_year(value), date_month(value), date_day(value)
        )
        self.length += 1
        return TAKEN


cdef class BoolWriter(ArrayWriter):
    """Booleans."""

    cdef Buffer values

    def __dealloc__(self):
        buffer_free(&self.values)

    cdef int put(self, bint value) except -1:
        buffer_put_bit(&self.values, self.length, value)
        self.length += 1
        return 0

    cdef int append_null(self) except -1:
        self.mark_null()
        return self.put(False)

    cdef int put_array(self, object array) except -1:
        cdef Py_buffer source
        cdef Py_ssize_t i
        if not open_buffer(array, &source):
            return LEFT
        try:
            if source.ndim != 1 or source.format == NULL or source.format[0] != b"?":
                return LEFT
            for i in range(source.shape[0]):
                self.put((<uint8_t*>source.buf)[i * source.strides[0]] != 0)
            return TAKEN
        finally:
            PyBuffer_Release(&source)

    cdef int write(self, object value) except -1:
        if value is None:
            self.append_null()
            return TAKEN
        if type(value) is not bool and type(value) is not bool_:
            return LEFT
        self.put(bool(value))
        return TAKEN

    cdef int cut(self, Py_ssize_t length) except -1:
        cdef Py_ssize_t i
        if length & 7:
            for i in range(length, (length | 7) + 1):
                self.values.data[i >> 3] &= <uint8_t>(~(1 << (i & 7)))
        return self.cut_validity(length)

    cdef Py_ssize_t byte_size(self) noexcept:
        return bytes_for_bits(self.length)

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        self.values.size = bytes_for_bits(self.length)
        return buffer_emit(&self.values, writer)


cdef int put_objects(ArrayWriter writer, object array) except -1:
    # Each item by `write`; NaN is missing, as None is.
    cdef Py_buffer source
    cdef Py_ssize_t i
    cdef PyObject* place
    if not open_buffer(array, &source):
        return LEFT
    try:
        if source.ndim != 1 or source.format == NULL or source.format[0] != b"O":
            return LEFT
        for i in range(source.shape[0]):
            place = (<PyObject**>(<uint8_t*>source.buf + i * source.strides[0]))[0]
            if place == NULL:
                return LEFT
            item = <object>place
            if PyFloat_CheckExact(item) and isnan(PyFloat_AS_DOUBLE(item)):
                writer.append_null()
            elif writer.write(item) == LEFT:
                return LEFT
        return TAKEN
    finally:
        PyBuffer_Release(&source)


cdef class _VarlenWriter(ArrayWriter):
    cdef VarBuffer values

    def __cinit__(self, *, wide=False):
        self.values.wide = wide

    def __dealloc__(self):
        var_free(&self.values)

    cdef inline int put(self, const char* data, Py_ssize_t size) except -1:
        if not var_put(&self.values, self.length, data, size):
            return LEFT
        self.length += 1
        return TAKEN

    cdef int append_null(self) except -1:
        self.mark_null()
        return self.put(b"", 0)

    cdef int put_array(self, object array) except -1:
        return put_objects(self, array)

    cdef int cut(self, Py_ssize_t length) except -1:
        self.values.data.size = var_start(&self.values, length) if length else 0
        return self.cut_validity(length)

    cdef int reset(self) except -1:
        self.values.data.size = 0
        return Encoder.reset(self)

    cdef Py_ssize_t byte_size(self) noexcept:
        return self.values.data.size + self.length * (8 if self.values.wide else 4)

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        return var_emit(&self.values, self.length, writer)

    cdef int put_view(self, ColumnView view) except -1:
        # A column of Arrow's own layout, of either width of offsets.
        cdef Py_ssize_t i, k, start, end
        for i in range(view.length):
            k = i + view.offset
            if view.validity != NULL and not bit_is_set(view.validity, k):
                self.append_null()
                continue
            if view.width == 8:
                start, end = (<const int64_t*>view.data)[k], (<const int64_t*>view.data)[k + 1]
            else:
                start, end = (<const int32_t*>view.data)[k], (<const int32_t*>view.data)[k + 1]
            if self.put(<const char*>view.var + start, end - start) == LEFT:
                return LEFT
        return TAKEN

    def extend_view(self, ColumnView view not None):
        """Append all values of a bound view of strings or binary; False if it is left."""
        cdef Py_ssize_t before = self.length
        if self.put_view(view) == TAKEN:
            return True
        self.cut(before)
        return False


cdef class StringWriter(_VarlenWriter):
    """Objects that are exactly `str` without lone surrogates, or None."""

    cdef int write(self, object value) except -1:
        if value is None:
            self.append_null()
            return TAKEN
        if not PyUnicode_CheckExact(value):
            return LEFT
        if not var_put_text(&self.values, self.length, value):
            return LEFT
        self.length += 1
        return TAKEN


cdef class BinaryWriter(_VarlenWriter):
    """Objects that are exactly `bytes`, or None."""

    cdef int write(self, object value) except -1:
        if value is None:
            self.append_null()
            return TAKEN
        if not PyBytes_CheckExact(value):
            return LEFT
        return self.put(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))


cdef class StructWriter(Encoder):
    """A struct column without nulls whose fields are written elsewhere."""

    cdef list fields

    def __cinit__(self, list fields not None):
        self.fields = fields

    cdef int emit(self, FrameWriter writer) except -1:
        cdef Encoder field
        writer.add_node(self.length, 0)
        writer.add_buffer(NULL, 0)
        for field in self.fields:
            if field.length != self.length:
                raise ValueError(f"a field has {field.length} values, its struct {self.length}")
            field.emit(writer)
        return 0

    def set_length(self, Py_ssize_t length):
        """How many rows the fields have."""
        self.length = length


cdef class BorrowedWriter(Encoder):
    """A column without nulls over the memory of one array, held until the next one is taken."""

    cdef Py_buffer source
    cdef bint held

    def __dealloc__(self):
        self.let_go()

    cdef void let_go(self) noexcept:
        if self.held:
            PyBuffer_Release(&self.source)
        self.held = False
        self.length = 0

    def take(self, array, Py_ssize_t rows):
        """Hold an array of ``rows`` values, whose bytes are the column's.

        Raises
        ------
        ValueError
            If the array is not contiguous.
        """
        self.let_go()
        PyObject_GetBuffer(array, &self.source, PyBUF_SIMPLE)
        self.held = True
        self.length = rows

    cdef int emit(self, FrameWriter writer) except -1:
        writer.add_node(self.length, 0)
        writer.add_buffer(NULL, 0)
        writer.add_exact_buffer(self.source.buf, self.source.len)
        return 0
