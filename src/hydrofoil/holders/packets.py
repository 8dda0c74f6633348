"""Messages between two processes of a host, with arrays in memory that both map.

A message is one packet of a Unix socket, so it arrives whole or not at all. What is large lies in
an area of memory that has no name and ends with its processes; a packet brings its descriptor.

There are a few areas for each direction, which are used in turn: what was received is good until as
many further messages have come.
"""

import mmap
import os
import pickle
import socket
from typing import Any

from hydrofoil.holders.errors import Gone, Silent

# Messages that may be on their way at the same time, in each direction.
AREAS = 2

# Bytes that a packet carries itself. The kernel copies these twice, and areas are mapped first.
_INLINE = 16 << 10
_PACKET = 64 << 10
# Arrays of fewer bytes are pickled with all else.
_BUFFER = 4 << 10
_ALIGNED = 64
_SMALLEST = 1 << 20


class _Area:
    """Memory that one side writes and both see."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.size = size
        self.memory = memoryview(mmap.mmap(descriptor, size))


class Channel:
    """One end of a connection.

    Parameters
    ----------
    connection : socket.socket
        Of the kind SOCK_SEQPACKET.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._mine: list[_Area | None] = [None] * AREAS
        self._theirs: list[_Area | None] = [None] * AREAS
        self._sent = 0

    def fileno(self) -> int:
        return self.connection.fileno()

    def send(self, *message: Any) -> None:
        """Send values; the buffers of arrays among them are copied into shared memory.

        Raises
        ------
        Gone
            The other end is.
        """
        buffers: list[memoryview] = []

        def is_small(buffer: pickle.PickleBuffer) -> bool:
            raw = buffer.raw()
            if raw.nbytes >= _BUFFER:
                buffers.append(raw)
            return raw.nbytes < _BUFFER

        body = pickle.dumps(message, protocol=5, buffer_callback=is_small)
        lengths = [part.nbytes for part in buffers]
        head = pickle.dumps((len(body), lengths))
        parts = [memoryview(head), memoryview(body), *buffers]
        size = sum(_room(part.nbytes) for part in parts)
        number = self._sent % AREAS
        self._sent += 1
        if size <= _INLINE:
            inline = bytearray(size)
            _write(parts, memoryview(inline))
            self._send((number, 0, len(head), inline), [])
            return
        area, descriptors = self._mine[number], []
        try:
            if area is None or area.size < size:
                # The old one goes before there is a new one.
                self._mine[number] = area = None
                descriptors.append(os.memfd_create("hydrofoil-batch", os.MFD_CLOEXEC))
                whole = max(_SMALLEST, 1 << (size - 1).bit_length())
                # What is never written takes no memory.
                os.ftruncate(descriptors[0], whole)
                self._mine[number] = area = _Area(descriptors[0], whole)
            _write(parts, area.memory)
            self._send((number, area.size, len(head), None), descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _send(self, packet: Any, descriptors: list[int]) -> None:
        try:
            socket.send_fds(self.connection, [pickle.dumps(packet, protocol=5)], descriptors)
        except OSError as error:
            raise Gone(str(error)) from None

    def receive(self) -> Any:
        """Wait for a message, and return its values.

        Raises
        ------
        Gone
            The other end is, or it has said why there is no answer.
        """
        try:
            packet, descriptors, _, _ = socket.recv_fds(self.connection, _PACKET, 1)
        except OSError as error:
            raise Silent(str(error)) from None
        if not packet:
            raise Silent("")
        number, size, head, inline = pickle.loads(packet)
        for descriptor in descriptors:
            self._theirs[number] = None
            try:
                self._theirs[number] = _Area(descriptor, size)
            finally:
                os.close(descriptor)
        area = self._theirs[number]
        memory = area.memory if inline is None and area is not None else memoryview(inline)
        length, lengths = pickle.loads(memory[:head])
        start = _room(head)
        body = memory[start : start + length]
        start += _room(length)
        buffers = []
        for length in lengths:
            buffers.append(memory[start : start + length])
            start += _room(length)
        message = pickle.loads(body, buffers=buffers)
        if message[0] == "died":
            raise Gone(message[1])
        return message

    def close(self) -> None:
        self.connection.close()
        self._mine = [None] * AREAS
        self._theirs = [None] * AREAS


def _room(length: int) -> int:
    return -(-length // _ALIGNED) * _ALIGNED


def _write(parts: list[memoryview], memory: memoryview) -> None:
    start = 0
    for part in parts:
        memory[start : start + part.nbytes] = part
        start += _room(part.nbytes)
