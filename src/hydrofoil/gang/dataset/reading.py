"""``gang.open``: a data set in the forms that consumers want, with or without Spark."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, cast

import pyarrow as pa

from hydrofoil.errors import UsageError
from hydrofoil.gang.data.batches import Batches, Pass
from hydrofoil.gang.data.canonical import Dealt, GlobalEpoch
from hydrofoil.gang.data.identity import TableRows
from hydrofoil.gang.data.permutation import Permutation
from hydrofoil.gang.data.reader import Data
from hydrofoil.gang.dataset import manifest
from hydrofoil.gang.dataset.errors import DatasetError
from hydrofoil.gang.dataset.files import File
from hydrofoil.gang.dataset.manifest import Manifest, Part
from hydrofoil.gang.dataset.part import checksum
from hydrofoil.gang.dataset.pieces import MappedRows
from hydrofoil.gang.dataset.regroup import regrouped
from hydrofoil.gang.dataset.storage import Folder
from hydrofoil.gang.dataset.to_spark import to_spark
from hydrofoil.gang.seams import Spool
from hydrofoil.gang.shares import share, shares

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    from pyspark.sql import DataFrame, SparkSession

Nulls = Literal["error", "fill", "mask"]


def open_dataset(
    path: "str | PathLike[str]", *, verify: bool = False, filesystem: Any = None
) -> "Dataset":
    """Open a data set that `gang.export` wrote. Reads the manifest only.

    Parameters
    ----------
    path : str or path
        A folder, or a URI that pyarrow knows.
    verify : bool
        Compare every file with its checksum now, which reads it whole; see `Dataset.verify`.
    filesystem : pyarrow.fs.FileSystem or fsspec filesystem, optional
        Where ``path`` is, if its URI doesn't say.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        There is none, or its export hasn't ended; or ``verify`` found a file torn or changed.
    """
    folder = Folder.of(path, filesystem)
    found = manifest.load(folder)
    if found is None:
        names = folder.names()
        why = f"it has {len(names)} files, but no {manifest.NAME}" if names else "nothing is there"
        raise DatasetError(
            f"{folder.root} is no data set: {why}",
            hint="gang.export writes one; it is there when the export has ended",
        )
    dataset = Dataset(folder, found)
    if verify:
        dataset.verify()
    return dataset


@dataclass(frozen=True)
class _Range:
    """Rows of one record batch of one part."""

    part: Part
    batch: int
    start: int
    stop: int


class Dataset:
    """A data set, or a rank's share of one. Made by `gang.export` and `gang.open`; pickles.

    Local files are memory-mapped: processes of one host share the pages. Files elsewhere are read
    into memory when they are needed.

    Attributes
    ----------
    path : str
        Its folder.
    schema : pyarrow.Schema
    """

    def __init__(
        self, folder: Folder, found: Manifest, span: tuple[int, int] | None = None, rank: int = 0,
        counts: Sequence[int] | None = None, whole: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        self._folder = folder
        self._manifest = found
        self._start, self._stop = span or (0, found.num_rows)
        self._whole = whole or (self._start, self._stop)  # What this is a share of.
        self._rank = rank
        self._counts = list(counts or [self._stop - self._start])
        self.path = folder.root
        self.schema = found.schema

    def __repr__(self) -> str:
        files = len({found.part.name for found in self._ranges()})
        return f"Dataset({self.path!r}, {self.num_rows} rows of {self.schema.names}, {files} files)"

    @property
    def num_rows(self) -> int:
        """Rows, of this share if it is one."""
        return self._stop - self._start

    def __len__(self) -> int:
        return self.num_rows

    @property
    def nbytes(self) -> int:
        """Bytes of all files, also those of other shares."""
        return self._manifest.nbytes

    @property
    def files(self) -> list[str]:
        """The files' paths, in the order of their rows."""
        return [self._folder.path(part.name) for part in self._manifest.parts]

    @property
    def spark_schema(self) -> str:
        """The exported DataFrame's schema as Spark writes it in JSON."""
        return self._manifest.spark_schema

    def verify(self) -> None:
        """Compare every file with the checksum that its writer took. Reads all of them.

        Raises
        ------
        DatasetError
            One is gone, torn or changed; the message names it.
        """
        for part in self._manifest.parts:
            path = self._folder.path(part.name)
            try:
                same = checksum(self._folder, part.name) == part.sha256
            except FileNotFoundError:
                raise DatasetError(f"{path} is gone, and the manifest names it") from None
            if not same:
                raise DatasetError(
                    f"{path} is torn or was changed: its checksum is not that of what was written",
                    hint="copy the data set anew, or export it again with mode='overwrite'",
                )

    def shard(self, rank: int, world_size: int) -> "Dataset":
        """The share of one of ``world_size`` ranks: rows in a row, numbers differ by at most 1.

        Raises
        ------
        UsageError
            ``rank`` is not below ``world_size``.
        """
        start, stop = share(self.num_rows, rank, world_size)
        span = (self._start + start, self._start + stop)
        counts = shares(self.num_rows, world_size)
        return Dataset(self._folder, self._manifest, span, rank, counts, (self._start, self._stop))

    def arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows as a table over the mapped files; no copy.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these.

        Raises
        ------
        DatasetError
            A file is gone, torn or changed in size; the message names it.
        """
        schema = self._selected_schema(columns)
        batches = [self._selected(batch, columns) for _, batch in self._read(private=False)]
        return pa.Table.from_batches(batches, schema)

    def batches(
        self, batch_size: int | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Record batches over the mapped files.

        Parameters
        ----------
        batch_size : int, optional
            Rows of each but the last, across the borders of files, where they are copied; as the
            files have them unless given.
        columns : sequence of str, optional
            Only these.
        """
        self._selected_schema(columns)
        found = (self._selected(batch, columns) for _, batch in self._read(private=False))
        return found if batch_size is None else regrouped(found, batch_size)

    def _data(self, nulls: Nulls, fill: Any, batch_size: int | None) -> Data:
        def opened() -> MappedRows:
            pieces = list(self._read(private=True))
            # One batch of all rows has to be made; smaller ones are made of what they need.
            return MappedRows(self.schema, pieces, Spool(nulls=nulls, fill=fill), batch_size)

        def everything() -> MappedRows:
            pieces = list(Dataset(self._folder, self._manifest, self._whole)._read(private=True))
            return MappedRows(self.schema, pieces, Spool(nulls=nulls, fill=fill), 0)

        return _DatasetData(opened, everything, self._rank, self._counts, self._identity())

    def _identity(self) -> str:
        """What its rows are known by: those of a whole that this may be a share of."""
        text = repr((self._whole, [part.sha256 for part in self._manifest.parts]))
        return f"data set {hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"

    def numpy(
        self, columns: Sequence[str] | None = None, *, nulls: Nulls = "error", fill: Any = None,
        batch_size: int | None = None, **how: Any,
    ) -> Batches:  # fmt: skip
        """Dicts of writable arrays, over private maps of the files within a record batch.

        Parameters
        ----------
        columns : sequence of str, optional
        nulls, fill
            As in `gang.Spool`.
        batch_size : int, optional
            One batch of all rows unless given.
        how
            ``epochs``, ``shuffle``, ``seed``, ``steps``, ``ragged``, ``prefetch``: as in
            ``ctx.data.numpy``. In a share ``steps`` makes all shares go through as many batches.
        """
        data = self._data(nulls, fill, batch_size)
        return data.numpy(columns, batch_size=batch_size, **how)

    def torch(
        self, columns: Sequence[str] | None = None, *, nulls: Nulls = "error", fill: Any = None,
        batch_size: int | None = None, **how: Any,
    ) -> Batches:  # fmt: skip
        """Dicts of tensors over the same memory as `numpy`, with the same arguments."""
        data = self._data(nulls, fill, batch_size)
        return data.torch(columns, batch_size=batch_size, **how)

    def loader(
        self, features: str | Sequence[str], label: str | None = None, *,
        nulls: Nulls = "error", fill: Any = None, batch_size: int | None = None, **how: Any,
    ) -> Any:  # fmt: skip
        """A ``torch.utils.data.DataLoader``, as ``ctx.data.loader``."""
        data = self._data(nulls, fill, batch_size)
        return data.loader(features, label, batch_size=batch_size, **how)

    def pandas(self, columns: Sequence[str] | None = None, **options: Any) -> "pd.DataFrame":
        """All rows as a DataFrame, a copy. ``options`` are those of ``Table.to_pandas``."""
        return self.arrow(columns).to_pandas(**options)

    def polars(self, columns: Sequence[str] | None = None) -> "pl.DataFrame":
        """All rows as a Polars DataFrame; over the mapped files where Polars lays data out alike.

        Raises
        ------
        UsageError
            Polars isn't installed.
        """
        try:
            import polars
        except ImportError:
            raise UsageError("Polars isn't installed", hint="pip install polars") from None
        return cast("pl.DataFrame", polars.from_arrow(self.arrow(columns)))

    def duckdb(
        self, columns: Sequence[str] | None = None, connection: Any = None
    ) -> "duckdb.DuckDBPyRelation":
        """All rows as a DuckDB relation, which reads the mapped files as queries need them.

        Parameters
        ----------
        columns : sequence of str, optional
        connection : duckdb.DuckDBPyConnection, optional
            DuckDB's default one unless given.

        Raises
        ------
        UsageError
            DuckDB isn't installed.
        """
        try:
            import duckdb
        except ImportError:
            raise UsageError("DuckDB isn't installed", hint="pip install duckdb") from None
        return cast(
            "duckdb.DuckDBPyRelation", (connection or duckdb).from_arrow(self.arrow(columns))
        )

    def spark(self, spark: "SparkSession") -> "DataFrame":
        """All rows as a Spark DataFrame of the types that were exported, in the same order.

        The executors read the files, so they have to reach the folder.
        """

        def part(number: int, parts: int) -> Iterator[pa.RecordBatch]:
            return self.shard(number, parts).batches()

        return to_spark(spark, self.spark_schema, self.num_rows, self.nbytes, part)

    def _ranges(self) -> Iterator[_Range]:
        first = 0
        for part in self._manifest.parts:
            for batch, rows in enumerate(part.batches):
                start, stop = max(self._start - first, 0), min(self._stop - first, rows)
                if start < stop:
                    yield _Range(part, batch, start, stop)
                first += rows

    def _read(self, private: bool) -> Iterator[tuple[File, pa.RecordBatch]]:
        file, name = None, None
        for found in self._ranges():
            if file is None or name != found.part.name:
                file, name = File(self._folder, found.part, self.schema, private), found.part.name
            batch = file.batch(found.batch)
            if batch.num_rows != found.part.batches[found.batch]:
                raise DatasetError(
                    f"{file.path} was changed: record batch {found.batch} has {batch.num_rows} "
                    f"rows, and {found.part.batches[found.batch]} were written"
                )
            yield file, batch.slice(found.start, found.stop - found.start)

    def _selected_schema(self, columns: Sequence[str] | None) -> pa.Schema:
        if columns is None:
            return self.schema
        if isinstance(columns, str):
            raise UsageError(f"columns={columns!r}: has to be a list", hint=f"[{columns!r}]")
        unknown = [name for name in columns if name not in self.schema.names]
        if unknown:
            raise UsageError(f"there are no columns {unknown}; there are {self.schema.names}")
        return pa.schema([self.schema.field(name) for name in columns])

    def _selected(self, batch: pa.RecordBatch, columns: Sequence[str] | None) -> pa.RecordBatch:
        return batch if columns is None else batch.select(list(columns))


