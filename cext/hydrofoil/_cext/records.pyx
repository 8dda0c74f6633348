"""Rows that a program hands to Spark: encoded as record batches, and searched for their types.

`RecordsEncoder` takes what PySpark's `createDataFrame` takes as a row. `telling_rows` finds those
rows that can make a difference to the schema that PySpark infers: it merges the types of all rows,
and most rows have the types of one that it has seen.
"""

from cpython.dict cimport PyDict_CheckExact, PyDict_Next, PyDict_Size
from cpython.list cimport PyList_Check, PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_Check, PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_CheckExact

import datetime
import decimal

from hydrofoil._cext.objects.base cimport LEFT, TAKEN
from hydrofoil._cext.objects.nested cimport FieldsEncoder

cdef extern from *:
    """
    static inline int hydrofoil_reads_as_tuple(PyObject* value) {
        return PyTuple_Check(value)
            && Py_TYPE(value)->tp_iter == PyTuple_Type.tp_iter
            && Py_TYPE(value)->tp_as_sequence->sq_length
               == PyTuple_Type.tp_as_sequence->sq_length;
    }
    """
    bint reads_as_tuple "hydrofoil_reads_as_tuple"(object value)

cdef extern from "Python.h":
    PyObject* PyDict_GetItemWithError(object mapping, object key) except? NULL
    PyObject* PyType "(PyObject*)Py_TYPE"(object value) noexcept
    int PyDict_Check(object value) noexcept


cdef class RecordsEncoder(FieldsEncoder):
    """Appends rows to columns side by side; no row is null.

    A row is a tuple (named ones and ``Row`` too) or list of the columns' values, or a dict or an
    object that has them by their names, of which missing ones are null.

    Parameters
    ----------
    fields : list of Encoder
        One a column.
    names : list of str
        The columns' names.
    bare : bool
        Rows are the values of the only column.
    refused : type or None
        A class whose objects are no rows.
    """

    cdef bint bare
    # Why `pull` has left a row.
    cdef readonly bint is_shared
    cdef object refused

    def __cinit__(
        self, list fields not None, list names not None, *, bint bare=False, refused=None
    ):
        if len(fields) != len(names) or (bare and len(fields) != 1):
            raise ValueError(f"{len(fields)} encoders for the columns {names!r}")
        self.take_fields(fields, names)
        self.bare, self.refused = bare, refused

    def take(self, list rows not None, Py_ssize_t first, Py_ssize_t stop):
        """Append rows, and return the number of the first that was left, or ``stop``."""
        cdef Py_ssize_t i
        self.reset()
        for i in range(first, min(stop, PyList_GET_SIZE(rows))):
            if i >= PyList_GET_SIZE(rows):
                return i
            row = <object>PyList_GET_ITEM(rows, i)
            if self.write(row) == LEFT:
                return i
        return stop

    def pull(self, rows, Py_ssize_t most, list left not None):
        """Append rows as an iterator gives them, until there are ``most`` of them.

        Each is encoded before the next one is asked for: whoever yields one object again and again,
        with different values, may do so. A list or the like in a row is what stock looks at later:
        a row is left if somebody else has one of its own, and may change it.

        Parameters
        ----------
        left : list
            Gets the row that was left, if one was; nothing of it stays in the columns.

        Returns
        -------
        bool
            Whether the iterator had no more rows.
        """
        self.reset()
        self.is_shared = False
        for row in rows:
            if self.mutable_fields and not self.owns(row):
                self.is_shared = True
                left.append(row)
                return False
            if self.write(row) == LEFT:
                self.cut(self.length)
                left.append(row)
                return False
            if self.length == most:
                return False
        return True

    def encoders(self):
        """The columns' encoders, for `write_batch`."""
        return self.fields

    cdef bint owns(self, object row) except -1:
        # Whether nobody but the row has what can be changed in it. The row itself may be shared:
        # stock, too, takes its values before the next one is asked for.
        cdef Py_ssize_t k = 0, count = PyList_GET_SIZE(self.fields)
        cdef PyObject* found
        if self.bare:
            return self.field(0).exclusive(<PyObject*>row, 1)
        if PyTuple_Check(row):
            for k in range(min(count, PyTuple_GET_SIZE(row))):
                item = <object>PyTuple_GET_ITEM(row, k)
                if not self.field(k).exclusive(<PyObject*>item, 2):
                    return False
            return True
        if PyList_CheckExact(row):
            while k < count and k < PyList_GET_SIZE(row):
                item = <object>PyList_GET_ITEM(row, k)
                if not self.field(k).exclusive(<PyObject*>item, 2):
                    return False
                k += 1
            return True
        named = row if PyDict_CheckExact(row) else getattr(row, "__dict__", None)
        if PyDict_CheckExact(named):
            for k in range(count):
                found = PyDict_GetItemWithError(named, <object>PyList_GET_ITEM(self.names, k))
                if found != NULL:
                    item = <object>found
                    if not self.field(k).exclusive(<PyObject*>item, 2):
                        return False
        return True

    cdef int write(self, object row) except -1:
        cdef Py_ssize_t k, count = PyList_GET_SIZE(self.fields)
        if self.bare:
            if self.field(0).write(row) == LEFT:
                return LEFT
        elif PyTuple_Check(row):
            if not reads_as_tuple(row) or PyTuple_GET_SIZE(row) != count:
                return LEFT
            for k in range(count):
                value = <object>PyTuple_GET_ITEM(row, k)
                if self.field(k).write(value) == LEFT:
                    return LEFT
        elif PyDict_CheckExact(row):
            if self.write_named(<dict>row) == LEFT:
                return LEFT
        elif PyList_CheckExact(row):
            if PyList_GET_SIZE(row) != count:
                return LEFT
            for k in range(count):
                if k >= PyList_GET_SIZE(row):
                    return LEFT
                value = <object>PyList_GET_ITEM(row, k)
                if self.field(k).write(value) == LEFT:
                    return LEFT
        elif self.write_object(row) == LEFT:
            return LEFT
        self.length += 1
        return TAKEN

    cdef inline int write_named(self, dict row) except -1:
        cdef Py_ssize_t k
        cdef PyObject* item
        for k in range(PyList_GET_SIZE(self.fields)):
            item = PyDict_GetItemWithError(row, <object>PyList_GET_ITEM(self.names, k))
            value = <object>item if item != NULL else None
            if self.field(k).write(value) == LEFT:
                return LEFT
        return TAKEN

    cdef int write_object(self, object row) except -1:
        if PyDict_Check(row) or PyList_Check(row):
            return LEFT
        if self.refused is not None and isinstance(row, self.refused):
            return LEFT
        try:
            attributes = row.__dict__
        except Exception:
            return LEFT
        if not PyDict_CheckExact(attributes):
            return LEFT
        return self.write_named(<dict>attributes)


