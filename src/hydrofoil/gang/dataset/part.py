"""On the executor: one partition becomes one Arrow IPC file."""

import errno
import hashlib
import json
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from hydrofoil.gang.dataset import draft
from hydrofoil.gang.dataset.manifest import Part
from hydrofoil.gang.dataset.schema import conform
from hydrofoil.gang.dataset.storage import Folder, sync


class _WriteFailed(Exception):
    """The filesystem refused; the cause is the ``OSError``."""


@dataclass(frozen=True)
class PartWriter:
    """The function of ``mapInArrow``: writes its partition and yields what came of it as JSON.

    Trouble with the filesystem is told instead of raised: Spark would try the task again three
    times, and bury the reason in a stack trace.

    Parameters
    ----------
    folder : Folder
    export_id : str
    schema : pyarrow.Schema
        What each file gets.
    batch_bytes : int
        Record batches are joined up to about this size.
    finished : dict of int to Part
        Partitions that an earlier export of the same rows wrote.
    """

    folder: Folder
    export_id: str
    schema: pa.Schema
    batch_bytes: int
    finished: dict[int, Part]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        context = TaskContext.get()
        assert context is not None
        report = self._report(context.partitionId(), batches)
        yield pa.RecordBatch.from_pydict({"report": [json.dumps(report)]})

    def _report(self, partition: int, batches: Iterator[pa.RecordBatch]) -> dict[str, Any]:
        host = socket.gethostname()
        try:
            if draft.read_id(self.folder) != self.export_id:
                return {"unreachable": host}
            earlier = self.finished.get(partition)
            if earlier is not None and intact(self.folder, earlier):
                return {"part": asdict(earlier), "resumed": True}
            part = self._write(partition, batches)
            draft.add(self.folder, part)
            return {"part": asdict(part)}
        except (_WriteFailed, OSError) as error:
            cause = error.__cause__ if isinstance(error, _WriteFailed) else error
            full = getattr(cause, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            return {"failed": f"{type(cause).__name__}: {cause}", "host": host, "full": full}

    def _write(self, partition: int, batches: Iterator[pa.RecordBatch]) -> Part:
        joined = _joined(batches, self.batch_bytes)
        first = next(joined, None)
        if first is None:
            return Part(partition, "", 0, 0, "")
        name = f"part-{partition:05}-{self.export_id[:8]}-{uuid.uuid4().hex[:8]}.arrow"
        rows = []
        try:
            with _refusals():
                sink = _Sink(self.folder.filesystem.open_output_stream(self.folder.path(name)))
                stream = pa.PythonFile(sink, "w")
                writer = pa.ipc.new_file(stream, self.schema)
            batch: pa.RecordBatch | None = first
            while batch is not None:
                with _refusals():
                    writer.write_batch(conform(batch, self.schema))
                rows.append(batch.num_rows)
                batch = next(joined, None)
            with _refusals():
                writer.close()
                sink.finish()
                if self.folder.is_local:
                    sync(self.folder.path(name))
        except BaseException:
            self._remove(name)
            raise
        return Part(partition, name, sum(rows), sink.size, sink.sha256(), tuple(rows))

    def _remove(self, name: str) -> None:
        with suppress(OSError):  # The reason for removing it is what the user has to see.
            self.folder.remove(name)


class _Sink:
    """A file that knows the checksum of what was written to it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, content: Any) -> int:
        self._hash.update(content)
        self._stream.write(content)
        self.size += len(content)
        return len(content)

    def flush(self) -> None:
        self._stream.flush()

    def tell(self) -> int:
        return self.size

    def close(self) -> None:
        self.closed = True

    def finish(self) -> None:
        # Apart from `close`, which pyarrow calls where it can't raise.
        self._stream.close()

    def sha256(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell the filesystem's errors from those of the query, which come up between the writes."""
    try:
        yield
    except OSError as error:
        raise _WriteFailed from error


def _joined(batches: Iterator[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """Join small batches: what is read as one column later is in one piece as far as possible."""
    waiting: list[pa.RecordBatch] = []
    waiting_bytes = 0
    for batch in batches:
        if batch.num_rows == 0:
            continue
        waiting.append(batch)
        waiting_bytes += batch.nbytes
        if waiting_bytes >= size:
            yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()
            waiting, waiting_bytes = [], 0
    if waiting:
        yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()


def intact(folder: Folder, part: Part) -> bool:
    """Whether a file is there and has the bytes that were written."""
    if not part.rows:
        return True
    return folder.size(part.name) == part.size and checksum(folder, part.name) == part.sha256


def checksum(folder: Folder, name: str) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    found = hashlib.sha256()
    with folder.filesystem.open_input_stream(folder.path(name)) as stream:
        while block := stream.read(1 << 22):
            found.update(block)
    return found.hexdigest()
