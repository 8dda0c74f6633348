"""The rows that one call of a table function returns, as one record batch or one pickle.

The rows of a data source, or of an RDD, are made a record batch in the same way.

For record batches stock takes all rows of a call, and then converts them. Rows that nobody can
change any more are converted as they come; the others once more when all are there.
"""

from cpython.dict cimport PyDict_CheckExact, PyDict_GetItem, PyDict_Next
from cpython.list cimport PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_Check, PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE

from hydrofoil._cext.objects.base cimport LEFT, TAKEN
from hydrofoil._cext.objects.nested cimport FieldsEncoder

cdef extern from *:
    """
    static inline int hydrofoil_iterates_as_tuple(PyObject* value) {
        return PyTuple_Check(value)
            && Py_TYPE(value)->tp_iter == PyTuple_Type.tp_iter
            && Py_TYPE(value)->tp_as_sequence->sq_length
               == PyTuple_Type.tp_as_sequence->sq_length;
    }
    static inline int hydrofoil_is_read_as_tuple(PyObject* value) {
        return PyTuple_Check(value)
            && Py_TYPE(value)->tp_as_mapping->mp_subscript
               == PyTuple_Type.tp_as_mapping->mp_subscript
            && Py_TYPE(value)->tp_as_sequence->sq_length
               == PyTuple_Type.tp_as_sequence->sq_length;
    }
    """
    bint iterates_as_tuple "hydrofoil_iterates_as_tuple"(object value)
    bint is_read_as_tuple "hydrofoil_is_read_as_tuple"(object value)

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject* value)
    PyObject* PyDict_GetItemWithError(object mapping, object key) except? NULL


cdef class RowsEncoder(FieldsEncoder):
    """Appends rows to a struct column that has no null.

    A row is a tuple, ``Row`` or list of the columns' values, a dict by their names, or None for
    nulls everywhere; the only column's value may also stand for itself.

    Parameters
    ----------
    fields : list of Encoder
        One a column.
    names : list of str
        The columns' names.
    """

    cdef Py_ssize_t width

    def __cinit__(self, list fields not None, list names not None, *_):
        if len(fields) != len(names) or not fields:
            raise ValueError(f"{len(fields)} encoders for the columns {names!r}")
        self.take_fields(fields, names)
        self.width = len(fields)

    def drain(self, iterable, list rows not None, bint once_more):
        """Append what ``iterable`` gives to ``rows``, and encode it.

        Parameters
        ----------
        once_more : bool
            The user's code may run between one row and the next: rows that it can still change are
            encoded again at the end.

        Returns
        -------
        bool
            Whether all rows were taken. If not, the last of ``rows`` was left, and ``iterable`` has
            not been asked for more, unless the row was changed after it had been taken.
        """
        cdef bint shared = False
        self.reset()
        for row in iterable:
            if once_more and not shared and not self.exclusive(<PyObject*>row, 1):
                shared = True
            rows.append(row)
            if self.write(row) == LEFT:
                return False
            # Generators are given back the only reference to what they yield.
            row = None
        if shared:
            self.reset()
            for row in rows:
                if self.write(row) == LEFT:
                    return False
        return self.settled()

    cdef int write(self, object row) except -1:
        cdef Py_ssize_t k
        cdef PyObject* found
        if PyTuple_CheckExact(row) or iterates_as_tuple(row):
            return self.write_tuple(row)
        if PyTuple_Check(row):
            return LEFT
        if self.width == 1:
            if self.field(0).write(row) == LEFT:
                return LEFT
        elif row is None:
            for k in range(self.width):
                if self.field(k).write(None) == LEFT:
                    return LEFT
        elif PyDict_CheckExact(row):
            for k in range(self.width):
                found = PyDict_GetItemWithError(row, <object>PyList_GET_ITEM(self.names, k))
                item = <object>found if found != NULL else None
                if self.field(k).write(item) == LEFT:
                    return LEFT
        elif PyList_CheckExact(row):
            # Not one that user code which encoding runs may shorten.
            return self.write_tuple(tuple(<list>row))
        else:
            return LEFT
        self.length += 1
        return TAKEN

    cdef int write_tuple(self, row) except -1:
        cdef Py_ssize_t k
        if PyTuple_GET_SIZE(row) != self.width:
            return LEFT
        for k in range(self.width):
            item = <object>PyTuple_GET_ITEM(row, k)
            if self.field(k).write(item) == LEFT:
                return LEFT
        self.length += 1
        return TAKEN

    cdef bint exclusive(self, PyObject* value, Py_ssize_t owners) noexcept:
        cdef Py_ssize_t k = 0
        cdef PyObject* found
        if PyTuple_Check(<object>value):
            if not self.mutable_fields:
                return True
            # Nobody changes a tuple, but who holds one may change what is in it.
            if Py_REFCNT(value) > owners or PyTuple_GET_SIZE(<object>value) != self.width:
                return False
            for k in range(self.width):
                item = <object>PyTuple_GET_ITEM(<object>value, k)
                if not self.field(k).exclusive(<PyObject*>item, 2):
                    return False
            return True
        if self.width == 1:
            return self.field(0).exclusive(value, owners)
        if Py_REFCNT(value) > owners:
            return False
        if self.mutable_fields and PyDict_CheckExact(<object>value):
            for k in range(self.width):
                found = PyDict_GetItem(<object>value, <object>PyList_GET_ITEM(self.names, k))
                if found != NULL:
                    item = <object>found
                    if not self.field(k).exclusive(<PyObject*>item, 2):
                        return False
        elif self.mutable_fields and PyList_CheckExact(<object>value):
            while k < self.width and k < PyList_GET_SIZE(<object>value):
                item = <object>PyList_GET_ITEM(<object>value, k)
                if not self.field(k).exclusive(<PyObject*>item, 2):
                    return False
                k += 1
        return True


