"""The JVM's operator of compiled functions: which rows go to Python, and where they return to."""

import datetime
import re
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from compiled.conftest import Both
from hydrofoil.compiling.trailer import trailer
from hydrofoil.compiling.translate import translate
from hydrofoil.driver import compiled as hook
from hydrofoil.spark.versions import installed_minor
from hydrofoil.tools.parity.engines import use_conf

ROWS = 40_000
# What every n-th row holds trips a guard of the functions below: which n, for which column.
RARE, OFTEN, ALL = 9_001, 9, 1
# On 4.0 Arrow goes through pandas, for which functions of numbers that may be null are left alone.
ARROW = installed_minor() != "4.0"
# As users have it.
CODE = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}


@pytest.fixture(scope="module")
def stored(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Parquet file of columns that trip guards of an addition rarely, often, always and early."""
    path = str(tmp_path_factory.mktemp("compiled") / "rows")
    most = 2**63 - 1
    columns = [
        f"IF(id % {n} = {n - 1}, {most} - id % 2, id) AS {name}"
        for name, n in (("rare", RARE), ("often", OFTEN), ("always", ALL))
    ]
    spark.range(0, ROWS, 1, 2).selectExpr(
        "id",
        *columns,
        f"IF(id = 17, {most}, id) AS once",
        "IF(id % 3 = 0, NULL, concat('Name ', id)) AS name",
        "id * 0.5D AS half",
        "id % 2 = 0 AS even",
        "date_add(DATE'2000-01-01', CAST(id % 9000 AS INT)) AS day",
        "array(id, 1) AS some",
        "CAST(id AS DECIMAL(20, 2)) AS money",
    ).write.parquet(path)
    return path


def more(x: int) -> float:
    """What fits a float, whatever the int."""
    return (x + 7) / 2


def digest(frame: DataFrame) -> Any:
    """What tells answers, and their order within partitions, from others."""
    named = frame.toDF(*(f"c{i}" for i in range(len(frame.columns))))
    placed = named.select(F.xxhash64("*", F.monotonically_increasing_id()).alias("h"))
    return placed.agg(F.sum(F.col("h").cast("decimal(38, 0)")), F.count("*")).collect()


def plan_of(frame: DataFrame) -> str:
    return str(frame._jdf.queryExecution().executedPlan().toString())


def same(both: Both, query: Callable[[], DataFrame], *, compiled: int = 1, memory: str = "") -> str:
    """Compare a query's answers with stock's; return the compiled plan, with so many operators."""
    conf = {**CODE, "spark.hydrofoil.columnar.passThroughMemory": memory or "256m"}
    with both.stock(**conf):
        expected = digest(query())
    with both.compiled(**conf):
        frame = query()
        plan = plan_of(frame)
        assert len(re.findall(r"CompiledUdf\b", plan)) == compiled, plan
        assert digest(frame) == expected
    return plan


@pytest.mark.parametrize("arrow", [True, False] if ARROW else [False])
@pytest.mark.parametrize("column", ["id", "rare", "often", "always", "once"])
def test_rows_that_trip_come_back_in_their_places(
    both: Both, stored: str, column: str, arrow: bool
) -> None:
    def query() -> DataFrame:
        function = F.udf(more, "double", useArrow=arrow)
        return both.spark.read.parquet(stored).select("*", function(column))

    same(both, query)


def test_what_waits_for_answers_goes_to_disk(both: Both, stored: str) -> None:
    def query() -> DataFrame:
        function = F.udf(lambda s, x: f"{s}-{x + 1}", "string")
        return both.spark.read.parquet(stored).select("name", "some", function("name", "often"))

    same(both, query, memory="0")


SOURCES: dict[str, Callable[[DataFrame], DataFrame]] = {
    "filter": lambda d: d.where("id % 5 <> 0"),
    "shuffle": lambda d: d.repartition(3, "id").sortWithinPartitions("id"),
    "join": lambda d: d.join(
        F.broadcast(d.limit(100).select(F.col("id").alias("j"))), F.expr("id % 100 = j")
    ),
    "cache": lambda d: d.limit(5_000).cache(),
    "union": lambda d: d.union(d),
    "computed": lambda d: d.selectExpr("*").withColumn("rare", F.col("rare") - 1),
}


@pytest.mark.parametrize("source", SOURCES)
def test_any_input(both: Both, stored: str, source: str) -> None:
    def query() -> DataFrame:
        frame = SOURCES[source](both.spark.read.parquet(stored).limit(9_500))
        return frame.select("id", "name", F.udf(more, "double", useArrow=ARROW)("rare"))

    # Both sides of the union are one exchange.
    same(both, query)
    both.spark.catalog.clearCache()


def test_after_a_row_that_tripped_batches_are_no_longer_copied(
    both: Both, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = str(tmp_path_factory.mktemp("compiled") / "long")
    rows = 700_000
    value = f"IF(id IN (5, 650000), {2**63 - 1}, id)"
    both.spark.range(0, rows, 1, 1).selectExpr("id", f"{value} AS x").write.parquet(path)
    with both.compiled(**CODE):
        frame = both.spark.read.parquet(path).select("id", F.udf(more, "double")("x").alias("r"))
        frame = frame.withColumn("place", F.monotonically_increasing_id())
        right = F.expr(f"r = IF(id IN (5, 650000), {(2**63 + 6) / 2!r}D, (id + 7) / 2D)")
        assert frame.where(right & F.expr("place = id")).count() == rows


def test_several_functions(both: Both, stored: str) -> None:
    def query() -> DataFrame:
        add = F.udf(lambda x: x + 1, "double")
        text: Any = F.udf(lambda s, n=3: s[:n].upper() if s else "none", "string")
        left = F.udf(lambda s: len(repr(s)), "bigint")
        frame = both.spark.read.parquet(stored).limit(9_500)
        return frame.select(
            "half",
            add(F.col("half") * 2),
            add(add("half")),
            left("name"),
            text("name"),
            text(s="name", n=F.lit(5)),
            F.length(text("name")),
        ).where(add("half") > 3)

    plan = same(both, query, compiled=5)
    assert "not compiled: <lambda>: " in plan


@pytest.mark.skipif(not ARROW, reason="its Arrow goes through pandas")
def test_batches_of_one_beside_it_end_where_they_would(both: Both) -> None:
    seen: list[int] = []

    def text(x: int, seen: list[int] = seen) -> Any:
        # Made text when the batch ends, with what is in it by then.
        seen.append(x)
        return seen

    def query() -> DataFrame:
        plain = F.udf(lambda x: x + 1, "bigint", useArrow=True)
        return both.spark.range(0, 3000, 1, 1).select(
            F.length(F.udf(text, "string", useArrow=True)("id")),
            plain("id"),
            plain(F.col("id") * 2),
        )

    settings = {
        "spark.sql.execution.arrow.maxRecordsPerBatch": "700",
        "spark.hydrofoil.columnar.maxBytesPerBatch": "1000",
    }
    with use_conf(both.spark, settings):
        same(both, query, compiled=2)


@pytest.mark.parametrize("shuffled", [False, True], ids=["rows", "a shuffle's rows"])
def test_batches_are_freed_while_the_task_goes_on(
    both: Both, tmp_path: Path, shuffled: bool
) -> None:
    done, go_on = tmp_path / "done", tmp_path / "go on"

    def wait(rows: Iterable[Any]) -> Iterable[int]:
        yield sum(1 for _ in rows)
        done.touch()
        for _ in range(600):
            if not go_on.exists():
                time.sleep(0.1)

    jvm: Any = both.spark._jvm
    allocator = jvm.org.apache.spark.sql.util.ArrowUtils.rootAllocator()
    settings = {"spark.sql.execution.arrow.maxRecordsPerBatch": "1000"}
    with both.compiled(**CODE), use_conf(both.spark, settings), ThreadPoolExecutor(1) as pool:
        before = allocator.getAllocatedMemory()
        frame = both.spark.range(0, 200_000, 1, 1)
        frame = frame.repartition(1) if shuffled else frame
        frame = frame.select(F.udf(lambda x: x + 1, "bigint")("id"))
        assert "CompiledRows" in plan_of(frame)
        counted = pool.submit(lambda: frame.rdd.mapPartitions(wait).collect())
        while not done.exists() and not counted.done():
            time.sleep(0.05)
        held = allocator.getAllocatedMemory() - before
        go_on.touch()
        assert counted.result() == [200_000]
    # All rows take 1.6 MB, and a batch a hundredth of that.
    assert held < 500_000


@pytest.fixture
def arrow_cache(spark: SparkSession) -> Iterator[None]:
    """Caches keep Arrow's columns meanwhile, which is a setting of whole applications."""
    name = "org.apache.spark.sql.execution.columnar.ArrowCachedBatchSerializer"
    jvm: Any = spark._jvm
    if not jvm.org.apache.spark.util.Utils.classIsLoadable(name):
        pytest.skip("Spark has no such serializer")
    package = jvm.org.apache.spark.sql.execution.columnar
    relation = getattr(getattr(package, "InMemoryRelation$"), "MODULE$")
    conf = spark._jsparkSession.sessionState().conf()
    key = "spark.sql.cache.serializer"
    before = conf.getConfString(key)

    def use(serializer: str) -> None:
        spark.catalog.clearCache()
        relation.clearSerializer()
        conf.setConfString(key, serializer)

    use(name)
    try:
        yield
    finally:
        use(before)


@pytest.mark.usefixtures("arrow_cache")
def test_a_cache_of_columns(both: Both) -> None:
    def query() -> DataFrame:
        both.spark.catalog.clearCache()
        text: Any = F.udf(lambda x: "n" + str(x), "string")
        frame = both.spark.range(0, 3000, 1, 2)
        return frame.select(text("id").alias("t"), (-F.col("id")).alias("m")).select("t").cache()

    same(both, query)


def test_the_function_is_called_for_rows_that_trip_and_no_others(
    both: Both, stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = tmp_path / "calls"

    def counted(x: int) -> float:
        with calls.open("a") as file:
            file.write(f"{x}\n")
        return (x + 7) / 2

    document = translate(more).document
    assert document is not None
    monkeypatch.setattr(hook, "trailer_of", lambda function: trailer(document))
    with both.compiled():
        frame = both.spark.read.parquet(stored)
        frame.select(F.udf(counted, "double")("rare")).write.format("noop").mode("overwrite").save()
        # Of these, Python's answers differ from those of 64 bits, or their quotients from floats'.
        expected = [row.rare for row in frame.where("rare > 9007199254740985").collect()]
    assert len(expected) == ROWS // RARE
    assert sorted(calls.read_text().split()) == sorted(map(str, expected))


def test_errors_are_pythons_own(both: Both, stored: str) -> None:
    def error() -> tuple[str, str]:
        frame = both.spark.read.parquet(stored).limit(1000)
        divided = frame.select(F.udf(lambda x: 100 // (x - 500), "bigint")("id"))
        with pytest.raises(PythonException) as caught:
            divided.collect()
        lines = [line for line in str(caught.value).split("\n") if "Error" in line]
        return type(caught.value).__name__, lines[-1].strip()

    with both.stock():
        expected = error()
    with both.compiled():
        assert error() == expected
    assert "ZeroDivisionError" in expected[1]


def test_a_query_that_ends_early(both: Both, stored: str) -> None:
    with both.compiled():
        frame = both.spark.read.parquet(stored).select("id", F.udf(more, "double")("often"))
        assert len(frame.limit(10).collect()) == 10
        assert len(frame.take(5)) == 5


@pytest.fixture
def plans(both: Both, stored: str) -> Iterator[Callable[[Callable[..., Any], str], str]]:
    def plan(function: Callable[..., Any], column: str, returns: str = "bigint") -> str:
        with both.compiled():
            frame = both.spark.read.parquet(stored).select(F.udf(function, returns)(column))
            return plan_of(frame)

    yield plan


def test_a_plan_says_what_is_compiled_and_what_is_not(plans: Any) -> None:
    assert "CompiledUdf more(rare#" in plans(more, "rare", "double")
    assert "an integer beyond 64 bits" in plans(more, "rare", "double")
    assert "not compiled: <lambda>: " in plans(lambda x: repr(x), "id", "string")
    assert "an argument is of type array<bigint>" in plans(lambda x: x[0] + 1, "some")


def test_off_the_plan_is_what_it_was(both: Both, stored: str) -> None:
    function = F.udf(more, "double", useArrow=ARROW)
    with both.compiled():
        frame = both.spark.read.parquet(stored).select("id", function("rare"))
        assert "CompiledUdf" in plan_of(frame)
    with both.compiled(**{"spark.hydrofoil.compile.enabled": "false"}):
        never = F.udf(more, "double", useArrow=ARROW)
        texts = [
            re.sub(r"#\d+L?", "#", plan_of(both.spark.read.parquet(stored).select("id", f("rare"))))
            for f in (function, never)
        ]
    assert texts[0] == texts[1]
    assert ("HydrofoilEvalPython" if ARROW else "LeftToSpark") in texts[0]


def test_functions_to_be_profiled_are_called(both: Both, stored: str) -> None:
    with both.compiled(**{"spark.sql.pyspark.udf.profiler": "perf"}):
        frame = both.spark.read.parquet(stored).limit(10)
        plan = plan_of(frame.select(F.udf(more, "double")("rare")))
    assert "CompiledUdf" not in plan


ORDINARY: dict[str, tuple[Callable[..., Any], str, tuple[str, ...]]] = {
    "a day later": (lambda d: d + datetime.timedelta(days=1), "date", ("day",)),
    "days between": (lambda d: (d - datetime.date(2000, 1, 1)).days, "int", ("day",)),
    "a week's day": (lambda d: d.strftime("%Y-%m") if d.weekday() < 5 else "", "string", ("day",)),
    "a square": (lambda x: (x * x) // 3 % 7, "bigint", ("id",)),
    "a price": (lambda x: round(x * 1.5, 0) if x > 10.0 else 0.0, "double", ("half",)),
    "a name": (lambda s: s.strip().lower().replace(" ", "_") if s else "-", "string", ("name",)),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_rows_without_anything_special_stay_in_the_jvm(both: Both, stored: str, name: str) -> None:
    function, returned, columns = ORDINARY[name]
    with both.compiled(**{"spark.sql.adaptive.enabled": "false"}):
        frame = both.spark.read.parquet(stored)
        node = run(frame.select(F.udf(function, returned, useArrow=ARROW)(*columns)))
    assert node.metrics().apply("rowsTripped").value() == 0


def run(frame: DataFrame) -> Any:
    """The operator of a query that has run."""
    frame.collect()
    node: Any = frame._jdf.queryExecution().executedPlan()
    while "CompiledUdf" not in node.nodeName():
        node = node.children().apply(0)
    return node


def test_metrics_say_which_rows_went_to_python(both: Both, stored: str) -> None:
    with both.compiled(**{"spark.sql.adaptive.enabled": "false"}):
        frame = both.spark.read.parquet(stored)
        node = run(frame.select(F.udf(more, "double", useArrow=ARROW)("rare")))
        metrics = node.metrics()
    assert metrics.apply("rowsTripped").value() == ROWS // RARE
    assert metrics.apply("rowsSent").value() == (ROWS // RARE if ARROW else 0)
    by_reason = {
        metrics.apply(f"tripped{i}").name().get(): metrics.apply(f"tripped{i}").value()
        for i in range(node.function().reasons().size())
    }
    assert by_reason["to Python: an integer beyond 64 bits"] > 0
    assert sum(by_reason.values()) == ROWS // RARE


def test_dates_out_of_pythons_years(both: Both) -> None:
    def query() -> DataFrame:
        days = both.spark.sql("SELECT explode(array(DATE'0001-01-01', DATE'9999-12-31')) AS d")
        return days.select(F.udf(lambda d: d.year + d.month, "bigint")("d"))

    same(both, query)
    with both.compiled():
        late = both.spark.sql("SELECT DATE'+10000-01-01' AS d")
        with pytest.raises(PythonException):
            late.select(F.udf(lambda d: d.year, "bigint")("d")).collect()
    assert datetime.date.max.year == 9999


def _replacing(pattern: str, by: str) -> Callable[[str], str]:
    return lambda s: re.sub(pattern, by, s)


PATTERNS = (
    *(
        r"\s+",
        r"\s",
        r"\S",
        r"\d+",
        r"\D",
        r"\w+",
        r"\W",
        r"[^0-9]",
        "[^a-zA-Z ]+",
        r"[\w-]",
        "[-a]",
    ),
    *("a", "a+", r"\.", r"\+", "[.,;]", r"[\]\\]", "[ \t]+", "[a-c_]", "[^_]"),
)
TEXTS = (
    "",
    " ",
    "a b\t c",
    "a-b_c",
    "aaa",
    "1.5+x",
    "a\x1cb\x0b\n",
    "]\\[",
    "A1 b2,c;d.",
    "\u00e9 \u0663",
)


def test_classes_of_characters(both: Both) -> None:
    def query() -> DataFrame:
        frame = both.spark.createDataFrame([(text,) for text in TEXTS], "s string").coalesce(1)
        replaced = [F.udf(_replacing(p, by), "string")("s") for p in PATTERNS for by in ("", "<>")]
        return frame.select(*replaced)

    same(both, query, compiled=2 * len(PATTERNS))


@pytest.mark.parametrize(
    "pattern", ["a|b", "^a", "a*", "(a)", "[a-z]{2}", "[[a]", r"\bx", "é", "a+?"]
)
def test_other_expressions_are_left_to_python(plans: Any, pattern: str) -> None:
    assert "CompiledUdf" not in plans(_replacing(pattern, "-"), "name", "string")
