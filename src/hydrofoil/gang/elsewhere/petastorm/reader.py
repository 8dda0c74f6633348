"""``make_batch_reader``: a Parquet data set, a row group at a time. No Spark takes part."""

import random
import re
from collections import namedtuple
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads

from hydrofoil.errors import UsageError
from hydrofoil.gang.dataset.storage import Folder
from hydrofoil.gang.sources.counting import as_expression


class Reader:
    """Row groups as named tuples of arrays, once through; made by `make_batch_reader`.

    An iterator, and a context manager that does nothing at its end.

    Attributes
    ----------
    last_row_consumed : bool
        Whether all epochs are through; then `reset` starts again.
    """

    is_batched_reader = True
    batched_output = True

    def __init__(
        self,
        groups: Sequence[Any],
        names: Sequence[str],
        filter: Any,
        num_epochs: int | None,
        shuffled: bool,
        seed: int | None,
    ) -> None:
        self._groups, self._names, self._filter = groups, list(names), filter
        self._num_epochs, self._shuffled, self._seed = num_epochs, shuffled, seed
        self._row = namedtuple("row", self._names)  # type: ignore[misc]
        self.reset()

    def reset(self) -> None:
        """Begin again with the first epoch."""
        self.last_row_consumed = False
        self._rest = self._all()

    def __iter__(self) -> "Reader":
        return self

    def __next__(self) -> Any:
        try:
            return next(self._rest)
        except StopIteration:
            self.last_row_consumed = True
            raise

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Read nothing more."""
        self._rest = iter(())

    def join(self) -> None:
        """No thread has to be waited for."""

    def _all(self) -> Iterator[Any]:
        order = random.Random(self._seed)
        for _ in count() if self._num_epochs is None else range(self._num_epochs):
            groups = list(self._groups)
            if not groups:
                return
            if self._shuffled:
                order.shuffle(groups)
            for group in groups:
                table = group.to_table(columns=self._names, filter=self._filter)
                if table.num_rows:
                    yield self._row(*(_array(name, table[name]) for name in self._names))


def make_batch_reader(
    dataset_url_or_urls: str | Sequence[str],
    schema_fields: Sequence[str] | None = None,
    *,
    workers_count: int = 10,
    shuffle_row_groups: bool = True,
    num_epochs: int | None = 1,
    cur_shard: int | None = None,
    shard_count: int | None = None,
    filters: Any = None,
    seed: int | None = None,
    filesystem: Any = None,
) -> Reader:
    """Read Parquet files of scalars and arrays of one length, a row group at a time.

    Parameters
    ----------
    dataset_url_or_urls : str or list of str
        A folder, or files; paths, or URIs that pyarrow knows.
    schema_fields : list of str, optional
        Regular expressions; columns whose whole name one of them matches are read.
    workers_count : int
        Not needed here: pyarrow reads with threads of its own.
    shuffle_row_groups : bool
        Row groups in a random order, another one in each epoch.
    num_epochs : int or None
        How often all rows are gone through; None: without end.
    cur_shard, shard_count : int, optional
        Only each ``shard_count``-th row group, from number ``cur_shard`` on.
    filters : list of tuples or pyarrow expression, optional
        Only rows of which it is true, such as ``[("x", ">", 0)]``.
    seed : int, optional
        Of the order of row groups.
    filesystem : pyarrow.fs.FileSystem or fsspec filesystem, optional

    Returns
    -------
    Reader

    Raises
    ------
    UsageError
        There are no such files or columns; the shard can't be; fewer row groups than shards.
    """
    urls = [dataset_url_or_urls] if isinstance(dataset_url_or_urls, str) else dataset_url_or_urls
    if num_epochs is not None and num_epochs < 1:
        raise UsageError(f"num_epochs={num_epochs}: has to be 1 or more, or None")
    folders = [Folder.of(local_path(url), filesystem) for url in urls]
    if not folders:
        raise UsageError("no paths are given")
    roots = [folder.root for folder in folders]
    try:
        dataset = pads.dataset(
            roots[0] if len(roots) == 1 else roots,
            filesystem=folders[0].filesystem,
            format="parquet",
            partitioning="hive",
        )
        files = sorted(dataset.get_fragments(), key=lambda file: str(file.path))
        groups = [group for file in files for group in file.split_by_row_group()]
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{', '.join(urls)} can't be read as Parquet: {error}") from None
    names = _matching(dataset.schema.names, schema_fields)
    shard = _shard(groups, cur_shard, shard_count)
    return Reader(shard, names, as_expression(filters), num_epochs, shuffle_row_groups, seed)


def local_path(url: str) -> str:
    """Petastorm's URLs of local files may have one slash; pyarrow wants none, or three."""
    return url.removeprefix("file:") if url.startswith("file:/") and "://" not in url else url


def _matching(names: Sequence[str], patterns: Sequence[str] | None) -> list[str]:
    if patterns is None:
        return list(names)
    found = [name for name in names if any(re.fullmatch(one, name) for one in patterns)]
    if not found:
        raise UsageError(f"schema_fields={list(patterns)} match none of {list(names)}")
    return found


def _shard(groups: list[Any], cur_shard: int | None, shard_count: int | None) -> list[Any]:
    if cur_shard is None and shard_count is None:
        return groups
    if cur_shard is None or shard_count is None or not 0 <= cur_shard < shard_count:
        raise UsageError(
            f"cur_shard={cur_shard!r} of shard_count={shard_count!r} can't be",
            hint="pass a rank's number and how many ranks there are",
        )
    if len(groups) < shard_count:
        raise UsageError(
            f"there are {len(groups)} row group(s) for {shard_count} shards",
            hint="write more files, or smaller row groups; gang.run(source=gang.parquet(...)) "
            "shares rows out, not row groups",
        )
    return groups[cur_shard::shard_count]


def _array(name: str, column: pa.ChunkedArray) -> Any:
    values = column.to_pandas().to_numpy()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return values.astype(np.str_)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lengths = {len(value) for value in values if value is not None}
        if column.null_count or len(lengths) > 1:
            raise UsageError(
                f"the arrays of column {name!r} have different lengths, or are null",
                hint="leave it out with schema_fields=, or pad it before it is written",
            )
        return np.vstack(values)
    return values
