# What other modules see of messages: each is of one record batch, read or written once.

from libc.stdint cimport int64_t, uint8_t


cdef struct Extent:
    const uint8_t* data
    Py_ssize_t size


cdef class Frame:
    cdef readonly bytes metadata
    cdef readonly bytes body
    cdef public bytes schema_message
    cdef readonly Py_ssize_t length
    cdef readonly bint compressed
    cdef const uint8_t* _nodes
    cdef readonly Py_ssize_t node_count
    cdef const uint8_t* _buffers
    cdef readonly Py_ssize_t buffer_count
    cdef Py_ssize_t next_node
    cdef Py_ssize_t next_buffer

    cdef void rewind(self) noexcept
    cdef int take_node(self, int64_t* length, int64_t* null_count) except -1
    cdef int take_buffer(self, Extent* extent) except -1


cdef class FrameReader:
    cdef object _read
    cdef readonly bytes schema_message
    cdef readonly bint finished

    cdef bytes _exactly(self, Py_ssize_t size, list consumed)
    cdef tuple _message(self, list consumed)


cdef class FrameWriter:
    cdef object _write
    cdef int64_t* _nodes
    cdef Py_ssize_t _node_count, _node_capacity
    cdef Extent* _extents
    cdef Py_ssize_t _extent_count, _extent_capacity
    cdef dict _tails

    cdef int add_node(self, Py_ssize_t length, Py_ssize_t null_count) except -1
    cdef int add_buffer(self, const void* data, Py_ssize_t size) except -1
    cdef int add_exact_buffer(self, const void* data, Py_ssize_t size) except -1
    cdef bytes _header(self, Py_ssize_t length)
