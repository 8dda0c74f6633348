"""Spark 3.5: row UDFs, functions of pandas, mapInArrow, and pickled table functions are fast.

On Arrow its row UDFs go through pandas.
"""

import sys
import traceback
from types import SimpleNamespace, TracebackType
from typing import Any

from hydrofoil.evals.eval_types import EVAL_TYPES
from hydrofoil.spark.caps import LINES
from hydrofoil.spark.stock import hide_our_frames
from hydrofoil.spark.stock_worker import Capture, Pipeline, StaysStock
from hydrofoil.spark.streamed import (
    ARROW_ROWS_WRAPPER,
    PANDAS_WRAPPERS,
    SQL_ARROW_BATCHED_UDF,
    SQL_SCALAR_PANDAS_UDF,
    StreamedWorker,
)
from hydrofoil.spark.streamed_arrow import ARROW, WRAPPERS_35, StreamedArrow
from hydrofoil.spark.streamed_rows import rows_by_pandas
from hydrofoil.spark.streamed_udtf import pickled_35


class Worker(StreamedWorker):
    """Stock's worker with Hydrofoil's data path."""

    fast = LINES["3.5"].fast
    wrappers = (
        *StreamedWorker.wrappers,
        ARROW_ROWS_WRAPPER,
        *PANDAS_WRAPPERS,
        "wrap_grouped_map_pandas_udf",
        *WRAPPERS_35,
    )
    replayed = frozenset({SQL_ARROW_BATCHED_UDF, SQL_SCALAR_PANDAS_UDF})

    def plan(
        self, eval_type: int, capture: Capture, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        if EVAL_TYPES[eval_type].fast_path == "pandas":
            # Imported here, because plain UDFs do without pandas.
            from hydrofoil.spark.v35_pandas import PandasTask35

            return self.pandas(PandasTask35, eval_type, capture, stock)
        if eval_type in ARROW:
            return StreamedArrow(self.stock, eval_type, capture, stock, self.passed[2:]).pipeline()
        if eval_type == SQL_ARROW_BATCHED_UDF:
            # Stock fails at a UDF without arguments, and says how.
            if not all(udf.offsets for udf in capture.udfs):
                raise StaysStock("a function without arguments")
            return rows_by_pandas(self.stock, capture, stock, self.run)
        return super().plan(eval_type, capture, stock, confs)

    def table_plan(
        self, eval_type: int, name: str, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        return pickled_35(stock, name)

    def _exchange_reports(self) -> None:
        # This line's main formats errors itself, by these two.
        self._simplify = self.stock.try_simplify_traceback
        names = vars(self.stock)
        names["try_simplify_traceback"] = self._simplified
        names["traceback"] = SimpleNamespace(
            **{**vars(traceback), "format_exc": _format_exc},
        )

    def _simplified(self, _: TracebackType | None) -> Any:
        return self._simplify(_hidden())


def _hidden() -> TracebackType | None:
    """The traceback of the error that is being handled, without our frames."""
    error = sys.exc_info()[1]
    assert error is not None
    hide_our_frames(error)
    return error.__traceback__


def _format_exc() -> str:
    _hidden()
    return traceback.format_exc()
