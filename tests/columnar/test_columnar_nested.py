"""Structs, arrays and maps above functions: Spark's expressions compare, keep, hash and print them.

Above Spark's operators these values are those of Spark's own rows, which have equality, an order of
bytes and a text. Each expression that could see a difference is a column here.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from columnar_compare import Comparison
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.tools.parity.engines import HYDROFOIL, use_conf

# See tests/conftest.py.
ONE_IN = 4

# Many batches of few rows: what an aggregate or a window keeps outlives the batch it came in.
CONF = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": "7",
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
}
INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
NOT_ADAPTIVE = {"spark.sql.adaptive.enabled": "false"}

COLUMNS = (
    "id",
    "id % 4 AS k",
    "IF(id % 5 = 4, NULL, named_struct('a', id % 3, 'b', concat('text ', id % 2))) AS s",
    "named_struct('a', id % 2, 'b', concat('text ', id % 3)) AS t",
    "named_struct('a', id % 3, 'b', concat('text ', id % 2)) AS u",
    "IF(id % 7 = 6, NULL, array(id % 3, NULL, id % 2)) AS a",
    "array(id % 2, id % 3) AS b",
    "array(named_struct('a', id % 2, 'b', 'x'), named_struct('a', id % 3, 'b', 'x')) AS ss",
    "map(concat('key ', id % 3), array(id, id % 2), 'other', NULL) AS m",
)
SCHEMA = (
    "id long, k long, s struct<a:long,b:string>, t struct<a:long,b:string>,"
    " u struct<a:long,b:string>, a array<long>, b array<long>,"
    " ss array<struct<a:long,b:string>>, m map<string,array<long>>"
)
# No function in Python can return a map of such keys.
KEYED = "map(struct(id % 2 AS a, 'x' AS b), id, struct(5L AS a, 'y' AS b), 7L) AS sm"

EXPRESSIONS = [
    # --- texts
    "to_json(map(u, 1))",
    "to_json(map(b, 1))",
    "to_json(map(ss, m))",
    "to_json(struct(s, a, ss, m))",
    "to_json(ss)",
    "to_json(m)",
    "CAST(s AS string)",
    "CAST(ss AS string)",
    "CAST(m AS string)",
    "CAST(map(u, a) AS string)",
    "format_string('%s', s)",
    "to_xml(s)",
    # --- keys of maps
    "map(u, 1)[t]",
    "element_at(map(b, 1, array(id % 2, 1L), 2), b)",
    "map(t, id, u, k)",
    "map_concat(map(t, 1), map(u, 2), map(named_struct('a', 1L, 'b', 'text 1'), 3))",
    "map_concat(m, map('other', a))",
    "map_from_entries(arrays_zip(array(t, u), array(1, 2)))",
    "map_entries(map_from_arrays(array(array(k), b), array(s, t)))",
    "map_contains_key(map(t, 1), s)",
    "map_keys(m)",
    "map_values(m)",
    "map_entries(m)",
    "map_filter(map(t, a), (k, v) -> k > s OR v IS NOT NULL)",
    "map_zip_with(map(t, 1), map(u, 2), (k, v, w) -> struct(k, v, w))",
    "map_entries(transform_keys(map(t, 1), (k, v) -> array(k, s)))",
    "transform_values(m, (k, v) -> array(v, a))",
    # --- elements of arrays
    "array_distinct(concat(ss, array(s, s, t, t)))",
    "array_distinct(array(a, b, a))",
    "array_contains(ss, named_struct('a', 1L, 'b', 'x'))",
    "array_contains(array(s, t), t)",
    "array_contains(array(a, b), a)",
    "array_position(array(t, s), s)",
    "array_remove(array(t, s), s)",
    "array_union(array(s, t), array(t, s))",
    "array_union(array(a), array(b, a))",
    "array_except(array(s, t), array(t))",
    "array_intersect(array(s, t), array(t))",
    "arrays_overlap(array(s), array(t, s))",
    "arrays_overlap(array(b), array(a))",
    "array_sort(array(s, t, named_struct('a', 1L, 'b', 'q')))",
    "array_sort(ss, (x, y) -> IF(x.a < y.a, 1, -1))",
    "sort_array(array(a, b), false)",
    "array_max(array(s, t))",
    "array_min(array(a, b))",
    "array_append(ss, s)",
    "array_insert(ss, 1, t)",
    "array_compact(array(s, t))",
    "array_repeat(s, 2)",
    "arrays_zip(a, ss)",
    "flatten(array(ss, array(s)))",
    "reverse(ss)",
    "slice(ss, 1, 1)",
    "concat(ss, array(s))",
    "transform(ss, x -> struct(x, s))",
    "filter(array(s, t), x -> x = t)",
    "exists(array(s, t), x -> x <=> s)",
    "aggregate(ss, s, (z, x) -> IF(x > z, x, z))",
    "zip_with(ss, a, (x, y) -> struct(x, y))",
    "ss[0]",
    "ss[1].b",
    "ss.a",
    "m['other']",
    "get(a, 0)",
    "size(ss)",
    "size(m)",
    # --- comparisons
    "s = t",
    "s <=> t",
    "s < t",
    "a = b",
    "s IN (t, named_struct('a', 0L, 'b', 'text 0'))",
    "t IN (named_struct('a', 0L, 'b', 'text 0'), named_struct('a', 1L, 'b', 'text 1'))",
    "greatest(s, t)",
    "least(a, b)",
    "nullif(s, t)",
    "coalesce(s, t)",
    "CASE t WHEN s THEN s WHEN named_struct('a', 0L, 'b', 'text 0') THEN t END",
    "hash(s, a, ss)",
    "xxhash64(s, ss)",
    # --- parts and wholes
    "s.a",
    "s.b IS NULL",
    "struct(s, t).s.b",
    "named_struct('n', s, 'm', m)",
    "CAST(s AS struct<x:string,y:string>)",
    "CAST(ss AS array<struct<x:int,y:string>>)",
    "s IS NULL",
    "IF(id % 2 = 0, ss, array(s))",
]
MAPS = [
    "to_json(sm)",
    "CAST(sm AS string)",
    "sm[ss[0]]",
    "element_at(sm, ss[1])",
    "map_contains_key(sm, ss[1])",
    "map_concat(sm, map(u, id), map(ss[1], 8L))",
    "map_entries(sm)",
    "map_from_entries(map_entries(sm))",
    "map_filter(sm, (k, v) -> array_contains(ss, k))",
    "array_contains(map_keys(sm), ss[0])",
]
AGGREGATES = [
    "collect_list(s)",
    "collect_set(s)",
    "collect_list(a)",
    "collect_set(a)",
    "collect_list(m)",
    "first(s)",
    "last(a)",
    "any_value(m)",
    "max(s)",
    "min(t)",
    "max(a)",
    "max_by(ss, id)",
    "min_by(m, id)",
    "mode(t)",
    "count(DISTINCT s)",
    "count(DISTINCT a)",
    "to_json(map(max(s), 1))",
    "array_distinct(collect_list(t))",
    "map_from_entries(collect_list(struct(t, id)))",
]


def rows(spark: SparkSession, count: int = 40) -> DataFrame:
    return spark.range(0, count, 1, 1).selectExpr(*COLUMNS)


def plus(column: Any) -> Any:
    return F.udf(lambda v: v + 1, "long", useArrow=True)(column)


def same_rows(batches: Iterator[Any]) -> Iterator[Any]:
    yield from batches


def same_frame(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def same_table(table: pa.Table) -> pa.Table:
    return table


def returned(spark: SparkSession) -> DataFrame:
    """Every nested column is a function's result."""

    def of(name: str) -> Any:
        kind = rows(spark).schema[name].dataType
        return F.udf(lambda value: value, kind, useArrow=True)(name).alias(name)

    return rows(spark).select("id", "k", *map(of, ("s", "t", "u", "a", "b", "ss", "m")))


