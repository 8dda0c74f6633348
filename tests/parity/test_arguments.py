"""What the user's function sees: every type, nested to depth 3, as an argument."""

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import expr, udf

from hydrofoil.tools.parity import samples
from hydrofoil.tools.parity.harness import Parity, numbers
from hydrofoil.tools.parity.probes import describe, describe_arguments
from hydrofoil.tools.parity.samples import BASE, PARTIAL, SPECIAL, TIME, TIME_CONF, Sample

# See tests/conftest.py.
ONE_IN = 5

pytestmark = pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])

# Nested types of this many base types go into one query.
GROUP = 5
GROUPS = [BASE[start : start + GROUP] for start in range(0, len(BASE), GROUP)]


def described(spark: SparkSession, columns: tuple[Sample, ...], arrow: bool) -> DataFrame:
    """Each column as the text that a worker makes of its values."""
    seen = udf(describe, "string", useArrow=arrow)
    frame = samples.columns(spark, columns)
    return frame.select(*[seen(name).alias(name) for name in frame.columns])


def test_all_types_in_one_projection(parity: Parity, arrow: bool) -> None:
    parity.same_rows(lambda spark: described(spark, BASE + SPECIAL, arrow))


@pytest.mark.parametrize("name", ["void", "boolean", "double", "string", "timestamp", "variant"])
def test_one_type_alone(parity: Parity, arrow: bool, name: str) -> None:
    sample = samples.named(BASE + SPECIAL, name)
    parity.same_rows(lambda spark: described(spark, (sample,), arrow))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0].name)
def test_nested_types(parity: Parity, arrow: bool, group: tuple[Sample, ...]) -> None:
    columns = tuple(made for base in group for made in samples.nested(base))
    parity.same_rows(lambda spark: described(spark, columns, arrow))


def test_nested_special_types(parity: Parity, arrow: bool) -> None:
    columns = tuple(
        made
        for base in SPECIAL
        if base.name != "void"
        for made in (samples.arrays(base), samples.string_maps(base), samples.structs(base))
    )
    parity.same_rows(lambda spark: described(spark, columns, arrow))


def test_time_type(parity: Parity, arrow: bool) -> None:
    with parity.under(conf=TIME_CONF):
        parity.same(lambda spark: described(spark, (TIME, samples.arrays(TIME)), arrow))


@pytest.mark.parametrize("sample", PARTIAL, ids=lambda sample: sample.name)
def test_types_of_one_path(parity: Parity, arrow: bool, sample: Sample) -> None:
    parity.same(lambda spark: described(spark, (sample,), arrow))
    parity.same(lambda spark: described(spark, (samples.structs(sample),), arrow))


