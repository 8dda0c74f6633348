"""Spark 3.5 and 4.0: row UDFs on Arrow, which their serializers take through pandas."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_type
from pyspark.sql.types import StructField, StructType

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.eval_types import describe
from hydrofoil.evals.pandas_rows import PandasRows
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.conversion import options
from hydrofoil.spark.stock import variables_of
from hydrofoil.spark.stock_worker import Capture, Pipeline, StaysStock
from hydrofoil.spark.streamed import SQL_ARROW_BATCHED_UDF, on_record_batches
from hydrofoil.spark.streams import ArrowStream


def rows_by_pandas(
    worker: Any,
    capture: Capture,
    stock: Pipeline,
    run: Callable[[Callable[[], Any]], Any],
    *,
    large: bool = False,
) -> Pipeline:
    """What runs a SQL_ARROW_BATCHED_UDF instead of ``stock``.

    Parameters
    ----------
    run : callable
        As for `RowProjection`.
    large : bool
        Large types are configured: since 4.0.

    Raises
    ------
    StaysStock
        If ``stock`` has to run it.
    """
    import pandas as pd

    if int(pd.__version__.split(".")[0]) > 2:
        raise StaysStock(f"pandas {pd.__version__} has its own type for strings")
    function, _, serializer, _ = stock
    udfs = [
        _as_stock_calls(udf, evaluate)
        for udf, (_, evaluate) in zip(capture.udfs, capture.prepared, strict=True)
    ]
    pipeline = on_record_batches(function, serializer)
    plan = PandasRows(
        udfs,
        None,
        options(binary_as_bytes=True, large_var_types=large),
        stock=pipeline,
        serial_stock=pipeline,
        replays=capture.replays,
        stock_column=lambda array, _: list(serializer.arrow_to_pandas(pa.chunked_array([array]))),
        run=run,
        threads=0,
        trace=TaskTrace(describe(SQL_ARROW_BATCHED_UDF)),
        type_of=lambda arrow_type: from_arrow_type(arrow_type, prefer_timestamp_ntz=True),
        make_struct=lambda fields: StructType([StructField(*field) for field in fields]),
    )
    more = {"prefers_large_types": True} if large else {}
    answer = pa.schema(
        [
            (f"_{i}", worker.to_arrow_type(udf.return_type, **more))
            for i, udf in enumerate(capture.udfs)
        ]
    )
    ser = ArrowStream(answer.serialize().to_pybytes())
    return plan, None, ser, ser


def _as_stock_calls(udf: Udf, wrapped: Any) -> Udf:
    """The UDF with what stock makes of each result at once: strings, of whatever is declared so."""
    try:
        guarded = variables_of(wrapped)["evaluate"]
        result_function = variables_of(variables_of(guarded)["f"])["result_func"]
    except KeyError as missing:
        raise StaysStock(f"PySpark's worker has no {missing} where it is expected") from None
    if type(udf.return_type).__name__ not in ("StringType", "BinaryType"):
        return udf
    return replace(udf, chain=(*udf.chain, result_function))
