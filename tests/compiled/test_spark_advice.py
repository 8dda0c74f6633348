"""`hydrofoil.advise` and the command: expressions that equal plain functions, and what is said."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import hydrofoil
from benchmarks.compiled_corpus import CASES
from benchmarks.compiled_corpus.columns import COLUMNS, rows
from compiled import drawn
from compiled.conftest import Both
from compiled.test_drawn import exactly, frame_of
from compiled.test_drawn import written as drawn_functions
from hydrofoil.compiling.translate import translate
from hydrofoil.errors import UsageError
from hydrofoil.tools.advice.value import NoExpression
from hydrofoil.tools.advice.writer import Column, written

# Their conditions do not hold on the corpus's rows, as the proof says of them.
ROUNDED = {"with_tax", "order_total"}


def expression(case: Any, names: list[str]) -> str | None:
    document = translate(case.function).document
    if document is None:
        return None
    columns = [
        Column(f"F.col({name!r})", name, COLUMNS[kind][0], True)
        for name, kind in zip(names, case.arguments, strict=True)
    ]
    try:
        return written(document, columns, [None] * len(columns), case.returns).code
    except NoExpression:
        return None


def test_the_corpus(spark: SparkSession) -> None:
    """In one query each expression equals its function, which Python is asked for here."""
    data: dict[str, list[Any]] = {}
    fields, natives, expected = [], [], {}
    for number, case in enumerate(CASES):
        names = [f"c{number}_{i}" for i in range(len(case.arguments))]
        code = expression(case, names)
        if code is None:
            continue
        given = rows(case.arguments, 200, number)
        values = [outcome(case.function, row) for row in given]
        # Where Python raises a condition does not hold.
        safe = next(row for row, value in zip(given, values, strict=True) if value is not RAISED)
        given = [safe if value is RAISED else row for row, value in zip(given, values, strict=True)]
        expected[case.name] = [case.function(*row) for row in given]
        for place, (name, kind) in enumerate(zip(names, case.arguments, strict=True)):
            data[name] = [row[place] for row in given]
            fields.append(f"{name} {COLUMNS[kind][0]}")
        natives.append(eval(code, {"F": F}).cast(case.returns).alias(case.name))
    frame = spark.createDataFrame(list(zip(*data.values(), strict=True)), ", ".join(fields))
    found = frame.coalesce(1).select(*natives).collect()
    wrong = {
        name
        for name, values in expected.items()
        for value, row in zip(values, found, strict=True)
        if exactly(value) != exactly(row[name])
    }
    assert wrong <= ROUNDED
    assert len(expected) >= 60


RAISED = object()


def outcome(function: Any, row: Any) -> Any:
    try:
        return function(*row)
    except Exception:
        return RAISED


def clean(s):
    return s.strip().lower()


def halves(x):
    return x // 2


def prints(x):
    print(x)
    return x


def money(x):
    return f"{x:.2f}"


def inverse(x):
    return 10 // x if x > -5 else 1 // 0


def third(s):
    return s.split(",")[2]


def known(d):
    return "yes" if d in ("a", "b") else "no"


def upper_or_none(s):
    return None if s is None else s.upper()


def add(x, y=10, *, by=1):
    return (x + y) * by


def one(df: DataFrame, **how: Any) -> Any:
    [found] = hydrofoil.advise(df, **how).functions
    return found


def test_what_is_equal(spark: SparkSession) -> None:
    texts = spark.createDataFrame([(" Ab\t",), ("\x1fC d",), ("",)], "s string")
    found = one(texts.select(F.udf(clean, "string")("s")))
    assert (found.name, found.signature, found.verdict) == ("clean", "(string) -> string", "native")
    assert (found.proof.rows, found.proof.different) == (3, 0)
    assert found.conditions == ["no null in s where Python would raise", "only ASCII text in s"]
    pasted = texts.select(eval(found.expression, {"F": F})).collect()
    assert [row[0] for row in pasted] == ["ab", "c d", ""]
    # Below zero, too, and of a computed argument that is named in SQL.
    numbers = spark.range(-5, 5).select(F.udf(halves, "int")(F.col("id") * 3))
    found = one(numbers, rows=4)
    assert (found.verdict, found.proof.rows) == ("native", 4)
    assert "F.expr('(id * CAST(3 AS BIGINT))')" in found.expression
    # Arguments by name, and defaults.
    made = F.udf(add, "bigint")
    found = one(spark.range(3).select(made("id", by=F.lit(2))))
    assert (found.verdict, found.proof.rows) == ("native", 3)


def test_what_differs_on_the_data(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("ok",), ("stra\u00dfe",), ("\u0149",)], "s string")
    found = one(frame.select(F.udf(clean_digit, "boolean")("s")))
    assert found.verdict == "native"
    digits = spark.createDataFrame([("1",), ("\u0663",), ("x",)], "s string")
    found = one(digits.select(F.udf(clean_digit, "boolean")("s")))
    assert (found.verdict, found.proof.rows, found.proof.different) == ("differs", 3, 1)
    assert found.proof.first == ("s='\u0663': the function gives True, the expression False")
    assert "different in 1 of 3 rows" in str(found)
    # As null in the data: Python raises, and the expression does not.
    nulls = spark.createDataFrame([("a",), (None,)], "s string")
    found = one(nulls.select(F.udf(clean, "string")("s")))
    assert found.verdict == "fails"
    assert found.proof.failed.startswith("the function raises: AttributeError: 'NoneType'")
    # The other way round: beyond 64 bits Spark raises.
    large = spark.createDataFrame([(2**62,)], "x bigint")
    found = one(large.select(F.udf(doubled_and_back, "bigint")("x")))
    assert found.verdict == "fails" and "the expression fails: " in found.proof.failed


def clean_digit(s):
    return s.isdigit()


def doubled_and_back(x):
    return x * 4 // 4


def test_zeros_and_nan_are_told_apart(spark: SparkSession) -> None:
    zeros = spark.createDataFrame([(-0.001,), (float("nan"),), (2.5,)], "x double")
    found = one(zeros.select(F.udf(rounded, "double")("x")))
    assert (found.proof.rows, found.proof.different) == (3, 1)
    assert "the function gives -0.0, the expression 0.0" in found.proof.first
    found = one(zeros.select(F.udf(twice, "double")("x")))
    assert (found.verdict, found.proof.rows) == ("native", 3)


def rounded(x):
    return round(x, 2) if x == x else x


def twice(x):
    return x * 2


def test_what_has_none(both: Both) -> None:
    frame = both.spark.createDataFrame([(1, 2.0)], "n bigint, x double")
    asked = frame.select(
        F.udf(prints, "bigint")("n"),
        F.udf(money, "string")("x"),
        F.pandas_udf(twice, "double")("x"),
        F.udf(twice, "double")("x").alias("a"),
        F.udf(halves, "bigint").asNondeterministic()("n"),
    )
    with both.compiled():
        advice = hydrofoil.advise(asked)
    found = {each.reason.partition(",")[0]: each for each in advice.functions if each.reason}
    assert [each.verdict for each in advice.functions if each.name == "money"] == ["compiles"]
    assert set(found) == {
        "a call of print",
        "the format .2f of float has none that is equal",
        "it is no plain function",
        "it is declared to be not deterministic",
    }
    assert advice.headline == "Equal to a native expression: 1 of 5 functions."
    assert "no expression: a call of print" in str(advice)
    assert "<table" in advice._repr_html_()
    assert "calls no Python function" in str(hydrofoil.advise(frame))


def test_chains_filters_and_groups(spark: SparkSession) -> None:
    inner, outer = F.udf(halves, "bigint"), F.udf(twice, "bigint")
    frame = spark.range(10).filter(inner("id") > 2).groupBy(outer(inner("id"))).count()
    found = {each.name: each for each in hydrofoil.advise(frame).functions}
    assert {name: each.verdict for name, each in found.items()} == {
        "halves": "native",
        "twice": "native",
    }
    assert found["twice"].proof.rows == 4
    assert found["twice"].expression == "(argument0 * 2)"
    assert found["twice"].conditions[0] == "argument0 is the column halves(id)"
    totals = spark.range(4).groupBy((F.col("id") % 2).alias("k")).agg(outer(F.sum("id")))
    [total] = hydrofoil.advise(totals).functions
    assert (total.verdict, total.proof.rows) == ("native", 2)
    assert total.expression == "(F.expr('sum(id)') * 2)"
    spark.udf.register("advised", twice, "bigint")
    named = spark.sql("WITH t AS (SELECT id FROM range(3)) SELECT advised(id) FROM t")
    assert hydrofoil.advise(named).functions[0].proof.rows == 3
    stream = spark.readStream.format("rate").load().select(outer("value"))
    assert "called on a stream" in hydrofoil.advise(stream).functions[0].reason
    joined = (
        spark.range(2)
        .alias("a")
        .join(spark.range(2).alias("b"), F.udf(add, "bigint")("a.id", "b.id") > 10)
    )
    [between] = hydrofoil.advise(joined).functions
    assert between.reason == "it is called between 2 DataFrames"


def test_what_it_is_given(spark: SparkSession) -> None:
    with pytest.raises(UsageError, match="was given int"):
        hydrofoil.advise(3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="rows=0"):
        hydrofoil.advise(spark.range(1), rows=0)


DRAWN = 60


@pytest.mark.slow
def test_drawn_functions(both: Both) -> None:
    """Expressions without conditions equal their functions on all values that there are."""
    given = list(drawn.values(200, 25))
    frame = frame_of(both, given, [])
    natives, expected = [], []
    for text, parameters, kind in drawn_functions(30 * DRAWN):
        function = drawn.function_of(text)
        columns = [
            Column(f"F.col({name!r})", name, drawn.PARAMETERS[name][0], drawn.PARAMETERS[name][2])
            for name in parameters
        ]
        document = translate(function).document
        try:
            assert document is not None
            made = written(document, columns, [None] * len(columns), drawn.DECLARED[kind])
        except (AssertionError, NoExpression):
            continue
        if made.conditions or len(natives) == DRAWN:
            continue
        natives.append(eval(made.code, {"F": F}).alias(f"r{len(natives)}"))
        expected.append([function(*(row[name] for name in parameters)) for row in given])
    found = frame.select(*natives).collect()
    assert len(natives) > DRAWN // 2
    for column, values in enumerate(expected):
        assert [exactly(row[column]) for row in found] == [exactly(value) for value in values]


PROGRAM = """
import sys
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