@pytest.mark.parametrize(
    "column",
    [
        "CAST(X'61FF62' AS STRING)",
        "array('fine', CAST(X'61FF62' AS STRING))",
        "timestamp_micros(-62135596800000000)",
        "timestamp_micros(-62135596800000001)",
        "timestamp_micros(253402300799999999)",
        "timestamp_micros(253402300800000000)",
        "timestamp_micros(9223372036854775807)",
        "array(timestamp_micros(253402300800000000))",
        "CAST(timestamp_micros(-62135596800000001) AS TIMESTAMP_NTZ)",
        "date_from_unix_date(2932897)",
        "date_from_unix_date(-719163)",
        "INTERVAL '-106751991 04:00:54.775808' DAY TO SECOND",
        "named_struct('a', 1, 'a', 2)",
        "map(array(1), 2)",
        "map(named_struct('a', array(1)), 2)",
    ],
)
def test_values_that_python_may_not_have(parity: Parity, arrow: bool, column: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        frame = numbers(spark, 1).select(expr(column).alias("value"))
        return frame.select(udf(describe, "string", useArrow=arrow)("value"))

    parity.same(build)


def test_structs_of_odd_shapes(parity: Parity, arrow: bool) -> None:
    fifty = ", ".join(f"'f{i}', id + {i}" for i in range(50))
    shapes = {
        "empty": "named_struct()",
        "array_of_empty": "array(named_struct(), NULL)",
        "fifty": f"named_struct({fifty})",
        "keyword": "named_struct('class', 1, 'def', 2, '', 3, 'a.b', 4, '1', 5, 'é', 6)",
        "method_names": "named_struct('count', 1, 'index', 2, 'asDict', 3, '__fields__', 4)",
        "not_null": "named_struct('a', array(1, 2), 'b', map('x', 1))",
        "deep": "array(array(array(array(id))))",
    }

    def build(spark: SparkSession) -> DataFrame:
        frame = numbers(spark, 3).select(*[expr(shape).alias(k) for k, shape in shapes.items()])
        seen = udf(describe, "string", useArrow=arrow)
        return frame.select(*[seen(name).alias(name) for name in shapes])

    parity.same_rows(build)


def test_row_is_stocks_row(parity: Parity, arrow: bool) -> None:
    def use(row):  # type: ignore[no-untyped-def]
        import copy
        import pickle

        copied, sent = copy.deepcopy(row), pickle.loads(pickle.dumps(row))
        changed = row.asDict(recursive=True)
        values = [row.a, row["a"], row[0], row[-1], row.b.c, getattr(row, "missing", "no")]
        tests = ["a" in row, "z" in row, len(row), row == copied, row == (1, row.b), hash(row)]
        return describe([values, tests, type(copied).__name__, sent, changed, repr(row)])

    def build(spark: SparkSession) -> DataFrame:
        struct = expr("named_struct('a', id, 'b', named_struct('c', 'x'))")
        return (
            numbers(spark, 2)
            .select(struct.alias("s"))
            .select(udf(use, "string", useArrow=arrow)("s"))
        )

    parity.same_rows(build)


def test_binary_as_bytearray(parity: Parity, arrow: bool) -> None:
    binary = samples.named(BASE, "binary")
    with parity.under(conf={"spark.sql.execution.pyspark.binaryAsBytes": "false"}):
        parity.same_rows(lambda spark: described(spark, (binary, *samples.nested(binary)), arrow))


def test_large_var_types(parity: Parity, arrow: bool) -> None:
    string, binary = samples.named(BASE, "string"), samples.named(BASE, "binary")
    columns = (string, binary, *samples.nested(string), *samples.nested(binary))
    with parity.under(conf={"spark.sql.execution.arrow.useLargeVarTypes": "true"}):
        parity.same_rows(lambda spark: described(spark, columns, arrow))


def test_legacy_pandas_conversion(parity: Parity, arrow: bool) -> None:
    names = ("long", "double", "string", "boolean", "date", "timestamp", "decimal_18_2", "binary")
    columns = [samples.named(BASE, name) for name in names]
    columns += [samples.arrays(columns[0]), samples.structs(columns[2])]
    key = "spark.sql.legacy.execution.pythonUDF.pandas.conversion.enabled"
    with parity.under(conf={key: "true"}):
        for sample in columns:
            parity.same(lambda spark, sample=sample: described(spark, (sample,), arrow))


@pytest.mark.parametrize("size", [1, 7])
def test_batch_sizes(parity: Parity, arrow: bool, size: int) -> None:
    columns = tuple(
        made
        for name in ("long", "string", "boolean", "timestamp")
        for made in (samples.named(BASE, name), samples.arrays(samples.named(BASE, name)))
    )
    with parity.under(conf={"spark.sql.execution.arrow.maxRecordsPerBatch": str(size)}):
        parity.same_rows(lambda spark: described(spark, columns, arrow))


@pytest.mark.parametrize("count", [0, 1, 2, 10, 40])
def test_numbers_of_arguments(parity: Parity, arrow: bool, count: int) -> None:
    def build(spark: SparkSession) -> DataFrame:
        frame = numbers(spark, 5).selectExpr(
            "id", *[f"IF(id % {i + 2} = 0, NULL, id + {i}) AS a{i}" for i in range(count)]
        )
        call = udf(describe_arguments, "string", useArrow=arrow)
        return frame.select(call(*[f"a{i}" for i in range(count)]).alias("call"))

    parity.same_rows(build)


def test_named_arguments(parity: Parity, arrow: bool) -> None:
    def build(spark: SparkSession) -> DataFrame:
        call = udf(describe_arguments, "string", useArrow=arrow)
        defaults = udf(
            lambda a, b=7, *, c="c": describe_arguments(a, b=b, c=c), "string", useArrow=arrow
        )
        frame = numbers(spark, 4).selectExpr("id", "CAST(id AS STRING) AS s", "id * 2 AS d")
        return frame.select(
            call(a="id", b="s").alias("all_named"),
            call("id", b="s", a="d").alias("mixed"),
            call("id", "id", x="id").alias("same_column"),
            defaults("id").alias("default"),
            defaults("id", c="s").alias("keyword_only"),
            defaults(c="s", a="d").alias("out_of_order"),
        )

    parity.same_rows(build)


def test_named_arguments_of_chained_functions(parity: Parity, arrow: bool) -> None:
    """Stock calls chained functions by position alone; such an argument leaves them apart."""

    def chained(spark: SparkSession) -> DataFrame:
        inner = udf(lambda a, b=2: a * b, "bigint", useArrow=arrow)
        return numbers(spark, 3).select(udf(str, "string", useArrow=arrow)(inner(a="id")))

    def apart(spark: SparkSession) -> DataFrame:
        call = udf(describe_arguments, "string", useArrow=arrow)
        return numbers(spark, 3).select(call(a=call(b="id")), call(call("id"), a="id"))

    parity.same_error(chained)
    parity.same_rows(apart)


def test_empty_and_uneven_partitions(parity: Parity, arrow: bool) -> None:
    def build(spark: SparkSession) -> DataFrame:
        frame = spark.range(0, 20, 1, 4).filter("id < 3 OR id > 11")
        seen = udf(describe, "string", useArrow=arrow)
        return frame.select(seen("id").alias("id"))

    parity.same_rows(build)
    parity.same_rows(lambda spark: build(spark).limit(0))
    parity.same_rows(
        lambda spark: spark.range(0).select(udf(describe, "string", useArrow=arrow)("id"))
    )


def test_user_defined_types(parity: Parity, arrow: bool) -> None:
    from pyspark.testing.objects import ExamplePoint, ExamplePointUDT, PythonOnlyPoint

    def build(spark: SparkSession) -> DataFrame:
        frame = spark.createDataFrame(
            [(i, ExamplePoint(float(i), -1.5), PythonOnlyPoint(float(i), 2.0)) for i in range(3)]
            + [(3, None, None)],
            ["id", "e", "p"],
        ).coalesce(1)
        seen = udf(lambda v: v and f"{type(v).__name__} {v.x} {v.y}", "string", useArrow=arrow)
        moved = udf(lambda v: v and ExamplePoint(v.x + 1, v.y), ExamplePointUDT(), useArrow=arrow)
        in_array = udf(lambda vs: [type(v).__name__ for v in vs], "array<string>", useArrow=arrow)
        return frame.select(
            seen("e").alias("e"),
            seen("p").alias("p"),
            moved("e").alias("moved"),
            in_array(expr("array(e, e)")).alias("array"),
        )

    parity.same_rows(build)
