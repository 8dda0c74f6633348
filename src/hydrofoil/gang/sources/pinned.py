"""A table as it was when the run began: its files, and how many rows each gives.

The driver makes it, and it travels to the ranks. So a rank needs no look at the table's log or
folder, which may have changed, and its share follows from numbers that all ranks have.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs

from hydrofoil.gang.shares import share, shares
from hydrofoil.gang.sources.errors import SourceError

BATCH_ROWS = 65_536


@dataclass(frozen=True)
class PinnedFile:
    """One file.

    Parameters
    ----------
    path : str
        As the filesystem writes it.
    size : int
        Bytes.
    modified : int or None
        Nanoseconds since the epoch; None for files that are never written twice.
    total : int
        Rows in the file.
    groups : tuple of int or None
        Rows that each row group gives, those that the filter drops left out. None: all rows.
    partition : pyarrow.compute.Expression or None
        The values of partition columns, which the file doesn't have.
    """

    path: str
    size: int
    modified: int | None
    total: int
    groups: tuple[int, ...] | None = None
    partition: Any = None

    @property
    def rows(self) -> int:
        """Rows that it gives."""
        return self.total if self.groups is None else sum(self.groups)


@dataclass(frozen=True)
class Pinned:
    """A table at one point; implements `hydrofoil.gang.seams.Source`.

    Parameters
    ----------
    what : str
        What it is, for messages, with its version.
    files : tuple of PinnedFile
        In the order of rows.
    schema : pyarrow.Schema
        Of the whole table.
    columns : tuple of str
        Those that are read, in this order.
    filesystem : pyarrow.fs.FileSystem, or a value with an ``open`` method that gives one
    format : {"parquet", "ipc"}
    filter : pyarrow.compute.Expression or None
    gone : str
        What has happened if a file isn't there any more, for messages.
    remedy : str
        And what to do about it.
    """

    what: str
    files: tuple[PinnedFile, ...]
    schema: pa.Schema
    columns: tuple[str, ...]
    filesystem: Any
    format: Literal["parquet", "ipc"]
    filter: Any = None
    gone: str = "it was removed or replaced after the run began"
    remedy: str = "don't write to the table while a run reads it, or read a gang.export of it"
    details: dict[str, Any] = field(default_factory=dict)  # Such as a Delta table's version.

    def pin(self) -> "Pinned":
        """It is pinned."""
        return self

    @property
    def num_rows(self) -> int:
        """Rows of all ranks together."""
        return sum(file.rows for file in self.files)

    def counts(self, world_size: int) -> list[int]:
        """The exact number of rows of each rank."""
        return shares(self.num_rows, world_size)

    def identity(self) -> str:
        """Equal for tables of the same rows, as far as names, sizes and rows of files say."""
        files = [
            (file.path.rpartition("/")[2], file.size, file.total, file.groups)
            for file in self.files
        ]
        text = repr((files, str(self.filter), self.format))
        return f"files {len(files)} {hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"

    def read(self, rank: int, world_size: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """A rank's share: rows in a row, whose numbers differ by at most 1 between ranks.

        Returns
        -------
        (pyarrow.Schema, iterator of pyarrow.RecordBatch)

        Raises
        ------
        SourceError
            While iterating: a file is gone, or isn't what was pinned.
        """
        schema = pa.schema([self.schema.field(name) for name in self.columns])
        start, stop = share(self.num_rows, rank, world_size)
        return schema, self._read(schema, start, stop)

    def _read(self, schema: pa.Schema, start: int, stop: int) -> Iterator[pa.RecordBatch]:
        filesystem = self.filesystem
        if not isinstance(filesystem, pafs.FileSystem):
            filesystem = filesystem.open()
        first = 0
        for file in self.files:
            low, high = max(start - first, 0), min(stop - first, file.rows)
            if low < high:
                self._check(filesystem, file)
                try:
                    yield from self._batches(filesystem, schema, file, low, high)
                except FileNotFoundError:
                    raise self._lost(file) from None
                except (pa.ArrowInvalid, OSError) as error:
                    self._check(filesystem, file)
                    raise SourceError(
                        f"{file.path} of {self.what} can't be read: {error}", self.remedy
                    ) from error
                # A file that is written to while it is read gives rows of both states.
                if file.modified is not None:
                    self._check(filesystem, file)
            first += file.rows

    def _check(self, filesystem: Any, file: PinnedFile) -> None:
        try:
            info = filesystem.get_file_info(file.path)
        except FileNotFoundError:
            raise self._lost(file) from None
        if info.type == pafs.FileType.NotFound:
            raise self._lost(file)
        if info.size != file.size:
            found = f"it has {info.size} bytes, and had {file.size}"
        elif file.modified is not None and info.mtime_ns != file.modified:
            found = "it was written again"
        else:
            return
        raise SourceError(
            f"{file.path} of {self.what} was changed after the run began: {found}", self.remedy
        )

    def _lost(self, file: PinnedFile) -> SourceError:
        return SourceError(f"{file.path} of {self.what} is gone: {self.gone}", self.remedy)

    def _batches(
        self, filesystem: Any, schema: pa.Schema, file: PinnedFile, start: int, stop: int
    ) -> Iterator[pa.RecordBatch]:
        fragment = file_format(self.format).make_fragment(
            file.path, filesystem=filesystem, partition_expression=file.partition
        )
        first = 0
        for rows, piece in self._pieces(fragment, file):
            low, high = max(start - first, 0), min(stop - first, rows)
            if low < high:
                batches = piece.to_batches(
                    schema=self.schema,
                    columns=list(self.columns),
                    filter=self.filter,
                    batch_size=BATCH_ROWS,
                    # A rank reads in order: what is read ahead only takes memory.
                    batch_readahead=2,
                    fragment_readahead=1,
                )
                got = 0
                for batch in cut(batches, low, high):
                    got += batch.num_rows
                    yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
                if got != high - low:
                    raise SourceError(
                        f"{file.path} of {self.what} gives {got} rows where {high - low} were "
                        "counted before the run began",
                        self.remedy,
                    )
            first += rows

    def _pieces(self, fragment: Any, file: PinnedFile) -> Iterator[tuple[int, Any]]:
        if self.format == "ipc":
            yield file.rows, fragment
            return
        found = fragment.row_groups
        total = sum(group.num_rows for group in found)
        if total != file.total or (file.groups is not None and len(file.groups) != len(found)):
            raise SourceError(
                f"{file.path} of {self.what} has {total} rows in {len(found)} row groups, and "
                f"{file.total} rows were pinned",
                self.remedy,
            )
        for number, group in enumerate(found):
            rows = group.num_rows if file.groups is None else file.groups[number]
            yield rows, fragment.subset(row_group_ids=[number])


def cut(batches: Iterator[pa.RecordBatch], start: int, stop: int) -> Iterator[pa.RecordBatch]:
    """The rows ``start`` to ``stop`` of batches; no more of them are taken than needed."""
    first = 0
    for batch in batches:
        low, high = max(start - first, 0), min(stop - first, batch.num_rows)
        if low < high:
            yield batch.slice(low, high - low)
        first += batch.num_rows
        if first >= stop:
            return


def file_format(name: str) -> Any:
    """The dataset format of a kind of files."""
    return pads.ParquetFileFormat() if name == "parquet" else pads.IpcFileFormat()
