"""Spark 4.3: what its worker receives, in one normalized form, and the stock code behind it.

Its worker calls ``read_udfs`` once the init message is parsed, and runs a task through what that
returns: a deserializer for the data stream, a function over its items, a serializer for the answer.
This module puts Hydrofoil's three in their place for the eval types that have a fast path. The
task's context, files, broadcasts, accumulators, profilers, timing and errors stay stock's own.
"""

from typing import Any

from hydrofoil._cext.rows import Replay
from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.eval_types import EVAL_TYPES, describe
from hydrofoil.evals.udf import Udf
from hydrofoil.evals.udtf_pickled import PickleStream
from hydrofoil.settings.rows import as_pickled
from hydrofoil.spark.conversion import stock_column
from hydrofoil.spark.plans import arrow_plan, options_of, pickled_row_plan, row_plan
from hydrofoil.spark.stock_groups import understanding
from hydrofoil.spark.stock_worker import (
    Capture,
    Pipeline,
    StaysStock,
    StockWorker,
    functions_of,
    planned,
    publish_stock,
)
from hydrofoil.spark.streams import ArrowStream
from hydrofoil.spark.v43_udtf import (
    arrow_table,
    find_partitions_faster,
    pickled_table,
)

THREADS = "spark.sql.execution.pythonUDF.arrow.concurrency.level"
# The kinds of eval types, as `EVAL_TYPES` has them, that a plan is made for once UDFs are read.
_PLANS = ("pickled", "batched", "pandas", "arrow")


