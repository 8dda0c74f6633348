"""Arrays, maps and structs, to any depth: each holds the codecs of its children.

A struct is decoded to PySpark's `Row`, a map to a dict in the column's order, an array to a list.
Encoding takes exactly a list; exactly a dict, `Entries` or `RestoredMap`; and for structs a `Row`,
a tuple (also a named one) of the right length, or a dict, whose missing keys are null.
"""

from cpython.dict cimport (
    PyDict_CheckExact,
    PyDict_Copy,
    PyDict_GetItem,
    PyDict_Next,
    PyDict_SetItem,
    PyDict_Size,
)
from cpython.list cimport (
    PyList_CheckExact,
    PyList_GET_ITEM,
    PyList_GET_SIZE,
    PyList_New,
    PyList_SET_ITEM,
)
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.tuple cimport PyTuple_Check, PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_SET_ITEM
from libc.stdint cimport int32_t, int64_t, uint8_t

from hydrofoil._cext.abi cimport bit_is_set
from hydrofoil._cext.columns cimport (
    Buffer,
    ColumnView,
    MAX_NARROW_OFFSET,
    buffer_emit,
    buffer_ensure,
    buffer_free,
)
from hydrofoil._cext.frames cimport FrameWriter
from hydrofoil._cext.objects.base cimport LEFT, TAKEN, Decoder, Encoder
from hydrofoil._cext.objects.base import UndecodableColumn

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
    static inline PyObject** hydrofoil_items_of(PyObject* list) {
        return ((PyListObject*)list)->ob_item;
    }
    static inline PyObject** hydrofoil_dict_of(PyObject* value) {
        return _PyObject_GetDictPtr(value);
    }
    """
    bint indexes_as_tuple "hydrofoil_indexes_as_tuple"(object value)
    object new_tuple_of "hydrofoil_new_tuple_of"(PyTypeObject* kind, Py_ssize_t size)
    PyObject** dict_of "hydrofoil_dict_of"(object value)
    PyObject** items_of "hydrofoil_items_of"(object values)

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject* value)
    PyObject* PyDict_GetItemWithError(object mapping, object key) except? NULL
    void PyObject_GC_UnTrack(void* value) noexcept
    int PyObject_GC_IsTracked(PyObject* value) noexcept
    int PyObject_IS_GC(PyObject* value) noexcept
    int PyGC_Disable() noexcept
    int PyGC_Enable() noexcept

cdef Py_ssize_t RECENT_KEYS = 64


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
        cdef Py_ssize_t first
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        first = self.start(i)
        return self.element.read_list(first, self.start(i + 1) - first)

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        # A list that only we hold is filled again, if its length fits.
        cdef Py_ssize_t first, size
        if (
            spare == NULL or Py_REFCNT(spare) != 1 or not PyList_CheckExact(<object>spare)
            or (self.validity != NULL and not bit_is_set(self.validity, i + self.offset))
        ):
            return Decoder.reread(self, i, spare)
        first = self.start(i + self.offset)
        size = self.start(i + self.offset + 1) - first
        if PyList_GET_SIZE(<object>spare) != size:
            return Decoder.reread(self, i, spare)
        try:
            self.element.reread_list(first, size, items_of(<object>spare))
        except BaseException:
            # Freeing a list skips what is not there.
            Py_DECREF(<object>spare)
            raise
        return spare


cdef class MapDecoder(_OffsetsDecoder):
    cdef Decoder key
    cdef Decoder value
    cdef Py_ssize_t entries_offset
    # The last row's keys: as a rule all rows have the same.
    cdef list recent

    def __cinit__(self, Decoder key not None, Decoder value not None):
        self.key, self.value = key, value
        self.recent = []
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
        cdef Py_ssize_t k, first, size
        cdef dict mapping
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        mapping = {}
        first = self.entries_offset + self.start(i)
        size = self.entries_offset + self.start(i + 1) - first
        for k in range(size):
            if k < PyList_GET_SIZE(self.recent):
                key = self.key.read_like(first + k, <object>PyList_GET_ITEM(self.recent, k))
                self.recent[k] = key
            else:
                key = self.key.read(first + k)
                if k < RECENT_KEYS:
                    self.recent.append(key)
            PyDict_SetItem(mapping, key, self.value.read(first + k))
        return mapping

    cdef PyObject* reread(self, Py_ssize_t i, PyObject* spare) except NULL:
        # A dict that only we hold, and that has this row's keys in order, is given new values.
        cdef Py_ssize_t first, size, k = 0, position = 0
        cdef PyObject* key
        if (
            spare == NULL or Py_REFCNT(spare) != 1 or not PyDict_CheckExact(<object>spare)
            or (self.validity != NULL and not bit_is_set(self.validity, i + self.offset))
        ):
            return Decoder.reread(self, i, spare)
        first = self.entries_offset + self.start(i + self.offset)
        size = self.entries_offset + self.start(i + self.offset + 1) - first
        if PyDict_Size(<object>spare) != size or size > PyList_GET_SIZE(self.recent):
            return Decoder.reread(self, i, spare)
        while PyDict_Next(<object>spare, &position, &key, NULL):
            if (
                key != PyList_GET_ITEM(self.recent, k)
                or self.key.read_like(first + k, <object>key) is not <object>key
            ):
                return Decoder.reread(self, i, spare)
            k += 1
        try:
            for k in range(size):
                PyDict_SetItem(
                    <object>spare,
                    <object>PyList_GET_ITEM(self.recent, k),
                    self.value.read(first + k),
                )
        except BaseException:
            Py_DECREF(<object>spare)
            raise
        return spare


cdef class StructDecoder(Decoder):
    # `row_type` is pyspark.sql.Row, a subclass of tuple whose instances carry their names in
    # `__fields__`. Its Python-level constructor is what makes stock's rows slow; a row made here is
    # the same object: allocated by its type, filled, and given its dict. Its fields are in that
    # dict too, under the names by which `Row.__getattr__` would find them, so that reading one does
    # not get that far: in stock that costs more than all else that happens to a row.
    #
    # Rows without these attributes live long, and there may be millions. If nothing in one can be
    # part of a cycle, the garbage collector need not know it, as CPython does with tuples: else it
    # would look at all of them again and again.
    cdef list fields
    cdef bint bare
    cdef object row_type
    cdef dict attributes
    cdef list attribute_names

    def __cinit__(
        self, list fields not None, list names not None, row_type not None, *, bint attributes=True
    ):
        cdef Decoder field
        if not issubclass(row_type, tuple):
            raise TypeError(f"rows are tuples, and {row_type!r} is none")
        if len(fields) != len(names):
            raise ValueError(f"{len(fields)} decoders for the fields {names!r}")
        self.fields, self.row_type = fields, row_type
        self.attributes = {"__fields__": names}
        self.bare = not attributes
        # `Row` finds the first field of a name, and neither its own attributes nor dunder names.
        self.attribute_names = []
        for k, name in enumerate(names):
            if (
                not attributes or hasattr(row_type, name) or name.startswith("__")
                or name in names[:k]
            ):
                name = None
            else:
                self.attributes[name] = None
            self.attribute_names.append(name)
        for field in fields:
            self.eager |= field.eager
        if self.bare:
            # Copies of it are not tracked either, until something is added to them.
            PyObject_GC_UnTrack(<void*>self.attributes)
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
        cdef PyObject** place
        cdef PyObject* name
        cdef bint untracked = self.bare
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        row = new_tuple_of(<PyTypeObject*>self.row_type, PyList_GET_SIZE(self.fields))
        place = dict_of(row)
        attributes = PyDict_Copy(self.attributes) if place != NULL else None
        for k in range(PyList_GET_SIZE(self.fields)):
            value = (<Decoder>PyList_GET_ITEM(self.fields, k)).read(i)
            name = PyList_GET_ITEM(self.attribute_names, k)
            if attributes is not None and <object>name is not None:
                PyDict_SetItem(attributes, <object>name, value)
            if untracked and PyObject_IS_GC(<PyObject*>value):
                untracked = type(value) is self.row_type and not PyObject_GC_IsTracked(
                    <PyObject*>value
                )
            Py_INCREF(value)
            PyTuple_SET_ITEM(row, k, value)
        if attributes is None:
            row.__fields__ = self.attributes["__fields__"]
        else:
            Py_INCREF(attributes)
            place[0] = <PyObject*>attributes
            if untracked:
                PyObject_GC_UnTrack(<void*>row)
        return row

    def rows(self, Py_ssize_t first, Py_ssize_t stop):
        """Rows of fields that are open, of which the struct itself is never null, as a list.

        The garbage collector waits until they are all there: nothing of them is garbage.
        """
        cdef Py_ssize_t i
        cdef int collecting = PyGC_Disable()
        self.validity, self.offset = NULL, 0
        rows = PyList_New(stop - first)
        try:
            for i in range(first, stop):
                row = self.read(i)
                Py_INCREF(row)
                PyList_SET_ITEM(rows, i - first, row)
        finally:
            if collecting:
                PyGC_Enable()
        return rows


cdef class RowWalk:
    """Makes one row after the other of a `StructDecoder` whose fields are open.

    A row that nobody keeps gives its memory to the next.

    Attributes
    ----------
    at : int
        The next row.
    """

    cdef StructDecoder decoder
    cdef readonly Py_ssize_t at
    cdef Py_ssize_t stop

    def __cinit__(self, StructDecoder decoder not None, Py_ssize_t stop):
        self.decoder, self.stop = decoder, stop
        decoder.validity, decoder.offset = NULL, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.at >= self.stop:
            raise StopIteration
        row = self.decoder.read(self.at)
        self.at += 1
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

    cdef inline Py_ssize_t end_of(self, Py_ssize_t length) noexcept:
        # Where the first so many values end; what was left in the middle has items beyond that.
        return (<int32_t*>self.offsets.data)[length] if length else 0

    cdef int emit_offsets(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        buffer_ensure(&self.offsets, 4)
        self.offsets.size = (self.length + 1) * 4
        return buffer_emit(&self.offsets, writer)


cdef class ListEncoder(_OffsetsEncoder):
    cdef Encoder element

    def __cinit__(self, Encoder element not None, *, nullable=True, order=None):
        self.element = element
        self.nullable = nullable
        self.mutable = True
        self.restores = element.restores

    cdef bint exclusive(self, PyObject* value, Py_ssize_t owners) noexcept:
        cdef Py_ssize_t k = 0
        if not PyList_CheckExact(<object>value):
            return True
        if Py_REFCNT(value) > owners:
            return False
        if self.element.mutable:
            while k < PyList_GET_SIZE(<object>value):
                item = <object>PyList_GET_ITEM(<object>value, k)
                if not self.element.exclusive(<PyObject*>item, 2):
                    return False
                k += 1
        return True

    cdef object restore(self, Py_ssize_t i):
        cdef int32_t* offsets = <int32_t*>self.offsets.data
        cdef Py_ssize_t k
        if self.is_null(i):
            return None
        return [self.element.restore(k) for k in range(offsets[i], offsets[i + 1])]

    cdef int write(self, object value) except -1:
        if value is None:
            return self.write_null()
        if not PyList_CheckExact(value):
            return LEFT
        return self.write_list(<list>value)

    cdef inline int write_list(self, list value) except -1:
        if self.element.write_items(value) == LEFT:
            return LEFT
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

    cdef int cut(self, Py_ssize_t length) except -1:
        self.element.cut(self.end_of(length))
        return Encoder.cut(self, length)

    cdef bint settled(self) noexcept:
        return self.element.settled()

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_offsets(writer)
        return self.element.emit(writer)


class Entries(list):
    """A map's entries in their order, a tuple each; unlike a dict's, keys may be null or equal."""


cdef class EntriesEncoder(ListEncoder):
    # A map lies in memory as an array of structs does. `element` is the encoder of these. A dict is
    # taken if `order` is given, which returns its items as they are to follow, or None.
    cdef object order

    def __cinit__(self, Encoder element not None, *, nullable=True, order=None):
        self.mutable = order is not None
        self.order = order

    cdef bint exclusive(self, PyObject* value, Py_ssize_t owners) noexcept:
        cdef Encoder values = (<FieldsEncoder>self.element).field(1)
        cdef Py_ssize_t position = 0, size
        cdef PyObject* next_item
        if not PyDict_CheckExact(<object>value):
            return True
        if Py_REFCNT(value) > owners:
            return False
        if values.mutable:
            size = PyDict_Size(<object>value)
            while PyDict_Next(<object>value, &position, NULL, &next_item):
                item = <object>next_item
                if not values.exclusive(<PyObject*>item, 2) or PyDict_Size(<object>value) != size:
                    return False
        return True

    cdef object restore(self, Py_ssize_t i):
        cdef list items = ListEncoder.restore(self, i)
        return None if items is None else Entries(tuple(item.values()) for item in items)

    cdef int write(self, object value) except -1:
        if value is None:
            return self.write_null()
        if type(value) is not Entries:
            if self.order is None or not PyDict_CheckExact(value):
                return LEFT
            value = self.order(value)
            if type(value) is not list:
                return LEFT
        return self.write_list(<list>value)


class RestoredMap(dict):
    """A map that was encoded, for stock's converters, which ask for a dict and its ``items()``.

    The keys are those of the column. Keys that were different in the dict that the function
    returned can be equal there (1 and "1" as text, 0.1 and 0.1000000001 in 32 bits), and a key that
    is a struct is a dict now, which has no hash. So no dict could hold them: this one is empty.
    """

    __slots__ = ("_entries",)

    def __init__(self, entries):
        self._entries = entries

    def items(self):
        """The entries as they were encoded: a list of tuples."""
        return self._entries


cdef class MapEncoder(_OffsetsEncoder):
    cdef Encoder key
    cdef Encoder value

    def __cinit__(self, Encoder key not None, Encoder value not None, *, nullable=True):
        self.key, self.value = key, value
        self.nullable = nullable
        self.mutable = True
        self.restores = key.restores and value.restores

    cdef bint exclusive(self, PyObject* value, Py_ssize_t owners) noexcept:
        cdef Py_ssize_t position = 0, size
        cdef PyObject* next_key
        cdef PyObject* next_item
        if not PyDict_CheckExact(<object>value):
            return True
        if Py_REFCNT(value) > owners:
            return False
        if self.key.mutable or self.value.mutable:
            size = PyDict_Size(<object>value)
            while PyDict_Next(<object>value, &position, &next_key, &next_item):
                key, item = <object>next_key, <object>next_item
                if (
                    not self.key.exclusive(<PyObject*>key, 2)
                    or not self.value.exclusive(<PyObject*>item, 2)
                    or PyDict_Size(<object>value) != size
                ):
                    return False
        return True

    cdef object restore(self, Py_ssize_t i):
        cdef int32_t* offsets = <int32_t*>self.offsets.data
        cdef Py_ssize_t k
        if self.is_null(i):
            return None
        return RestoredMap([
            (self.key.restore(k), self.value.restore(k)) for k in range(offsets[i], offsets[i + 1])
        ])

    cdef int write(self, object value) except -1:
        if value is None:
            return self.write_null()
        if PyDict_CheckExact(value):
            # Writing may run a tzinfo's code, so the dict is walked as Python walks it.
            for key, item in (<dict>value).items():
                if self.key.write(key) == LEFT or self.value.write(item) == LEFT:
                    return LEFT
        elif type(value) is RestoredMap:
            for key, item in <list>value.items():
                if self.key.write(key) == LEFT or self.value.write(item) == LEFT:
                    return LEFT
        else:
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

    cdef int cut(self, Py_ssize_t length) except -1:
        self.key.cut(self.end_of(length))
        self.value.cut(self.end_of(length))
        return Encoder.cut(self, length)

    cdef bint settled(self) noexcept:
        return self.key.settled() and self.value.settled()

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_offsets(writer)
        # The entries: a struct that is never null.
        writer.add_node(self.key.length, 0)
        writer.add_buffer(NULL, 0)
        self.key.emit(writer)
        return self.value.emit(writer)


cdef class FieldsEncoder(Encoder):
    cdef int take_fields(self, list fields, list names) except -1:
        cdef Encoder field
        self.fields, self.names = fields, names
        # Dicts and lists of the fields' values are mutable whatever is in them.
        self.mutable = True
        self.mutable_fields = False
        for field in fields:
            self.mutable_fields |= field.mutable
        return 0

    cdef int reset(self) except -1:
        cdef Encoder field
        for field in self.fields:
            field.reset()
        return Encoder.reset(self)

    cdef int cut(self, Py_ssize_t length) except -1:
        cdef Encoder field
        for field in self.fields:
            field.cut(length)
        return Encoder.cut(self, length)

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


cdef class StructEncoder(FieldsEncoder):
    cdef object row_type

    def __cinit__(
        self, list fields not None, list names not None, row_type not None, *, nullable=True
    ):
        cdef Encoder field
        self.take_fields(fields, names)
        self.row_type = row_type
        self.nullable = nullable
        self.restores = True
        for field in fields:
            self.restores &= field.restores

    cdef bint exclusive(self, PyObject* value, Py_ssize_t owners) noexcept:
        cdef Py_ssize_t k
        cdef PyObject* found
        if PyDict_CheckExact(<object>value):
            if Py_REFCNT(value) > owners:
                return False
            if self.mutable_fields:
                for k in range(PyList_GET_SIZE(self.fields)):
                    found = PyDict_GetItem(<object>value, <object>PyList_GET_ITEM(self.names, k))
                    if found != NULL:
                        item = <object>found
                        if not self.field(k).exclusive(<PyObject*>item, 2):
                            return False
        elif self.mutable_fields and PyTuple_Check(<object>value):
            if Py_REFCNT(value) > owners or PyTuple_GET_SIZE(<object>value) != len(self.fields):
                return False
            for k in range(PyTuple_GET_SIZE(<object>value)):
                item = <object>PyTuple_GET_ITEM(<object>value, k)
                if not self.field(k).exclusive(<PyObject*>item, 2):
                    return False
        return True

    cdef object restore(self, Py_ssize_t i):
        # A dict is what stock makes of any struct.
        cdef Py_ssize_t k
        if self.is_null(i):
            return None
        return {self.names[k]: self.field(k).restore(i) for k in range(len(self.names))}

    cdef int write(self, object value) except -1:
        cdef Py_ssize_t k, count = PyList_GET_SIZE(self.fields)
        cdef PyObject* found
        if value is None:
            return self.write_null()
        if type(value) is self.row_type or indexes_as_tuple(value):
            if PyTuple_GET_SIZE(value) != count:
                return LEFT
            for k in range(count):
                item = <object>PyTuple_GET_ITEM(value, k)
                if self.field(k).write(item) == LEFT:
                    return LEFT
        elif PyDict_CheckExact(value):
            for k in range(count):
                found = PyDict_GetItemWithError(value, <object>PyList_GET_ITEM(self.names, k))
                item = <object>found if found != NULL else None
                if self.field(k).write(item) == LEFT:
                    return LEFT
        else:
            return LEFT
        self.length += 1
        return TAKEN

    cdef int append_null(self) except -1:
        cdef Encoder field
        self.mark_null()
        for field in self.fields:
            field.append_null()
        self.length += 1
        return 0