spark = SparkSession.builder.getOrCreate()
size = udf(lambda n: "small" if n < 10 else f"large: {n}", "string")
df = spark.range(20).select(size("id").alias("size"))
hydrofoil.advise(df)  # Its own queries are not the program's.
twice, more = udf(lambda n: n * 2, "bigint"), udf(lambda n: n + 1, "bigint")
print(sys.argv[1:], len(df.collect()), spark.range(20).select(twice("id")).rdd.count())
spark.range(20).select(more("id")).write.format("noop").mode("overwrite").save()
spark.stop()
sys.exit(3)
"""


# The second turns fast paths on that replace the methods of DataFrames, too.
@pytest.mark.slow
@pytest.mark.parametrize("session", ["SparkSession.builder.getOrCreate()", "hydrofoil.session()"])
def test_the_command(tmp_path: Path, session: str) -> None:
    program = tmp_path / "app.py"
    assert "SparkSession.builder.getOrCreate()" in PROGRAM
    changed = PROGRAM.replace("SparkSession.builder.getOrCreate()", session)
    program.write_text(f"import hydrofoil\n{changed}")
    options = ["--master", "local[1]", "--conf", "spark.ui.enabled=false"]
    command = ["-m", "hydrofoil.tools.cli", "advise", "--rows", "15", *options, str(program), "A"]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("['A'] 20 20\n")
    assert done.stdout.count("function: <lambda>(bigint) -> string") == 1
    assert done.stdout.count("function: <lambda>(bigint) -> bigint") == 2
    assert (
        "expression: F.when((F.col('id') < 10), 'small')"
        ".otherwise(F.concat(F.lit('large: '), F.col('id').cast(\"string\")))\n"
    ) in done.stdout
    assert "proof: equal in all 15 rows" in done.stdout
