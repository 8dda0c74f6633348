"""Strings and binary, with 32-bit and 64-bit offsets.

A string that is not valid UTF-8 (Spark can make one by casting binary) raises while it is decoded,
as in stock; the caller lets stock raise. Encoding takes exactly `str` without lone surrogates, and
for text, unless it is to be `exact`, also `bool`, `int` and `float`, of which stock makes the same
text; for binary exactly `bytes` or `bytearray`.
"""

cimport cython
from cpython.bytearray cimport (
    PyByteArray_AS_STRING,
    PyByteArray_CheckExact,
    PyByteArray_FromStringAndSize,
    PyByteArray_GET_SIZE,
)
from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cpython.float cimport PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject, PyObject_Str
from cpython.ref cimport Py_XDECREF
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcmp

from hydrofoil._cext.abi cimport bit_is_set
from hydrofoil._cext.columns cimport ColumnView
from hydrofoil._cext.frames cimport FrameWriter
from hydrofoil._cext.objects.base cimport LEFT, TAKEN, Decoder, Encoder
from hydrofoil._cext.recycle cimport Spares, free_spares, recycle_ascii, take_over
from hydrofoil._cext.repeated cimport (
    Place,
    Repeated,
    begin_batch,
    digest_of,
    forget_all,
    free_repeated,
    in_trial,
    may_repeat,
    place_of,
    remember,
    remembered,
    same_bytes,
)
from hydrofoil._cext.text cimport (
    TEXT_ASCII,
    TEXT_VALID,
    Quality,
    begins_inside,
    checked_text,
    quality_of,
    remake_text,
    text_like,
)
from hydrofoil._cext.varbuffer cimport (
    VarBuffer,
    var_emit,
    var_free,
    var_put,
    var_put_text,
    var_start,
)

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject* value)
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    void* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)


cdef inline bint same(
    const void* one, Py_ssize_t size, const void* other, Py_ssize_t other_size
) noexcept nogil:
    return size == other_size and not memcmp(one, other, size)


cdef class _VarlenDecoder(Decoder):
    cdef const uint8_t* offsets
    cdef const char* var
    cdef bint wide

    cdef int attach(self, ColumnView view) except -1:
        self.offsets, self.var, self.wide = view.data, <const char*>view.var, view.width == 8
        if self.var == NULL:
            # All values are empty; what begins at NULL is none.
            self.var = b""
        return 0

    @cython.final
    cdef inline const char* locate(self, Py_ssize_t i, Py_ssize_t* size) noexcept:
        cdef const int32_t* narrow
        cdef const int64_t* wide
        if self.wide:
            wide = <const int64_t*>self.offsets + i
            size[0] = wide[1] - wide[0]
            return self.var + wide[0]
        narrow = <const int32_t*>self.offsets + i
        size[0] = narrow[1] - narrow[0]
        return self.var + narrow[0]

    @cython.final
    cdef inline const char* find(self, Py_ssize_t i, Py_ssize_t* size) noexcept:
        # NULL if it is null.
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return NULL
        return self.locate(i, size)

    cdef uint32_t digest(self, Py_ssize_t i) noexcept:
        cdef Py_ssize_t size
        cdef const char* text = self.locate(i + self.offset, &size)
        return digest_of(text, size)

    cdef bint same_at(self, Py_ssize_t i, Py_ssize_t k) noexcept:
        cdef Py_ssize_t size, other_size
        cdef const char* text = self.find(i, &size)
        cdef const char* other = self.find(k, &other_size)
        return (
            text != NULL and other != NULL and size == other_size and same_bytes(text, other, size)
        )


@cython.final
cdef class StringDecoder(_VarlenDecoder):
    # Of all text of the batch together, so that no string needs to be looked at for mistakes.
    cdef Quality quality
    cdef const char* end
    cdef Repeated repeated
    cdef Spares spares

    def __cinit__(self):
        self.repeats = True

    def __dealloc__(self):
        free_repeated(&self.repeated)
        free_spares(&self.spares)

    cdef int attach(self, ColumnView view) except -1:
        cdef const char* first
        cdef Py_ssize_t size
        _VarlenDecoder.attach(self, view)
        begin_batch(&self.repeated, view.length)
        self.quality, self.end = TEXT_ASCII, self.var
        if view.length:
            first = self.locate(view.offset, &size)
            self.end = self.locate(view.offset + view.length - 1, &size)
            self.end += size
            self.quality = quality_of(first, self.end - first)
        return 0

    cdef void unbind(self) noexcept:
        self.owner = None
        forget_all(&self.repeated)

    cdef inline bint whole(self, const char* text, Py_ssize_t size) noexcept:
        # Whether it is valid by itself: text that is valid can still be cut within a character.
        return self.quality == TEXT_VALID and not (
            begins_inside(text, self.end) or begins_inside(text + size, self.end)
        )

    cdef inline bint plain(self, const char* text, Py_ssize_t size) noexcept:
        return self.quality == TEXT_ASCII or self.whole(text, size)

    cdef inline PyObject* make(
        self, const char* text, Py_ssize_t size, PyObject* spare
    ) except NULL:
        if self.quality == TEXT_ASCII:
            return recycle_ascii(&self.spares, spare, text, size)
        return remake_text(&self.spares, spare, text, size, self.end)

    cdef PyObject* find_or_make(
        self, const char* text, Py_ssize_t size, PyObject* spare
    ) except NULL:
        # Apart from the way of what is not repeated, which takes few instructions.
        cdef Place* place
        cdef PyObject* value
        if not in_trial(&self.repeated):
            return self.make(text, size, spare)
        place = place_of(&self.repeated, text, size)
        value = remembered(&self.repeated, place, text, size)
        if value != NULL:
            Py_XDECREF(spare)
            return value
        value = self.make(text, size, spare)
        remember(&self.repeated, place, text, size, value)
        return value

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        cdef Py_ssize_t size
        cdef const char* text = self.find(i, &size)
        if text == NULL or not self.plain(text, size):
            return Decoder.reread(self, i, spare)
        if may_repeat(&self.repeated, size):
            return self.find_or_make(text, size, spare)
        return self.make(text, size, spare)

    cdef object read_like(self, Py_ssize_t i, object other):
        cdef Py_ssize_t size
        cdef const char* text = self.find(i, &size)
        if text == NULL:
            return None
        if type(other) is str and PyUnicode_IS_COMPACT_ASCII(other):
            if same(PyUnicode_DATA(other), PyUnicode_GET_LENGTH(other), text, size):
                return other
        elif self.whole(text, size):
            return text_like(other, text, size, self.end)
        return self.read(i)

    cdef object read(self, Py_ssize_t i):
        cdef Py_ssize_t size
        cdef const char* text = self.find(i, &size)
        if text == NULL:
            return None
        if self.plain(text, size):
            if may_repeat(&self.repeated, size):
                return take_over(self.find_or_make(text, size, NULL))
            return take_over(self.make(text, size, NULL))
        return checked_text(text, size, self.end)


