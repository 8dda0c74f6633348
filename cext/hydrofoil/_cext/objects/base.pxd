# What every decoder and encoder does; a value that is not surely stock's is LEFT.

from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint32_t

from hydrofoil._cext.columns cimport Buffer, ColumnView
from hydrofoil._cext.frames cimport FrameWriter


cdef enum:
    TAKEN = 0
    # The value is not exactly what this encoder converts as stock does: stock's code must have it.
    LEFT = 1


cdef class Decoder:
    cdef const uint8_t* validity
    cdef Py_ssize_t offset
    cdef object owner
    cdef readonly bint eager
    cdef readonly bint repeats
    cdef readonly bint mutable

    cdef int bind(self, ColumnView view) except -1
    cdef int attach(self, ColumnView view) except -1
    cdef object read(self, Py_ssize_t i)
    cdef list read_list(self, Py_ssize_t first, Py_ssize_t size)
    cdef object read_like(self, Py_ssize_t i, object other)
    cdef uint32_t digest(self, Py_ssize_t i) noexcept
    cdef bint same_at(self, Py_ssize_t i, Py_ssize_t k) noexcept
    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL
    cdef int reread_list(self, Py_ssize_t first, Py_ssize_t size, PyObject** items) except -1
    cdef void unbind(self) noexcept


cdef class Encoder:
    cdef readonly Py_ssize_t length
    cdef readonly Py_ssize_t null_count
    cdef readonly bint nullable
    cdef readonly bint restores
    cdef readonly bint mutable
    cdef Buffer validity

    cdef int write(self, object value) except -1
    cdef int write_items(self, list values) except -1
    cdef bint exclusive(self, PyObject* value, Py_ssize_t owners) noexcept
    cdef int write_null(self) except -1
    cdef int append_null(self) except -1
    cdef object restore(self, Py_ssize_t i)
    cdef bint is_null(self, Py_ssize_t i) noexcept
    cdef int reset(self) except -1
    cdef int cut(self, Py_ssize_t length) except -1
    cdef bint settled(self) noexcept
    cdef int emit(self, FrameWriter writer) except -1
    cdef int mark_null(self) except -1
    cdef int emit_validity(self, FrameWriter writer) except -1
