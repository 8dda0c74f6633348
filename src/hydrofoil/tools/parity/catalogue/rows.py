"""Plain functions of rows: what they are given of each type, and what becomes of the same again."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import udf

from hydrofoil.tools.parity.case import ARROW, Case, case
from hydrofoil.tools.parity.catalogue.data_types import FEW, TYPES
from hydrofoil.tools.parity.catalogue.shapes import SHAPES, settings, shaped
from hydrofoil.tools.parity.probes import describe, describe_arguments
from hydrofoil.tools.parity.samples import TIME_CONF, Sample

TRANSPORTS = {"pickled": "false", "arrow": "true"}


def cases() -> Iterator[Case]:
    """Every query of `queries`, with either transport."""
    for transport, switch in TRANSPORTS.items():
        for path, build, conf in queries():
            yield case(f"udf-{transport}", *path, build=build, conf={**conf, ARROW: switch})


Query = tuple[tuple[str, ...], Callable[[SparkSession], DataFrame], Mapping[str, str]]


def queries() -> Iterator[Query]:
    """Path, query and configurations, for whichever transport is configured."""
    for sample in TYPES:
        conf = TIME_CONF if sample.name == "time" else {}
        if "keyed" not in sample.name:
            yield (sample.name, "nulls"), partial(_both, sample, "nulls"), conf
        else:  # Rows that come back pickled have maps in the order of their hashes.
            yield (sample.name, "nulls"), partial(_seen, sample), conf
    for sample in FEW:
        for shape in SHAPES[1:]:
            yield (sample.name, shape), partial(_both, sample, shape), settings(shape)
    for name, call in _CALLS.items():
        yield ("call", name), call, {}


def _seen(sample: Sample, spark: SparkSession) -> DataFrame:
    return shaped(spark, sample).select(udf(describe, "string")("v").alias("seen"))


def _both(sample: Sample, shape: str, spark: SparkSession) -> DataFrame:
    frame = shaped(spark, sample, shape)
    seen, back = udf(describe, "string"), udf(lambda value: value, sample.type)
    return frame.select(seen("v").alias("seen"), back("v").alias("back"))


# --- How functions are called ---------------------------------------------------------------------


def _frame(spark: SparkSession) -> DataFrame:
    return spark.range(0, 5, 1, 1).selectExpr("id", "concat('s', id) AS s", "array(id, 1) AS a")


def _many_columns(spark: SparkSession) -> DataFrame:
    return _frame(spark).select(udf(describe_arguments, "string")("id", "s", "a", "id"))


def _no_columns(spark: SparkSession) -> DataFrame:
    return _frame(spark).select("id", udf(lambda: "constant", "string")())


def _chained(spark: SparkSession) -> DataFrame:
    twice, text = udf(lambda x: x * 2, "bigint"), udf(lambda x: f"<{x}>", "string")
    return _frame(spark).select(text(twice(twice("id"))))


def _several(spark: SparkSession) -> DataFrame:
    first, second = udf(lambda x: x + 1, "bigint"), udf(lambda s, a: s + str(a), "string")
    return _frame(spark).select(first("id"), second("s", "a"), first("id"))


def _filtering(spark: SparkSession) -> DataFrame:
    return _frame(spark).filter(udf(lambda x: x % 2 == 0, "boolean")("id"))


def _wrong_arity(spark: SparkSession) -> DataFrame:
    return _frame(spark).select(udf(lambda x, y: x, "bigint")("id"))


def _instance(spark: SparkSession) -> DataFrame:
    class Adds:
        def __init__(self, number: int) -> None:
            self.number = number

        def __call__(self, x: int) -> int:
            return x + self.number

    return _frame(spark).select(udf(Adds(3), "bigint")("id"))


def _partial(spark: SparkSession) -> DataFrame:
    return _frame(spark).select(udf(partial(describe_arguments, 1, 2), "string")("id"))


def _defaults(spark: SparkSession) -> DataFrame:
    def function(x: int, y: int = 7, *rest: Any) -> str:
        return f"{x} {y} {rest}"

    return _frame(spark).select(udf(function, "string")("id"), udf(function, "string")("id", "id"))


def _state_between_calls(spark: SparkSession) -> DataFrame:
    calls: list[int] = []

    def function(x: int) -> int:
        calls.append(x)
        return sum(calls)

    return _frame(spark).select(udf(function, "bigint")("id"))


def _mutates(spark: SparkSession) -> DataFrame:
    def function(a: list[int]) -> list[int]:
        a.append(9)
        return a

    mutating = udf(function, "array<bigint>")
    return _frame(spark).select(mutating("a"), udf(describe, "string")("a"), mutating("a"))


def _deterministic(spark: SparkSession) -> DataFrame:
    counted = udf(lambda x: x, "bigint").asNondeterministic()
    return _frame(spark).select(counted("id"), counted("id"))


def _structs_of_rows(spark: SparkSession) -> DataFrame:
    packed = _frame(spark).selectExpr("named_struct('id', id, 's', s) AS r")
    function = udf(
        lambda r: (r.s, r["id"], len(r), r.asDict()["s"]), "a string, b bigint, c int, d string"
    )
    return packed.select(function("r"))


def _partitions(spark: SparkSession) -> DataFrame:
    frame = spark.range(0, 7, 1, 3)
    return frame.select("id", udf(lambda x: x * 3, "bigint")("id")).orderBy("id")


_CALLS: dict[str, Callable[[SparkSession], DataFrame]] = {
    "many-columns": _many_columns,
    "no-columns": _no_columns,
    "chained": _chained,
    "several": _several,
    "in-a-filter": _filtering,
    "wrong-arity": _wrong_arity,
    "instance": _instance,
    "partial": _partial,
    "defaults": _defaults,
    "state-between-calls": _state_between_calls,
    "mutates-input": _mutates,
    "nondeterministic": _deterministic,
    "fields-of-rows": _structs_of_rows,
    "partitions": _partitions,
}
