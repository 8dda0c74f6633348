"""UTF-8 into strings and back, by loops of our own (utf8.h) in place of CPython's.

In: bytes of a column; out: a new `str`, or one that only the caller holds, with new contents. The
other way: a `str` in, its bytes written where the caller says, without the copy that CPython's own
encoder leaves in each string. Nothing is kept.

What is not valid UTF-8, and strings with lone surrogates, are CPython's: its decoder and encoder
raise what stock's raise.

Decoding a string has two steps. The first finds how many characters there are and which is the
greatest, and so what memory the string needs; the second fills it. Neither looks for mistakes: that
is done once for a whole column, in long runs of bytes, where it costs next to nothing.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t
from libc.string cimport memcmp, memcpy

from hydrofoil._cext.recycle cimport Spares, recycle_ascii, recycle_text, take_over

cdef extern from "Python.h":
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    int PyUnicode_KIND(object text)
    void* PyUnicode_DATA(object text)
    PyObject* new_text "PyUnicode_DecodeUTF8"(
        const char* text, Py_ssize_t size, const char* errors
    ) except NULL

cdef extern from "utf8.h":
    enum:
        SHORT "HYDROFOIL_SHORT"
        ROOM "HYDROFOIL_ROOM"
        SLACK "HYDROFOIL_SLACK"
        PORTABLE_LOOPS
        AVX512_LOOPS

    ctypedef struct Shape:
        Py_ssize_t length
        int width

    int loops
    void choose_loops(int wanted)
    bint wants_room(Py_ssize_t size) noexcept
    Py_ssize_t ascii_prefix(const uint8_t* text, Py_ssize_t size) noexcept nogil
    bint is_valid(const uint8_t* text, Py_ssize_t size) noexcept nogil
    Shape find_shape(const uint8_t* text, Py_ssize_t size, const uint8_t* limit) noexcept
    void fill(
        const uint8_t* text, Py_ssize_t size, const uint8_t* limit, int width, void* target,
        Py_ssize_t room
    ) noexcept
    uint8_t* write_utf8(
        const void* data, int kind, Py_ssize_t length, uint8_t* target
    ) noexcept

cdef extern from "utf8_short.h":
    bint is_short(Py_ssize_t size) noexcept
    PyObject* remake_short(
        Spares* spares, PyObject* spare, const uint8_t* text, Py_ssize_t size
    ) except NULL

cdef extern from *:
    """
    /* Before 3.12 a string may still have to be put into one of the three forms. */
    static inline int hydrofoil_ready(PyObject* text) {
    #if PY_VERSION_HEX < 0x030C0000
        return PyUnicode_READY(text);
    #else
        (void)text;
        return 0;
    #endif
    }
    static inline void* hydrofoil_data_of(PyObject* text) { return PyUnicode_DATA(text); }
    """
    int make_ready "hydrofoil_ready"(object text) except -1
    void* data_of "hydrofoil_data_of"(PyObject* text)


# The processors' instructions, from those that all have to those that few have.
LOOPS = ("portable", "avx2", "avx512")
choose_loops(AVX512_LOOPS)


cdef Quality quality_of(const char* text, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t ascii = ascii_prefix(<const uint8_t*>text, size)
    if ascii == size:
        return TEXT_ASCII
    if is_valid(<const uint8_t*>text + ascii, size - ascii):
        return TEXT_VALID
    return TEXT_BROKEN


cdef bint begins_inside(const char* text, const char* end) noexcept nogil:
    # Whether what begins here, if it is not at the end of all, begins in the middle of a character.
    return text < end and (<uint8_t>text[0] & 0xC0) == 0x80


cdef PyObject* remake_text(
    Spares* spares, PyObject* spare, const char* text, Py_ssize_t size, const char* limit
) except NULL:
    # A string of valid UTF-8, as a new reference; takes over `spare`, which may be NULL, as may
    # `spares`. Memory up to `limit` can be read.
    cdef uint8_t aside[4 * (SHORT + ROOM)]
    cdef PyObject* made
    cdef Shape shape
    if is_short(size):
        return remake_short(spares, spare, <const uint8_t*>text, size)
    if loops == PORTABLE_LOOPS and size > SHORT:
        # Without vectors, CPython's own loops are the faster ones from about there on.
        Py_XDECREF(spare)
        return new_text(text, size, NULL)
    shape = find_shape(<const uint8_t*>text, size, <const uint8_t*>limit)
    if shape.width == 0:
        return recycle_ascii(spares, spare, text, size)
    if shape.width == 1 and shape.length == 1:
        # CPython has one of each.
        Py_XDECREF(spare)
        return new_text(text, size, NULL)
    if not wants_room(size):
        made = recycle_text(spares, spare, shape.length, shape.width)
        fill(
            <const uint8_t*>text, size, <const uint8_t*>limit, shape.width, data_of(made),
            shape.length,
        )
        return made
    # Aside there is room for whole vectors, and while memory is found for the string, what was
    # written comes to where it can be read fast.
    fill(
        <const uint8_t*>text, size, <const uint8_t*>limit, shape.width, aside, shape.length + ROOM
    )
    made = recycle_text(spares, spare, shape.length, shape.width)
    memcpy(data_of(made), aside, shape.length * shape.width)
    return made


cdef object text_like(object other, const char* text, Py_ssize_t size, const char* limit):
    # A string of valid UTF-8: `other` itself, if that is the same string.
    cdef uint8_t aside[4 * (SHORT + ROOM)]
    cdef Shape shape
    if size <= SHORT and PyUnicode_CheckExact(other):
        shape = find_shape(<const uint8_t*>text, size, <const uint8_t*>limit)
        if (
            shape.width != 0 and shape.length == PyUnicode_GET_LENGTH(other)
            and shape.width == PyUnicode_KIND(other)
        ):
            fill(
                <const uint8_t*>text, size, <const uint8_t*>limit, shape.width, aside,
                shape.length + ROOM,
            )
            if not memcmp(PyUnicode_DATA(other), aside, shape.length * shape.width):
                return other
    return take_over(remake_text(NULL, NULL, text, size, limit))


cdef object checked_text(const char* text, Py_ssize_t size, const char* limit):
    # A string of bytes that may be no UTF-8: CPython says so.
    if is_valid(<const uint8_t*>text, size):
        return take_over(remake_text(NULL, NULL, text, size, limit))
    return PyUnicode_DecodeUTF8(text, size, NULL)


cdef Py_ssize_t room_for(object text) except -1:
    # What `put_text` may write, in bytes.
    make_ready(text)
    cdef int kind = PyUnicode_KIND(text)
    return PyUnicode_GET_LENGTH(text) * (kind + 1 if kind < 4 else 4) + SLACK


cdef Py_ssize_t put_text(object text, char* target) noexcept:
    # Write a string that is ready as UTF-8, and return how many bytes it is; -1, after writing
    # anything, if it has lone surrogates.
    cdef uint8_t* start = <uint8_t*>target
    cdef uint8_t* end = write_utf8(
        PyUnicode_DATA(text), PyUnicode_KIND(text), PyUnicode_GET_LENGTH(text), start
    )
    return -1 if end == NULL else end - start


def use_loops(str name not None):
    """Use loops of one kind, or the best that this processor can run, if it can't run these.

    Parameters
    ----------
    name : str
        One of ``LOOPS``.

    Returns
    -------
    bool
        Whether these are used now.
    """
    cdef int wanted = LOOPS.index(name)
    choose_loops(wanted)
    return loops == wanted


def decode(bytes data not None):
    """``data.decode()``.

    Raises
    ------
    UnicodeDecodeError
        If it is not valid UTF-8.
    """
    cdef const char* text = PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    return checked_text(text, size, text + size)


def encode(str text not None):
    """``text.encode()``.

    Raises
    ------
    UnicodeEncodeError
        If it has lone surrogates.
    """
    room = PyBytes_FromStringAndSize(NULL, room_for(text))
    cdef Py_ssize_t size = put_text(text, PyBytes_AS_STRING(room))
    return text.encode() if size < 0 else room[:size]
