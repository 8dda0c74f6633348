"""Spark 4.3's Arrow eval types: stock's checks for a task, and its plan."""

from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pyarrow as pa
from pyspark.errors import PySparkRuntimeError
from pyspark.util import PythonEvalType

from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.arrow_aggregate import AggregateArrow
from hydrofoil.evals.arrow_grouped import CogroupedArrow, GroupedArrow, Verify
from hydrofoil.evals.arrow_map import ArrowMap
from hydrofoil.evals.arrow_results import Results
from hydrofoil.evals.arrow_scalar import ArrowScalar
from hydrofoil.evals.arrow_window import WindowArrow
from hydrofoil.evals.numpy_scalar import TAKES_NUMPY, NumpyCall, NumpyScalar
from hydrofoil.evals.udf import Udf
from hydrofoil.values.type_table import Options

_SCALAR = (PythonEvalType.SQL_SCALAR_ARROW_UDF, PythonEvalType.SQL_SCALAR_ARROW_ITER_UDF)
# Eval types whose functions return one value for many rows.
_AGGREGATES = (
    PythonEvalType.SQL_GROUPED_AGG_ARROW_UDF,
    PythonEvalType.SQL_GROUPED_AGG_ARROW_ITER_UDF,
    PythonEvalType.SQL_WINDOW_AGG_ARROW_UDF,
)


class ArrowTask:
    """One task of an Arrow eval type.

    Parameters
    ----------
    worker : module
        The private copy of stock's worker.
    prepared : list of tuples
        What stock's ``read_single_udf`` made of each UDF: the function to call, and by family what
        it is called with.
    guards : list of callables
        The function of each UDF as the user's side made it, or with a profiler around it; none on
        lines that do not tell.
    pipeline : callable
        Stock's function for the task.
    """

    def __init__(
        self,
        worker: ModuleType,
        eval_type: int,
        prepared: list[Any],
        guards: list[Any],
        pipeline: Callable[..., Any],
        runner_conf: Any,
        options: Options,
    ) -> None:
        self.worker = worker
        self.eval_type = eval_type
        self.prepared = prepared
        self.guards = guards
        self.of_numpy = (
            eval_type == PythonEvalType.SQL_SCALAR_ARROW_UDF
            and bool(guards)
            and all(getattr(guarded, TAKES_NUMPY, False) for guarded in guards)
        )
        self.pipeline = pipeline
        self.conf = runner_conf
        self.options = options
        self.transform = worker.ArrowBatchTransformer

    @property
    def answers_as_declared(self) -> bool:
        """The plan answers with `answer_schema`; others with what users' batches have."""
        return self.of_numpy or self.eval_type in _AGGREGATES

    @property
    def wrap(self) -> Callable[[pa.RecordBatch], pa.RecordBatch] | None:
        """Stock's ``wrap_struct``, where results go out as one struct column."""
        return None if self.eval_type in _SCALAR else self.transform.wrap_struct

    def traces(self, names: list[str]) -> list[UdfTrace]:
        """What is planned for each function."""
        return [UdfTrace(name, "", "fast") for name in names]

    def answer_schema(self) -> pa.Schema:
        """The schema of the record batches that aggregates answer with."""
        return pa.schema(
            [(f"_{i}", self._arrow_type(udf[-1])) for i, udf in enumerate(self.prepared)]
        )

    def plan(self, trace: TaskTrace) -> tuple[Callable[..., Iterator[Any]], int]:
        """The function over the task's batches or groups, and how many streams a group has."""
        types = PythonEvalType
        function = self.prepared[0][0]
        if self.of_numpy:
            calls = [
                NumpyCall(guarded, self.worker.fail_on_stopiteration(guarded.function), *udf[1:3])
                for guarded, udf in zip(self.guards, self.prepared, strict=True)
            ]
            return NumpyScalar(calls, self.pipeline, self.answer_schema(), trace=trace), 0
        if self.eval_type in _SCALAR:
            return ArrowScalar(self.pipeline, trace=trace), 0
        if self.eval_type in _AGGREGATES:
            return self._aggregates(trace), 1
        if self.eval_type == types.SQL_MAP_ARROW_ITER_UDF:
            plan = ArrowMap(
                function,
                flatten=self.transform.flatten_struct,
                verify=self._verify(Iterator[pa.RecordBatch]),
                any_iterable=self.conf.map_in_batch_legacy_accept_any_iterable,
                trace=trace,
            )
            return plan, 0
        _, offsets, return_type, arguments = self.prepared[0]
        sides = _key_and_value_offsets(offsets)
        verify = Verify(
            pa.schema(list(self._arrow_type(return_type))),
            table=self._verify(pa.Table),
            batches=self._verify(Iterator[pa.RecordBatch]),
            enforce=partial(
                self.transform.enforce_schema,
                arrow_cast=False,
                reorder_by_name=self.conf.assign_cols_by_name,
            ),
        )
        if self.eval_type == types.SQL_COGROUPED_MAP_ARROW_UDF:
            with_key = arguments != 2
            return CogroupedArrow(
                function, *sides, with_key=with_key, verify=verify, trace=trace
            ), 2
        return GroupedArrow(
            function,
            *sides[0],
            with_key=arguments != 1,
            iterator=self.eval_type == types.SQL_GROUPED_MAP_ARROW_ITER_UDF,
            flatten=self.transform.flatten_struct,
            verify=verify,
            trace=trace,
        ), 1

    def _aggregates(self, trace: TaskTrace) -> Callable[..., Iterator[Any]]:
        udfs = [
            Udf(function, (function,), list(arguments), dict(keywords), return_type)
            for function, arguments, keywords, return_type in self.prepared
        ]
        results = Results(
            [udf.return_type for udf in udfs],
            self.answer_schema(),
            self.options,
            self.transform.enforce_schema,
        )
        if self.eval_type == PythonEvalType.SQL_WINDOW_AGG_ARROW_UDF:
            bounds = [b.strip().lower() for b in self.conf.get("window_bound_types").split(",")]
            return WindowArrow(udfs, bounds, results, unknown_bound=_unknown_bound, trace=trace)
        iterator = self.eval_type == PythonEvalType.SQL_GROUPED_AGG_ARROW_ITER_UDF
        return AggregateArrow(udfs, results, iterator=iterator, trace=trace)

    def _arrow_type(self, return_type: Any) -> Any:
        return self.worker.to_arrow_type(
            return_type, timezone="UTC", prefers_large_types=self.conf.use_large_var_types
        )

    def _verify(self, expected: Any) -> Callable[[Any], Any]:
        return lambda result: self.worker.verify_return_type(result, expected)


def _unknown_bound(bound: str) -> PySparkRuntimeError:
    return PySparkRuntimeError(
        errorClass="INVALID_WINDOW_BOUND_TYPE", messageParameters={"window_bound_type": bound}
    )


def _key_and_value_offsets(offsets: list[int]) -> list[tuple[list[int], list[int]]]:
    """For each data frame of a group, which columns are its key and which its values.

    Each stands as a count of what follows, a count of key offsets, these, and the values' offsets.
    """
    sides = []
    while offsets:
        count, keys = offsets[0], offsets[1]
        sides.append((offsets[2 : 2 + keys], offsets[2 + keys : 1 + count]))
        offsets = offsets[1 + count :]
    return sides
