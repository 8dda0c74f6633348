"""Spark 4.0: row UDFs, functions of pandas and Arrow, and pickled table functions are fast.

On Arrow its row UDFs go through pandas.
"""

from typing import Any

from hydrofoil.evals.eval_types import EVAL_TYPES
from hydrofoil.spark.caps import LINES
from hydrofoil.spark.stock_worker import Capture, Pipeline, StaysStock
from hydrofoil.spark.streamed import (
    ARROW_ROWS_WRAPPER,
    PANDAS_WRAPPERS,
    SQL_ARROW_BATCHED_UDF,
    SQL_SCALAR_PANDAS_UDF,
    StreamedWorker,
)
from hydrofoil.spark.streamed_arrow import ARROW, WRAPPERS_40, StreamedArrow
from hydrofoil.spark.streamed_rows import rows_by_pandas
from hydrofoil.spark.streamed_udtf import pickled
from hydrofoil.stream.group_frames import LONE_BATCHES

THREADS = "spark.sql.execution.pythonUDF.arrow.concurrency.level"


class Worker(StreamedWorker):
    """Stock's worker with Hydrofoil's data path."""

    fast = LINES["4.0"].fast
    wrappers = (
        *StreamedWorker.wrappers,
        ARROW_ROWS_WRAPPER,
        *PANDAS_WRAPPERS,
        "wrap_grouped_map_pandas_udf",
        *WRAPPERS_40,
    )
    replayed = frozenset({SQL_ARROW_BATCHED_UDF, SQL_SCALAR_PANDAS_UDF})

    def plan(
        self, eval_type: int, capture: Capture, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        if EVAL_TYPES[eval_type].fast_path == "pandas":
            # Imported here, because plain UDFs do without pandas.
            from hydrofoil.spark.v40_pandas import PandasTask40

            return self.pandas(PandasTask40, eval_type, capture, stock)
        if eval_type in ARROW:
            return Arrow40(self.stock, eval_type, capture, stock, self.passed[2:]).pipeline()
        if eval_type == SQL_ARROW_BATCHED_UDF:
            runner_conf = self.passed[-1]
            if THREADS in runner_conf:
                raise StaysStock("threads are configured")
            large = self.stock.use_large_var_types(runner_conf)
            return rows_by_pandas(self.stock, capture, stock, self.run, large=large)
        return super().plan(eval_type, capture, stock, confs)

    def table_plan(
        self, eval_type: int, name: str, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        return pickled(self.stock, stock, name)


class Arrow40(StreamedArrow):
    """One task of an Arrow eval type, as 4.0 runs it."""

    verify_table = verify_batch = "verify_arrow_result"
    group_streams = LONE_BATCHES
