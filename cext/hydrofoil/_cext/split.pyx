"""Record batches of many groups taken apart: each piece as a record batch message of its own.

In: a `Frame` whose rows are those of consecutive pieces, and the pieces' lengths. Out: a `Frame`
for each piece, which owns a copy of its rows, so that a piece that is kept keeps no other alive.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from hydrofoil._cext.abi cimport ArrowSchema, bytes_for_bits, padded
from hydrofoil._cext.columns cimport (
    Buffer,
    ColumnView,
    LAYOUT_BITS,
    LAYOUT_FIXED,
    LAYOUT_NULL,
    LAYOUT_STRUCT,
    LAYOUT_VARLEN,
    buffer_append,
    buffer_ensure,
    buffer_free,
)
from hydrofoil._cext.columns import bind_frame
from hydrofoil._cext.frames cimport Frame, FrameWriter


cdef extern from *:
    int __builtin_popcount(unsigned int) noexcept nogil


cdef class PieceSplitter:
    """Takes frames of one schema apart.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the stream that the frames come from.

    Raises
    ------
    UnsupportedLayout
        If a column's type is none that the core can view.
    """

    cdef list _views
    cdef FrameWriter _headers
    cdef Buffer _body

    def __init__(self, schema):
        capsule = schema.__arrow_c_schema__()
        cdef ColumnView root = ColumnView.__new__(ColumnView)
        root.describe(<ArrowSchema*>PyCapsule_GetPointer(capsule, "arrow_schema"))
        self._views = root.children
        # Only its headers are used: nothing is written.
        self._headers = FrameWriter(_Nowhere)

    def __dealloc__(self):
        buffer_free(&self._body)

    def split(self, Frame frame not None, bytes lengths not None):
        """An iterator over the frame's pieces: (frame, whether it is the last of its group).

        The pieces have the schema message of ``frame``. They are to be taken before another frame
        is taken apart.

        Parameters
        ----------
        lengths : bytes
            Little-endian 32-bit integers: twice each piece's number of rows, plus one if it is the
            last of its group.

        Raises
        ------
        ValueError
            If the lengths do not add up to the frame's, or its buffers contradict each other.
        """
        cdef const uint32_t* codes = <const uint32_t*>PyBytes_AS_STRING(lengths)
        cdef Py_ssize_t count = PyBytes_GET_SIZE(lengths) >> 2, i
        cdef int64_t total = 0
        for i in range(count):
            total += codes[i] >> 1
        if total != frame.length:
            raise ValueError(f"pieces have {total} rows and their record batch {frame.length}")
        bind_frame(frame, self._views)
        return _Pieces(self, frame, lengths)

    cdef Frame copy(self, Frame frame, Py_ssize_t start, Py_ssize_t count):
        cdef ColumnView view
        cdef bytes header
        cdef Frame piece
        self._body.size = 0
        self._headers._node_count = self._headers._extent_count = 0
        for view in self._views:
            self._column(view, start, count)
        header = self._headers._header(count)
        piece = Frame.__new__(
            Frame,
            header[8:],
            PyBytes_FromStringAndSize(<char*>self._body.data, self._body.size),
        )
        piece.schema_message = frame.schema_message
        return piece

    cdef int _column(self, ColumnView view, Py_ssize_t start, Py_ssize_t count) except -1:
        cdef ColumnView child
        cdef Py_ssize_t node = self._headers._node_count
        cdef int64_t first, last
        self._headers.add_node(count, count if view.layout == LAYOUT_NULL else 0)
        if view.layout == LAYOUT_NULL:
            return 0
        if view.validity != NULL and count:
            self._headers._nodes[2 * node + 1] = count - self._bits(view.validity, start, count)
        else:
            self._headers.add_buffer(NULL, 0)
        if view.layout == LAYOUT_STRUCT:
            for child in view.children:
                self._column(child, start, count)
        elif view.layout == LAYOUT_BITS:
            self._bits(view.data, start, count)
        elif view.layout == LAYOUT_FIXED:
            self._bytes(view.data + start * view.width, count * view.width)
        else:
            first = last = 0
            self._offsets(view, start, count, &first, &last)
            if view.layout == LAYOUT_VARLEN:
                self._bytes(view.var + first, last - first)
            else:
                self._column(view.children[0], first, last - first)
        return 0

    cdef int _bytes(self, const uint8_t* data, Py_ssize_t size) except -1:
        self._headers.add_buffer(NULL, size)
        if size:
            buffer_append(&self._body, data, size)
            self._pad()
        return 0

    cdef int _pad(self) except -1:
        cdef Py_ssize_t end = padded(self._body.size)
        buffer_ensure(&self._body, end)
        if end > self._body.size:
            memset(self._body.data + self._body.size, 0, end - self._body.size)
        self._body.size = end
        return 0

    cdef Py_ssize_t _bits(self, const uint8_t* bits, Py_ssize_t start, Py_ssize_t count) except -1:
        # Returns how many of them are set.
        cdef Py_ssize_t size = bytes_for_bits(count), i, ones = 0
        cdef const uint8_t* source = bits + (start >> 3)
        cdef Py_ssize_t spanned = bytes_for_bits((start & 7) + count)
        cdef int shift = start & 7
        cdef unsigned int pair
        cdef uint8_t* target
        self._headers.add_buffer(NULL, size)
        buffer_ensure(&self._body, self._body.size + padded(size))
        target = self._body.data + self._body.size
        for i in range(size):
            pair = source[i]
            if i + 1 < spanned:
                pair |= <unsigned int>source[i + 1] << 8
            target[i] = <uint8_t>(pair >> shift)
        if count & 7:
            target[size - 1] &= <uint8_t>((1 << (count & 7)) - 1)
        for i in range(size):
            ones += __builtin_popcount(target[i])
        self._body.size += size
        self._pad()
        return ones

    cdef int _offsets(
        self, ColumnView view, Py_ssize_t start, Py_ssize_t count, int64_t* first, int64_t* last
    ) except -1:
        # The piece's offsets begin with 0, whatever stands before it.
        cdef Py_ssize_t size = (count + 1) * view.width, i
        cdef const int32_t* narrow
        cdef const int64_t* wide
        cdef uint8_t* target
        self._headers.add_buffer(NULL, size)
        buffer_ensure(&self._body, self._body.size + padded(size))
        target = self._body.data + self._body.size
        if count == 0:
            memset(target, 0, size)
        elif view.width == 4:
            narrow = <const int32_t*>view.data + start
            for i in range(count + 1):
                (<int32_t*>target)[i] = narrow[i] - narrow[0]
            first[0], last[0] = narrow[0], narrow[count]
        else:
            wide = <const int64_t*>view.data + start
            for i in range(count + 1):
                (<int64_t*>target)[i] = wide[i] - wide[0]
            first[0], last[0] = wide[0], wide[count]
        self._body.size += size
        self._pad()
        return 0


cdef class _Pieces:
    # What `PieceSplitter.split` returns.
    cdef PieceSplitter _splitter
    cdef Frame _frame
    cdef bytes _lengths
    cdef Py_ssize_t _next, _start

    def __init__(self, PieceSplitter splitter, Frame frame, bytes lengths):
        self._splitter, self._frame, self._lengths = splitter, frame, lengths

    def __iter__(self):
        return self

    def __next__(self):
        cdef const uint32_t* codes = <const uint32_t*>PyBytes_AS_STRING(self._lengths)
        cdef Py_ssize_t rows
        cdef bint last
        if self._next == PyBytes_GET_SIZE(self._lengths) >> 2:
            raise StopIteration
        rows = codes[self._next] >> 1
        last = codes[self._next] & 1
        piece = self._frame
        if rows != self._frame.length:
            piece = self._splitter.copy(self._frame, self._start, rows)
        self._next += 1
        self._start += rows
        return piece, last


class _Nowhere:
    # A file that nothing is written to.
    @staticmethod
    def write(data):
        raise AssertionError("headers are not written")
