"""Spark 4.0: pickled row UDFs are fast, and functions of pandas; the rest runs on stock's code."""

from typing import Any

from hydrofoil.evals.eval_types import EVAL_TYPES
from hydrofoil.spark.caps import LINES
from hydrofoil.spark.stock_worker import Capture, Pipeline
from hydrofoil.spark.streamed import PANDAS_WRAPPERS, SQL_SCALAR_PANDAS_UDF, StreamedWorker


class Worker(StreamedWorker):
    """Stock's worker with Hydrofoil's data path."""

    fast = LINES["4.0"].fast
    wrappers = (*StreamedWorker.wrappers, *PANDAS_WRAPPERS, "wrap_grouped_map_pandas_udf")
    replayed = frozenset({SQL_SCALAR_PANDAS_UDF})

    def plan(
        self, eval_type: int, capture: Capture, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        if EVAL_TYPES[eval_type].native == "pandas":
            # Imported here, because plain UDFs do without pandas.
            from hydrofoil.spark.v40_pandas import PandasTask40

            return self.pandas(PandasTask40, eval_type, capture, stock)
        return super().plan(eval_type, capture, stock, confs)
