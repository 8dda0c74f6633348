# UTF-8 into strings and back; text.pyx says how.

from cpython.object cimport PyObject

from hydrofoil._cext.recycle cimport Spares


cdef enum Quality:
    TEXT_ASCII
    TEXT_VALID    # UTF-8, and not only ASCII
    TEXT_BROKEN


cdef Quality quality_of(const char* text, Py_ssize_t size) noexcept nogil
cdef bint begins_inside(const char* text, const char* end) noexcept nogil
cdef PyObject* remake_text(
    Spares* spares, PyObject* spare, const char* text, Py_ssize_t size, const char* limit
) except NULL
cdef object text_like(object other, const char* text, Py_ssize_t size, const char* limit)
cdef object checked_text(const char* text, Py_ssize_t size, const char* limit)
cdef Py_ssize_t room_for(object text) except -1
cdef Py_ssize_t put_text(object text, char* target) noexcept
