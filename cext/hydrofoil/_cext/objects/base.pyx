"""What every codec is: a decoder reads values out of a column, an encoder appends values to one.

In: a `ColumnView` bound to a batch; out: Python objects, exactly those that stock PySpark would
hand to the user's function. The other way: Python objects that are exactly of the declared type in,
buffers out; any other object is `LEFT` to stock's conversion, with nothing lost.

Who owns what: encoding can run the user's code (a ``tzinfo`` written in Python, ``__eq__`` of a
dict's key, another thread meanwhile), and whatever the user's code can reach, it can change. So
whoever calls `write` or `exclusive` holds a reference to the value for as long as the call, and
does not rely on its container: an item of a list, tuple or dict is assigned to a variable first.
The size of a list is looked at before each item, not once; a list that stands for a row of a known
width is copied into a tuple. Decoding runs none of the user's code.
"""

from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE, PyList_New, PyList_SET_ITEM
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport uint32_t
from libc.string cimport memset

from hydrofoil._cext.abi cimport bit_is_set, bytes_for_bits, clear_bit, set_bit
from hydrofoil._cext.columns cimport ColumnView, buffer_emit, buffer_free, buffer_grow
from hydrofoil._cext.frames cimport FrameWriter


class UndecodableColumn(ValueError):
    """The batch has a value that stock PySpark should meet first, to raise or warn."""


cdef class Decoder:
    """Reads the values of one column.

    Attributes
    ----------
    eager : bool
        Values depend on something that the user's function could change (the local time zone), so
        all of a batch's are read before the function is called, as stock does.
    mutable : bool
        Values can be changed in place, so two readers of one column must be given the same objects.
    repeats : bool
        Equal values can be told by ``digest`` and ``same_at`` faster than they are made.
    """

    cdef int bind(self, ColumnView view) except -1:
        # After this, read(i) is valid for 0 <= i < view.length until unbind().
        self.validity, self.offset, self.owner = view.validity, view.offset, view.owner
        return self.attach(view)

    cdef int attach(self, ColumnView view) except -1:
        return 0

    cdef object read(self, Py_ssize_t i):
        raise NotImplementedError

    cdef list read_list(self, Py_ssize_t first, Py_ssize_t size):
        cdef Py_ssize_t k
        values = PyList_New(size)
        for k in range(size):
            value = self.read(first + k)
            Py_INCREF(value)
            PyList_SET_ITEM(values, k, value)
        return values

    cdef object read_like(self, Py_ssize_t i, object other):
        # read(i), or `other` itself where that is the same: keys of maps repeat from row to row.
        return self.read(i)

    cdef uint32_t digest(self, Py_ssize_t i) noexcept:
        # The same for equal values, where `repeats` is true.
        return 0

    cdef bint same_at(self, Py_ssize_t i, Py_ssize_t k) noexcept:
        # Whether both values are there and equal, where `repeats` is true.
        return False

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        # read(i) as a new reference; takes over `spare`, the value of an earlier row or NULL, which
        # codecs of small immutable objects use again (see recycle.pxd).
        Py_XDECREF(spare)
        value = self.read(i)
        Py_INCREF(value)
        return <PyObject*>value

    cdef int reread_list(self, Py_ssize_t first, Py_ssize_t size, PyObject** items) except -1:
        # Each of the items by `reread`; NULL in place of one that it raised for.
        cdef Py_ssize_t k
        cdef PyObject* spare
        for k in range(size):
            spare, items[k] = items[k], NULL
            items[k] = self.reread(first + k, spare)
        return 0

    cdef void unbind(self) noexcept:
        self.owner = None

    def open(self, ColumnView view not None):
        """Be ready to read a bound view's values, until ``close``.

        Raises
        ------
        UndecodableColumn
            If the column holds a value that stock would stumble over.
        """
        self.bind(view)

    def close(self):
        """Let go of the batch."""
        self.unbind()

    def decode(self, ColumnView view not None):
        """All values of a bound view, as a list.

        Raises
        ------
        UndecodableColumn
            If the column holds a value that stock would stumble over.
        """
        cdef Py_ssize_t i
        self.bind(view)
        values = [self.read(i) for i in range(view.length)]
        self.unbind()
        return values


