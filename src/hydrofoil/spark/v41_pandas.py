"""Spark 4.1's pandas eval types. Its serializers convert, before and after stock's functions run.

What stock has to convert goes through its serializer's own methods.
"""

from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyspark
from pyspark.sql.pandas.types import from_arrow_type

from hydrofoil._cext.arrays.read import ArrayReader, TimestampReader
from hydrofoil._cext.rows import Replay
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.pandas_task import (
    SQL_COGROUPED_MAP_PANDAS_UDF,
    SQL_GROUPED_AGG_PANDAS_UDF,
    SQL_GROUPED_MAP_PANDAS_ITER_UDF,
    SQL_GROUPED_MAP_PANDAS_UDF,
    SQL_WINDOW_AGG_PANDAS_UDF,
    CallsStock,
    PandasTask,
    bounds_of,
)
from hydrofoil.spark.stock_worker import Pipeline, StaysStock
from hydrofoil.spark.streamed import on_groups, on_record_batches
from hydrofoil.values.dataframes.build import COPY_ON_WRITE
from hydrofoil.values.dataframes.stock import StockPandas

GROUPED = (SQL_GROUPED_MAP_PANDAS_UDF, SQL_GROUPED_AGG_PANDAS_UDF, SQL_WINDOW_AGG_PANDAS_UDF)
_OF_GROUPS_OF_FRAMES = (
    SQL_GROUPED_MAP_PANDAS_UDF,
    SQL_COGROUPED_MAP_PANDAS_UDF,
    SQL_GROUPED_MAP_PANDAS_ITER_UDF,
)
# How many arguments functions of groups take: with and without the key.
_ARITIES = {
    SQL_GROUPED_MAP_PANDAS_UDF: (1, 2),
    SQL_GROUPED_MAP_PANDAS_ITER_UDF: (1, 2),
    SQL_COGROUPED_MAP_PANDAS_UDF: (2, 3),
}

# Microseconds beyond which nanoseconds don't fit.
_MOST_MICROSECONDS = np.iinfo(np.int64).max // 1000


class PandasTask41(CallsStock, PandasTask):
    """One task of a pandas eval type.

    Parameters
    ----------
    stock : tuple
        What stock runs the task by.
    conf : dict of str to str
        The task's configuration, as far as stock passes it on to where functions are read.

    Attributes
    ----------
    bounds_key : str
        The configuration that lists windows' kinds.

    Raises
    ------
    StaysStock
        If ``stock`` has to run the task.
    """

    bounds_key: ClassVar[str] = "window_bound_types"

    def __init__(
        self,
        worker: ModuleType,
        eval_type: int,
        udfs: list[Udf],
        replays: list[Replay],
        stock: Pipeline,
        conf: dict[str, str],
    ) -> None:
        super().__init__(worker, eval_type, udfs, replays)
        if COPY_ON_WRITE:
            raise StaysStock(f"pandas {pd.__version__} is newer than this version of Spark knows")
        if not all(udf.offsets for udf in udfs):
            raise StaysStock("a function without arguments")
        if udfs[0].arity not in _ARITIES.get(eval_type, (0,)):
            raise StaysStock(f"a function of {udfs[0].arity} arguments")
        self.function, _, self.serializer, _ = stock
        self.conf = conf
        self.types = [self._declared(udf.return_type) for udf in udfs]
        self.stock = StockPandas(
            pipeline=self._pipeline(),
            spark_types=lambda schema: [
                from_arrow_type(field.type, prefer_timestamp_ntz=True) for field in schema
            ],
            series=self._series,
            all_series=self._all_series,
            concat=lambda series: pd.concat(series, axis=1),
            verify=self._verify,
            to_arrow=self._to_arrow,
            by_name=self.serializer._assign_cols_by_name,
            timezone=self.serializer._timezone,
            large_var_types=self._large_var_types(),
            integer_extensions=False,
            timestamps=self._timestamps,
            mixed_structs=False,
            combined=False,
            views=True,
            by_label=True,
        )

    # --- This line's own, which older ones have otherwise -----------------------------------------

    def _large_var_types(self) -> bool:
        # For groups stock hands the configuration to another parameter, and has narrow ones.
        large: bool = self.worker.use_large_var_types(self.conf)
        return large and self.eval_type not in _OF_GROUPS_OF_FRAMES

    def _declared(self, spark_type: Any) -> pa.DataType:
        return self.worker.to_arrow_type(spark_type, prefers_large_types=self._large_var_types())

    def _answered(self, declared: pa.DataType) -> pa.DataType:
        """The type of what stock converts results to."""
        return declared

    def _convert(self, column: pa.ChunkedArray) -> Any:
        return self.serializer.arrow_to_pandas(column, 0)

    def _pipeline(self) -> Any:
        if self.eval_type in GROUPED:
            return on_groups(self.function, self.serializer, 1)
        if self.eval_type == SQL_COGROUPED_MAP_PANDAS_UDF:
            return on_groups(self.function, self.serializer, 2)
        return on_record_batches(self.function, self.serializer)

    def _timestamps(self, zone: str) -> ArrayReader | None:
        if not self.stock.timezone:
            return None
        # What stock would stumble over, it should.
        pa.lib.string_to_tzinfo(zone)
        return TimestampReader(None if zone == "UTC" else self._local_times)

    # --- For the plans ----------------------------------------------------------------------------

    def _answer_type(self, spark_type: Any) -> pa.DataType:
        return self._answered(self._declared(spark_type))

    def _bounds(self) -> list[str]:
        return bounds_of(self.conf[self.bounds_key])

    # --- Stock's conversions ----------------------------------------------------------------------

    def _series(self, column: Any, spark_type: Any, name: str) -> Any:
        if isinstance(column, pa.Array):
            column = pa.Table.from_arrays([column], [name]).column(0)
        return self._convert(column)

    def _all_series(self, batch: pa.RecordBatch) -> list[Any]:
        if not batch.num_columns:
            return [pd.Series([pyspark._NoValue] * batch.num_rows)]  # type: ignore[attr-defined]
        return [self._convert(column) for column in pa.Table.from_batches([batch]).itercolumns()]

    def _to_arrow(self, results: list[Any]) -> pa.RecordBatch:
        return self.serializer._create_batch(list(zip(results, self.types, strict=True)))

    def _local_times(self, instants: Any) -> Any:
        # By pandas as in stock: its zones may know less of the far future than Arrow's.
        if len(instants) and np.abs(instants).max() > _MOST_MICROSECONDS:
            raise OverflowError("an instant that does not fit nanoseconds")
        times = pd.DatetimeIndex(instants.view("datetime64[us]"))
        local = times.tz_localize("UTC").tz_convert(self.stock.timezone).tz_localize(None)
        return local.asi8
