"""Spark 3.5 to 4.1: Arrow eval types, whose results stock's serializers check, cast and wrap.

Their plans are those of 4.3, with this line's own checks and casts in the place of 4.3's.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, ClassVar

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.arrow_aggregate import AggregateArrow, call, whole
from hydrofoil.evals.arrow_grouped import CogroupedArrow, GroupedArrow
from hydrofoil.evals.arrow_map import ArrowMap
from hydrofoil.evals.arrow_results import Results
from hydrofoil.evals.arrow_scalar import ArrowScalar
from hydrofoil.evals.arrow_window import WindowArrow
from hydrofoil.evals.eval_types import describe
from hydrofoil.evals.grouped_columns import keys_and_values
from hydrofoil.evals.numpy_scalar import TAKES_NUMPY, NumpyCall, NumpyScalar
from hydrofoil.spark.arrow_checks import StockChecks
from hydrofoil.spark.conversion import options
from hydrofoil.spark.stock_worker import Capture, Pipeline, StaysStock
from hydrofoil.spark.streams import ArrowStream, BatchStream
from hydrofoil.spark.struct_batches import flatten_struct, wrap_struct
from hydrofoil.stream.batches import Batch

SQL_MAP_ARROW_ITER_UDF = 207
SQL_GROUPED_MAP_ARROW_UDF = 209
SQL_COGROUPED_MAP_ARROW_UDF = 210
SQL_GROUPED_MAP_ARROW_ITER_UDF = 215
SQL_SCALAR_ARROW_UDF = 250
SQL_SCALAR_ARROW_ITER_UDF = 251
SQL_GROUPED_AGG_ARROW_UDF = 252
SQL_WINDOW_AGG_ARROW_UDF = 253

_GROUPED = (SQL_GROUPED_MAP_ARROW_UDF, SQL_GROUPED_MAP_ARROW_ITER_UDF)
_SCALAR = (SQL_SCALAR_ARROW_UDF, SQL_SCALAR_ARROW_ITER_UDF)
_VALUES = (SQL_GROUPED_AGG_ARROW_UDF, SQL_WINDOW_AGG_ARROW_UDF)

ARROW = frozenset((SQL_MAP_ARROW_ITER_UDF, SQL_COGROUPED_MAP_ARROW_UDF, *_GROUPED, *_SCALAR))
ARROW |= frozenset(_VALUES)

# By line, stock's functions that are given a function of these eval types.
WRAPPERS_35: tuple[str, ...] = ("wrap_arrow_batch_iter_udf",)
WRAPPERS_40 = (*WRAPPERS_35, "wrap_grouped_map_arrow_udf", "wrap_cogrouped_map_arrow_udf")
WRAPPERS_41 = (
    *WRAPPERS_40,
    "wrap_grouped_map_arrow_iter_udf",
    "wrap_scalar_arrow_udf",
    "wrap_arrow_array_iter_udf",
    "wrap_grouped_agg_arrow_udf",
    "wrap_window_agg_arrow_udf",
)

Plan = Callable[..., Iterator[Any]]


class StreamedArrow:
    """One task of an Arrow eval type, as 4.1 runs it.

    Parameters
    ----------
    worker : module
        The private copy of stock's worker.
    stock : Pipeline
        Stock's function for the task, and its serializer.
    passed : tuple
        What stock passed on with the last UDF's function, after it: the declared type, then what
        depends on the eval type.
    """

    # Stock's checks of results, and the streams of a group.
    verify_table: ClassVar[str] = "verify_arrow_table"
    verify_batch: ClassVar[str] = "verify_arrow_batch"
    group_streams: ClassVar[int] = 1

    def __init__(
        self,
        worker: Any,
        eval_type: int,
        capture: Capture,
        stock: Pipeline,
        passed: tuple[Any, ...],
    ) -> None:
        self.worker = worker
        self.eval_type = eval_type
        self.udfs = capture.udfs
        self.function, _, self.serializer, _ = stock
        self.passed = passed
        self.trace = TaskTrace(
            describe(eval_type), udfs=[UdfTrace(udf.name, "", "fast") for udf in self.udfs]
        )

    def pipeline(self) -> Pipeline:
        """What runs the task.

        Raises
        ------
        StaysStock
            If stock has to run it.
        """
        ser: Any
        plan: Plan
        if self.eval_type in _VALUES:
            results = self._results()
            plan = self._windows(results) if self._is_window else self._aggregates(results)
            ser = ArrowStream(results.schema.serialize().to_pybytes(), 1)
        elif self._of_numpy:
            schema = self._results().schema
            plan = NumpyScalar(self._numpy_calls(), self._scalars, schema, trace=self.trace)
            ser = ArrowStream(schema.serialize().to_pybytes())
        elif self.eval_type in _SCALAR:
            plan = ArrowScalar(self._scalars, trace=self.trace)
            ser = BatchStream(None, 0)
        elif self.eval_type == SQL_MAP_ARROW_ITER_UDF:
            plan = self._map()
            ser = BatchStream(wrap_struct, 0)
        elif self.eval_type in _GROUPED:
            plan = self._groups()
            ser = BatchStream(wrap_struct, self.group_streams)
        else:
            plan = self._cogroups()
            ser = BatchStream(wrap_struct, 2)
        return plan, None, ser, ser

    # --- Columns to columns -----------------------------------------------------------------------

    def _map(self) -> ArrowMap:
        def verified(returned: Any) -> Iterator[pa.RecordBatch]:
            checks = self.worker.wrap_arrow_batch_iter_udf(lambda it: it, *self.passed)
            return (batch for batch, _ in checks(returned))

        return ArrowMap(
            self.udfs[0].function,
            flatten=flatten_struct,
            verify=verified,
            any_iterable=False,  # This check accepts them itself.
            trace=self.trace,
        )

    @property
    def _of_numpy(self) -> bool:
        return self.eval_type == SQL_SCALAR_ARROW_UDF and all(
            len(udf.chain) == 1 and getattr(udf.chain[0], TAKES_NUMPY, False) for udf in self.udfs
        )

    def _numpy_calls(self) -> list[NumpyCall]:
        guard = self.worker.fail_on_stopiteration
        calls = []
        for udf in self.udfs:
            made: Any = udf.chain[0]
            calls.append(NumpyCall(made, guard(made.function), udf.arguments, udf.keywords))
        return calls

    def _scalars(
        self, split_index: int, batches: Iterator[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        """Stock's function, and its cast of what one or all UDFs returned for a batch."""
        for packed in self.function(split_index, batches):
            alone = len(packed) == 2 and isinstance(packed[1], pa.DataType)
            arrays = [self._cast(*pair) for pair in ([packed] if alone else packed)]
            yield pa.RecordBatch.from_arrays(arrays, [f"_{i}" for i in range(len(arrays))])

    def _cast(self, array: Any, arrow_type: pa.DataType) -> pa.Array:
        return self.serializer._create_array(array, arrow_type, self.serializer._arrow_cast)

    # --- Groups to tables -------------------------------------------------------------------------

    def _groups(self) -> Plan:
        return GroupedArrow(
            self.udfs[0].function,
            *keys_and_values(self.udfs[0].arguments)[0],
            with_key=self._with_key(1),
            iterator=self.eval_type == SQL_GROUPED_MAP_ARROW_ITER_UDF,
            flatten=flatten_struct,
            verify=self._checks(),
            trace=self.trace,
        )

    def _cogroups(self) -> CogroupedArrow:
        return CogroupedArrow(
            self.udfs[0].function,
            *keys_and_values(self.udfs[0].arguments),
            with_key=self._with_key(2),
            verify=self._checks(),
            trace=self.trace,
        )

    def _with_key(self, tables: int) -> bool:
        taken = len(self.passed[1].args) - tables
        if taken not in (0, 1):
            raise StaysStock("the function has another number of arguments")
        return taken == 1

    def _checks(self) -> StockChecks:
        to_arrow_type = self.worker.to_arrow_type
        return StockChecks(
            [(field.name, to_arrow_type(field.dataType)) for field in self.passed[0].fields],
            by_name=self.serializer._assign_cols_by_name,
            table=getattr(self.worker, self.verify_table),
            batch=getattr(self.worker, self.verify_batch),
        )

    # --- Groups to values -------------------------------------------------------------------------

    @property
    def _is_window(self) -> bool:
        return self.eval_type == SQL_WINDOW_AGG_ARROW_UDF

    @property
    def _conf(self) -> Any:
        return self.passed[-2] if self._is_window else self.passed[-1]

    def _results(self) -> Results:
        types = [udf.return_type for udf in self.udfs]
        large = self.worker.use_large_var_types(self._conf)
        to_arrow_type = partial(self.worker.to_arrow_type, prefers_large_types=large)
        return Results(
            types,
            pa.schema([(f"_{i}", to_arrow_type(declared)) for i, declared in enumerate(types)]),
            options(binary_as_bytes=True, large_var_types=large),
            self._enforce,
        )

    def _enforce(self, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        arrays = list(map(self._cast, batch.columns, schema.types))
        return pa.RecordBatch.from_arrays(arrays, schema.names)

    def _aggregates(self, results: Results) -> AggregateArrow:
        return _AggregatesInTurn(self.udfs, results, iterator=False, trace=self.trace)

    def _windows(self, results: Results) -> WindowArrow:
        bounds = [b.strip().lower() for b in self._conf.get("window_bound_types").split(",")]
        for udf, bound in zip(self.udfs, bounds, strict=False):
            if bound == "unbounded" and not udf.offsets:
                raise StaysStock("a window without arguments")
        # Stock has refused other bounds by now.
        return WindowArrow(self.udfs, bounds, results, unknown_bound=ValueError, trace=self.trace)


class _AggregatesInTurn(AggregateArrow):
    """Aggregates where stock makes an array of each result before it calls the next function."""

    def _of_columns(self, group: Iterable[Batch]) -> list[Any]:
        batch = whole(self.columns, group)
        if batch is None:
            return []
        values = []
        for udf in self.udfs[:-1]:
            values.append(call(udf, batch))
            pa.array(values[-1:])
        values.append(call(self.udfs[-1], batch))
        return values