cdef class BytesDecoder(_VarlenDecoder):
    def __cinit__(self):
        self.repeats = True

    cdef object read_like(self, Py_ssize_t i, object other):
        cdef Py_ssize_t size
        cdef const char* data
        if type(other) is bytes:
            data = self.find(i, &size)
            if data != NULL and same(PyBytes_AS_STRING(other), PyBytes_GET_SIZE(other), data, size):
                return other
        return self.read(i)

    cdef object read(self, Py_ssize_t i):
        cdef Py_ssize_t size
        cdef const char* data = self.find(i, &size)
        return None if data == NULL else PyBytes_FromStringAndSize(data, size)


cdef class ByteArrayDecoder(_VarlenDecoder):
    def __cinit__(self):
        self.mutable = True

    cdef object read(self, Py_ssize_t i):
        cdef Py_ssize_t size
        cdef const char* data = self.find(i, &size)
        return None if data == NULL else PyByteArray_FromStringAndSize(data, size)


cdef class _VarlenEncoder(Encoder):
    cdef VarBuffer values
    # No text is made of other values than text.
    cdef bint exact

    def __cinit__(self, *, wide=False, nullable=True, exact=False):
        self.nullable = nullable
        self.values.wide = wide
        self.exact = exact
        self.restores = True

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

    cdef inline const char* stored(self, Py_ssize_t i, Py_ssize_t* size) noexcept:
        cdef Py_ssize_t start = var_start(&self.values, i)
        size[0] = var_start(&self.values, i + 1) - start
        return <const char*>self.values.data.data + start

    cdef int reset(self) except -1:
        self.values.data.size = 0
        return Encoder.reset(self)

    cdef int cut(self, Py_ssize_t length) except -1:
        if length < self.length:
            self.values.data.size = var_start(&self.values, length)
        return Encoder.cut(self, length)

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        return var_emit(&self.values, self.length, writer)


cdef class StringEncoder(_VarlenEncoder):
    cdef int write(self, object value) except -1:
        if value is None:
            return self.write_null()
        if not PyUnicode_CheckExact(value):
            # Stock makes text of anything; of these types nobody can tell when.
            if self.exact:
                return LEFT
            if value is True:
                value = "true"
            elif value is False:
                value = "false"
            elif PyLong_CheckExact(value) or PyFloat_CheckExact(value):
                try:
                    value = PyObject_Str(value)
                except ValueError:  # an integer of more digits than Python prints
                    return LEFT
            else:
                return LEFT
        if not var_put_text(&self.values, self.length, value):
            return LEFT
        self.length += 1
        return TAKEN

    cdef object restore(self, Py_ssize_t i):
        cdef Py_ssize_t size
        cdef const char* text
        if self.is_null(i):
            return None
        text = self.stored(i, &size)
        return PyUnicode_DecodeUTF8(text, size, NULL)


cdef class BinaryEncoder(_VarlenEncoder):
    # A bytearray is restored as bytes: stock makes bytes of it first thing.
    def __cinit__(self, *, wide=False, nullable=True, exact=False):
        self.mutable = True

    cdef bint exclusive(self, PyObject* value, Py_ssize_t owners) noexcept:
        return Py_REFCNT(value) <= owners or not PyByteArray_CheckExact(<object>value)

    cdef int write(self, object value) except -1:
        if value is None:
            return self.write_null()
        if PyBytes_CheckExact(value):
            return self.put(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        if PyByteArray_CheckExact(value):
            return self.put(PyByteArray_AS_STRING(value), PyByteArray_GET_SIZE(value))
        return LEFT

    cdef object restore(self, Py_ssize_t i):
        cdef Py_ssize_t size
        cdef const char* data
        if self.is_null(i):
            return None
        data = self.stored(i, &size)
        return PyBytes_FromStringAndSize(data, size)
