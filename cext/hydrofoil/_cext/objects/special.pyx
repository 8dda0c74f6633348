"""The null type, and columns whose values somebody else has made already."""

from cpython.list cimport PyList_GET_ITEM

from hydrofoil._cext.frames cimport FrameWriter
from hydrofoil._cext.objects.base cimport LEFT, Decoder, Encoder


cdef class NullDecoder(Decoder):
    cdef object read(self, Py_ssize_t i):
        return None


cdef class NullEncoder(Encoder):
    # The null layout has a node and no buffers.
    def __cinit__(self, *, nullable=True):
        self.nullable = nullable
        self.restores = True

    cdef int write(self, object value) except -1:
        return self.write_null() if value is None else LEFT

    cdef int append_null(self) except -1:
        self.length += 1
        return 0

    cdef object restore(self, Py_ssize_t i):
        return None

    cdef int emit(self, FrameWriter writer) except -1:
        return writer.add_node(self.length, self.length)


cdef class ValuesDecoder(Decoder):
    """Reads a list, such as a column that was decoded ahead or by stock's converters."""

    cdef list values

    def __cinit__(self, list values not None):
        self.values = values

    cdef object read(self, Py_ssize_t i):
        return <object>PyList_GET_ITEM(self.values, i)
