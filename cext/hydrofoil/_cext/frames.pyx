"""Arrow IPC stream messages: bytes to frames, and columns' buffers to bytes.

In: a binary file object. Out: `Frame`s, each one record batch message whose buffers are views of
the bytes object that `read` returned; the frame owns it. The other way, `FrameWriter` is handed
buffers that it borrows until `write` returns.

The flatbuffers layout that is read and written here is Arrow's Message.fbs and Schema.fbs (metadata
version V5). Only what a record batch needs is read by hand; a schema is left to pyarrow.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy, memset

from hydrofoil._cext.abi cimport padded

cdef extern from "Python.h":
    int PyBUF_READ

# Values of the MessageHeader union.
cdef enum:
    HEADER_SCHEMA = 1
    HEADER_RECORD_BATCH = 3

cdef enum:
    METADATA_VERSION_V5 = 4
    NODE_SIZE = 16
    BUFFER_SIZE = 16
    MAX_JOINED = 1 << 19

# A terabyte: no batch has it, and a garbled length should not be allocated.
cdef int64_t MAX_BODY_LENGTH = 1 << 40

cdef bytes END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class IrregularStream(Exception):
    """The stream holds something that only pyarrow should judge.

    Raised at a truncated or garbled message, an end of file in place of the end marker, a
    dictionary batch, or an older framing. ``consumed`` is every byte taken from the file since the
    last whole message, so that a caller can hand the stream on as if nothing had been read.
    """

    def __init__(self, reason, consumed):
        super().__init__(reason)
        self.consumed = consumed


class CorruptFrame(Exception):
    """A record batch whose parts contradict each other: reading it could go beyond its memory.

    pyarrow does not look for that, so nothing else is given such a batch. What pyarrow does look
    at, or does not read, is left to it (``ValueError``).
    """

    def __init__(self, what):
        super().__init__(
            f"a record batch that reached the worker is corrupt: {what}; nothing of it was read"
        )


# Metadata need not be aligned as its numbers are.

cdef inline uint16_t uint16_at(const uint8_t* place) noexcept:
    cdef uint16_t value
    memcpy(&value, place, sizeof(value))
    return value


cdef inline uint32_t uint32_at(const uint8_t* place) noexcept:
    cdef uint32_t value
    memcpy(&value, place, sizeof(value))
    return value


cdef inline int64_t int64_at(const uint8_t* place) noexcept:
    cdef int64_t value
    memcpy(&value, place, sizeof(value))
    return value


cdef class _Table:
    # A bounds-checked flatbuffers table inside a metadata block.
    cdef const uint8_t* base
    cdef Py_ssize_t size, at, vtable, vtable_size

    cdef int open(self, const uint8_t* base, Py_ssize_t size, Py_ssize_t at) except -1:
        self.base, self.size, self.at = base, size, at
        self._need(at, 4)
        self.vtable = at - <int32_t>uint32_at(base + at)
        self._need(self.vtable, 4)
        self.vtable_size = uint16_at(base + self.vtable)
        self._need(self.vtable, self.vtable_size)
        return 0

    cdef int _need(self, Py_ssize_t at, Py_ssize_t count) except -1:
        if at < 0 or count < 0 or at + count > self.size:
            raise ValueError("flatbuffers offset out of bounds")
        return 0

    cdef Py_ssize_t field(self, int index, Py_ssize_t width) except -1:
        # Where a field's value lies, or 0 if it has its default.
        cdef Py_ssize_t slot = 4 + 2 * index
        if slot + 2 > self.vtable_size:
            return 0
        cdef Py_ssize_t relative = uint16_at(self.base + self.vtable + slot)
        if relative == 0:
            return 0
        self._need(self.at + relative, width)
        return self.at + relative

    cdef int64_t int64(self, int index) except? -1:
        cdef Py_ssize_t at = self.field(index, 8)
        return int64_at(self.base + at) if at else 0

    cdef int16_t int16(self, int index) except? -1:
        cdef Py_ssize_t at = self.field(index, 2)
        return <int16_t>uint16_at(self.base + at) if at else 0

    cdef uint8_t uint8(self, int index) except? 255:
        cdef Py_ssize_t at = self.field(index, 1)
        return self.base[at] if at else 0

    cdef Py_ssize_t target(self, int index) except -1:
        # Follow an offset field; 0 if absent.
        cdef Py_ssize_t at = self.field(index, 4)
        return at + uint32_at(self.base + at) if at else 0

    cdef Py_ssize_t vector(self, int index, Py_ssize_t width, Py_ssize_t* count) except -1:
        # First element of a vector of structs; 0 with count 0 if absent.
        cdef Py_ssize_t at = self.target(index)
        count[0] = 0
        if at == 0:
            return 0
        self._need(at, 4)
        count[0] = uint32_at(self.base + at)
        self._need(at + 4, count[0] * width)
        return at + 4


cdef class Frame:
    """One record batch message: its row count, field nodes and buffers, in depth-first order."""

    def __cinit__(self, bytes metadata not None, bytes body not None):
        self.metadata, self.body = metadata, body
        cdef const uint8_t* base = <const uint8_t*>PyBytes_AS_STRING(metadata)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(metadata)
        cdef _Table message = _Table.__new__(_Table), batch = _Table.__new__(_Table)
        if size < 4:
            raise ValueError("metadata is empty")
        message.open(base, size, uint32_at(base))
        if message.uint8(1) != HEADER_RECORD_BATCH:
            raise ValueError("message is not a record batch")
        batch.open(base, size, message.target(2))
        self.length = batch.int64(0)
        self._nodes = base + batch.vector(1, NODE_SIZE, &self.node_count)
        self._buffers = base + batch.vector(2, BUFFER_SIZE, &self.buffer_count)
        self.compressed = batch.target(3) != 0
        if self.length < 0:
            raise ValueError("negative row count")

    cdef void rewind(self) noexcept:
        self.next_node = 0
        self.next_buffer = 0

    cdef int take_node(self, int64_t* length, int64_t* null_count) except -1:
        if self.next_node >= self.node_count:
            raise ValueError("record batch has fewer field nodes than its schema needs")
        cdef const uint8_t* node = self._nodes + NODE_SIZE * self.next_node
        self.next_node += 1
        length[0], null_count[0] = int64_at(node), int64_at(node + 8)
        # A larger length could overflow where its buffers' sizes are computed.
        if not 0 <= length[0] <= MAX_BODY_LENGTH or null_count[0] > length[0]:
            raise ValueError("field node with an impossible length or null count")
        return 0

    cdef int take_buffer(self, Extent* extent) except -1:
        if self.next_buffer >= self.buffer_count:
            raise ValueError("record batch has fewer buffers than its schema needs")
        cdef const uint8_t* entry = self._buffers + BUFFER_SIZE * self.next_buffer
        self.next_buffer += 1
        cdef int64_t size = PyBytes_GET_SIZE(self.body)
        cdef int64_t start = int64_at(entry), length = int64_at(entry + 8)
        if start < 0 or length < 0 or length > size or start > size - length:
            raise ValueError("buffer lies outside the message body")  # Which pyarrow looks at.
        if start & 7:
            raise ValueError("buffer is not aligned to eight bytes")
        extent.data = <const uint8_t*>PyBytes_AS_STRING(self.body) + start
        extent.size = length
        return 0

    @staticmethod
    def of_message(bytes message not None):
        """The frame of an encapsulated IPC message, as `message` gives it.

        Raises
        ------
        ValueError
            If it is not a record batch, or shorter than it says.
        """
        cdef Py_ssize_t size = PyBytes_GET_SIZE(message)
        cdef const uint32_t* words = <const uint32_t*>PyBytes_AS_STRING(message)
        if size < 8 or words[0] != 0xFFFFFFFF or words[1] > size - 8:
            raise ValueError("not an encapsulated message")
        return Frame.__new__(Frame, message[8:8 + words[1]], message[8 + words[1]:])

    def message(self):
        """The encapsulated IPC message that this frame was read from, for pyarrow."""
        return (
            b"\xff\xff\xff\xff"
            + len(self.metadata).to_bytes(4, "little")
            + self.metadata
            + self.body
        )


cdef bint same_message(bytes message, bytes metadata) noexcept:
    # Whether an encapsulated message without a body has this metadata.
    cdef Py_ssize_t size = PyBytes_GET_SIZE(metadata)
    return (
        PyBytes_GET_SIZE(message) == size + 8
        and memcmp(PyBytes_AS_STRING(message) + 8, PyBytes_AS_STRING(metadata), size) == 0
    )


cdef class FrameReader:
    """Iterates over the record batches of one Arrow IPC stream.

    Reads exactly the stream's bytes and leaves the file after its end marker. The schema message is
    read when the reader is made, into ``schema_message``.

    Parameters
    ----------
    file : binary file object
        Only ``read(size)`` is used; it must return ``size`` bytes unless the file ends.
    known_schema : bytes
        The schema message of an earlier stream. If this stream's is equal, ``schema_message`` is
        the same object.

    Raises
    ------
    IrregularStream
        See there.
    """

    def __init__(self, file, bytes known_schema=b""):
        self._read = file.read
        self.schema_message = b""
        cdef list consumed = []
        message = self._message(consumed)
        if message is not None and not message[1] and same_message(known_schema, message[0]):
            self.schema_message = known_schema
            return
        try:
            is_schema = message is not None and _header_type(message[0]) == HEADER_SCHEMA
        except ValueError as error:
            raise IrregularStream(str(error), b"".join(consumed)) from None
        if not is_schema:
            raise IrregularStream("the stream does not begin with a schema", b"".join(consumed))
        self.schema_message = b"".join(consumed)

    cdef bytes _exactly(self, Py_ssize_t size, list consumed):
        data = self._read(size)
        if type(data) is not bytes:
            data = bytes(data)
        consumed.append(data)
        if len(data) != size:
            raise IrregularStream("the stream ends inside a message", b"".join(consumed))
        return data

    cdef tuple _message(self, list consumed):
        cdef bytes prefix = self._exactly(8, consumed)
        cdef const uint32_t* words = <const uint32_t*>PyBytes_AS_STRING(prefix)
        if words[0] != 0xFFFFFFFF or words[1] > 0x7FFFFFFF:
            raise IrregularStream("no continuation marker", b"".join(consumed))
        if words[1] == 0:
            return None
        cdef bytes metadata = self._exactly(words[1], consumed)
        cdef int64_t body_length
        try:
            body_length = _body_length(metadata)
        except ValueError as error:
            raise IrregularStream(str(error), b"".join(consumed)) from None
        if body_length > MAX_BODY_LENGTH:
            raise IrregularStream("body length is absurd", b"".join(consumed))
        return metadata, self._exactly(body_length, consumed) if body_length else b""

    def __iter__(self):
        return self

    def __next__(self):
        if self.finished:
            raise StopIteration
        cdef list consumed = []
        message = self._message(consumed)
        if message is None:
            self.finished = True
            raise StopIteration
        try:
            return Frame.__new__(Frame, message[0], message[1])
        except ValueError as error:
            raise IrregularStream(str(error), b"".join(consumed)) from None


cdef _Table _message_table(bytes metadata):
    cdef const uint8_t* base = <const uint8_t*>PyBytes_AS_STRING(metadata)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(metadata)
    cdef _Table message = _Table.__new__(_Table)
    if size < 4:
        raise ValueError("metadata is empty")
    message.open(base, size, uint32_at(base))
    if message.int16(0) != METADATA_VERSION_V5:
        raise ValueError("metadata version is not V5")
    return message


cdef int64_t _body_length(bytes metadata) except? -1:
    cdef int64_t length = _message_table(metadata).int64(3)
    if length < 0:
        raise ValueError("negative body length")
    return length


cdef int _header_type(bytes metadata) except -1:
    return _message_table(metadata).uint8(1)


cdef class FrameWriter:
    """Writes one Arrow IPC stream from borrowed buffers.

    Parameters
    ----------
    file : binary file object
        Its ``write`` must take everything it is given before it returns.
    """

    def __cinit__(self, file):
        self._write = file.write
        self._nodes = NULL
        self._extents = NULL
        self._tails = {}

    def __dealloc__(self):
        free(self._nodes)
        free(self._extents)

    def write_message(self, bytes message not None):
        """Write an encapsulated message that somebody else made, such as a schema."""
        self._write(message)

    def write_end(self):
        """Write the end-of-stream marker."""
        self._write(END_OF_STREAM)

    cdef int add_node(self, Py_ssize_t length, Py_ssize_t null_count) except -1:
        cdef Py_ssize_t capacity
        if self._node_count == self._node_capacity:
            capacity = 2 * self._node_capacity + 8
            nodes = <int64_t*>realloc(self._nodes, capacity * NODE_SIZE)
            if nodes == NULL:
                raise MemoryError()
            self._nodes, self._node_capacity = nodes, capacity
        self._nodes[2 * self._node_count] = length
        self._nodes[2 * self._node_count + 1] = null_count
        self._node_count += 1
        return 0

    cdef int add_buffer(self, const void* data, Py_ssize_t size) except -1:
        cdef Py_ssize_t capacity
        # The memory must be readable, and zero, up to the padded size.
        if self._extent_count == self._extent_capacity:
            capacity = 2 * self._extent_capacity + 8
            extents = <Extent*>realloc(self._extents, capacity * sizeof(Extent))
            if extents == NULL:
                raise MemoryError()
            self._extents, self._extent_capacity = extents, capacity
        self._extents[self._extent_count].data = <const uint8_t*>data
        self._extents[self._extent_count].size = size
        self._extent_count += 1
        return 0

    cdef int add_exact_buffer(self, const void* data, Py_ssize_t size) except -1:
        # As add_buffer, for memory that ends where it ends: its last bytes are padded in a copy.
        cdef Py_ssize_t whole = size & ~7
        if whole != size:
            tail = (<const char*>data)[whole:size]
            self._tails[self._extent_count] = tail + bytes(padded(size) - size)
        return self.add_buffer(data, size)

    def write_batch(self, Py_ssize_t length):
        """Write what has been added as one record batch of ``length`` rows, and forget it."""
        cdef Py_ssize_t i
        cdef list parts = [self._header(length)]
        cdef Py_ssize_t total = PyBytes_GET_SIZE(<bytes>parts[0]), size
        try:
            for i in range(self._extent_count):
                size = self._extents[i].size
                total += size
                tail = self._tails.get(i) if self._tails else None
                size = size & ~7 if tail is not None else padded(size)
                if size:
                    data = <char*>self._extents[i].data
                    parts.append(PyMemoryView_FromMemory(data, size, PyBUF_READ))
                if tail is not None:
                    parts.append(tail)
            # Each write of more than the file's own buffer is a system call that wakes the reader;
            # up to the size of a socket's buffer, a copy costs less than that.
            if total <= MAX_JOINED:
                self._write(b"".join(parts))
            else:
                for part in parts:
                    self._write(part)
        finally:
            self._node_count = 0
            self._extent_count = 0
            if self._tails:
                self._tails = {}

    cdef bytes _header(self, Py_ssize_t length):
        # Every offset below is fixed but for the two vectors' lengths. Positions are relative to
        # the metadata, which begins after the eight bytes of continuation marker and size: 0 root |
        # 4 Message vtable | 16 Message | 40 RecordBatch vtable | 56 RecordBatch 76 count of nodes |
        # 80 nodes | count of buffers, four bytes after | buffers
        cdef Py_ssize_t nodes_size = NODE_SIZE * self._node_count
        cdef Py_ssize_t size = 88 + nodes_size + BUFFER_SIZE * self._extent_count
        cdef bytes header = PyBytes_FromStringAndSize(NULL, 8 + size)
        cdef uint8_t* start = <uint8_t*>PyBytes_AS_STRING(header)
        cdef uint8_t* meta = start + 8
        cdef int64_t* entry
        cdef int64_t body = 0
        cdef Py_ssize_t i
        memset(start, 0, 8 + size)
        (<uint32_t*>start)[0] = 0xFFFFFFFF
        (<uint32_t*>start)[1] = <uint32_t>size

        (<uint32_t*>meta)[0] = 16
        (<uint16_t*>(meta + 4))[0] = 12   # Message vtable: its size, the table's size, four fields
        (<uint16_t*>(meta + 6))[0] = 20
        (<uint16_t*>(meta + 8))[0] = 16   # version
        (<uint16_t*>(meta + 10))[0] = 18  # header type
        (<uint16_t*>(meta + 12))[0] = 4   # header
        (<uint16_t*>(meta + 14))[0] = 8   # body length
        (<int32_t*>(meta + 16))[0] = 12
        (<uint32_t*>(meta + 20))[0] = 36  # 56 - 20
        (<int16_t*>(meta + 32))[0] = METADATA_VERSION_V5
        meta[34] = HEADER_RECORD_BATCH

        (<uint16_t*>(meta + 40))[0] = 10  # RecordBatch vtable: three fields
        (<uint16_t*>(meta + 42))[0] = 20
        (<uint16_t*>(meta + 44))[0] = 8   # length
        (<uint16_t*>(meta + 46))[0] = 4   # nodes
        (<uint16_t*>(meta + 48))[0] = 16  # buffers
        (<int32_t*>(meta + 56))[0] = 16
        (<uint32_t*>(meta + 60))[0] = 16  # 76 - 60
        (<int64_t*>(meta + 64))[0] = length
        (<uint32_t*>(meta + 72))[0] = <uint32_t>(12 + nodes_size)

        (<uint32_t*>(meta + 76))[0] = <uint32_t>self._node_count
        if self._node_count:
            memcpy(meta + 80, self._nodes, nodes_size)
        (<uint32_t*>(meta + 84 + nodes_size))[0] = <uint32_t>self._extent_count
        entry = <int64_t*>(meta + 88 + nodes_size)
        for i in range(self._extent_count):
            entry[2 * i] = body
            entry[2 * i + 1] = self._extents[i].size
            body += padded(self._extents[i].size)
        (<int64_t*>(meta + 24))[0] = body
        return header
