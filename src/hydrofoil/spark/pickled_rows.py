"""Row UDFs on Arrow by the pickled path's rules, as all Spark lines' adapters set them up."""

import os
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.eval_types import describe
from hydrofoil.evals.pickle_rules import RowsByPickleRules
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.caps import installed_line
from hydrofoil.spark.stock_worker import Pipeline
from hydrofoil.spark.streams import ArrowStream
from hydrofoil.values.type_table import Options


def pickled_rows(
    udfs: list[Udf],
    input_type: Any,
    options: Options,
    to_arrow_type: Callable[[Any], pa.DataType],
    run: Callable[[Callable[[], Any]], Any],
) -> Pipeline:
    """What runs a task of SQL_ARROW_BATCHED_UDF; see `RowsByPickleRules`.

    Parameters
    ----------
    input_type : pyspark.sql.types.StructType or None
        None where the line's worker is not told the input's types.
    to_arrow_type : callable
        Stock's type of a result column.
    """
    output = pa.schema([(f"_{i}", to_arrow_type(udf.return_type)) for i, udf in enumerate(udfs)])
    plan = RowsByPickleRules(
        udfs,
        input_type or _types_of,
        options,
        output=output,
        pickled_at_once=_pickled_at_once(),
        run=run,
        trace=TaskTrace(describe(101)),
    )
    ser = ArrowStream(output.serialize().to_pybytes())
    return plan, None, ser, ser


def _types_of(schema: pa.Schema) -> Any:
    return from_arrow_schema(schema, prefer_timestamp_ntz=True)


def _pickled_at_once() -> int:
    """How many results stock's worker pickles together.

    From Spark 4.0 on spark.sql.execution.python.udf.maxRecordsPerBatch says so, which Spark gives
    to the workers of all kinds of functions by this variable.
    """
    line = installed_line()
    if line is not None and line.minor == "3.5":
        return 100
    return int(os.environ.get("PYTHON_UDF_BATCH_SIZE", "100"))
