"""THE eval table: every evaluation type of PySpark, and who runs it.

To add an eval type, add a row; `native` names the module of `hydrofoil.evals` that has its fast
path, and None means that stock PySpark's code runs it unchanged, in the same worker.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class EvalRow:
    """One evaluation type: its code on the wire, its name in ``PythonEvalType``, its family."""

    code: int
    name: str
    family: str
    native: str | None = None


_ROWS = (
    EvalRow(0, "NON_UDF", "rdd"),
    EvalRow(100, "SQL_BATCHED_UDF", "row", native="pickled"),
    EvalRow(101, "SQL_ARROW_BATCHED_UDF", "row", native="batched"),
    EvalRow(200, "SQL_SCALAR_PANDAS_UDF", "scalar", native="pandas"),
    EvalRow(201, "SQL_GROUPED_MAP_PANDAS_UDF", "grouped map", native="pandas"),
    EvalRow(202, "SQL_GROUPED_AGG_PANDAS_UDF", "grouped aggregate", native="pandas"),
    EvalRow(203, "SQL_WINDOW_AGG_PANDAS_UDF", "window aggregate", native="pandas"),
    EvalRow(204, "SQL_SCALAR_PANDAS_ITER_UDF", "scalar", native="pandas"),
    EvalRow(205, "SQL_MAP_PANDAS_ITER_UDF", "map", native="pandas"),
    EvalRow(206, "SQL_COGROUPED_MAP_PANDAS_UDF", "cogrouped map", native="pandas"),
    EvalRow(207, "SQL_MAP_ARROW_ITER_UDF", "map", native="arrow"),
    EvalRow(208, "SQL_GROUPED_MAP_PANDAS_UDF_WITH_STATE", "stateful"),
    EvalRow(209, "SQL_GROUPED_MAP_ARROW_UDF", "grouped map", native="arrow"),
    EvalRow(210, "SQL_COGROUPED_MAP_ARROW_UDF", "cogrouped map", native="arrow"),
    EvalRow(211, "SQL_TRANSFORM_WITH_STATE_PANDAS_UDF", "stateful"),
    EvalRow(212, "SQL_TRANSFORM_WITH_STATE_PANDAS_INIT_STATE_UDF", "stateful"),
    EvalRow(213, "SQL_TRANSFORM_WITH_STATE_PYTHON_ROW_UDF", "stateful"),
    EvalRow(214, "SQL_TRANSFORM_WITH_STATE_PYTHON_ROW_INIT_STATE_UDF", "stateful"),
    EvalRow(215, "SQL_GROUPED_MAP_ARROW_ITER_UDF", "grouped map", native="arrow"),
    EvalRow(216, "SQL_GROUPED_MAP_PANDAS_ITER_UDF", "grouped map", native="pandas"),
    EvalRow(217, "SQL_GROUPED_AGG_PANDAS_ITER_UDF", "grouped aggregate", native="pandas"),
    EvalRow(250, "SQL_SCALAR_ARROW_UDF", "scalar", native="arrow"),
    EvalRow(251, "SQL_SCALAR_ARROW_ITER_UDF", "scalar", native="arrow"),
    EvalRow(252, "SQL_GROUPED_AGG_ARROW_UDF", "grouped aggregate", native="arrow"),
    EvalRow(253, "SQL_WINDOW_AGG_ARROW_UDF", "window aggregate", native="arrow"),
    EvalRow(254, "SQL_GROUPED_AGG_ARROW_ITER_UDF", "grouped aggregate", native="arrow"),
    EvalRow(300, "SQL_TABLE_UDF", "table function", native="udtf_pickled"),
    EvalRow(301, "SQL_ARROW_TABLE_UDF", "table function", native="udtf"),
    EvalRow(302, "SQL_ARROW_UDTF", "table function", native="udtf_batches"),
)

EVAL_TYPES = {row.code: row for row in _ROWS}


def describe(code: int) -> str:
    """The eval type's name, or its code if the table has no row for it."""
    row = EVAL_TYPES.get(code)
    return row.name if row else f"eval type {code}"
