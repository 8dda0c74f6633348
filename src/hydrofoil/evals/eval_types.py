"""THE eval table: every evaluation type of PySpark, and who runs it.

To add an eval type, add its code and a row. Nobody else writes a code down.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache


class EvalType(IntEnum):
    """The codes on the wire, by the names that ``PythonEvalType`` has for them."""

    NON_UDF = 0
    SQL_BATCHED_UDF = 100
    SQL_ARROW_BATCHED_UDF = 101
    SQL_SCALAR_PANDAS_UDF = 200
    SQL_GROUPED_MAP_PANDAS_UDF = 201
    SQL_GROUPED_AGG_PANDAS_UDF = 202
    SQL_WINDOW_AGG_PANDAS_UDF = 203
    SQL_SCALAR_PANDAS_ITER_UDF = 204
    SQL_MAP_PANDAS_ITER_UDF = 205
    SQL_COGROUPED_MAP_PANDAS_UDF = 206
    SQL_MAP_ARROW_ITER_UDF = 207
    SQL_GROUPED_MAP_PANDAS_UDF_WITH_STATE = 208
    SQL_GROUPED_MAP_ARROW_UDF = 209
    SQL_COGROUPED_MAP_ARROW_UDF = 210
    SQL_TRANSFORM_WITH_STATE_PANDAS_UDF = 211
    SQL_TRANSFORM_WITH_STATE_PANDAS_INIT_STATE_UDF = 212
    SQL_TRANSFORM_WITH_STATE_PYTHON_ROW_UDF = 213
    SQL_TRANSFORM_WITH_STATE_PYTHON_ROW_INIT_STATE_UDF = 214
    SQL_GROUPED_MAP_ARROW_ITER_UDF = 215
    SQL_GROUPED_MAP_PANDAS_ITER_UDF = 216
    SQL_GROUPED_AGG_PANDAS_ITER_UDF = 217
    SQL_SCALAR_ARROW_UDF = 250
    SQL_SCALAR_ARROW_ITER_UDF = 251
    SQL_GROUPED_AGG_ARROW_UDF = 252
    SQL_WINDOW_AGG_ARROW_UDF = 253
    SQL_GROUPED_AGG_ARROW_ITER_UDF = 254
    SQL_TABLE_UDF = 300
    SQL_ARROW_TABLE_UDF = 301
    SQL_ARROW_UDTF = 302


@dataclass(frozen=True)
class EvalRow:
    """One evaluation type.

    Attributes
    ----------
    code : EvalType
    family : str
        What a function of it takes: a row, a column, a group.
    fast_path : str or None
        Which of the ways of `hydrofoil.evals` runs it, as messages name it; similar types share
        one. None means that stock PySpark's code runs it unchanged, in the same worker.
    """

    code: EvalType
    family: str
    fast_path: str | None = None

    @property
    def name(self) -> str:
        """As PySpark calls it."""
        return self.code.name


_ROWS = (
    EvalRow(EvalType.NON_UDF, "rdd"),
    EvalRow(EvalType.SQL_BATCHED_UDF, "row", "pickled"),
    EvalRow(EvalType.SQL_ARROW_BATCHED_UDF, "row", "batched"),
    EvalRow(EvalType.SQL_SCALAR_PANDAS_UDF, "scalar", "pandas"),
    EvalRow(EvalType.SQL_GROUPED_MAP_PANDAS_UDF, "grouped map", "pandas"),
    EvalRow(EvalType.SQL_GROUPED_AGG_PANDAS_UDF, "grouped aggregate", "pandas"),
    EvalRow(EvalType.SQL_WINDOW_AGG_PANDAS_UDF, "window aggregate", "pandas"),
    EvalRow(EvalType.SQL_SCALAR_PANDAS_ITER_UDF, "scalar", "pandas"),
    EvalRow(EvalType.SQL_MAP_PANDAS_ITER_UDF, "map", "pandas"),
    EvalRow(EvalType.SQL_COGROUPED_MAP_PANDAS_UDF, "cogrouped map", "pandas"),
    EvalRow(EvalType.SQL_MAP_ARROW_ITER_UDF, "map", "arrow"),
    EvalRow(EvalType.SQL_GROUPED_MAP_PANDAS_UDF_WITH_STATE, "stateful"),
    EvalRow(EvalType.SQL_GROUPED_MAP_ARROW_UDF, "grouped map", "arrow"),
    EvalRow(EvalType.SQL_COGROUPED_MAP_ARROW_UDF, "cogrouped map", "arrow"),
    EvalRow(EvalType.SQL_TRANSFORM_WITH_STATE_PANDAS_UDF, "stateful"),
    EvalRow(EvalType.SQL_TRANSFORM_WITH_STATE_PANDAS_INIT_STATE_UDF, "stateful"),
    EvalRow(EvalType.SQL_TRANSFORM_WITH_STATE_PYTHON_ROW_UDF, "stateful"),
    EvalRow(EvalType.SQL_TRANSFORM_WITH_STATE_PYTHON_ROW_INIT_STATE_UDF, "stateful"),
    EvalRow(EvalType.SQL_GROUPED_MAP_ARROW_ITER_UDF, "grouped map", "arrow"),
    EvalRow(EvalType.SQL_GROUPED_MAP_PANDAS_ITER_UDF, "grouped map", "pandas"),
    EvalRow(EvalType.SQL_GROUPED_AGG_PANDAS_ITER_UDF, "grouped aggregate", "pandas"),
    EvalRow(EvalType.SQL_SCALAR_ARROW_UDF, "scalar", "arrow"),
    EvalRow(EvalType.SQL_SCALAR_ARROW_ITER_UDF, "scalar", "arrow"),
    EvalRow(EvalType.SQL_GROUPED_AGG_ARROW_UDF, "grouped aggregate", "arrow"),
    EvalRow(EvalType.SQL_WINDOW_AGG_ARROW_UDF, "window aggregate", "arrow"),
    EvalRow(EvalType.SQL_GROUPED_AGG_ARROW_ITER_UDF, "grouped aggregate", "arrow"),
    EvalRow(EvalType.SQL_TABLE_UDF, "table function", "udtf_pickled"),
    EvalRow(EvalType.SQL_ARROW_TABLE_UDF, "table function", "udtf"),
    EvalRow(EvalType.SQL_ARROW_UDTF, "table function", "udtf_batches"),
)

EVAL_TYPES = {int(row.code): row for row in _ROWS}


_GROUPS = ("grouped map", "cogrouped map", "grouped aggregate", "window aggregate")
_BATCHES = ("row", "scalar", "map")


_ITEMS = {
    code: "batch" if row.family in _BATCHES else "group"
    for code, row in EVAL_TYPES.items()
    if row.family in _BATCHES + _GROUPS
}


def items_of(code: int) -> str:
    """What the items of a task's input are: ``"batch"``, ``"group"``, or ``""`` for others."""
    return _ITEMS.get(code, "")


_KINDS = {
    EvalType.SQL_SCALAR_PANDAS_UDF: "columns",
    EvalType.SQL_SCALAR_ARROW_UDF: "columns",
    EvalType.SQL_GROUPED_MAP_PANDAS_UDF: "group",
    EvalType.SQL_COGROUPED_MAP_PANDAS_UDF: "group",
    EvalType.SQL_GROUPED_AGG_PANDAS_UDF: "aggregate",
}


def kind_of(code: int) -> str:
    """What a call of a function is for, where the task can go on without it; else empty.

    Returns
    -------
    str
        ``"row"``, ``"columns"`` of a batch, ``"group"`` to a data frame, or ``"aggregate"``.
    """
    row = EVAL_TYPES.get(code)
    if row is not None and row.family == "row":
        return "row"
    return _KINDS.get(row.code, "") if row is not None else ""


@cache
def describe(code: int) -> str:
    """The eval type's name, or its code if the table has no row for it."""
    row = EVAL_TYPES.get(code)
    return row.name if row else f"eval type {code}"
