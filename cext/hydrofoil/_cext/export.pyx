"""Frames handed to pyarrow: record batches and arrays over a frame's body, without a copy.

In: a `Frame` and the layout of its schema. Out: what pyarrow imports through the Arrow C data
interface. Each import has one block of memory with all the structs that it needs; the block owns a
reference to the frame's body and is freed, with the reference, when pyarrow's last buffer goes.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport int64_t, uint8_t, uintptr_t
from libc.stdlib cimport free, malloc

from hydrofoil._cext.abi cimport ArrowArray, ArrowSchema
from hydrofoil._cext.columns cimport (
    ColumnView,
    LAYOUT_BITS,
    LAYOUT_FIXED,
    LAYOUT_NULL,
    LAYOUT_STRUCT,
    LAYOUT_VARLEN,
    bind_columns,
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

    cdef list _views
    cdef bint _in_struct
    cdef Py_ssize_t _nodes
    cdef Py_ssize_t _buffers

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
        IndexError
            If there is no such column.
        ValueError
            If the frame is not what its schema says, or has what only pyarrow should read: no rows,
            compression, structs with nulls around the columns.
        CorruptFrame
            See ``bind_frame``.
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
        if not _are_places(wanted, views) or (one and count != 1):
            free(block)
            raise IndexError(f"columns {wanted!r} of a schema that has {views}")
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


cdef bint _are_places(list wanted, Py_ssize_t views) except -1:
    for i in wanted:
        if not 0 <= <Py_ssize_t>i < views:
            return False
    return True


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
    try:
        bind_columns(frame, views)
        for view in views:
            _describe(view, columns + i, cursor)
            i += 1
    finally:
        # The block keeps the frame's body alive, for as long as pyarrow needs it.
        for view in views:
            view.drop()
    return 0


cdef int _describe(ColumnView view, ArrowArray* array, Cursor* cursor) except -1:
    # What the view is bound to, as a struct of the interface.
    cdef ColumnView child
    cdef Py_ssize_t i
    if view.null_count < 0:
        raise ValueError("the number of nulls is unknown")
    array.length, array.null_count, array.offset = view.length, view.null_count, 0
    array.dictionary = NULL
    array.release = _release_part
    array.private_data = NULL
    array.buffers = cursor.buffers
    array.n_buffers = _buffer_count(view)
    if array.n_buffers > 0:
        array.buffers[0] = view.validity
    if array.n_buffers > 1:
        array.buffers[1] = view.data
        if view.length == 0 and view.layout != LAYOUT_BITS and view.layout != LAYOUT_FIXED:
            array.buffers[1] = NO_OFFSETS
    if array.n_buffers > 2:
        array.buffers[2] = view.var
    cursor.buffers += array.n_buffers
    array.children = cursor.children
    array.n_children = len(view.children)
    cursor.children += array.n_children
    for i in range(array.n_children):
        child = view.children[i]
        array.children[i] = _next_array(cursor)
        _describe(child, array.children[i], cursor)
    return 0


cdef inline int _buffer_count(ColumnView view) noexcept:
    if view.layout == LAYOUT_NULL:
        return 0
    if view.layout == LAYOUT_STRUCT:
        return 1
    return 3 if view.layout == LAYOUT_VARLEN else 2


cdef inline ArrowArray* _next_array(Cursor* cursor) noexcept:
    cursor.arrays += 1
    return cursor.arrays - 1
