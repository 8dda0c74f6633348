"""Functions of pandas and Arrow that make mistakes."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from hydrofoil.tools.parity.case import Case, case
from hydrofoil.tools.parity.catalogue.row_results import FAILURES
from hydrofoil.tools.parity.families import FAMILIES, Family, Unit
from hydrofoil.tools.parity.harness import numbers

# Three groups of two rows, or three batches.
_CONF = {"spark.sql.execution.arrow.maxRecordsPerBatch": "2"}


def cases() -> Iterator[Case]:
    """Each family with what its kind of result can be got wrong in."""
    for family in FAMILIES:
        if "barrier" in family.name:
            continue
        wrong = {**_of_any(family), **_BY_RESULT[family.result](family)}
        for name, (declared, unit) in wrong.items():
            build = partial(_query, family, declared, unit)
            yield case(family, "wrong", name, build=build, conf=_CONF)
        for name in ("value-error", "stop-iteration", "with-cause"):
            build = partial(_failing, family, FAILURES[name])
            yield case(family, "raises", name, build=build, conf=_CONF)


def _frame(spark: SparkSession) -> DataFrame:
    return numbers(spark, 6).selectExpr("id div 2 AS k", "id AS n", "IF(id = 3, NULL, id) AS v")


def _query(family: Family, declared: str, unit: Unit, spark: SparkSession) -> DataFrame:
    if family.result in ("table", "batch"):
        return family.apply(_frame(spark), family.wrap(unit), declared)
    return family.query(_frame(spark), unit, declared)


def _failing(family: Family, fail: Callable[[int], Any], spark: SparkSession) -> DataFrame:
    """In the second call, or batch."""
    calls = iter(range(1000))

    def observe(*values: Any) -> str:
        number = next(calls)
        return fail(number) if number == 1 else f"call {number}"

    return family.observed(_frame(spark), observe)


Wrong = dict[str, tuple[str, Unit]]


def _of_any(family: Family) -> Wrong:
    """What is no result of any family."""

    def declared(name: str) -> str:
        return f"made {name}" if family.result in ("table", "batch") else name

    def boxed(declared_as: str, item: Any, arrow: pa.DataType) -> tuple[str, Unit]:
        return declared(declared_as), lambda *values: family.boxed([item], *values, arrow=arrow)

    return {
        "none": (declared("bigint"), lambda *values: None),
        "scalar": (declared("array<bigint>"), lambda *values: 7),
        "text": (declared("bigint"), lambda *values: "text"),
        "list": (declared("bigint"), lambda *values: [1, 2]),
        "generator": (declared("bigint"), lambda *values: (x for x in (1, 2))),
        "text-for-bigint": boxed("bigint", "text", pa.string()),
        "digits-for-bigint": boxed("bigint", "12", pa.string()),
        "number-for-string": boxed("string", 12, pa.int64()),
        "float-for-bigint": boxed("bigint", 1.5, pa.float64()),
        "overflow": boxed("tinyint", 300, pa.int64()),
        "bool-for-double": boxed("double", True, pa.bool_()),
        "null-type": boxed("int", None, pa.null()),
        "mutates": (declared("string"), _mutating(family)),
    }


def _mutating(family: Family) -> Unit:
    def observe(*values: Any) -> str:
        value = values[-1]
        while isinstance(value, tuple):
            value = value[-1]
        if isinstance(value, pd.DataFrame):
            value["v"] = 1
            value.iloc[:1, 0] = 5
        elif isinstance(value, pd.Series):
            value.iloc[:1] = 5
        return str(value.sum() if hasattr(value, "sum") else value)

    return family.texts(observe)


def _columns(family: Family) -> Wrong:
    def items(*made: Any) -> Any:
        return pa.array(made) if family.arrow else pd.Series(list(made))

    return {
        "too-short": ("bigint", lambda *values: items(1)),
        "too-long": ("bigint", lambda *values: items(1, 2, 3)),
        "empty": ("bigint", lambda *values: items()),
        "numpy": ("bigint", lambda *values: np.array([1, 2])),
        "frame": ("bigint", lambda *values: pd.DataFrame({"a": [1, 2]})),
        "struct-missing-field": ("a bigint, b bigint", lambda *values: _struct(family, "a")),
        "struct-other-order": ("a bigint, b bigint", lambda *values: _struct(family, "b", "a")),
        "struct-extra-field": (
            "a bigint, b bigint",
            lambda *values: _struct(family, "a", "b", "c"),
        ),
    }


def _struct(family: Family, *names: str) -> Any:
    if family.arrow:
        return pa.array([{name: ord(name) for name in names}] * 2)
    return pd.DataFrame({name: [ord(name)] * 2 for name in names})


def _tables(family: Family) -> Wrong:
    def table(**columns: list[Any]) -> Any:
        if not family.arrow:
            return pd.DataFrame(columns)
        made = pa.table(columns)
        return made if family.result == "table" else made.to_batches()[0]

    def unit(**columns: list[Any]) -> Unit:
        return lambda *values: table(**columns)

    two = "a bigint, b string"
    return {
        "missing-column": (two, unit(a=[1])),
        "extra-column": (two, unit(a=[1], b=["x"], c=[2.5])),
        "other-order": (two, unit(b=["x"], a=[1])),
        "other-names": (two, unit(x=[1], y=["x"])),
        "other-case": (two, unit(A=[1], B=["x"])),
        "swapped-types": (two, unit(a=["x"], b=[1])),
        "second-null": (two, unit(a=[1, None], b=["x", None])),
        "unnamed": (two, _unnamed(family)),
        "empty": (two, _empty(family)),
        "no-columns": (two, unit()) if family.result != "batch" else (two, lambda *v: None),
        "series": (two, lambda *values: pd.Series([1, 2])),
    }


def _unnamed(family: Family) -> Unit:
    if family.arrow:
        return lambda *values: pa.array([1])
    return lambda *values: pd.DataFrame([[1, "x"]])


def _empty(family: Family) -> Unit:
    if not family.arrow:
        return lambda *values: pd.DataFrame({"a": [], "b": []})
    schema = pa.schema([("a", pa.int64()), ("b", pa.string())])
    if family.result == "table":
        return lambda *values: schema.empty_table()
    return lambda *values: pa.RecordBatch.from_pylist([], schema=schema)


def _scalars(family: Family) -> Wrong:
    return {
        "array": ("bigint", lambda *values: pa.array([1]) if family.arrow else np.array([1])),
        "series": ("bigint", lambda *values: pd.Series([1, 2])),
        "nan": ("bigint", lambda *values: float("nan")),
        "numpy": ("double", lambda *values: np.float32(1.1)),
        "python": ("double", lambda *values: 1.5),
        "dict-for-struct": ("struct<a:bigint>", lambda *values: {"a": 1}),
        "tuple-for-struct": ("struct<a:bigint>", lambda *values: (1,)),
        "list-for-array": ("array<bigint>", lambda *values: [1, None]),
    }


_BY_RESULT: dict[str, Callable[[Family], Wrong]] = {
    "column": _columns,
    "table": _tables,
    "batch": _tables,
    "scalar": _scalars,
}