def beside(frame: DataFrame) -> DataFrame:
    return frame.withColumn("p", plus("id")).where("p > 0")


def stored(spark: SparkSession, files: Path) -> DataFrame:
    path = files / "nested"
    if not path.exists():
        with use_conf(spark, {"spark.hydrofoil.columnar.enabled": "false"}):
            rows(spark).selectExpr("*", KEYED).coalesce(1).write.parquet(str(path))
    return spark.read.parquet(str(path))


Source = Callable[[SparkSession, Path], DataFrame]
SOURCES: dict[str, Source] = {
    "returned": lambda spark, files: returned(spark),
    "beside rows": lambda spark, files: beside(rows(spark).selectExpr("*", KEYED).repartition(1)),
    "beside columns": lambda spark, files: beside(stored(spark, files)),
    "united": lambda spark, files: beside(stored(spark, files)).union(beside(stored(spark, files))),
    "united with a table": lambda spark, files: (
        beside(stored(spark, files)).drop("p").union(stored(spark, files))
    ),
    "mapInArrow": lambda spark, files: stored(spark, files).mapInArrow(
        same_rows, stored(spark, files).schema
    ),
    "applyInPandas": lambda spark, files: (
        rows(spark).groupBy("k").applyInPandas(same_frame, SCHEMA)
    ),
}
# Those whose maps have structs for keys, too.
KEYED_SOURCES = ("beside rows", "beside columns", "united with a table", "mapInArrow")


