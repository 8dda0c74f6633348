from hydrofoil._cext.abi cimport ArrowArray
from hydrofoil._cext.columns cimport ColumnView
from hydrofoil._cext.frames cimport Frame


cdef class FrameExport:
    cdef list _views
    cdef bint _in_struct
    cdef Py_ssize_t _nodes
    cdef Py_ssize_t _buffers

    cdef int _count(self, ColumnView view) except -1
    cdef object _import(self, Frame frame, list wanted, bint one, object take, object kind)
