"""Record batches gathered for the JVM: small ones copied together, large ones written as they lie.

In: pyarrow record batches of one schema. Out: record batch messages through a `FrameWriter`. Small
batches are copied to buffers that the `Gatherer` owns until its `flush`; a large batch is borrowed
from pyarrow while `add` writes it, if its buffers begin where the message's should.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t, uintptr_t

from hydrofoil._cext.abi cimport (
    ArrowArray,
    ArrowSchema,
    bit_is_set,
    bytes_for_bits,
    clear_bit,
    set_bit,
)
from hydrofoil._cext.columns cimport (
    Buffer,
    ColumnView,
    LAYOUT_BITS,
    LAYOUT_FIXED,
    LAYOUT_LIST,
    LAYOUT_NULL,
    LAYOUT_STRUCT,
    LAYOUT_VARLEN,
    buffer_append,
    buffer_emit,
    buffer_ensure,
    buffer_free,
    buffer_grow,
)
from hydrofoil._cext.frames cimport FrameWriter

cdef enum:
    # A batch of at least this many bytes is written by itself, and without a copy if possible.
    LARGE = 1 << 16
    # Buffers that have grown beyond this are given back after they are written.
    KEPT = 1 << 22


cdef class _Gathered:
    # One column's part of what is gathered.
    cdef ColumnView view
    cdef list children
    cdef Py_ssize_t length, null_count
    cdef Buffer validity, data, var

    def __cinit__(self, ColumnView view not None):
        self.view = view
        self.children = [_Gathered(child) for child in view.children]
        self.clear()

    def __dealloc__(self):
        buffer_free(&self.validity)
        buffer_free(&self.data)
        buffer_free(&self.var)

    cdef void clear(self) noexcept:
        cdef _Gathered child
        self.length = self.null_count = 0
        _empty(&self.validity)
        _empty(&self.data)
        _empty(&self.var)
        for child in self.children:
            child.clear()

    cdef int append(self, ArrowArray* array, Py_ssize_t start, Py_ssize_t count) except -1:
        # ``start`` is counted from the array's own offset.
        cdef Py_ssize_t at = array.offset + start, width = self.view.width, i = 0
        cdef int64_t first, last
        cdef _Gathered child
        if self.view.layout == LAYOUT_NULL:
            self.length += count
            self.null_count += count
            return 0
        self._append_validity(array, at, count)
        if self.view.layout == LAYOUT_FIXED:
            buffer_append(
                &self.data, <const uint8_t*>array.buffers[1] + at * width, count * width
            )
        elif self.view.layout == LAYOUT_BITS:
            _append_bits(&self.data, self.length, <const uint8_t*>array.buffers[1], at, count)
        elif self.view.layout == LAYOUT_STRUCT:
            for child in self.children:
                child.append(array.children[i], at, count)
                i += 1
        else:
            first, last = 0, 0
            self._append_offsets(array, at, count, &first, &last)
            if self.view.layout == LAYOUT_VARLEN:
                if last > first:
                    buffer_append(
                        &self.var, <const uint8_t*>array.buffers[2] + first, last - first
                    )
            else:
                child = self.children[0]
                child.append(array.children[0], first, last - first)
        self.length += count
        return 0

    cdef int _append_validity(self, ArrowArray* array, Py_ssize_t at, Py_ssize_t count) except -1:
        cdef const uint8_t* bits = <const uint8_t*>array.buffers[0]
        cdef Py_ssize_t i, nulls
        if array.null_count == 0 or bits == NULL:
            if self.null_count:
                _append_ones(&self.validity, self.length, count)
            return 0
        nulls = 0
        for i in range(count):
            nulls += not bit_is_set(bits, at + i)
        if nulls == 0 and self.null_count == 0:
            return 0
        if self.null_count == 0:
            self.validity.size = 0
            _append_ones(&self.validity, 0, self.length)
        _append_bits(&self.validity, self.length, bits, at, count)
        self.null_count += nulls
        return 0

    cdef int _append_offsets(
        self, ArrowArray* array, Py_ssize_t at, Py_ssize_t count, int64_t* first, int64_t* last
    ) except -1:
        # The new offsets continue those that are there, whatever the array's begin with.
        cdef Py_ssize_t width = self.view.width, i
        cdef const int32_t* narrow = <const int32_t*>array.buffers[1]
        cdef const int64_t* wide = <const int64_t*>array.buffers[1]
        cdef int64_t shift = 0
        if self.data.size == 0:
            buffer_append(&self.data, &shift, width)
        if count == 0:
            return 0
        buffer_ensure(&self.data, self.data.size + count * width)
        if width == 4:
            first[0], last[0] = narrow[at], narrow[at + count]
            shift = (<int32_t*>self.data.data)[self.length] - first[0]
            for i in range(count):
                (<int32_t*>self.data.data)[self.length + 1 + i] = (
                    <int32_t>(narrow[at + i + 1] + shift)
                )
        else:
            first[0], last[0] = wide[at], wide[at + count]
            shift = (<int64_t*>self.data.data)[self.length] - first[0]
            for i in range(count):
                (<int64_t*>self.data.data)[self.length + 1 + i] = wide[at + i + 1] + shift
        self.data.size += count * width
        return 0

    cdef int emit(self, FrameWriter writer) except -1:
        cdef _Gathered child
        cdef int64_t zero = 0
        writer.add_node(self.length, self.null_count)
        if self.view.layout == LAYOUT_NULL:
            return 0
        if self.null_count:
            buffer_emit(&self.validity, writer)
        else:
            writer.add_buffer(NULL, 0)
        if self.view.layout == LAYOUT_VARLEN or self.view.layout == LAYOUT_LIST:
            if self.data.size == 0:
                buffer_append(&self.data, &zero, self.view.width)
        if self.view.layout != LAYOUT_STRUCT:
            buffer_emit(&self.data, writer)
        if self.view.layout == LAYOUT_VARLEN:
            buffer_emit(&self.var, writer)
        for child in self.children:
            child.emit(writer)
        return 0


cdef void _empty(Buffer* buffer) noexcept:
    buffer.size = 0
    if buffer.capacity > KEPT:
        buffer_free(buffer)


cdef int _append_ones(Buffer* buffer, Py_ssize_t length, Py_ssize_t count) except -1:
    cdef Py_ssize_t i, end = bytes_for_bits(length + count)
    if end > buffer.capacity:
        buffer_grow(buffer, end, 0)
    for i in range(length, length + count):
        set_bit(buffer.data, i)
    buffer.size = end
    return 0


cdef int _append_bits(
    Buffer* buffer, Py_ssize_t length, const uint8_t* bits, Py_ssize_t at, Py_ssize_t count
) except -1:
    cdef Py_ssize_t i, end = bytes_for_bits(length + count)
    if end > buffer.capacity:
        buffer_grow(buffer, end, 0)
    for i in range(count):
        if bit_is_set(bits, at + i):
            set_bit(buffer.data, length + i)
        else:
            clear_bit(buffer.data, length + i)
    buffer.size = end
    return 0


cdef Py_ssize_t _size(ColumnView view, ArrowArray* array, Py_ssize_t start, Py_ssize_t count):
    # About how many bytes these values take.
    cdef Py_ssize_t at = array.offset + start, total = 0, i = 0
    cdef int64_t first, last
    if view.layout == LAYOUT_NULL or count == 0:
        return 0
    if view.layout == LAYOUT_FIXED:
        return view.width * count
    if view.layout == LAYOUT_BITS:
        return bytes_for_bits(count)
    if view.layout == LAYOUT_STRUCT:
        for child in view.children:
            total += _size(child, array.children[i], at, count)
            i += 1
        return total
    if view.width == 4:
        first = (<const int32_t*>array.buffers[1])[at]
        last = (<const int32_t*>array.buffers[1])[at + count]
    else:
        first = (<const int64_t*>array.buffers[1])[at]
        last = (<const int64_t*>array.buffers[1])[at + count]
    total = view.width * count
    if view.layout == LAYOUT_VARLEN:
        return total + last - first
    return total + _size(view.children[0], array.children[0], first, last - first)


cdef bint _lies_as_written(ColumnView view, ArrowArray* array, Py_ssize_t length):
    # Whether the array's buffers, cut at their end, are those of a message.
    cdef Py_ssize_t i = 0
    cdef int64_t last
    if array.offset != 0 or array.length != length or array.null_count < 0:
        return False
    if view.layout == LAYOUT_STRUCT:
        for child in view.children:
            if not _lies_as_written(child, array.children[i], length):
                return False
            i += 1
        return True
    if view.layout != LAYOUT_VARLEN and view.layout != LAYOUT_LIST:
        return True
    if length == 0:
        return False
    if view.width == 4:
        last = (<const int32_t*>array.buffers[1])[length]
        if (<const int32_t*>array.buffers[1])[0] != 0:
            return False
    else:
        last = (<const int64_t*>array.buffers[1])[length]
        if (<const int64_t*>array.buffers[1])[0] != 0:
            return False
    return view.layout == LAYOUT_VARLEN or _lies_as_written(
        view.children[0], array.children[0], last
    )


cdef int _emit_as_it_lies(ColumnView view, ArrowArray* array, FrameWriter writer) except -1:
    cdef Py_ssize_t i = 0, length = array.length, size
    cdef bint nulls = array.null_count != 0 and length and view.layout != LAYOUT_NULL
    if nulls and array.buffers[0] == NULL:
        nulls = False
    writer.add_node(length, length if view.layout == LAYOUT_NULL else nulls * array.null_count)
    if view.layout == LAYOUT_NULL:
        return 0
    if nulls:
        writer.add_exact_buffer(array.buffers[0], bytes_for_bits(length))
    else:
        writer.add_buffer(NULL, 0)
    if view.layout == LAYOUT_BITS:
        writer.add_exact_buffer(array.buffers[1], bytes_for_bits(length))
    elif view.layout == LAYOUT_FIXED:
        writer.add_exact_buffer(array.buffers[1], view.width * length)
    elif view.layout != LAYOUT_STRUCT:
        writer.add_exact_buffer(array.buffers[1], view.width * (length + 1))
    if view.layout == LAYOUT_VARLEN:
        if view.width == 4:
            size = (<const int32_t*>array.buffers[1])[length]
        else:
            size = (<const int64_t*>array.buffers[1])[length]
        writer.add_exact_buffer(array.buffers[2], size)
    for child in view.children:
        _emit_as_it_lies(child, array.children[i], writer)
        i += 1
    return 0


cdef class Gatherer:
    """Writes record batches of one schema, small ones together.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of every batch that is added.
    writer : FrameWriter
        Where messages go.
    in_struct : bool
        Write each batch's columns as the fields of one struct column, without nulls.
    most_rows : int
        Write what is gathered once it has this many rows; 0 to write every batch by itself.

    Raises
    ------
    UnsupportedLayout
        If a column's type is none that the core can view.
    """

    cdef list _columns
    cdef ColumnView _root
    cdef FrameWriter _writer
    cdef bint _in_struct
    cdef Py_ssize_t _most_rows
    cdef Py_ssize_t _bytes
    cdef readonly Py_ssize_t rows

    def __init__(self, schema, FrameWriter writer not None, bint in_struct, Py_ssize_t most_rows):
        capsule = schema.__arrow_c_schema__()
        cdef ColumnView root = ColumnView.__new__(ColumnView)
        root.describe(<ArrowSchema*>PyCapsule_GetPointer(capsule, "arrow_schema"))
        self._root = root
        self._columns = [_Gathered(view) for view in root.children]
        self._writer = writer
        self._in_struct = in_struct
        self._most_rows = most_rows

    def add(self, export):
        """Take a batch, or write it.

        Parameters
        ----------
        export : callable
            The batch's ``_export_to_c``.
        """
        cdef ArrowArray batch
        cdef _Gathered column
        cdef Py_ssize_t size, i = 0
        batch.release = NULL
        export(<uintptr_t>&batch)
        try:
            size = _size(self._root, &batch, 0, batch.length)
            if size >= LARGE and self.rows:
                self.flush()
            if size >= LARGE and _lies_as_written(self._root, &batch, batch.length):
                if self._in_struct:
                    self._open_struct(batch.length)
                for view in self._root.children:
                    _emit_as_it_lies(view, batch.children[i], self._writer)
                    i += 1
                self._writer.write_batch(batch.length)
                return
            for column in self._columns:
                column.append(batch.children[i], batch.offset, batch.length)
                i += 1
            self.rows += batch.length
            self._bytes += size
        finally:
            if batch.release != NULL:
                batch.release(&batch)
        if self.rows >= self._most_rows or self._bytes >= LARGE:
            self._write()

    def flush(self):
        """Write what is gathered, if it has rows."""
        if self.rows:
            self._write()

    cdef int _open_struct(self, Py_ssize_t length) except -1:
        self._writer.add_node(length, 0)
        self._writer.add_buffer(NULL, 0)
        return 0

    cdef int _write(self) except -1:
        cdef _Gathered column
        try:
            if self._in_struct:
                self._open_struct(self.rows)
            for column in self._columns:
                column.emit(self._writer)
            self._writer.write_batch(self.rows)
        finally:
            self.rows = self._bytes = 0
            for column in self._columns:
                column.clear()
        return 0
