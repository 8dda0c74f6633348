"""Spark 4.1: row UDFs, functions of pandas and Arrow, and table functions are fast.

On Arrow its converters are those of 4.3, but not where they stand: its serializer converts, once
all UDFs of the projection have been called for a batch.
"""

from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql.types import StructField, StructType

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.batched import RowProjection
from hydrofoil.evals.eval_types import EVAL_TYPES, describe
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.caps import LINES
from hydrofoil.spark.conversion import options, stock_column
from hydrofoil.spark.pickled_rows import pickled_rows
from hydrofoil.spark.stock_worker import Capture, Pipeline, StaysStock
from hydrofoil.spark.streamed import (
    ARROW_ROWS_WRAPPER,
    PANDAS_WRAPPERS,
    SQL_ARROW_BATCHED_UDF,
    SQL_BATCHED_UDF,
    SQL_SCALAR_PANDAS_UDF,
    StreamedWorker,
    on_record_batches,
)
from hydrofoil.spark.streamed_arrow import ARROW, WRAPPERS_41, StreamedArrow
from hydrofoil.spark.streamed_udtf import SQL_TABLE_UDF, arrow, pickled
from hydrofoil.spark.streams import ArrowStream

THREADS = "spark.sql.execution.pythonUDF.arrow.concurrency.level"


class Worker(StreamedWorker):
    """Stock's worker with Hydrofoil's data path."""

    fast = LINES["4.1"].fast
    wrappers = (
        *StreamedWorker.wrappers,
        ARROW_ROWS_WRAPPER,
        *PANDAS_WRAPPERS,
        "wrap_grouped_map_pandas_udf",
        "wrap_grouped_map_pandas_iter_udf",
        *WRAPPERS_41,
    )
    replayed = frozenset({SQL_ARROW_BATCHED_UDF, SQL_SCALAR_PANDAS_UDF})

    def plan(
        self, eval_type: int, capture: Capture, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        if eval_type == SQL_BATCHED_UDF:
            return self.pickled(capture.udfs, stock)
        if EVAL_TYPES[eval_type].fast_path == "pandas":
            # Imported here, because plain UDFs do without pandas.
            from hydrofoil.spark.v41_pandas import PandasTask41

            return self.pandas(PandasTask41, eval_type, capture, stock)
        if eval_type in ARROW:
            return StreamedArrow(self.stock, eval_type, capture, stock, self.passed[2:]).pipeline()
        function, _, serializer, _ = stock
        runner_conf = self.passed[-1]
        if self.stock.use_legacy_pandas_udf_conversion(runner_conf):
            raise StaysStock("the legacy pandas conversion is configured")
        if THREADS in runner_conf:
            raise StaysStock("threads are configured")
        large = self.stock.use_large_var_types(runner_conf)
        binary_as_bytes = serializer._binary_as_bytes
        pipeline = on_record_batches(function, serializer)
        projection = RowProjection(
            capture.udfs,
            _input_type(serializer),
            options(binary_as_bytes=binary_as_bytes, large_var_types=large),
            stock=pipeline,
            serial_stock=pipeline,
            replays=capture.replays,
            stock_column=stock_column(binary_as_bytes),
            run=self.run,
            threads=0,
            trace=TaskTrace(describe(eval_type)),
        )
        output = pa.schema(
            [
                (
                    f"_{i}",
                    self.stock.to_arrow_type(udf.return_type, prefers_large_types=large),
                )
                for i, udf in enumerate(capture.udfs)
            ]
        )
        ser = ArrowStream(output.serialize().to_pybytes())
        return projection, None, ser, ser

    def as_pickled(self, udfs: list[Udf], stock: Pipeline, confs: tuple[Any, ...]) -> Pipeline:
        serializer = stock[2]
        large = self.stock.use_large_var_types(self.passed[-1])
        return pickled_rows(
            udfs,
            _input_type(serializer),
            options(
                binary_as_bytes=serializer._binary_as_bytes, large_var_types=large, pickled=True
            ),
            partial(self.stock.to_arrow_type, prefers_large_types=large),
            self.run,
        )

    def table_plan(
        self, eval_type: int, name: str, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        if eval_type == SQL_TABLE_UDF:
            return pickled(self.stock, stock, name)
        return arrow(self.stock, stock, name, confs)


def _input_type(serializer: Any) -> StructType:
    """The input's types, by stock's serializer."""
    return StructType([StructField(f"_{i}", t) for i, t in enumerate(serializer._input_types)])