cdef class SourceRowsEncoder(RowsEncoder):
    """As `RowsEncoder`, for rows of a data source: tuples, lists and ``Row`` alone.

    Parameters
    ----------
    row_type : type
        ``pyspark.sql.Row``. The values of one that has names are in the order of the columns.
    """

    cdef object row_type
    # The last row's names that were the columns'.
    cdef object named

    def __cinit__(self, list fields not None, list names not None, row_type not None):
        self.row_type = row_type

    cdef bint in_order(self, row) except -1:
        names = (<object>row.__dict__).get("__fields__", self.named)
        if names is self.named:
            return True
        if list(names) != self.names:
            return False
        self.named = names
        return True

    cdef int write(self, object row) except -1:
        if PyTuple_CheckExact(row):
            pass
        elif type(row) is self.row_type:
            if not self.in_order(row):
                return LEFT
        elif PyList_CheckExact(row):
            # Not one that user code which encoding runs may shorten.
            row = tuple(<list>row)
        elif not is_read_as_tuple(row):
            return LEFT
        return self.write_tuple(row)

    cdef bint exclusive(self, PyObject* value, Py_ssize_t owners) noexcept:
        if not PyList_CheckExact(<object>value):
            return RowsEncoder.exclusive(self, value, owners)
        # Nobody else has the list, and there is no cheaper way to know what is in it.
        return Py_REFCNT(value) <= owners and not self.mutable_fields


cdef class PickledRows:
    """Iterates over rows for a pickle: tuples of ``width`` as they are, others through ``convert``.

    Parameters
    ----------
    width : int
        0 if all rows have to be converted.
    """

    cdef object rows
    cdef object convert
    cdef Py_ssize_t width

    def __cinit__(self, rows, convert, Py_ssize_t width):
        self.rows, self.convert, self.width = iter(rows), convert, width

    def __iter__(self):
        return self

    def __next__(self):
        row = next(self.rows)
        if self.width and PyTuple_CheckExact(row) and PyTuple_GET_SIZE(row) == self.width:
            return row
        return self.convert(row)


cdef Py_ssize_t MAX_DEPTH = 16


def is_plain(value):
    """Whether it consists of None, bool, int, float, str, bytes, tuple, list and dict alone.

    Subclasses do not count, nor what is nested more deeply than 16 times.
    """
    return plain(value, MAX_DEPTH)


cdef bint plain(object value, Py_ssize_t depth) except -1:
    cdef Py_ssize_t k, position = 0
    cdef PyObject* key
    cdef PyObject* item
    kind = type(value)
    if kind is int or kind is str or kind is float or value is None or kind is bool:
        return True
    if kind is bytes:
        return True
    if depth == 0:
        return False
    if kind is tuple:
        for k in range(PyTuple_GET_SIZE(value)):
            if not plain(<object>PyTuple_GET_ITEM(value, k), depth - 1):
                return False
        return True
    if kind is list:
        for k in range(PyList_GET_SIZE(value)):
            if not plain(<object>PyList_GET_ITEM(value, k), depth - 1):
                return False
        return True
    if kind is dict:
        while PyDict_Next(value, &position, &key, &item):
            if not plain(<object>key, depth - 1) or not plain(<object>item, depth - 1):
                return False
        return True
    return False
