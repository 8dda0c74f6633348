"""Plain functions that make mistakes: results of a different type than declared, and errors."""

import datetime
import os
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.functions import udf

from hydrofoil.tools.parity.case import ARROW, Case, case
from hydrofoil.tools.parity.catalogue.rows import TRANSPORTS, Query
from hydrofoil.tools.parity.harness import numbers

_DATE, _TIME = datetime.date(2024, 2, 29), datetime.datetime(2024, 3, 31, 2, 30, 0, 5)
_AWARE = datetime.datetime(2024, 1, 2, 3, tzinfo=datetime.timezone(datetime.timedelta(hours=5)))

# By declared type: a right value, and what functions return instead of one.
RESULTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "boolean": (True, {
        "int": 1, "text": "true", "float": 0.0, "numpy": np.bool_(True), "list": [True],
    }),
    "tinyint": (1, {
        "overflow": 300, "bool": True, "float": 1.0, "fraction": 1.5, "text": "1",
        "numpy": np.int8(3), "decimal": Decimal(1),
    }),
    "int": (1, {
        "overflow": 2**31, "bool": True, "float": 1.0, "nan": float("nan"), "text": "1",
        "numpy": np.int64(3), "date": _DATE,
    }),
    "bigint": (1, {
        "overflow": 2**63, "huge": 10**30, "bool": True, "float": 1.0, "fraction": 1.5,
        "infinity": float("inf"), "text": "1", "bytes": b"1", "decimal": Decimal(1),
        "numpy": np.int32(3), "numpy-float": np.float64(2), "list": [1], "tuple": (1,),
        "function": len, "class": int,
    }),
    "float": (1.5, {"int": 1, "overflow": 1e39, "text": "1.5", "numpy": np.float32(1.1)}),
    "double": (1.5, {
        "int": 1, "huge": 10**400, "bool": True, "text": "1.5", "decimal": Decimal("1.5"),
        "numpy": np.float64(2.5), "numpy-int": np.int64(3), "complex": 1j,
    }),
    "decimal(10,2)": (Decimal("1.50"), {
        "int": 1, "float": 1.5, "text": "1.5", "too-precise": Decimal("1.005"),
        "too-large": Decimal(10**9), "nan": Decimal("NaN"), "infinity": Decimal("Infinity"),
        "exponent": Decimal("1E+2"),
    }),
    "string": ("a", {
        "int": 1, "bool": True, "float": 1.5, "bytes": b"a", "list": [1, None], "dict": {"a": 1},
        "tuple": (1, "x"), "date": _DATE, "datetime": _TIME, "decimal": Decimal("1.50"),
        "numpy": np.str_("a"), "surrogate": "\ud800", "row": Row(a=1),
    }),
    "binary": (b"a", {
        "text": "a", "bytearray": bytearray(b"b"), "list": [97], "int": 5,
        "memoryview": lambda: memoryview(b"c"), "array": lambda: np.arange(3),
    }),
    "date": (_DATE, {"text": "2024-02-29", "datetime": _TIME, "aware": _AWARE, "int": 1}),
    "timestamp": (_TIME, {
        "text": "2024-02-29 00:00:00", "date": _DATE, "aware": _AWARE, "int": 1, "float": 1.5,
    }),
    "timestamp_ntz": (_TIME, {"text": "2024-02-29", "date": _DATE, "aware": _AWARE, "int": 1}),
    "interval day to second": (datetime.timedelta(1), {"int": 1, "text": "1", "time": _TIME}),
    "array<int>": ([1, None], {
        "tuple": (1, 2), "set": {1}, "text": "ab", "int": 1, "dict": {1: 2}, "of-text": ["1"],
        "generator": lambda: (x for x in (1, 2)), "range": range(3), "numpy": lambda: np.arange(3),
        "overflow": [2**40], "nested": [[1]],
    }),
    "map<string,int>": ({"a": 1}, {
        "pairs": [("a", 1)], "int-keys": {1: 1}, "null-key": {None: 1}, "of-text": {"a": "1"},
        "text": "ab", "row": Row(a=1),
    }),
    "struct<a:int,b:string>": ((1, "x"), {
        "list": [1, "x"], "dict": {"a": 1, "b": "x"}, "missing-key": {"b": "x"},
        "extra-key": {"a": 1, "b": "x", "c": 2}, "other-order": {"b": "x", "a": 1},
        "row": Row(a=1, b="x"), "row-other-order": Row(b="x", a=1),
        "row-other-names": Row(x=1, y="x"),
        "short": (1,), "long": (1, "x", 2), "int": 1, "text": "ab", "wrong-fields": ("x", 1),
        "numpy-field": (np.int64(1), "x"), "generator": lambda: (x for x in (1, "x")),
    }),
}  # fmt: skip


def cases() -> Iterator[Case]:
    """Every query of `queries`, with either transport."""
    for transport, switch in TRANSPORTS.items():
        for path, build, conf in queries():
            yield case(f"udf-{transport}", *path, build=build, conf={**conf, ARROW: switch})


def queries() -> Iterator[Query]:
    """Path, query and configurations, for whichever transport is configured."""
    for declared, (right, wrong) in RESULTS.items():
        for name, value in wrong.items():
            yield ("returns", declared, name), partial(_returned, declared, right, value), {}
        yield ("returns", declared, "none"), partial(_returned, declared, right, None), {}
    for name, fail in FAILURES.items():
        yield ("raises", name), partial(_failing, fail), {}


def _returned(declared: str, right: Any, wrong: Any, spark: SparkSession) -> DataFrame:
    """The third of four rows is wrong."""

    def function(row: int) -> Any:
        if row != 2:
            return right
        return wrong() if isinstance(wrong, FunctionType) else wrong

    return numbers(spark, 4).select(udf(function, declared)("id").alias("made"))


# --- Errors ---------------------------------------------------------------------------------------


class CustomError(Exception):
    """An error of the user's own."""


def _value_error(row: int) -> Any:
    raise ValueError(f"no {row}")


def _custom(row: int) -> Any:
    raise CustomError("custom", row)


def _stop_iteration(row: int) -> Any:
    return next(iter(()))


def _with_cause(row: int) -> Any:
    try:
        return os.environ["MISSING"]
    except KeyError as error:
        raise RuntimeError("outer") from error


def _deep(row: int) -> Any:
    def inner() -> Any:
        return [10 // y for y in (1, 0)]

    return inner()


def _system_exit(row: int) -> Any:
    sys.exit(f"exit {row}")


def _generator_exit(row: int) -> Any:
    raise GeneratorExit("closed")


FAILURES: dict[str, Callable[[int], Any]] = {
    "value-error": _value_error,
    "custom": _custom,
    "stop-iteration": _stop_iteration,
    "with-cause": _with_cause,
    "deep": _deep,
    "system-exit": _system_exit,
    "generator-exit": _generator_exit,
}


def _failing(fail: Callable[[int], Any], spark: SparkSession) -> DataFrame:
    """In mid-data."""
    made = udf(lambda row: fail(row) if row == 2 else row, "bigint")
    return numbers(spark, 4).select(made("id").alias("made"))
