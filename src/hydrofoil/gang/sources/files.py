"""``gang.parquet`` and ``gang.arrow``: files as they were when the run began."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs

from hydrofoil.errors import UsageError
from hydrofoil.gang.dataset import manifest
from hydrofoil.gang.dataset.storage import Folder
from hydrofoil.gang.sources.counting import (
    as_expression,
    check_filter,
    chosen,
    in_threads,
    row_groups,
    selected_rows,
)
from hydrofoil.gang.sources.pinned import Pinned, PinnedFile, file_format
from hydrofoil.gang.sources.unpinned import Unpinned

_TITLES = {"parquet": "the Parquet files", "ipc": "the Arrow files"}


@dataclass(frozen=True)
class FileSource(Unpinned):
    """Files that aren't pinned yet. See `hydrofoil.gang.parquet` and `hydrofoil.gang.arrow`."""

    paths: tuple[str, ...]
    columns: tuple[str, ...] | None
    filter: Any
    filesystem: Any
    format: Literal["parquet", "ipc"]

    def pin(self) -> Pinned:
        """List the files with sizes and times, and count their rows."""
        folder = Folder.of(self.paths[0], self.filesystem)
        if self.format == "ipc" and len(self.paths) == 1:
            found = manifest.load(folder)
            if found is not None:
                return self._pin_dataset(folder, found)
        what = f"{_TITLES[self.format]} of {', '.join(self.paths)}"
        dataset = self._dataset(folder.filesystem, what)
        fragments = sorted(dataset.get_fragments(), key=lambda one: str(one.path))
        infos = folder.filesystem.get_file_info([one.path for one in fragments])
        schema = self._schema(dataset, fragments, what)
        columns = chosen(schema, self.columns, what)
        check_filter(schema, self.filter, what)

        def pinned(place: int) -> PinnedFile:
            fragment, info = fragments[place], infos[place]
            if self.format == "parquet":
                total, groups = row_groups(fragment, schema, self.filter)
            else:
                total, groups = fragment.count_rows(), None
                if self.filter is not None:
                    groups = (selected_rows(fragment, schema, self.filter),)
            partition = fragment.partition_expression
            return PinnedFile(fragment.path, info.size, info.mtime_ns, total, groups, partition)

        return Pinned(
            what=what,
            files=tuple(self._counted(pinned, fragments, what)),
            schema=schema,
            columns=columns,
            filesystem=_mapping(folder),
            format=self.format,
            filter=self.filter,
        )

    def _counted(self, pinned: Any, fragments: list[Any], what: str) -> list[PinnedFile]:
        try:
            return in_threads(pinned, range(len(fragments)))
        except (pa.ArrowInvalid, OSError) as error:
            raise UsageError(f"{what} can't be read: {error}") from error

    def _pin_dataset(self, folder: Folder, found: manifest.Manifest) -> Pinned:
        """What `gang.export` wrote says itself what is in it."""
        what = f"the data set {folder.root}"
        check_filter(found.schema, self.filter, what)
        files = []
        for part in found.parts:
            groups = None
            path = folder.path(part.name)
            if self.filter is not None:
                fragment = file_format("ipc").make_fragment(path, filesystem=folder.filesystem)
                groups = (selected_rows(fragment, found.schema, self.filter),)
            # Each export gives its files new names.
            files.append(PinnedFile(path, part.size, None, part.rows, groups))
        return Pinned(
            what=what,
            files=tuple(files),
            schema=found.schema,
            columns=chosen(found.schema, self.columns, what),
            filesystem=_mapping(folder),
            format="ipc",
            filter=self.filter,
            gone="the data set was exported again after the run had begun",
            remedy="export to a different folder while runs read this one",
        )

    def _dataset(self, filesystem: Any, what: str) -> Any:
        roots = [Folder.of(path, self.filesystem).root for path in self.paths]
        try:
            return pads.dataset(
                roots[0] if len(roots) == 1 else roots,
                filesystem=filesystem,
                format=file_format(self.format),
                partitioning="hive",
                exclude_invalid_files=False,
            )
        except FileNotFoundError as error:
            raise UsageError(f"{what} aren't there: {error}") from None
        except (pa.ArrowInvalid, pa.ArrowTypeError, OSError) as error:
            raise UsageError(f"{what} can't be read: {error}") from None

    def _schema(self, dataset: Any, fragments: list[Any], what: str) -> pa.Schema:
        """The columns of all files: those that one lacks are null there."""
        known: pa.Schema = dataset.schema.remove_metadata()
        for fragment, schema in zip(
            fragments, in_threads(_physical_schema, fragments), strict=True
        ):
            try:
                known = pa.unify_schemas([known, schema.remove_metadata()])
            except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
                raise UsageError(
                    f"{what} don't fit together: {fragment.path}: {error}",
                    hint="read it with Spark, which can cast; or write it anew with one schema",
                ) from None
        return known


def _mapping(folder: Folder) -> Any:
    """The filesystem; a local one maps files instead of reading them."""
    return pafs.LocalFileSystem(use_mmap=True) if folder.is_local else folder.filesystem


def _physical_schema(fragment: Any) -> pa.Schema:
    return fragment.physical_schema


def _source(
    path: Any, columns: Any, filter: Any, filesystem: Any, format: Literal["parquet", "ipc"]
) -> FileSource:
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    if not paths:
        raise UsageError("no paths are given")
    if isinstance(columns, str):
        raise UsageError(f"columns={columns!r}: has to be a list", hint=f"[{columns!r}]")
    return FileSource(
        tuple(os.fspath(one) for one in paths),
        None if columns is None else tuple(columns),
        as_expression(filter),
        filesystem,
        format,
    )


def parquet(
    path: "str | os.PathLike[str] | Sequence[str]",
    *,
    columns: Sequence[str] | None = None,
    filter: Any = None,
    filesystem: Any = None,
) -> FileSource:
    """Parquet files in place of a DataFrame: ranks read them themselves, straight into Arrow.

    The files are listed once a run, on the driver, with their sizes and times; a rank that finds
    one changed raises. Ranks get rows in a row; their numbers differ by at most 1. Files may have
    different columns: missing ones are null. Folders such as ``day=1`` give a column.

    Parameters
    ----------
    path : str, path or sequence of those
        A folder, a file or several of one kind; or URIs that pyarrow knows.
    columns : sequence of str, optional
        Only these, in this order.
    filter : pyarrow expression or list of tuples, optional
        Only rows of which it is true, such as ``[("x", ">", 0)]``. The driver reads the filter's
        columns once, to know how many rows each rank has.
    filesystem : pyarrow.fs.FileSystem or fsspec filesystem, optional
        Where ``path`` is, if its URI doesn't say.

    Returns
    -------
    Source

    Raises
    ------
    UsageError
        When the run begins: there are no such files, or they don't fit together.
    SourceError
        In a rank: a file is gone or was changed.
    """
    return _source(path, columns, filter, filesystem, "parquet")


def arrow(
    path: "str | os.PathLike[str] | Sequence[str]",
    *,
    columns: Sequence[str] | None = None,
    filter: Any = None,
    filesystem: Any = None,
) -> FileSource:
    """What `gang.export` wrote, or other Arrow IPC files, in place of a DataFrame.

    As `parquet`, in everything else.
    """
    return _source(path, columns, filter, filesystem, "ipc")