class Worker(StockWorker):
    """Stock's worker with Hydrofoil's data path."""

    # --- Stock's functions, with an eye on what passes through ------------------------------------

    def read_single_udf(
        self, pickle_ser: Any, info: Any, eval_type: int, runner_conf: Any, udf_index: int
    ) -> Any:
        capture = self.capture
        if capture is None or capture.stock_only:
            prepared = self.original["read_single_udf"](
                pickle_ser, info, eval_type, runner_conf, udf_index
            )
            if capture is not None:
                capture.prepared.append(prepared)
                capture.guards.append(capture.guarded)
            return prepared
        if udf_index < len(capture.prepared):
            return capture.prepared[udf_index]
        capture.guarded = None
        prepared = self.original["read_single_udf"](
            pickle_ser, info, eval_type, runner_conf, udf_index
        )
        try:
            return self._noted(capture, prepared, info, eval_type)
        except Exception as error:
            capture.unknown = error
            return prepared

    def _noted(self, capture: Capture, prepared: Any, info: Any, eval_type: int) -> Any:
        """What stock has made of a UDF, and what it finds in its place."""
        native = EVAL_TYPES[eval_type].fast_path
        function = capture.guarded if native == "pickled" else prepared[0]
        # What stock puts around a function has another name.
        named = function if capture.guarded is None else capture.guarded
        capture.udfs.append(
            Udf(
                function=function,
                chain=functions_of(named),
                arguments=list(info.args),
                keywords=dict(info.kwargs),
                return_type=capture.return_type,
                arity=prepared[3] if native == "pandas" and isinstance(prepared[-1], int) else 0,
            )
        )
        if native != "pickled":
            replay = Replay(function)
            capture.replays.append(replay)
            prepared = (replay, *prepared[1:])
        capture.prepared.append(prepared)
        return prepared

    def read_udtf(
        self, pickle_ser: Any, info: Any, eval_type: int, runner_conf: Any, eval_conf: Any
    ) -> Pipeline:
        stock: Pipeline = self.original["read_udtf"](
            pickle_ser, info, eval_type, runner_conf, eval_conf
        )
        row = EVAL_TYPES.get(eval_type)
        try:
            if row is not None and row.fast_path == "udtf":
                return planned(
                    lambda: self._tables(stock[0], info, eval_type, runner_conf, eval_conf)
                )
            if row is not None and row.fast_path == "udtf_pickled":
                return planned(lambda: self._pickled_tables(stock, info, eval_type))
            if row is not None and row.fast_path == "udtf_batches":
                found = "; its partitions are found by Arrow" * find_partitions_faster(stock[0])
                raise StaysStock(f"a call takes a whole batch{found}")
            raise StaysStock("no fast path for this eval type yet")
        except StaysStock as reason:
            publish_stock(eval_type, [info.name], str(reason))
        return stock

    def read_udfs(
        self, pickle_ser: Any, infos: list[Any], eval_type: int, runner_conf: Any, eval_conf: Any
    ) -> Pipeline:
        row = EVAL_TYPES.get(eval_type)
        native = row.fast_path if row else None
        reason = "no fast path for this eval type yet"
        pickled = native == "batched" and as_pickled()
        if native == "batched" and not pickled and runner_conf.use_legacy_pandas_udf_conversion:
            native, reason = None, "the legacy pandas conversion is configured"
        passed = (pickle_ser, infos, eval_type, runner_conf, eval_conf)
        if native in _PLANS:
            self.capture = capture = Capture()
            try:
                return self._fast("as pickled" if pickled else native, capture, *passed)
            except StaysStock as unplanned:
                reason = str(unplanned)
            finally:
                self.capture = None
        self.capture = capture = Capture()
        capture.stock_only = True
        try:
            stock: Pipeline = self.original["read_udfs"](*passed)
        finally:
            self.capture = None
        publish_stock(eval_type, capture.names, reason)
        return understanding(stock, eval_type)

    # --- The fast paths ---------------------------------------------------------------------------

    def _fast(
        self,
        native: str,
        capture: Capture,
        pickle_ser: Any,
        infos: list[Any],
        eval_type: int,
        runner_conf: Any,
        eval_conf: Any,
    ) -> Pipeline:
        """The plan of a kind that `_PLANS` has, or of a row UDF as pickled.

        Raises
        ------
        StaysStock
            If stock has to run it.
        """
        # What Arrow's plans ask stock for is not called through what notes calls.
        capture.stock_only = native == "arrow"
        stock: Pipeline = self.original["read_udfs"](
            pickle_ser, infos, eval_type, runner_conf, eval_conf
        )
        capture.require_known()

        def serial() -> Any:
            # For rows in threads: stock's function that has none.
            conf = type(runner_conf)({**runner_conf._conf, THREADS: "-1"})
            return self.original["read_udfs"](pickle_ser, infos, eval_type, conf, eval_conf)[0]

        def make() -> Pipeline:
            if native == "pickled":
                return self.pickled(capture.udfs, stock)
            if native == "as pickled":
                return pickled_row_plan(
                    self.stock, capture.udfs, runner_conf, eval_conf.input_type, self.run
                )
            if native == "arrow":
                return arrow_plan(self.stock, capture, stock[0], eval_type, runner_conf)
            if native == "pandas":
                # Imported here, because plain UDFs do without pandas.
                from hydrofoil.spark.v43_pandas import PandasTask43

                task = PandasTask43(
                    self.stock, eval_type, capture.udfs, capture.replays, stock[0], runner_conf
                )
                return task.pipeline()
            threads = runner_conf.arrow_concurrency_level
            return row_plan(
                self.stock,
                capture,
                runner_conf,
                eval_conf.input_type,
                stock=stock[0],
                serial_stock=serial() if threads > 0 else stock[0],
                run=self.run,
                threads=threads,
            )

        return planned(make)

    def _tables(
        self, function: Any, info: Any, eval_type: int, runner_conf: Any, eval_conf: Any
    ) -> Pipeline:
        if runner_conf.use_legacy_pandas_udtf_conversion:
            raise StaysStock("the legacy pandas conversion is configured")
        table = arrow_table(
            self.stock,
            function,
            info,
            eval_conf.input_type,
            options_of(runner_conf),
            stock_column(runner_conf.binary_as_bytes),
            TaskTrace(describe(eval_type)),
        )
        ser = ArrowStream(table.answer_schema().serialize().to_pybytes())
        return table, None, ser, ser

    def _pickled_tables(self, stock: Pipeline, info: Any, eval_type: int) -> Pipeline:
        function, _, deserializer, serializer = stock
        table = pickled_table(self.stock, function, info.name, TaskTrace(describe(eval_type)))
        return table, None, deserializer, PickleStream(serializer.serializer)
