# Columns side by side: what encoders of structs and of a table function's rows have in common.

from cpython.list cimport PyList_GET_ITEM

from hydrofoil._cext.objects.base cimport Encoder


cdef class FieldsEncoder(Encoder):
    cdef list fields
    cdef list names
    cdef bint mutable_fields

    cdef int take_fields(self, list fields, list names) except -1

    cdef inline Encoder field(self, Py_ssize_t k):
        return <Encoder><object>PyList_GET_ITEM(self.fields, k)