# --- Which rows tell something of the schema ------------------------------------------------------

# Types of which a value's class says all.
cdef set PLAIN = {
    type(None), bool, int, float, str, bytes, bytearray, decimal.Decimal,
    datetime.date, datetime.time, datetime.timedelta,
}
cdef object DATETIME = datetime.datetime
cdef Py_ssize_t MAX_DEPTH = 32


class Unknown(TypeError):
    """A value whose type only PySpark can tell."""


cdef class _Shape:
    # Rows of the same kind with the same names or length: what has been seen in each column.
    cdef tuple names
    cdef list seen
    # The class of the value that was last looked at in each column, where it says all.
    cdef list last


def telling_rows(list rows not None, *, bint dicts_are_structs=False):
    """The rows, in their order, that differ in a type or a name from all before them.

    Merging the types of these gives what merging the types of all rows does.

    Raises
    ------
    Unknown
        At a value or a row that is none of the plain kinds.
    """
    cdef list telling = []
    cdef dict shapes = {}
    cdef _Shape shape, latest = None
    cdef Py_ssize_t i
    cdef bint news
    for i in range(PyList_GET_SIZE(rows)):
        if i >= PyList_GET_SIZE(rows):
            raise Unknown("the list of rows is changed while it is read")
        row = <object>PyList_GET_ITEM(rows, i)
        shape = latest if latest is not None and fits(latest, row) else shape_of(row, shapes)
        news = shape.seen is None
        if news:
            shape.seen = [set() for _ in range(width_of(row))]
            shape.last = [None] * len(shape.seen)
        if look(shape, row, dicts_are_structs):
            news = True
        if news:
            telling.append(row)
        latest = shape
    return telling


cdef bint fits(_Shape shape, object row) except -1:
    # Whether it is a tuple of the shape's length, or a dict with its keys, themselves and in their
    # order: what most rows are.
    cdef Py_ssize_t position = 0, k = 0
    cdef PyObject* key
    if PyType(row) != PyTuple_GET_ITEM(shape.names, 0):
        return False
    if PyTuple_CheckExact(row):
        return PyTuple_GET_SIZE(row) == PyList_GET_SIZE(shape.seen)
    if not PyDict_CheckExact(row) or PyDict_Size(row) != PyList_GET_SIZE(shape.seen):
        return False
    while PyDict_Next(row, &position, &key, NULL):
        k += 1
        if key != PyTuple_GET_ITEM(shape.names, k):
            return False
    return True


