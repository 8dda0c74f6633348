"""Arrays, maps and structs, to any depth: each holds the codecs of its children.

A struct is decoded to PySpark's `Row`, a map to a dict in the column's order, an array to a list. Encoding
takes exactly a list; exactly a dict; and for structs a `Row`, a tuple (also a named one) of the right
length, or a dict, whose missing keys are null.
"""

from cpython.dict cimport PyDict_CheckExact, PyDict_Copy, PyDict_Next, PyDict_SetItem
from cpython.list cimport (
    PyList_CheckExact,
    PyList_GET_ITEM,
    PyList_GET_SIZE,
    PyList_New,
    PyList_SET_ITEM,
)
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_SET_ITEM
from libc.stdint cimport int32_t, int64_t, uint8_t

from hydrofoil._cext.abi cimport bit_is_set
from hydrofoil._cext.codecs.base cimport LEFT, TAKEN, Decoder, Encoder
from hydrofoil._cext.codecs.base import UndecodableColumn
from hydrofoil._cext.columns cimport Buffer, ColumnView, buffer_emit, buffer_ensure, buffer_free
from hydrofoil._cext.frames cimport FrameWriter

cdef extern from *:
    """
    static inline int hydrofoil_indexes_as_tuple(PyObject* value) {
        return PyTuple_Check(value)
            && Py_TYPE(value)->tp_as_mapping->mp_subscript
               == PyTuple_Type.tp_as_mapping->mp_subscript
            && Py_TYPE(value)->tp_as_sequence->sq_length
               == PyTuple_Type.tp_as_sequence->sq_length;
    }
    static inline PyObject* hydrofoil_new_tuple_of(PyTypeObject* type, Py_ssize_t size) {
        return type->tp_alloc(type, size);
    }
    static inline PyObject** hydrofoil_dict_of(PyObject* value) {
        return _PyObject_GetDictPtr(value);
    }
    """
    bint indexes_as_tuple "hydrofoil_indexes_as_tuple"(object value)
    object new_tuple_of "hydrofoil_new_tuple_of"(PyTypeObject* kind, Py_ssize_t size)
    PyObject** dict_of "hydrofoil_dict_of"(object value)

cdef extern from "Python.h":
    PyObject* PyDict_GetItemWithError(object mapping, object key) except? NULL

cdef Py_ssize_t MAX_NARROW_OFFSET = 0x7FFFFFFF


cdef class _OffsetsDecoder(Decoder):
    cdef const uint8_t* offsets
    cdef bint wide

    cdef int attach(self, ColumnView view) except -1:
        self.offsets, self.wide = view.data, view.width == 8
        return 0

    cdef inline Py_ssize_t start(self, Py_ssize_t i) noexcept:
        if self.wide:
            return (<const int64_t*>self.offsets)[i]
        return (<const int32_t*>self.offsets)[i]


cdef class ListDecoder(_OffsetsDecoder):
    cdef Decoder element

    def __cinit__(self, Decoder element not None):
        self.element = element
        self.eager = element.eager
        self.mutable = True

    cdef int attach(self, ColumnView view) except -1:
        _OffsetsDecoder.attach(self, view)
        return self.element.bind(view.children[0])

    cdef void unbind(self) noexcept:
        self.owner = None
        self.element.unbind()

    cdef object read(self, Py_ssize_t i):
        cdef Py_ssize_t first, size, k
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        first = self.start(i)
        size = self.start(i + 1) - first
        values = PyList_New(size)
        for k in range(size):
            value = self.element.read(first + k)
            Py_INCREF(value)
            PyList_SET_ITEM(values, k, value)
        return values


cdef class MapDecoder(_OffsetsDecoder):
    cdef Decoder key
    cdef Decoder value
    cdef Py_ssize_t entries_offset

    def __cinit__(self, Decoder key not None, Decoder value not None):
        self.key, self.value = key, value
        self.eager = key.eager or value.eager
        self.mutable = True

    cdef int attach(self, ColumnView view) except -1:
        cdef ColumnView entries = view.children[0]
        _OffsetsDecoder.attach(self, view)
        if entries.validity != NULL:
            raise UndecodableColumn("a map with null entries")
        self.entries_offset = entries.offset
        self.key.bind(entries.children[0])
        return self.value.bind(entries.children[1])

    cdef void unbind(self) noexcept:
        self.owner = None
        self.key.unbind()
        self.value.unbind()

    cdef object read(self, Py_ssize_t i):
        cdef Py_ssize_t k
        cdef dict mapping
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        mapping = {}
        for k in range(self.entries_offset + self.start(i), self.entries_offset + self.start(i + 1)):
            key = self.key.read(k)
            PyDict_SetItem(mapping, key, self.value.read(k))
        return mapping


