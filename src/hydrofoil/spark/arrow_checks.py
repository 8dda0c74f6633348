"""Spark 4.0 to 4.2: checks of what applyInArrow's functions return.

These lines require the very types of the declared columns, and choose columns by name afterwards.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa


class StockChecks:
    """A look at what results usually are, then stock's own checks, and its choice of columns.

    Parameters
    ----------
    types : list of pairs
        Name and Arrow type of each declared column.
    by_name : bool
        Columns are chosen by their names, not by their places.
    table, batch : callable
        Stock's check of a result: (result, by_name, declared columns), which raises if it is no
        table, or no record batch, or has other columns.
    """

    def __init__(
        self,
        types: list[tuple[str, pa.DataType]],
        *,
        by_name: bool,
        table: Callable[[Any, bool, Any], None],
        batch: Callable[[Any, bool, Any], None],
    ) -> None:
        self.by_name = by_name
        self.table = table
        self.batch = batch
        self.expected = dict(types) if by_name else types
        self.names = [name for name, _ in types]
        # Of two columns with one name stock takes neither.
        self.usual = pa.schema(types) if len(set(self.names)) == len(types) else None

    def of_table(self, result: Any) -> pa.Table:
        """The result of a function that returns a table."""
        if isinstance(result, pa.Table) and self._is_usual(result):
            return result
        self.table(result, self.by_name, self.expected)
        if not self.by_name or not result.num_columns:
            return result
        return pa.Table.from_arrays([result.column(name) for name in self.names], self.names)

    def of_batches(self, results: Iterable[Any]) -> Iterator[pa.RecordBatch]:
        """The results of a function that returns an iterator, each when it is asked for."""
        for result in results:
            if isinstance(result, pa.RecordBatch) and self._is_usual(result):
                yield result
                continue
            self.batch(result, self.by_name, self.expected)
            if self.by_name:
                columns = [result.column(name) for name in self.names]
                result = pa.RecordBatch.from_arrays(columns, self.names)
            yield result

    def _is_usual(self, result: pa.Table | pa.RecordBatch) -> bool:
        return self.usual is not None and result.schema.equals(self.usual)
