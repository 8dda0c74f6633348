"""``gang.delta``: a Delta Lake table at one version, read by the ranks themselves."""

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs

from hydrofoil.errors import UnsupportedError, UsageError
from hydrofoil.gang.sources.counting import (
    as_expression,
    check_filter,
    chosen,
    in_threads,
    row_groups,
)
from hydrofoil.gang.sources.pinned import Pinned, PinnedFile
from hydrofoil.gang.sources.unpinned import Unpinned

_GONE = "VACUUM removed it, or somebody deleted it, after the run had begun"
_REMEDY = (
    "keep removed files longer than runs last (delta.deletedFileRetentionDuration, VACUUM ... "
    "RETAIN), pin a newer version, or read a gang.export of it"
)


@dataclass(frozen=True)
class DeltaSource(Unpinned):
    """A Delta table that isn't pinned yet. See `hydrofoil.gang.delta`."""

    path: str
    version: int | str | datetime.datetime | None
    columns: tuple[str, ...] | None
    filter: Any
    storage_options: dict[str, str] | None

    def pin(self) -> Pinned:
        """Resolve the version, and take down its files from the table's log."""
        table = self._open()
        version = table.version()
        what = f"the Delta table {self.path} at version {version}"
        dataset = self._dataset(table, what)
        schema = dataset.schema
        columns = chosen(schema, self.columns, what)
        check_filter(schema, self.filter, what)
        fragments = sorted(dataset.get_fragments(self.filter), key=lambda one: str(one.path))
        added = pa.table(table.get_add_actions()).select(["path", "size_bytes", "num_records"])
        known = {row["path"]: row for row in added.to_pylist()}

        def pinned(fragment: Any) -> PinnedFile:
            row = known.get(fragment.path, {})
            rows, groups = row.get("num_records"), None
            if rows is None or self.filter is not None:
                rows, groups = self._count(fragment, schema, what)
            size = row.get("size_bytes")
            if size is None:
                size = fragment.filesystem.get_file_info(fragment.path).size
            # A Delta table's files are never written twice.
            return PinnedFile(
                fragment.path, size, None, rows, groups, fragment.partition_expression
            )

        return Pinned(
            what=what,
            files=tuple(in_threads(pinned, fragments)),
            schema=schema,
            columns=columns,
            filesystem=TableFiles(table.table_uri, self.storage_options),
            format="parquet",
            filter=self.filter,
            gone=_GONE,
            remedy=_REMEDY,
            details={"version": version},
        )

    def _open(self) -> Any:
        deltalake = _deltalake()
        from deltalake.exceptions import DeltaError, TableNotFoundError

        options = {"storage_options": self.storage_options}
        try:
            if self.version is None or isinstance(self.version, int):
                return deltalake.DeltaTable(self.path, version=self.version, **options)
            table = deltalake.DeltaTable(self.path, **options)
            table.load_as_version(self.version)
            return table
        except TableNotFoundError as error:
            raise UsageError(f"there is no Delta table at {self.path}: {error}") from None
        except (DeltaError, ValueError, OSError) as error:
            version = "" if self.version is None else f" at version {self.version}"
            raise UsageError(f"the Delta table {self.path}{version} can't be read: {error}") from (
                None
            )

    def _dataset(self, table: Any, what: str) -> Any:
        from deltalake.exceptions import DeltaError

        try:
            return table.to_pyarrow_dataset()
        except DeltaError as error:
            raise UnsupportedError(
                f"{what} can't be read without Spark: {error}",
                hint="read it with Spark: gang.run(train, spark.read.format('delta').load(...)); "
                "deletion vectors go away with REORG TABLE ... APPLY (PURGE) and ALTER TABLE ... "
                "DROP FEATURE deletionVectors",
            ) from None

    def _count(self, fragment: Any, schema: pa.Schema, what: str) -> Any:
        try:
            return row_groups(fragment, schema, self.filter)
        except FileNotFoundError:
            raise UsageError(
                f"{fragment.path} of {what} is gone: VACUUM removed it",
                hint="use a newer version",
            ) from None


@dataclass(frozen=True)
class TableFiles:
    """The files below a Delta table, by the table's own access to its storage."""

    uri: str
    storage_options: dict[str, str] | None

    def open(self) -> Any:
        """The filesystem whose root is the table."""
        if self.uri.startswith("file://"):
            local, root = pafs.FileSystem.from_uri(self.uri)
            return pafs.SubTreeFileSystem(root, local)
        _deltalake()
        from deltalake.fs import DeltaStorageHandler

        return pafs.PyFileSystem(DeltaStorageHandler(self.uri, self.storage_options))


def _deltalake() -> Any:
    try:
        import deltalake
    except ImportError:
        raise UsageError(
            "reading Delta tables needs the package deltalake, which isn't installed here",
            hint="pip install deltalake",
        ) from None
    return deltalake


def delta(
    path: "str | os.PathLike[str]",
    version: int | str | datetime.datetime | None = None,
    *,
    columns: Sequence[str] | None = None,
    filter: Any = None,
    storage_options: dict[str, str] | None = None,
) -> DeltaSource:
    """A Delta Lake table in place of a DataFrame: ranks read the files of one version themselves.

    The version is settled once a run, on the driver, and with it the list of files: every rank of
    every attempt reads the same rows whatever is committed meanwhile. Ranks get rows in a row;
    their numbers differ by at most 1. Neither Spark nor the JVM takes part.

    Parameters
    ----------
    path : str or path
        The table's folder or URI, as ``deltalake`` takes it.
    version : int, str or datetime, optional
        A version, or a time (ISO 8601 if it is a str) for the version of then; the newest unless
        given.
    columns : sequence of str, optional
        Only these, in this order.
    filter : pyarrow expression or list of tuples, optional
        Only rows of which it is true, such as ``[("day", ">=", "2026-01-01")]``. The driver reads
        the filter's columns once, to know how many rows each rank has.
    storage_options : dict of str to str, optional
        Credentials and the like, as ``deltalake`` takes them.

    Returns
    -------
    Source

    Raises
    ------
    UsageError
        ``deltalake`` isn't installed. When the run begins: there is no such table or version.
    UnsupportedError
        When the run begins: the table has deletion vectors, column mapping or other features that
        ``deltalake`` doesn't read into Arrow.
    SourceError
        In a rank: a file is gone, such as by VACUUM.
    """
    _deltalake()
    text = os.fspath(path)
    chosen_columns = _as_tuple(columns)
    return DeltaSource(text, version, chosen_columns, as_expression(filter), storage_options)


def _as_tuple(columns: Sequence[str] | None) -> tuple[str, ...] | None:
    if isinstance(columns, str):
        raise UsageError(f"columns={columns!r}: has to be a list", hint=f"[{columns!r}]")
    return None if columns is None else tuple(columns)
