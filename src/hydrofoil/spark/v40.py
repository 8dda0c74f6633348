"""Spark 4.0: pickled row UDFs and functions of Arrow's objects are fast."""

from typing import Any

from hydrofoil.spark.caps import LINES
from hydrofoil.spark.stock_worker import Capture, Pipeline
from hydrofoil.spark.streamed import StreamedWorker
from hydrofoil.spark.streamed_arrow import ARROW, WRAPPERS_40, StreamedArrow
from hydrofoil.spark.streamed_udtf import pickled


class Worker(StreamedWorker):
    """Stock's worker with Hydrofoil's data path."""

    fast = LINES["4.0"].fast
    wrappers = (*StreamedWorker.wrappers, *WRAPPERS_40)

    def plan(
        self, eval_type: int, capture: Capture, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        if eval_type in ARROW:
            return Arrow40(self.stock, eval_type, capture, stock, self.passed[2:]).pipeline()
        return super().plan(eval_type, capture, stock, confs)

    def table_plan(
        self, eval_type: int, name: str, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        return pickled(self.stock, stock, name)


class Arrow40(StreamedArrow):
    """One task of an Arrow eval type, as 4.0 runs it."""

    verify_table = verify_batch = "verify_arrow_result"
    group_streams = 0