def compared(source: str) -> bool | None:
    # The operators of grouped functions have another test.
    return None if source.startswith("apply") else True


@pytest.mark.parametrize(
    ("source", "conf"),
    [
        ("returned", {}),
        ("beside columns", {}),
        ("united with a table", {}),
        ("mapInArrow", NOT_ADAPTIVE),
        ("beside rows", INTERPRETED),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_expressions(compare: Comparison, files: Path, source: str, conf: dict[str, str]) -> None:
    expressions = EXPRESSIONS + (MAPS if source in KEYED_SOURCES else [])

    def build(spark: SparkSession) -> DataFrame:
        return SOURCES[source](spark, files).selectExpr(*expressions)

    compare.same(
        build, ours=compared(source), conf=CONF | conf, in_order=False, engines=[HYDROFOIL]
    )


@pytest.mark.parametrize("source", ["returned", "united", "applyInPandas"])
def test_aggregates(compare: Comparison, files: Path, source: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        found = SOURCES[source](spark, files)
        return found.groupBy("k").agg(*map(F.expr, AGGREGATES))

    compare.same(build, ours=compared(source), conf=CONF, in_order=False, engines=[HYDROFOIL])


def windowed(frame: DataFrame) -> DataFrame:
    over = "OVER (PARTITION BY t ORDER BY b, id)"
    return frame.selectExpr(
        "id",
        f"first(s) {over}",
        f"lag(m, 2) {over}",
        f"lead(ss) {over}",
        f"collect_list(a) {over}",
        f"max(u) {over}",
        "rank() OVER (ORDER BY s, id)",
    )


OPERATORS: dict[str, Callable[[DataFrame], DataFrame]] = {
    "filter": lambda frame: frame.where("to_json(map(u, 1)) < to_json(map(t, 1)) OR s = t"),
    "explode": lambda frame: frame.selectExpr("s", "explode(ss) AS e").selectExpr(
        "to_json(map(e, 1))", "s = e", "map(e, s)[e]"
    ),
    "explode a map": lambda frame: frame.selectExpr("s", "explode(m) AS (n, v)").selectExpr(
        "n", "v", "to_json(map(coalesce(v, array(1L)), s))"
    ),
    "inline": lambda frame: frame.selectExpr("s", "inline(ss)"),
    "stack": lambda frame: frame.selectExpr("stack(2, s, a, t, b)"),
    "group by a struct": lambda frame: frame.groupBy("s", "t").agg(F.count("*"), F.max("u")),
    "group by an array": lambda frame: frame.groupBy("a").agg(F.first("u"), F.sum("id")),
    "total": lambda frame: frame.agg(F.max("s"), F.min("u"), F.last("t"), F.max_by("m", "id")),
    "distinct": lambda frame: frame.select("s", "a", "ss").distinct(),
    "drop duplicates": lambda frame: frame.dropDuplicates(["u"]).select("u"),
    "sort": lambda frame: frame.sort("s", F.desc("b"), "id"),
    "top": lambda frame: frame.sort("u", "id").limit(5),
    "window": windowed,
    "join on a struct": lambda frame: frame.alias("l").join(
        frame.alias("r"), F.expr("l.s = r.t AND l.id = r.id + 1"), "left"
    ),
    "join on an array": lambda frame: frame.alias("l").join(
        frame.select("b", "u").hint("broadcast").alias("r"), F.expr("l.a = r.b AND l.k = 1")
    ),
    "join by merging": lambda frame: frame.hint("merge").join(
        frame.select("u", F.col("s").alias("z"), "id"), ["u", "id"]
    ),
    "intersect": lambda frame: frame.select("s").intersect(frame.select("t")),
    "exchange": lambda frame: frame.repartition(3, "s").selectExpr("to_json(map(u, s))", "m"),
    "cached": lambda frame: (
        frame.select("s", "ss", "u").cache().selectExpr("to_json(map(u, s))", "ss")
    ),
    "fields alone": lambda frame: frame.selectExpr("s.a", "ss[0].b", "size(m)", "t.b"),
    "fields and wholes": lambda frame: frame.selectExpr("s.a", "s", "to_json(map(u, s))", "ss"),
    "on and on": lambda frame: (
        frame.select(F.col("s").alias("q"), "u", "t").where("q.a = 1").selectExpr("q = t", "q", "u")
    ),
    # A function's arguments come from rows of Spark's under Spark's operators, too.
    "arguments": lambda frame: frame.select(
        "s", plus(F.expr("length(to_json(map(u, 1)))")), plus(F.expr("hash(s.b, ss)"))
    ),
    "applied to groups": lambda frame: (
        frame.groupBy("k")
        .applyInArrow(same_table, frame.schema)
        .selectExpr("to_json(map(u, 1))", "array_distinct(array(s, t, u))")
    ),
    "mapped in pandas": lambda frame: frame.mapInPandas(same_rows, frame.schema).selectExpr(
        "to_json(map(u, 1))", "array_distinct(array(s, t, u))"
    ),
    "arguments of fields": lambda frame: frame.select("u", plus("t.a"), plus(F.expr("ss[0].a"))),
    "a function's function": lambda frame: frame.select(
        F.udf(lambda s, ss: [s, *ss], frame.schema["ss"].dataType, useArrow=True)("s", "ss").alias(
            "r"
        )
    ).selectExpr("array_distinct(r)", "to_json(map(r, r))"),
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators(compare: Comparison, files: Path, operator: str) -> None:
    source = "beside columns" if len(operator) % 2 else "returned"

    def build(spark: SparkSession) -> DataFrame:
        return OPERATORS[operator](SOURCES[source](spark, files))

    compare.same(build, conf=CONF, in_order=False, engines=[HYDROFOIL])


def test_arguments_over_a_table(compare: Comparison, files: Path) -> None:
    def build(spark: SparkSession) -> DataFrame:
        text = F.udf(lambda text, a: f"{text} {a}", "string", useArrow=True)
        found = stored(spark, files).where("id % 3 < 2")
        return found.select(text(F.expr("to_json(map(u, 1))"), "s.a"), "ss")

    compare.same(build, conf=CONF, engines=[HYDROFOIL])


def test_written_and_read(compare: Comparison, files: Path, tmp_path: Path) -> None:
    def build(spark: SparkSession) -> DataFrame:
        path = str(tmp_path / "table")
        SOURCES["returned"](spark, files).write.mode("overwrite").parquet(path)
        return spark.read.parquet(path)

    compare.same(build, ours=None, conf=CONF, engines=[HYDROFOIL])
