"""Columns: typed views of buffers that somebody else owns, and the buffers that builders own.

Memory rules, all of them:

* A `ColumnView` owns nothing. `owner` keeps alive what its pointers point into: a frame's body, or
  the capsule of an exported Arrow array. Binding it anew or calling `release` lets go of that.
* A `Buffer` is malloc'ed by `buffer_grow` and freed by `buffer_free`, by the one encoder that holds
  it.
  `FrameWriter` borrows it from `buffer_emit` until its `write_batch` returns.

`live_buffers` counts what has been allocated and not freed, so that tests can prove that nothing
leaks.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from hydrofoil._cext.abi cimport ArrowArray, ArrowSchema, bytes_for_bits, padded
from hydrofoil._cext.frames cimport Extent, Frame, FrameWriter
from hydrofoil._cext.frames import CorruptFrame

# Arrow format string -> (layout, width in bytes). Parametrized formats are in _parametrized_layout.
cdef dict LAYOUTS = {
    "n": (LAYOUT_NULL, 0),
    "b": (LAYOUT_BITS, 0),
    "c": (LAYOUT_FIXED, 1),
    "s": (LAYOUT_FIXED, 2),
    "i": (LAYOUT_FIXED, 4),
    "l": (LAYOUT_FIXED, 8),
    "f": (LAYOUT_FIXED, 4),
    "g": (LAYOUT_FIXED, 8),
    "u": (LAYOUT_VARLEN, 4),
    "z": (LAYOUT_VARLEN, 4),
    "U": (LAYOUT_VARLEN, 8),
    "Z": (LAYOUT_VARLEN, 8),
    "tdD": (LAYOUT_FIXED, 4),
    "ttn": (LAYOUT_FIXED, 8),
    "tDu": (LAYOUT_FIXED, 8),
    "tiM": (LAYOUT_FIXED, 4),
    "+l": (LAYOUT_LIST, 4),
    "+m": (LAYOUT_LIST, 4),
    "+L": (LAYOUT_LIST, 8),
    "+s": (LAYOUT_STRUCT, 0),
}

cdef Py_ssize_t _live_buffers = 0


class UnsupportedLayout(TypeError):
    """A column whose Arrow type the core cannot view; ``str()`` names it."""


def live_buffers():
    """How many buffers are allocated now."""
    return _live_buffers


cdef tuple _layout_of(str arrow_format):
    if arrow_format in LAYOUTS:
        return LAYOUTS[arrow_format]
    if arrow_format.startswith("tsu:"):  # timestamp in microseconds, any zone
        return (LAYOUT_FIXED, 8)
    if arrow_format.startswith("d:") and arrow_format.count(",") == 1:  # decimal of 128 bits
        return (LAYOUT_FIXED, 16)
    raise UnsupportedLayout(f"Arrow format {arrow_format!r}")


cdef class ColumnView:
    """A column's shape, and where its values are for the batch it was last bound to."""

    @staticmethod
    def of_type(arrow_type):
        """The view of a pyarrow type (or anything else with ``__arrow_c_schema__``), not yet bound.

        Raises
        ------
        UnsupportedLayout
            If the type, or one nested in it, has no layout here (dictionaries, unions, views, ...).
        """
        capsule = arrow_type.__arrow_c_schema__()
        cdef ColumnView view = ColumnView.__new__(ColumnView)
        view.describe(<ArrowSchema*>PyCapsule_GetPointer(capsule, "arrow_schema"))
        return view

    cdef int describe(self, ArrowSchema* schema) except -1:
        cdef ColumnView child
        cdef int64_t i
        self.format = (<bytes>schema.format).decode()
        self.name = (<bytes>schema.name).decode() if schema.name != NULL else ""
        if schema.dictionary != NULL:
            raise UnsupportedLayout("a dictionary")
        layout, self.width = _layout_of(self.format)
        self.layout = <Layout><int>layout
        self.children = []
        for i in range(schema.n_children):
            child = ColumnView.__new__(ColumnView)
            child.describe(schema.children[i])
            self.children.append(child)
        return 0

    cdef int take(self, Frame frame) except -1:
        # Bind to the frame's next node and buffers. Raises at anything that does not add up, so
        # that whatever follows, pyarrow for one, may read without checks.
        cdef int64_t length, null_count
        cdef Extent extent
        cdef ColumnView child
        cdef Py_ssize_t needed
        frame.take_node(&length, &null_count)
        self.owner = frame.body
        self.length, self.null_count, self.offset = length, null_count, 0
        self.validity = self.data = self.var = NULL
        self.var_size = 0
        if self.layout == LAYOUT_NULL:
            return 0
        frame.take_buffer(&extent)
        if null_count != 0 and length != 0:
            if extent.size < bytes_for_bits(length):
                if null_count < 0:  # pyarrow counts them itself.
                    raise ValueError("validity buffer is too short")
                raise CorruptFrame("validity buffer is too short")
            self.validity = extent.data
        if self.layout == LAYOUT_STRUCT:
            for child in self.children:
                child.take(frame)
                if child.length < length:
                    raise CorruptFrame("struct field is shorter than the struct")
            return 0
        frame.take_buffer(&extent)
        if self.layout == LAYOUT_BITS:
            needed = bytes_for_bits(length)
        elif self.layout == LAYOUT_FIXED:
            needed = self.width * length
        else:
            needed = self.width * (length + 1) if length else 0
        if extent.size < needed:
            raise CorruptFrame("data buffer is too short")
        self.data = extent.data
        if self.layout == LAYOUT_VARLEN:
            frame.take_buffer(&extent)
            self.var, self.var_size = extent.data, extent.size
            self._check_offsets(extent.size)
        elif self.layout == LAYOUT_LIST:
            child = self.children[0]
            child.take(frame)
            self._check_offsets(child.length)
        return 0

    cdef int _check_offsets(self, Py_ssize_t limit) except -1:
        cdef const int32_t* narrow = <const int32_t*>self.data
        cdef const int64_t* wide = <const int64_t*>self.data
        cdef Py_ssize_t i
        cdef bint wrong = False
        if self.length == 0:
            return 0
        if self.width == 4:
            wrong = narrow[0] < 0 or not narrow[0] <= narrow[self.length] <= limit
            for i in range(self.length):
                wrong |= narrow[i] > narrow[i + 1]
        else:
            wrong = wide[0] < 0 or not wide[0] <= wide[self.length] <= limit
            for i in range(self.length):
                wrong |= wide[i] > wide[i + 1]
        if wrong:
            raise CorruptFrame("offsets are out of bounds or not ascending")
        return 0

    def bind(self, array):
        """Bind to an array of this view's type that has ``__arrow_c_array__``, as pyarrow's do.

        Raises
        ------
        TypeError
            If the array's type has a different layout.
        """
        kind, capsule = array.__arrow_c_array__()
        self.check(<ArrowSchema*>PyCapsule_GetPointer(kind, "arrow_schema"))
        self.borrow(<ArrowArray*>PyCapsule_GetPointer(capsule, "arrow_array"), capsule)
        return self

    cdef int check(self, ArrowSchema* schema) except -1:
        # Whatever lies where this view's values would lie can be read as such.
        cdef ColumnView child
        cdef int64_t i
        found = (<bytes>schema.format).decode()
        if (
            schema.dictionary != NULL
            or schema.n_children != len(self.children)
            or (found != self.format and _layout_of(found) != (<int>self.layout, self.width))
        ):
            raise TypeError(f"an array of Arrow format {found!r} for a view of {self.format!r}")
        for i in range(schema.n_children):
            child = self.children[i]
            child.check(schema.children[i])
        return 0

    cdef int borrow(self, ArrowArray* array, object owner) except -1:
        cdef Py_ssize_t i
        cdef ColumnView child
        self.owner = owner
        self.length, self.null_count, self.offset = array.length, array.null_count, array.offset
        self.validity = self.data = self.var = NULL
        self.var_size = 0
        if self.layout == LAYOUT_NULL:
            return 0
        if array.null_count != 0:
            self.validity = <const uint8_t*>array.buffers[0]
        if self.layout != LAYOUT_STRUCT:
            self.data = <const uint8_t*>array.buffers[1]
        if self.layout == LAYOUT_VARLEN:
            self.var = <const uint8_t*>array.buffers[2]
        for i in range(array.n_children):
            child = self.children[i]
            child.borrow(array.children[i], owner)
        return 0

    cdef void drop(self) noexcept:
        cdef ColumnView child
        self.owner = None
        self.length = 0
        self.validity = self.data = self.var = NULL
        for child in self.children:
            child.drop()

    def release(self):
        """Let go of the batch: nothing may be read until the view is bound again."""
        self.drop()


