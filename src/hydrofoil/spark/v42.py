"""Spark 4.2: the fast paths of 4.3 that its worker does the same things by.

Its converters are those of 4.3; where its steps and checks differ they are its own.
"""

import io
import struct
from typing import Any

from hydrofoil._cext.rows import Replay
from hydrofoil.evals.eval_types import EVAL_TYPES
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.caps import LINES
from hydrofoil.spark.plans import arrow_plan, pickled_row_plan, row_plan
from hydrofoil.spark.stock_worker import Capture, Pipeline, StaysStock, functions_of
from hydrofoil.spark.streamed import (
    PANDAS_WRAPPERS,
    SQL_ARROW_BATCHED_UDF,
    SQL_BATCHED_UDF,
    StreamedWorker,
)
from hydrofoil.spark.streamed_udtf import SQL_TABLE_UDF, arrow, pickled
from hydrofoil.spark.v42_arrow import ArrowTask42

SQL_SCALAR_PANDAS_UDF = 200
SQL_GROUPED_MAP_PANDAS_UDF = 201
SQL_COGROUPED_MAP_ARROW_UDF = 210
SQL_SCALAR_ARROW_UDF = 250
# Eval types that stock has no function around the user's for, and their plans find it in a Udf.
_DESCRIBED = (SQL_ARROW_BATCHED_UDF, SQL_GROUPED_MAP_PANDAS_UDF)
THREADS = "spark.sql.execution.pythonUDF.arrow.concurrency.level"


class Worker(StreamedWorker):
    """Stock's worker with Hydrofoil's data path."""

    fast = LINES["4.2"].fast
    wrappers = (
        *StreamedWorker.wrappers,
        *PANDAS_WRAPPERS,
        "wrap_grouped_map_pandas_iter_udf",
        "wrap_grouped_agg_pandas_iter_udf",
        "wrap_cogrouped_map_arrow_udf",
    )
    replayed = frozenset({SQL_SCALAR_PANDAS_UDF})

    def read_single_udf(
        self, pickle_ser: Any, infile: Any, eval_type: int, runner_conf: Any, udf_index: int
    ) -> Any:
        capture = self.capture
        assert capture is not None, "stock reads UDFs in read_udfs alone"
        if udf_index < len(capture.prepared):
            return capture.prepared[udf_index]
        prepared = super().read_single_udf(pickle_ser, infile, eval_type, runner_conf, udf_index)
        try:
            return self._noted(capture, prepared, eval_type)
        except Exception as error:
            capture.unknown = error
            return prepared

    def _noted(self, capture: Capture, prepared: Any, eval_type: int) -> Any:
        """What stock has made of a UDF, and what it finds in its place."""
        if eval_type == SQL_SCALAR_ARROW_UDF:
            capture.guards.append(capture.guarded)
        if eval_type in _DESCRIBED:
            function, arguments, third, fourth = prepared
            named = function if capture.guarded is None else capture.guarded
            keywords, arity = ({}, fourth) if isinstance(fourth, int) else (third, 0)
            capture.udfs.append(
                Udf(
                    function=function,
                    chain=functions_of(named),
                    arguments=list(arguments),
                    keywords=dict(keywords),
                    return_type=capture.return_type,
                    arity=arity,
                )
            )
            replay = Replay(function)
            capture.replays.append(replay)
            prepared = capture.prepared[-1] = (replay, *prepared[1:])
        return prepared

    def plan(
        self, eval_type: int, capture: Capture, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        if eval_type == SQL_BATCHED_UDF:
            return self.pickled(capture.udfs, stock)
        runner_conf, eval_conf = confs
        if eval_type == SQL_ARROW_BATCHED_UDF:
            return self._rows(capture, stock[0], runner_conf, eval_conf)
        if EVAL_TYPES[eval_type].fast_path == "pandas":
            # Imported here, because plain UDFs do without pandas.
            from hydrofoil.spark.v42_pandas import PandasTask42

            return PandasTask42(
                self.stock, eval_type, capture.udfs, capture.replays, stock, runner_conf
            ).pipeline()
        if eval_type == SQL_COGROUPED_MAP_ARROW_UDF:
            function, _, return_type, argspec, _ = self.passed
            offsets, _ = capture.prepared[0]
            capture.prepared[0] = (function, offsets, return_type, len(argspec.args))
        return arrow_plan(self.stock, capture, stock[0], eval_type, runner_conf, ArrowTask42)

    def as_pickled(self, udfs: list[Udf], stock: Pipeline, confs: tuple[Any, ...]) -> Pipeline:
        runner_conf, eval_conf = confs
        return pickled_row_plan(self.stock, udfs, runner_conf, eval_conf.input_type, self.run)

    def _rows(self, capture: Capture, stock: Any, runner_conf: Any, eval_conf: Any) -> Pipeline:
        if runner_conf.use_legacy_pandas_udf_conversion:
            raise StaysStock("the legacy pandas conversion is configured")
        threads = runner_conf.arrow_concurrency_level
        serial = stock
        if threads > 0:
            unthreaded = type(runner_conf)()
            unthreaded._conf = {**runner_conf._conf, THREADS: "-1"}
            # The UDFs are known by now: all that is still read is how many there are.
            count = io.BytesIO(struct.pack("!i", len(capture.udfs)))
            serial, *_ = self.original["read_udfs"](
                None, count, SQL_ARROW_BATCHED_UDF, unthreaded, eval_conf
            )
        return row_plan(
            self.stock,
            capture,
            runner_conf,
            eval_conf.input_type,
            stock=stock,
            serial_stock=serial,
            run=self.run,
            threads=threads,
        )

    def table_plan(
        self, eval_type: int, name: str, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        if eval_type == SQL_TABLE_UDF:
            return pickled(self.stock, stock, name)
        return arrow(self.stock, stock, name, confs)