cdef class StructDecoder(Decoder):
    # `row_type` is pyspark.sql.Row, a subclass of tuple whose instances carry their names in
    # `__fields__`. Its Python-level constructor is what makes stock's rows slow; a row made here is
    # the same object: allocated by its type, filled, and given its dict.
    cdef list fields
    cdef object row_type
    cdef dict attributes

    def __cinit__(self, list fields not None, list names not None, row_type not None):
        cdef Decoder field
        if not issubclass(row_type, tuple):
            raise TypeError(f"rows are tuples, and {row_type!r} is none")
        self.fields, self.row_type = fields, row_type
        self.attributes = {"__fields__": names}
        for field in fields:
            self.eager |= field.eager
        # A row itself cannot be changed, but what is in it may, and so may its list of names.
        self.mutable = True

    cdef int attach(self, ColumnView view) except -1:
        cdef Decoder field
        cdef ColumnView child
        for field, child in zip(self.fields, view.children):
            field.bind(child)
        return 0

    cdef void unbind(self) noexcept:
        cdef Decoder field
        self.owner = None
        for field in self.fields:
            field.unbind()

    cdef object read(self, Py_ssize_t i):
        cdef Py_ssize_t k
        cdef PyObject** attributes
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        row = new_tuple_of(<PyTypeObject*>self.row_type, PyList_GET_SIZE(self.fields))
        for k in range(PyList_GET_SIZE(self.fields)):
            value = (<Decoder><object>PyList_GET_ITEM(self.fields, k)).read(i)
            Py_INCREF(value)
            PyTuple_SET_ITEM(row, k, value)
        attributes = dict_of(row)
        if attributes == NULL:
            row.__fields__ = self.attributes["__fields__"]
        else:
            names = PyDict_Copy(self.attributes)
            Py_INCREF(names)
            attributes[0] = <PyObject*>names
        return row


cdef class _OffsetsEncoder(Encoder):
    cdef Buffer offsets

    def __dealloc__(self):
        buffer_free(&self.offsets)

    cdef inline int end_value(self, Py_ssize_t end) except -1:
        buffer_ensure(&self.offsets, (self.length + 2) * 4)
        (<int32_t*>self.offsets.data)[self.length + 1] = <int32_t>end
        self.length += 1
        return 0

    cdef int emit_offsets(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        buffer_ensure(&self.offsets, 4)
        self.offsets.size = (self.length + 1) * 4
        return buffer_emit(&self.offsets, writer)


cdef class ListEncoder(_OffsetsEncoder):
    cdef Encoder element

    def __cinit__(self, Encoder element not None, *, nullable=True):
        self.element = element
        self.nullable = nullable

    cdef int write(self, object value) except -1:
        cdef Py_ssize_t k
        if value is None:
            return self.write_null()
        if not PyList_CheckExact(value):
            return LEFT
        k = 0
        while k < PyList_GET_SIZE(value):
            if self.element.write(<object>PyList_GET_ITEM(value, k)) == LEFT:
                return LEFT
            k += 1
        if self.element.length > MAX_NARROW_OFFSET:
            return LEFT
        self.end_value(self.element.length)
        return TAKEN

    cdef int append_null(self) except -1:
        self.mark_null()
        return self.end_value(self.element.length)

    cdef int reset(self) except -1:
        Encoder.reset(self)
        return self.element.reset()

    cdef bint settled(self) noexcept:
        return self.element.settled()

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_offsets(writer)
        return self.element.emit(writer)


cdef class MapEncoder(_OffsetsEncoder):
    cdef Encoder key
    cdef Encoder value

    def __cinit__(self, Encoder key not None, Encoder value not None, *, nullable=True):
        self.key, self.value = key, value
        self.nullable = nullable

    cdef int write(self, object value) except -1:
        if value is None:
            return self.write_null()
        if not PyDict_CheckExact(value):
            return LEFT
        # Writing may run a tzinfo's code, so the dict is walked as Python walks it.
        for key, item in (<dict>value).items():
            if self.key.write(key) == LEFT or self.value.write(item) == LEFT:
                return LEFT
        if self.key.length > MAX_NARROW_OFFSET:
            return LEFT
        self.end_value(self.key.length)
        return TAKEN

    cdef int append_null(self) except -1:
        self.mark_null()
        return self.end_value(self.key.length)

    cdef int reset(self) except -1:
        Encoder.reset(self)
        self.key.reset()
        return self.value.reset()

    cdef bint settled(self) noexcept:
        return self.key.settled() and self.value.settled()

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_offsets(writer)
        # The entries: a struct that is never null.
        writer.add_node(self.key.length, 0)
        writer.add_buffer(NULL, 0)
        self.key.emit(writer)
        return self.value.emit(writer)


cdef class StructEncoder(Encoder):
    cdef list fields
    cdef list names
    cdef object row_type

    def __cinit__(self, list fields not None, list names not None, row_type not None, *, nullable=True):
        self.fields, self.names, self.row_type = fields, names, row_type
        self.nullable = nullable

    cdef int write(self, object value) except -1:
        cdef Py_ssize_t k, count = PyList_GET_SIZE(self.fields)
        cdef PyObject* item
        if value is None:
            return self.write_null()
        if type(value) is self.row_type or indexes_as_tuple(value):
            if PyTuple_GET_SIZE(value) != count:
                return LEFT
            for k in range(count):
                if self.field(k).write(<object>PyTuple_GET_ITEM(value, k)) == LEFT:
                    return LEFT
        elif PyDict_CheckExact(value):
            for k in range(count):
                item = PyDict_GetItemWithError(value, <object>PyList_GET_ITEM(self.names, k))
                if self.field(k).write(<object>item if item != NULL else None) == LEFT:
                    return LEFT
        else:
            return LEFT
        self.length += 1
        return TAKEN

    cdef inline Encoder field(self, Py_ssize_t k):
        return <Encoder><object>PyList_GET_ITEM(self.fields, k)

    cdef int append_null(self) except -1:
        cdef Encoder field
        self.mark_null()
        for field in self.fields:
            field.append_null()
        self.length += 1
        return 0

    cdef int reset(self) except -1:
        cdef Encoder field
        Encoder.reset(self)
        for field in self.fields:
            field.reset()
        return 0

    cdef bint settled(self) noexcept:
        cdef Encoder field
        for field in self.fields:
            if not field.settled():
                return False
        return True

    cdef int emit(self, FrameWriter writer) except -1:
        cdef Encoder field
        self.emit_validity(writer)
        for field in self.fields:
            field.emit(writer)
        return 0
