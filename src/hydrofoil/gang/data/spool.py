"""A rank's rows on disk or in shared memory: one file a column, which never has a name for long.

Fixed-width columns are raw files, so that a map of one begins on a page; lists of fixed-width
elements are a file of elements, and of offsets from where lengths first differ; everything else is
a file of Arrow messages. One thread appends while others map what was appended before: rows below
`Spooled.rows` don't change any more.

The system frees the files with the last descriptor and map, so also when the process is killed.
"""

import errno
import os
import resource
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
import pyarrow as pa

from hydrofoil import private
from hydrofoil.errors import UsageError
from hydrofoil.gang.data.columns import Converter, Field, spooled_fields, stored
from hydrofoil.gang.data.memory import private_map
from hydrofoil.gang.errors import SpoolError
from hydrofoil.gang.seams import Spool
from hydrofoil.values.arrays import Ragged

_INT64 = np.dtype("int64")
# EFBIG is what a limit on files' size gives.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM)
_SPARE_DESCRIPTORS = 256
# Arrow wants its buffers on multiples of this.
_ALIGNMENT = 64


class Storage:
    """Where files are made, and how many bytes may go into them.

    Parameters
    ----------
    conf : Spool
    rank, local_rank : int
        For messages, and to spread the ranks of a host over Spark's local folders.
    on_host : int
        Ranks of this host, which share its memory.
    """

    def __init__(self, conf: Spool, rank: int, local_rank: int, on_host: int = 1) -> None:
        self.rank = rank
        self.memory = conf.memory
        self.dir = "memory" if conf.memory else conf.dir or _local_dir(local_rank)
        self.max_bytes = conf.max_bytes
        if conf.memory and conf.max_bytes is None:
            self.max_bytes = psutil.virtual_memory().available // 2 // on_host
        self.bytes = 0
        if not conf.memory:
            try:
                private.make_folder(self.dir)
            except OSError as error:
                raise self._unusable(error) from error

    def file(self) -> int:
        """A new file's descriptor."""
        _spare_descriptors()
        try:
            return self._file()
        except OSError as error:
            if error.errno in _FULL:
                raise self.full(0, error) from error
            raise self._unusable(error) from error

    def _file(self) -> int:
        # Linux has both of these. Elsewhere a file's name is there for a moment.
        if self.memory and hasattr(os, "memfd_create"):
            return os.memfd_create("hydrofoil-gang", os.MFD_CLOEXEC)
        with suppress(OSError, AttributeError):  # Nor has every file system files without a name.
            return os.open(self.dir, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        descriptor, path = tempfile.mkstemp(prefix="hydrofoil-gang-", dir=self.dir)
        os.unlink(path)
        return descriptor

    def _unusable(self, error: OSError) -> SpoolError:
        return SpoolError(
            f"rank {self.rank} can't make files for its data in {self.dir}: {error}",
            hint="Spool(dir=) sets a different folder on the executors; or use Spool(memory=True)",
            rank=self.rank,
            bytes=self.bytes,
            dir=self.dir,
        )

    def full(self, more: int, error: OSError | None = None) -> SpoolError:
        """The error of a rank whose next ``more`` bytes find no room."""
        why = f"Spool(max_bytes={self.max_bytes}) allows no more" if error is None else str(error)
        return SpoolError(
            f"rank {self.rank} has no room for its data in {self.dir}: {self.bytes} bytes are "
            f"there, {more} more were to come: {why}",
            hint="select fewer columns, run more ranks, or give Spool(dir=, max_bytes=) more room",
            rank=self.rank,
            bytes=self.bytes,
            dir=self.dir,
        )

    def write(self, descriptor: int, data: Any) -> None:
        """Append bytes to a file."""
        view = memoryview(data)
        if view.nbytes == 0:
            return
        view = view.cast("B")
        if self.max_bytes is not None and self.bytes + len(view) > self.max_bytes:
            raise self.full(len(view))
        try:
            while len(view):
                written = os.write(descriptor, view)
                self.bytes += written
                view = view[written:]
        except OSError as error:
            if error.errno in _FULL:
                raise self.full(len(view), error) from error
            raise


def _local_dir(local_rank: int) -> str:
    dirs = [one for one in os.environ.get("SPARK_LOCAL_DIRS", "").split(",") if one]
    return dirs[local_rank % len(dirs)] if dirs else tempfile.gettempdir()


def _spare_descriptors() -> None:
    """Let the process have more files open: a column takes one or two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return
    used = len(os.listdir("/dev/fd"))
    if used + _SPARE_DESCRIPTORS > soft:
        wanted = soft * 2 if hard == resource.RLIM_INFINITY else min(soft * 2, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Fixed:
    """A column of one value a row."""

    def __init__(self, storage: Storage, field: Field) -> None:
        kind = stored(field.type)
        assert kind is not None
        self.storage, self.kind = storage, kind
        self.file = storage.file()

    width = None

    def append(self, values: Any) -> None:
        self.storage.write(self.file, np.ascontiguousarray(values))

    def view(self, start: int, stop: int) -> Any:
        return private_map(self.file, self.kind.dtype, start, stop - start).view(self.kind.view)

    def files(self) -> list[int]:
        return [self.file]


class _List:
    """A column of lists, which are of one length until they aren't."""

    def __init__(self, storage: Storage, field: Field) -> None:
        kind = stored(field.type.value_type)
        assert kind is not None
        self.storage, self.kind = storage, kind
        self.file = storage.file()
        self.rows = 0
        self.elements = 0
        self.width: int | None = None  # Of the first list.
        # Has offsets of all rows as soon as it is there, so that readers may look at any time.
        self.offsets: int | None = None

    def append(self, values: Any) -> None:
        if type(values) is Ragged:
            flat, offsets = values
            rows, lengths = len(offsets) - 1, offsets[1:]
            width = int(offsets[1])
        else:
            flat = np.ascontiguousarray(values).reshape(-1)
            rows, width = values.shape
            lengths = np.arange(1, rows + 1) * width
        if self.width is None:
            self.width = width
        self.storage.write(self.file, flat)
        if self.offsets is not None:
            self.storage.write(self.offsets, lengths + self.elements)
        elif type(values) is Ragged or width != self.width:
            before = np.arange(self.rows + 1) * self.width
            offsets_file = self.storage.file()
            self.storage.write(offsets_file, before)
            self.storage.write(offsets_file, lengths + self.elements)
            self.offsets = offsets_file
        self.rows += rows
        self.elements += len(flat)

    def view(self, start: int, stop: int) -> Any:
        dtype, offsets_file = self.kind.dtype, self.offsets
        if offsets_file is None:
            width = self.width or 0
            flat = private_map(self.file, dtype, start * width, (stop - start) * width)
            return flat.view(self.kind.view).reshape(stop - start, width)
        offsets = private_map(offsets_file, _INT64, start, stop - start + 1)
        first, last = int(offsets[0]), int(offsets[-1])
        flat = private_map(self.file, dtype, first, last - first)
        return Ragged(flat.view(self.kind.view), offsets - first if first else offsets)

    def files(self) -> list[int]:
        return [self.file] if self.offsets is None else [self.file, self.offsets]


class _Other:
    """A column as Arrow keeps it, in messages of as many rows as came at once."""

    width = None

    def __init__(self, storage: Storage, field: Field) -> None:
        self.storage = storage
        self.schema = pa.schema([pa.field(field.name, field.type)])
        self.file = storage.file()
        self.end = 0
        # Where each message begins, its bytes, and the number of its first row.
        self.messages: list[tuple[int, int, int]] = []
        self.rows = 0

    def append(self, array: pa.Array) -> None:
        message = pa.record_batch([array], schema=self.schema).serialize()
        padding = -message.size % _ALIGNMENT
        self.storage.write(self.file, message)
        if padding:
            self.storage.write(self.file, bytes(padding))
        self.messages.append((self.end, message.size, self.rows))
        self.end += message.size + padding
        self.rows += len(array)

    def view(self, start: int, stop: int) -> Any:
        firsts = [first for _, _, first in self.messages]
        chunks = []
        begin = max(int(np.searchsorted(firsts, start, "right")) - 1, 0)
        for offset, size, first in self.messages[begin:]:
            if first >= stop:
                break
            mapped = private_map(self.file, np.dtype("uint8"), offset, size)
            batch = pa.ipc.read_record_batch(pa.py_buffer(mapped), self.schema)
            low, high = max(start - first, 0), min(stop - first, batch.num_rows)
            chunks.append(batch.column(0).slice(low, high - low))
        return pa.chunked_array(chunks, self.schema.field(0).type)

    def files(self) -> list[int]:
        return [self.file]


_KINDS: dict[str, Any] = {"fixed": _Fixed, "list": _List, "other": _Other}


class Spooled:
    """All columns of a rank.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the batches to come.
    conf : Spool
    storage : Storage
        Counts this spool's bytes, and perhaps those of others of the same rank.

    Attributes
    ----------
    fields : list of Field
    rows : int
        How many can be read.
    done : bool
        No more will come.
    error : BaseException or None
        Why not.
    """

    def __init__(self, schema: pa.Schema, conf: Spool, storage: Storage) -> None:
        self.schema = schema
        self.fields = spooled_fields(schema, conf)
        self.storage = storage
        self._converters = [Converter(field, conf) for field in self.fields]
        self._columns: list[Any] = []
        self._changed = threading.Condition()
        self._bytes_before = storage.bytes
        self.rows = 0
        self.done = False
        self.error: BaseException | None = None
        try:
            for field in self.fields:
                self._columns.append(_KINDS[field.kind](storage, field))
        except BaseException:
            self.close()
            raise

    def append(self, batch: pa.RecordBatch) -> None:
        """Take a batch over. Its memory isn't used afterwards.

        Raises
        ------
        SpoolError
            If there is no room.
        UsageError
            At a null that ``nulls="error"`` forbids; at a batch of a different schema.
        """
        if batch.num_rows == 0:
            return
        if batch.num_columns != len(self.schema):
            raise UsageError(
                f"a batch has the columns {batch.schema.names}, and the first {self.schema.names}"
            )
        for field, convert, column in zip(
            self.fields, self._converters, self._columns, strict=True
        ):
            column.append(convert(batch.column(field.source), column.width))
        with self._changed:
            self.rows += batch.num_rows
            self._changed.notify_all()

    def finish(self, error: BaseException | None = None) -> None:
        """Say that no more will come, and why."""
        with self._changed:
            self.done, self.error = True, error
            self._changed.notify_all()

    def wait(self, rows: int | None) -> int:
        """Wait until there are so many rows, or all of them; return how many there are.

        Raises
        ------
        BaseException
            What ended the feed before.
        """
        return self.wait_for(rows, lambda: self.rows)

    def wait_for(self, rows: int | None, readable: Callable[[], int]) -> int:
        """As `wait`, where ``readable`` says how many of the rows that came can be read."""
        with self._changed:
            self._changed.wait_for(lambda: self.done or (rows is not None and readable() >= rows))
            if self.error is not None and (rows is None or readable() < rows):
                raise self.error
            return readable()

    @property
    def complete(self) -> bool:
        """Whether all rows have come."""
        return self.done and self.error is None

    def view(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        """Columns of the rows ``start`` to ``stop``, which have to be there, in private memory.

        Returns
        -------
        dict of str to numpy.ndarray, Ragged or pyarrow.ChunkedArray
        """
        by_name = dict(zip((field.name for field in self.fields), self._columns, strict=True))
        return {name: by_name[name].view(start, stop) for name in names}

    # Rows to be sliced or gathered from; here the same.
    window = view

    def width(self, name: str) -> int | None:
        """Elements in the first list of a column."""
        [place] = [place for place, field in enumerate(self.fields) if field.name == name]
        width: int | None = self._columns[place].width
        return width

    def close(self) -> None:
        """Let the files go. Arrays over them stay as they are."""
        for column in self._columns:
            for descriptor in column.files():
                os.close(descriptor)
        self._columns = []
        self.storage.bytes = self._bytes_before
