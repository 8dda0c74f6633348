"""Stock's checks of what functions of Arrow's objects return."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from hydrofoil.evals.arrow_grouped import Checks, Verify
from hydrofoil.spark.families.arrow.casts import Casts
from hydrofoil.spark.stock.task import Task


def map_check(task: Task) -> Callable[[Any], Iterator[pa.RecordBatch]]:
    """The check of what mapInArrow's function returns.

    It raises at the object, or at the item, that is something else.
    """
    if task.version.map_check == "verify_return_type":
        return _verify(task, Iterator[pa.RecordBatch])
    if task.version.map_check == "verify_result":
        check: Callable[[Any], Iterator[pa.RecordBatch]] = task.worker.verify_result(pa.RecordBatch)
        return check
    wrapped = task.wrapped
    assert wrapped is not None, "the check stands around the user's function"
    return lambda returned: (batch for batch, _ in wrapped(lambda same: same)(returned))


def _verify(task: Task, expected: Any) -> Callable[[Any], Any]:
    return lambda result: task.worker.verify_return_type(result, expected)


def group_checks(task: Task, stock: Casts) -> Checks:
    """The checks of what applyInArrow's functions return."""
    declared = task.udfs[0].return_type
    names = task.version.group_checks
    if names:
        return StockChecks(
            [(field.name, task.arrow_type(field.dataType)) for field in declared.fields],
            by_name=task.conf.by_name,
            table=getattr(task.worker, names[0]),
            batch=getattr(task.worker, names[1]),
        )
    enforce: Callable[..., Any] = stock.enforce
    return Verify(
        pa.schema(list(task.arrow_type(declared, wide=task.conf.wide_offsets))),
        table=_verify(task, pa.Table),
        batches=_verify(task, Iterator[pa.RecordBatch]),
        enforce=partial(enforce, arrow_cast=False, reorder_by_name=task.conf.by_name),
    )


class StockChecks:
    """A look at what results usually are, then stock's own checks, and its choice of columns.

    Versions that have them require the very types of the declared columns, and choose columns by
    name afterwards.

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