cdef class Encoder:
    """Appends values to one column.

    Attributes
    ----------
    nullable : bool
        Whether None may be written; if not, None is left to stock, which raises.
    restores : bool
        Whether ``restore`` gives back objects that stock would convert to what is in the buffers
        already, so that nobody needs to keep the originals.
    mutable : bool
        Whether values may be, or contain, objects that can be changed after they were returned.
    """

    def __cinit__(self, *args, **kwargs):
        self.nullable = True

    def __dealloc__(self):
        buffer_free(&self.validity)

    cdef int write(self, object value) except -1:
        raise NotImplementedError

    cdef int write_items(self, list values) except -1:
        # All items of a list, which writing may not change; stops at the first that is LEFT.
        cdef Py_ssize_t k = 0
        while k < PyList_GET_SIZE(values):
            value = <object>PyList_GET_ITEM(values, k)
            if self.write(value) == LEFT:
                return LEFT
            k += 1
        return TAKEN

    cdef bint exclusive(self, PyObject* value, Py_ssize_t owners) noexcept:
        # Whether nobody but its `owners`, whom the caller knows, can change the value. Stock
        # converts a batch's results when all are there, so what might still change has to wait
        # until then.
        return True

    cdef int write_null(self) except -1:
        if not self.nullable:
            return LEFT
        self.append_null()
        return TAKEN

    cdef int append_null(self) except -1:
        # A null slot whatever `nullable` says: a null struct has null fields.
        raise NotImplementedError

    cdef object restore(self, Py_ssize_t i):
        raise NotImplementedError

    cdef bint is_null(self, Py_ssize_t i) noexcept:
        if self.null_count == 0 or i >= self.validity.capacity * 8:
            return False
        return not bit_is_set(self.validity.data, i)

    cdef int mark_null(self) except -1:
        # Bits beyond what was ever marked are ones, so that values need not set theirs.
        cdef Py_ssize_t needed = bytes_for_bits(self.length + 1)
        if needed > self.validity.capacity:
            buffer_grow(&self.validity, needed, 0xFF)
        clear_bit(self.validity.data, self.length)
        self.null_count += 1
        return 0

    cdef int reset(self) except -1:
        # Forget the batch, keep the memory.
        if self.null_count:
            memset(self.validity.data, 0xFF, self.validity.capacity)
        self.length = 0
        self.null_count = 0
        return 0

    cdef int cut(self, Py_ssize_t length) except -1:
        # Forget all values from this one on, such as those of a row that was left in the middle.
        cdef Py_ssize_t i
        for i in range(length, self.length):
            if self.is_null(i):
                set_bit(self.validity.data, i)
                self.null_count -= 1
        self.length = length
        return 0

    cdef bint settled(self) noexcept:
        # False if what the batch's values were converted by has changed since `reset`.
        return True

    cdef int emit_validity(self, FrameWriter writer) except -1:
        cdef Py_ssize_t needed
        writer.add_node(self.length, self.null_count)
        if self.null_count == 0:
            writer.add_buffer(NULL, 0)
            return 0
        needed = bytes_for_bits(self.length)
        if needed > self.validity.capacity:
            buffer_grow(&self.validity, needed, 0xFF)
        self.validity.size = needed
        return buffer_emit(&self.validity, writer)

    cdef int emit(self, FrameWriter writer) except -1:
        # Hand the buffers to the writer, depth first, as the IPC format orders them.
        raise NotImplementedError

    def encode(self, values):
        """Append values in order, and return how many were taken before one was left to stock."""
        cdef Py_ssize_t taken = 0
        self.reset()
        for value in values:
            if self.write(value) == LEFT:
                break
            taken += 1
        return taken

    def is_settled(self):
        """Whether all values of the batch were converted under one state of the environment."""
        return self.settled()

    def restored(self, Py_ssize_t stop):
        """The first ``stop`` values, as objects that stock would convert to the same buffers."""
        cdef Py_ssize_t i
        return [self.restore(i) for i in range(stop)]


def write_batch(FrameWriter writer not None, list encoders not None, Py_ssize_t length):
    """Write the encoders' columns as one record batch of ``length`` rows."""
    cdef Encoder encoder
    for encoder in encoders:
        if encoder.length != length:
            raise ValueError(f"a column has {encoder.length} values, its batch {length}")
        encoder.emit(writer)
    writer.write_batch(length)