def bind_frame(Frame frame not None, list views not None):
    """Bind top-level views to a frame's columns, in order.

    Raises
    ------
    ValueError
        If the frame has other nodes and buffers than the views need: pyarrow says what is wrong.
    CorruptFrame
        If its buffers are too short for their values, or contradict each other.
    """
    frame.rewind()
    bind_columns(frame, views)


cdef int bind_columns(Frame frame, list views) except -1:
    # From the frame's next node on; see `ColumnView.take`.
    cdef ColumnView view
    for view in views:
        view.take(frame)
        if view.length != frame.length:
            raise ValueError("column and record batch differ in length")
    if frame.next_node != frame.node_count or frame.next_buffer != frame.buffer_count:
        raise ValueError("record batch has more columns than its schema")
    return 0


cdef int buffer_grow(Buffer* buffer, Py_ssize_t needed, uint8_t fill) except -1:
    # New memory is filled, so that padding is never somebody's old data.
    global _live_buffers
    # It grows by half, so that appending value by value is cheap, but for a large array at once it
    # is as large as that.
    cdef Py_ssize_t capacity = padded(max(needed, buffer.capacity + (buffer.capacity >> 1), 64))
    data = <uint8_t*>realloc(buffer.data, capacity)
    if data == NULL:
        raise MemoryError()
    if buffer.data == NULL:
        _live_buffers += 1
    memset(data + buffer.capacity, fill, capacity - buffer.capacity)
    buffer.data = data
    buffer.capacity = capacity
    return 0


cdef void buffer_free(Buffer* buffer) noexcept:
    global _live_buffers
    if buffer.data != NULL:
        free(buffer.data)
        _live_buffers -= 1
    buffer.data = NULL
    buffer.size = buffer.capacity = 0


cdef int buffer_emit(Buffer* buffer, FrameWriter writer) except -1:
    # Zero the padding: a buffer that was longer in an earlier batch has old data there.
    cdef Py_ssize_t end = padded(buffer.size)
    buffer_ensure(buffer, end)
    if end > buffer.size:
        memset(buffer.data + buffer.size, 0, end - buffer.size)
    writer.add_buffer(buffer.data, buffer.size)
    return 0
