"""A state as the bytes of one file, and back. Bytes that were torn or changed are found out.

    file = MAGIC, header's length, header (JSON), body, SHA-256 of all before, END

With torch loaded the body is what ``torch.save`` writes: it keeps storages that tensors share and
can put tensors on another device than they were on, and plain pickle does neither. Otherwise it is
a pickle of protocol 5 with its buffers beside it, so that arrays are written from their own memory.
Both pickle by value what was defined in the user's script: the process that restores it has another
``__main__``.
"""

import hashlib
import io
import json
import pickle
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

MAGIC = b"HYDROFOIL-STATE1"
END = b"-STATE1."
_LENGTH = struct.Struct("<Q")
_DIGEST = hashlib.sha256().digest_size


class Sink(Protocol):
    def write(self, data: Any) -> Any: ...


class Unpicklable(Exception):
    """The state can't be pickled; the cause says why."""


class Corrupt(Exception):
    """The bytes are not those that were written."""


def write_state(sink: Sink, header: Mapping[str, Any], state: Any) -> None:
    """Write all of a checkpoint's file.

    Parameters
    ----------
    sink : object with ``write``
    header : mapping
        What JSON can say of it.
    state : object

    Raises
    ------
    Unpicklable
        What is written by then is no checkpoint.
    """
    hashed = _Hashed(sink)
    kind = "torch" if "torch" in sys.modules else "pickle"
    text = json.dumps({**header, "kind": kind}).encode()
    hashed.write(MAGIC)
    hashed.write(_LENGTH.pack(len(text)))
    hashed.write(text)
    try:
        _WRITERS[kind](hashed, state)
    except Exception as error:
        if hashed.error is not None:
            # The store failed; what pickles makes of it is noise.
            raise hashed.error from None
        raise Unpicklable(str(error)) from error
    hashed.write(hashed.digest())
    sink.write(END)


@dataclass(frozen=True)
class File:
    """A checkpoint's file whose bytes are as they were written.

    Attributes
    ----------
    header : dict
        As it was given to `write_state`; and ``kind``.
    body : memoryview
        The state's bytes.
    """

    header: dict[str, Any]
    body: memoryview

    def state(self) -> Any:
        """Return the state: tensors on the CPU, arrays writable. Raises what unpickling raises."""
        return _READERS[self.header["kind"]](self.body)


def read_file(data: memoryview) -> File:
    """Check a file's bytes.

    Raises
    ------
    Corrupt
        With the reason.
    """
    data = data.cast("B")  # Arrow's bytes are signed.
    smallest = len(MAGIC) + _LENGTH.size + _DIGEST + len(END)
    if len(data) < smallest:
        raise Corrupt(f"it ends after {len(data)} bytes")
    if data[: len(MAGIC)] != MAGIC:
        raise Corrupt("it doesn't begin as a checkpoint does")
    if data[-len(END) :] != END:
        raise Corrupt(f"its end is missing: it has {len(data)} bytes")
    hashed = data[: -len(END) - _DIGEST]
    if hashlib.sha256(hashed).digest() != data[-len(END) - _DIGEST : -len(END)]:
        raise Corrupt("its bytes don't have the checksum at their end")
    [length] = _LENGTH.unpack_from(hashed, len(MAGIC))
    start = len(MAGIC) + _LENGTH.size
    return File(json.loads(bytes(hashed[start : start + length])), hashed[start + length :])


class _Hashed:
    """Passes bytes on to a sink and hashes them; remembers if it was the sink that failed."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self.error: Exception | None = None

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        try:
            self._sink.write(view)
        except Exception as error:
            self.error = error
            raise
        self._hash.update(view)
        return len(view)

    def flush(self) -> None:
        """Nothing is held back here."""

    def digest(self) -> bytes:
        return self._hash.digest()


def _write_pickle(sink: _Hashed, state: Any) -> None:
    buffers: list[pickle.PickleBuffer] = []
    pickled = io.BytesIO()
    pickler = _pickling().Pickler(pickled, protocol=5, buffer_callback=buffers.append)
    pickler.dump(state)
    parts: list[memoryview] = [pickled.getbuffer(), *(buffer.raw() for buffer in buffers)]
    sink.write(_LENGTH.pack(len(parts)))
    for part in parts:
        sink.write(_LENGTH.pack(part.nbytes))
    for part in parts:
        sink.write(part)


def _read_pickle(body: memoryview) -> Any:
    [count] = _LENGTH.unpack_from(body)
    lengths = struct.unpack_from(f"<{count}Q", body, _LENGTH.size)
    parts, at = [], _LENGTH.size * (1 + count)
    for length in lengths:
        # A copy each: arrays over the file's own bytes would be read-only.
        parts.append(bytearray(body[at : at + length]))
        at += length
    return pickle.loads(parts[0], buffers=parts[1:])


def _write_torch(sink: _Hashed, state: Any) -> None:
    import torch

    file: Any = sink
    torch.save(state, file, pickle_module=_pickling(), pickle_protocol=5)


def _read_torch(body: memoryview) -> Any:
    import torch

    # On the device they came from, every rank's tensors would meet on one GPU; or on none.
    return torch.load(io.BytesIO(body), map_location="cpu", weights_only=False)


_WRITERS = {"pickle": _write_pickle, "torch": _write_torch}
_READERS = {"pickle": _read_pickle, "torch": _read_torch}


def _pickling() -> Any:
    try:
        from pyspark import cloudpickle
    except ImportError:  # Without Spark, as `run_locally` allows.
        return pickle
    return cloudpickle
