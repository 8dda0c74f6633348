"""Spark 3.5: pickled row UDFs and mapInArrow are fast."""

import sys
import traceback
from types import SimpleNamespace, TracebackType
from typing import Any

from hydrofoil.spark.caps import LINES
from hydrofoil.spark.stock import hide_our_frames
from hydrofoil.spark.stock_worker import Capture, Pipeline
from hydrofoil.spark.streamed import StreamedWorker
from hydrofoil.spark.streamed_arrow import ARROW, WRAPPERS_35, StreamedArrow


class Worker(StreamedWorker):
    """Stock's worker with Hydrofoil's data path."""

    fast = LINES["3.5"].fast
    wrappers = (*StreamedWorker.wrappers, *WRAPPERS_35)

    def plan(
        self, eval_type: int, capture: Capture, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        if eval_type in ARROW:
            return StreamedArrow(self.stock, eval_type, capture, stock, self.passed[2:]).pipeline()
        return super().plan(eval_type, capture, stock, confs)

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
