"""Stock's conversions of Series where its serializer has methods for them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from hydrofoil._cext.arrays.read import ArrayReader, TimestampReader
from hydrofoil.spark.stock.conversion import no_value, spark_type_of
from hydrofoil.spark.stock.task import Task

# Microseconds beyond which nanoseconds don't fit.
_MOST_MICROSECONDS = np.iinfo(np.int64).max // 1000


class SerializerMethods:
    """For one task.

    Parameters
    ----------
    types : list of pyarrow.DataType
        Of the functions' declared types.
    """

    integer_extensions = False

    def __init__(self, task: Task, types: list[pa.DataType]) -> None:
        self._serializer: Any = task.stock.deserializer
        # What the converter is given behind a column.
        self._more = (0,) if task.version.columns_have_numbers else ()
        self._zone = task.conf.zone
        self._types = types

    def timestamps(self, rules: str) -> Callable[[str], ArrayReader | None]:
        """What makes local times of a column's instants; see `StockPandas`."""
        return self._by_pandas if rules == "pandas'" else _by_stock

    def spark_types(self, schema: pa.Schema) -> list[Any]:
        """The Spark types of a schema's columns."""
        return [spark_type_of(field.type) for field in schema]

    def series(self, column: Any, spark_type: Any, name: str) -> Any:
        """What users get for a column: one Series or data frame."""
        if isinstance(column, pa.Array):
            column = pa.Table.from_arrays([column], [name]).column(0)
        return self._convert(column)

    def all_series(self, batch: pa.RecordBatch) -> list[Any]:
        """The same for all columns."""
        if not batch.num_columns:
            return [pd.Series([no_value()] * batch.num_rows)]
        return [self._convert(column) for column in pa.Table.from_batches([batch]).itercolumns()]

    def to_arrow(self, results: list[Any]) -> pa.RecordBatch:
        """The record batch that stock answers with."""
        return self._serializer._create_batch(list(zip(results, self._types, strict=True)))

    def _convert(self, column: pa.ChunkedArray) -> Any:
        return self._serializer.arrow_to_pandas(column, *self._more)

    def _by_pandas(self, zone: str) -> ArrayReader | None:
        if not self._zone:
            return None
        # What stock would stumble over, it should.
        pa.lib.string_to_tzinfo(zone)
        return TimestampReader(None if zone == "UTC" else self._local_times)

    def _local_times(self, instants: Any) -> Any:
        # By pandas as in stock: its zones may know less of the far future than Arrow's.
        if len(instants) and np.abs(instants).max() > _MOST_MICROSECONDS:
            raise OverflowError("an instant that does not fit nanoseconds")
        times = pd.DatetimeIndex(instants.view("datetime64[us]"))
        local = times.tz_localize("UTC").tz_convert(self._zone).tz_localize(None)
        return local.asi8


def _by_stock(_: str) -> None:
    return None
