"""Where a task is in its data: its items, counted as they are taken.

This is the one thing that notes on errors add to each batch and each group, so it is in the core.
"""

from cpython.buffer cimport PyBUF_WRITABLE, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int64_t
from libc.string cimport memcpy

# Integers of the page that a daemon reads when its worker is dead; `hydrofoil.deaths.page` says
# what they are.
cdef enum:
    ROW = 0
    ITEM = 2
    BEFORE = 3
    ROWS = 4
    FIELDS = 5

cdef int64_t[FIELDS] _nowhere
cdef int64_t* _page = _nowhere
cdef Py_buffer _noted_in


def note_items_in(memory not None):
    """Have this process note the item of its input that it is at in ``memory``, of 40 bytes."""
    global _page
    cdef Py_buffer taken
    PyObject_GetBuffer(memory, &taken, PyBUF_WRITABLE)
    if taken.len != sizeof(_nowhere):
        PyBuffer_Release(&taken)
        raise ValueError(f"{sizeof(_nowhere)} bytes are needed, not {len(memory)}")
    _page = <int64_t*>taken.buf
    PyBuffer_Release(&_noted_in)
    memcpy(&_noted_in, &taken, sizeof(taken))


cdef class Position:
    """The item of its input that a task is at.

    Parameters
    ----------
    partition : int
    items, rows : int
        Items, and rows of them, that a replay leaves out.

    Attributes
    ----------
    item : int
        From 0; one less before the first.
    before : int
        Rows of the items before it, where items have rows.
    rows : int
        Rows of the item.
    has_rows : bool
        Whether items have rows; groups are not read for that.
    reading : bool
        Whether reading the input has failed.
    """

    cdef readonly int64_t partition, item, before, rows
    cdef readonly bint has_rows, reading

    def __init__(self, int64_t partition, int64_t items=0, int64_t rows=0):
        self.partition = partition
        self.item = items - 1
        self.before = rows


cdef class Counted:
    """A task's input, whose items are counted as they are taken.

    None of them is held: groups are large, and what holds a column changes what a write to it does.
    Other attributes are those of the input.

    Parameters
    ----------
    items : iterable
    position : Position
        Of which it keeps account.
    has_rows : bool
        Whether items are batches, of rows; else they are groups.
    before : callable or None
        Called with the position before each item is read.
    """

    cdef object _items, _iterator, _before
    cdef Position _position

    def __init__(self, items, Position position not None, bint has_rows, before=None):
        self._items = items
        self._iterator = iter(items)
        self._position = position
        self._before = before
        position.has_rows = has_rows

    def __iter__(self):
        return self

    def __next__(self):
        cdef Position position = self._position
        if self._before is not None:
            self._before(position)
        try:
            item = next(self._iterator)
        except StopIteration:
            raise
        except Exception:
            position.reading = True
            raise
        position.item += 1
        _page[ITEM] = position.item
        if position.has_rows:
            position.before += position.rows
            position.rows = _rows_of(item)
            # No row has begun; those of batches that the core does not see never do.
            _page[ROW] = -1
            _page[BEFORE] = position.before
            _page[ROWS] = position.rows
        return item

    def __getattr__(self, str name):
        return getattr(self._items, name)


cdef int64_t _rows_of(item) except -1:
    """The rows of a record batch, of a frame or of a sequence of rows; 1 for anything else."""
    if type(item) is list or type(item) is tuple:
        return len(item)
    rows = getattr(item, "length", None)
    if rows is None:
        rows = getattr(item, "num_rows", 1)
    return rows if type(rows) is int and rows >= 0 else 1