class _DatasetData(Data):
    """``Data`` over a data set's files, where shares know each other's sizes by themselves.

    Parameters
    ----------
    opened : callable
        The share's rows.
    everything : callable
        All shares' rows, to gather from.
    rank : int
    counts : list of int
        Of all shares.
    identity : str
    """

    def __init__(
        self,
        opened: Callable[[], MappedRows],
        everything: Callable[[], MappedRows],
        rank: int,
        counts: list[int],
        identity: str,
    ) -> None:
        known: Any = _Known(rank, counts)
        rows = TableRows(identity, sum(counts[:rank]))
        super().__init__(cast(Any, opened()), known, known, known, None, "stable", rows)
        self._opened = opened
        self._everything = everything

    def dealt(self, seed: int, epoch: int, over_ranks: bool) -> Any:
        if over_ranks and self.world_size > 1:
            raise UsageError(
                'shuffle="global" needs a gang, and shares of a data set have no connection',
                hint="global_batch_size= with shuffle=True; or gang.run(train, "
                "source=gang.arrow(path))",
            )
        return self._opened()  # A map of its own: what an epoch writes to it ends with it.

    def global_epoch(self, plan: Pass, names: list[str], epoch: int, first: int) -> GlobalEpoch:
        # No row has to go anywhere: every share can read all files.
        cut = self.global_cut(plan)
        order = Permutation(cut.rows, int(plan.seed) if plan.shuffle else None, epoch)
        numbers = order.numbers(cut.all_of(self.rank, first) % max(cut.rows, 1))
        dealt = Dealt(cast(Any, self._everything()), numbers, False, first)
        return GlobalEpoch(cut, self.rank, dealt, names, first)


class _Known:
    """What the ranks of a gang find out by their connections, and shares know beforehand."""

    bytes = 0

    def __init__(self, rank: int, counts: list[int]) -> None:
        self.rank = rank
        self.world_size = len(counts)
        self.known_counts = counts

    def counts(self) -> list[int]:
        return self.known_counts

    tallied = counts

    def stop(self) -> None:
        """No thread reads."""
