"""Frames handed to pyarrow: record batches and arrays over a frame's body, without a copy.

In: a `Frame` and the layout of its schema. Out: what pyarrow imports through the Arrow C data
interface. Each import has one block of memory with all the structs that it needs; the block owns a
reference to the frame's body and is freed, with the reference, when pyarrow's last buffer goes.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport int32_t, int64_t, uint8_t, uintptr_t
from libc.stdlib cimport free, malloc

from hydrofoil._cext.abi cimport ArrowArray, ArrowSchema, bytes_for_bits
from hydrofoil._cext.columns cimport (
    ColumnView,
    LAYOUT_BITS,
    LAYOUT_FIXED,
    LAYOUT_NULL,
    LAYOUT_STRUCT,
    LAYOUT_VARLEN,
)
from hydrofoil._cext.frames cimport Extent, Frame

cdef extern from "Python.h":
    int Py_IsInitialized() noexcept nogil


# What one import allocates, at the start of its block: who owns the buffers.
cdef struct Block:
    PyObject* body


# Where the next struct, buffer pointer and child pointer of a block go.
cdef struct Cursor:
    ArrowArray* arrays
    const void** buffers
    ArrowArray** children


# An array of no values still has one offset.
cdef int64_t[1] NO_OFFSETS = [0]

cdef Py_ssize_t _live_exports = 0


def live_exports():
    """How many imports pyarrow has not let go of."""
    return _live_exports


cdef void _drop_body(PyObject* body) noexcept with gil:
    global _live_exports
    _live_exports -= 1
    Py_DECREF(<object>body)


cdef void _release_block(ArrowArray* array) noexcept nogil:
    # Arrow may do this from a thread of its own, and after the interpreter's end.
    cdef Block* block = <Block*>array.private_data
    if Py_IsInitialized():
        _drop_body(block.body)
    free(block)
    array.release = NULL


cdef void _release_part(ArrowArray* array) noexcept nogil:
    # Its block is freed by the array that it belongs to.
    array.release = NULL


cdef class FrameExport:
    """What hands the frames of one schema to pyarrow.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the stream that the frames come from.
    in_struct : bool
        The columns are the fields of the schema's only column, a struct.

    Raises
    ------
    UnsupportedLayout
        If a column's type is none that the core can view.
    ValueError
        If ``in_struct`` and the schema is of another shape.
    """

    def __init__(self, schema, bint in_struct=False):
        capsule = schema.__arrow_c_schema__()
        cdef ArrowSchema* described = <ArrowSchema*>PyCapsule_GetPointer(capsule, "arrow_schema")
        cdef ColumnView root = ColumnView.__new__(ColumnView)
        cdef ColumnView view
        root.describe(described)
        if in_struct:
            if len(root.children) != 1:
                raise ValueError("the schema has more than its struct")
            root = root.children[0]
            if root.layout != LAYOUT_STRUCT:
                raise ValueError("the schema's column is not a struct")
        self._views = root.children
        self._in_struct = in_struct
        self._nodes = self._buffers = 0
        for view in self._views:
            self._count(view)

    cdef int _count(self, ColumnView view) except -1:
        cdef ColumnView child
        self._nodes += 1
        self._buffers += 3
        for child in view.children:
            self._count(child)
        return 0

    def record_batch(self, Frame frame not None, list columns not None, take, schema):
        """The frame's columns at these offsets as one record batch.

        Parameters
        ----------
        take : callable
            ``pyarrow.RecordBatch._import_from_c``.
        schema : pyarrow.Schema
            Of the batch that is made.

        Raises
        ------
        ValueError
            If the frame is not what its schema says, or has what only pyarrow should read: no rows,
            compression, structs with nulls around the columns.
        """
        return self._import(frame, columns, False, take, schema)

    def array(self, Frame frame not None, list columns not None, take, arrow_type):
        """The one column of ``columns`` as an array; ``take`` is ``Array._import_from_c``."""
        return self._import(frame, columns, True, take, arrow_type)

    cdef object _import(self, Frame frame, list wanted, bint one, object take, object kind):
        global _live_exports
        cdef Py_ssize_t views = len(self._views), count = len(wanted), i
        cdef Py_ssize_t arrays_size = (self._nodes + count) * sizeof(ArrowArray)
        cdef Py_ssize_t pointers = self._buffers + 1 + self._nodes + count
        cdef Block* block = <Block*>malloc(sizeof(Block) + arrays_size + pointers * sizeof(void*))
        cdef Cursor cursor
        cdef ArrowArray root
        cdef ArrowArray* columns
        if block == NULL:
            raise MemoryError()
        block.body = NULL
        columns = <ArrowArray*>(<uint8_t*>block + sizeof(Block))
        cursor.arrays = columns + views
        cursor.buffers = <const void**>(<uint8_t*>block + sizeof(Block) + arrays_size)
        cursor.children = <ArrowArray**>(cursor.buffers + self._buffers + 1)
        try:
            _read_columns(frame, self._views, self._in_struct, columns, &cursor)
            if one:
                root = columns[<Py_ssize_t>wanted[0]]
            else:
                root.length = frame.length
                root.null_count = root.offset = 0
                root.n_buffers = 1
                root.n_children = count
                root.dictionary = NULL
                root.buffers = cursor.buffers
                root.buffers[0] = NULL
                root.children = cursor.children
                for i in range(count):
                    root.children[i] = columns + <Py_ssize_t>wanted[i]
        except BaseException:
            free(block)
            raise
        root.release = _release_block
        root.private_data = block
        block.body = <PyObject*>frame.body
        Py_INCREF(frame.body)
        _live_exports += 1
        try:
            return take(<uintptr_t>&root, kind)
        finally:
            # Importing empties the struct, unless it failed before that.
            if root.release != NULL:
                root.release(&root)


cdef int _read_columns(
    Frame frame, list views, bint in_struct, ArrowArray* columns, Cursor* cursor
) except -1:
    cdef int64_t length, null_count
    cdef Extent extent
    cdef ColumnView view
    cdef Py_ssize_t i = 0
    if frame.compressed or frame.length == 0:
        raise ValueError("pyarrow reads this one")
    frame.rewind()
    if in_struct:
        frame.take_node(&length, &null_count)
        frame.take_buffer(&extent)
        if null_count != 0 or length != frame.length:
            raise ValueError("the struct has nulls or another length")
    for view in views:
        _read_column(frame, view, columns + i, cursor)
        if columns[i].length != frame.length:
            raise ValueError("column and record batch differ in length")
        i += 1
    if frame.next_node != frame.node_count or frame.next_buffer != frame.buffer_count:
        raise ValueError("record batch has more columns than its schema")
    return 0


cdef int _read_column(Frame frame, ColumnView view, ArrowArray* array, Cursor* cursor) except -1:
    # Sizes are checked, and the last offset, which is what pyarrow takes for a size. What lies
    # between is the JVM's word, as it is when pyarrow reads the stream.
    cdef int64_t length, null_count, last
    cdef Extent extent
    cdef ColumnView child
    cdef Py_ssize_t needed
    frame.take_node(&length, &null_count)
    array.length, array.null_count, array.offset = length, null_count, 0
    array.n_buffers = array.n_children = 0
    array.dictionary = NULL
    array.release = _release_part
    array.private_data = NULL
    array.buffers = cursor.buffers
    array.children = cursor.children
    if view.layout == LAYOUT_NULL:
        return 0
    frame.take_buffer(&extent)
    array.buffers[0] = NULL
    if null_count != 0 and length != 0:
        if null_count < 0 or extent.size < bytes_for_bits(length):
            raise ValueError("validity buffer is too short")
        array.buffers[0] = extent.data
    array.n_buffers = 1
    cursor.buffers += 1
    if view.layout == LAYOUT_STRUCT:
        array.n_children = len(view.children)
        cursor.children += array.n_children
        needed = 0
        for child in view.children:
            array.children[needed] = _next_array(cursor)
            _read_column(frame, child, array.children[needed], cursor)
            if array.children[needed].length < length:
                raise ValueError("struct field is shorter than the struct")
            needed += 1
        return 0
    frame.take_buffer(&extent)
    if view.layout == LAYOUT_BITS:
        needed = bytes_for_bits(length)
    elif view.layout == LAYOUT_FIXED:
        needed = view.width * length
    else:
        needed = view.width * (length + 1) if length else 0
    if extent.size < needed:
        raise ValueError("data buffer is too short")
    array.buffers[1] = extent.data
    array.n_buffers = 2
    cursor.buffers += 1
    if view.layout == LAYOUT_BITS or view.layout == LAYOUT_FIXED:
        return 0
    if length == 0:
        array.buffers[1] = NO_OFFSETS
        last = 0
    elif view.width == 4:
        last = (<const int32_t*>extent.data)[length]
    else:
        last = (<const int64_t*>extent.data)[length]
    if last < 0:
        raise ValueError("offsets are out of bounds")
    if view.layout == LAYOUT_VARLEN:
        frame.take_buffer(&extent)
        if last > extent.size:
            raise ValueError("offsets are out of bounds")
        array.buffers[2] = extent.data
        array.n_buffers = 3
        cursor.buffers += 1
        return 0
    array.n_children = 1
    cursor.children += 1
    array.children[0] = _next_array(cursor)
    _read_column(frame, view.children[0], array.children[0], cursor)
    if last > array.children[0].length:
        raise ValueError("offsets are out of bounds")
    return 0


cdef inline ArrowArray* _next_array(Cursor* cursor) noexcept:
    cursor.arrays += 1
    return cursor.arrays - 1