cdef _Shape shape_of(object row, dict shapes):
    cdef _Shape shape
    cdef tuple names
    kind = type(row)
    if kind is dict:
        names = (dict, *row)
    elif kind is list or kind is tuple:
        names = (kind, len(row))
    elif PyTuple_Check(row):
        names = (kind, len(row), *named(row))
    elif PyDict_Check(row) or PyList_Check(row):
        raise Unknown(kind)
    else:
        try:
            attributes = row.__dict__
        except Exception:
            raise Unknown(kind) from None
        if type(attributes) is not dict:
            raise Unknown(kind)
        names = (object, *attributes)
    if names[0] is dict or names[0] is object:
        for name in names[1:]:
            if not PyUnicode_CheckExact(name):
                raise Unknown(name)
    shape = shapes.get(names)
    if shape is None:
        shape = _Shape.__new__(_Shape)
        shape.names, shape.seen = names, None
        shapes[names] = shape
    return shape


cdef tuple named(object row):
    # The names that PySpark finds in a tuple: `Row`'s, or a named tuple's.
    if not reads_as_tuple(row) or hasattr(type(row), "__UDT__"):
        raise Unknown(type(row))
    names = getattr(row, "__fields__", None)
    if names is None:
        names = getattr(row, "_fields", ())
    for name in names:
        if type(name) is not str:
            raise Unknown(name)
    if len(set(names)) != len(names):
        # Types of columns with one name are merged with each other.
        raise Unknown(names)
    return tuple(names)


cdef Py_ssize_t width_of(object row) except -1:
    if PyTuple_Check(row):
        return PyTuple_GET_SIZE(row)
    if PyList_Check(row) or PyDict_Check(row):
        return len(row)
    return len(row.__dict__)


cdef bint look(_Shape shape, object row, bint dicts_are_structs) except -1:
    # Whether a column has a value of a type that it had none of. Names are asked for by user code,
    # which may take the value out of its row.
    cdef Py_ssize_t k = 0, position = 0, width = PyList_GET_SIZE(shape.seen)
    cdef PyObject* item
    cdef bint news = False
    if PyTuple_Check(row):
        for k in range(width):
            value = <object>PyTuple_GET_ITEM(row, k)
            news |= meet(shape, k, value, dicts_are_structs)
        return news
    if PyList_Check(row):
        for k in range(width):
            if k >= PyList_GET_SIZE(row):
                raise Unknown(type(row))
            value = <object>PyList_GET_ITEM(row, k)
            news |= meet(shape, k, value, dicts_are_structs)
        return news
    named = row if PyDict_CheckExact(row) else row.__dict__
    while PyDict_Next(named, &position, NULL, &item):
        if k == width:
            raise Unknown(type(row))
        value = <object>item
        news |= meet(shape, k, value, dicts_are_structs)
        k += 1
    return news


cdef inline bint meet(_Shape shape, Py_ssize_t k, object value, bint dicts_are_structs) except -1:
    cdef set seen
    if PyType(value) == PyList_GET_ITEM(shape.last, k):
        return False
    seen = <set>PyList_GET_ITEM(shape.seen, k)
    mark = mark_of(value, dicts_are_structs, MAX_DEPTH)
    if type(mark) is type:
        shape.last[k] = mark
    if mark in seen:
        return False
    seen.add(mark)
    return True


cdef object mark_of(object value, bint dicts_are_structs, Py_ssize_t depth):
    # What is equal for values of which PySpark infers the same type.
    cdef object kind = type(value)
    cdef dict marks
    if kind in PLAIN:
        return kind
    if kind is DATETIME:
        return (kind, value.tzinfo is None)
    if depth == 0:
        raise Unknown(kind)
    marks = {}
    if kind is list:
        for item in value:
            marks[mark_of(item, dicts_are_structs, depth - 1)] = None
        return (kind, *marks)
    if kind is dict:
        for key, item in value.items():
            mark = (
                key if dicts_are_structs else mark_of(key, False, depth - 1),
                mark_of(item, dicts_are_structs, depth - 1),
            )
            marks[mark] = None
        return (kind, *marks)
    if kind is tuple or PyTuple_Check(value):
        names = () if kind is tuple else named(value)
        return (
            tuple, names, len(value),
            *[mark_of(item, dicts_are_structs, depth - 1) for item in value],
        )
    raise Unknown(kind)
