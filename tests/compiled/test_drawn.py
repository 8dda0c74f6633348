"""Compiled functions against stock's worker: the corpus, and functions that hypothesis writes.

Each query has many functions over many rows. Where a function raises for a row it is given another
row there, because one error ends a query; some of these rows are run on their own.
"""

import datetime
import math
import os
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from benchmarks.compiled_corpus import CASES
from benchmarks.compiled_corpus.columns import COLUMNS, rows, schema
from compiled import drawn
from compiled.conftest import Both
from hydrofoil.spark.versions import installed_version

# Evaluations in all; HYDROFOIL_COMPILED=1000000 is the long run.
EVALUATIONS = int(os.environ.get("HYDROFOIL_COMPILED", "5000"))
SEED = int(os.environ.get("HYDROFOIL_COMPILED_SEED", "25"))
FUNCTIONS = 20
ROWS = min(1000, max(100, EVALUATIONS // 200))
_PYTHON: dict[str, type] = {"bigint": int, "double": float, "string": str, "boolean": bool}


_ARROW = {
    "bigint": pa.int64(),
    "int": pa.int32(),
    "smallint": pa.int16(),
    "double": pa.float64(),
    "float": pa.float32(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


@dataclass
class Counts:
    """What a run has compared."""

    functions: int = 0
    compiled: int = 0
    evaluations: int = 0
    errors: int = 0


COUNTS = Counts()
DIFFERENT: list[str] = []


@dataclass
class Drawn:
    """A function with its parameters and the type that is declared for it."""

    text: str
    function: Callable[..., Any]
    parameters: tuple[str, ...]
    declared: str

    def raises(self, row: dict[str, Any], arrow: bool) -> bool:
        """Whether a row ends the query: an error, or a value that the transport does not take."""
        try:
            value = self.function(*(row[name] for name in self.parameters))
        except Exception:
            return True
        if not arrow or value is None:
            return False
        kind = _PYTHON.get(self.declared)
        if kind is None or type(value) is not kind:
            return kind is not None or type(value).__name__ != "date"
        return kind is int and not -(2**63) <= value < 2**63


def goes_through_pandas() -> bool:
    """Whether Arrow goes through pandas, which makes NaN of None among numbers."""
    version = installed_version()
    return version is not None and version.rows_go_through_pandas


def chosen(made: list[tuple[str, tuple[str, ...], str]], arrow: bool, draw: random.Random) -> Any:
    by_pandas = arrow and goes_through_pandas()
    for text, parameters, kind in made:
        # There None arrives as NaN, and integers beside it as floats: not what is called here.
        if by_pandas and any(name in ("n", "m", "y") for name in parameters):
            continue
        declared = drawn.DECLARED[kind]
        if not arrow and draw.random() < 0.2:
            declared = draw.choice(("bigint", "double", "string", "boolean", "int", "float"))
        yield Drawn(text, drawn.function_of(text), parameters, declared)


def written(count: int) -> list[tuple[str, tuple[str, ...], str]]:
    """As many functions as hypothesis writes with this seed, each once."""
    made: dict[str, tuple[str, tuple[str, ...], str]] = {}

    @seed(SEED)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn.functions())
    def collect(one: tuple[str, tuple[str, ...], str]) -> None:
        made.setdefault(one[0], one)

    collect()
    return list(made.values())


def compare_batch(both: Both, made: Any, arrow: bool, number: int) -> None:
    draw = random.Random(number)
    given_rows = list(drawn.values(ROWS, number))
    functions = list(chosen(made, arrow, draw))
    fine = [[not one.raises(row, arrow) for row in given_rows] for one in functions]
    usable = [i for i, flags in enumerate(fine) if any(flags)]
    compare(both, [functions[i] for i in usable], [fine[i] for i in usable], given_rows, arrow)
    for one, flags in zip(functions, fine, strict=True):
        failing = [row for row, good in zip(given_rows, flags, strict=True) if not good]
        if failing and draw.random() < 0.1:
            compare_errors(both, one, draw.choice(failing), arrow)


def compare(
    both: Both,
    functions: list[Drawn],
    fine: list[list[bool]],
    given_rows: list[dict[str, Any]],
    arrow: bool,
) -> None:
    frame = frame_of(both, given_rows, fine)

    def query() -> DataFrame:
        columns = []
        for number, one in enumerate(functions):
            safe = given_rows[fine[number].index(True)]
            made = F.udf(one.function, one.declared, useArrow=arrow)
            columns.append(
                made(
                    *(
                        name if all(fine[number]) else argument(name, number, safe)
                        for name in one.parameters
                    )
                ).alias(f"r{number}")
            )
        return frame.select(*columns)

    with both.stock():
        expected = query().collect()
    with both.compiled():
        asked = query()
        found = asked.collect()
        COUNTS.compiled += len(re.findall(r"CompiledUdf\b", plan_of(asked)))
    COUNTS.functions += len(functions)
    COUNTS.evaluations += len(functions) * len(given_rows)
    for number, one in enumerate(functions):
        for row, want, got in zip(given_rows, expected, found, strict=True):
            if exactly(want[number]) != exactly(got[number]):
                inputs = {name: row[name] for name in one.parameters}
                DIFFERENT.append(
                    f"{one.text}\n{one.declared}, arrow={arrow}, {inputs!r} (or the safe row):\n"
                    f"stock    {want[number]!r}\ncompiled {got[number]!r}"
                )
                break


def argument(name: str, number: int, safe: dict[str, Any]) -> Any:
    kind = drawn.PARAMETERS[name][0]
    otherwise = F.lit(safe[name]).cast(kind) if kind != "date" else day(safe[name])
    return F.when(F.col(f"fine{number}"), F.col(name)).otherwise(otherwise)


def day(value: datetime.date | None) -> Any:
    """A date as a column; a literal would go through Java's, which has no year 1 as Python's."""
    if value is None:
        return F.lit(None).cast("date")
    return F.date_from_unix_date(F.lit((value - datetime.date(1970, 1, 1)).days))


def frame_of(both: Both, given_rows: list[dict[str, Any]], fine: list[list[bool]]) -> DataFrame:
    table = pa.table(
        {
            name: pa.array([row[name] for row in given_rows], _ARROW[declared])
            for name, (declared, _, _) in drawn.PARAMETERS.items()
        }
        | {f"fine{number}": pa.array(flags) for number, flags in enumerate(fine)}
    )
    made: DataFrame = both.spark.createDataFrame(table)
    # Columns without nulls are known to have none, as those of many tables are.
    for field in made.schema:
        may = drawn.PARAMETERS[field.name][2] if field.name in drawn.PARAMETERS else True
        if not may:
            made = made.withColumn(field.name, F.coalesce(F.col(field.name), zero(field.dataType)))
    return made


def zero(kind: Any) -> Any:
    name = kind.simpleString()
    return F.lit(0).cast(name) if name != "date" else F.date_from_unix_date(F.lit(0))


def plan_of(frame: DataFrame) -> str:
    return str(frame._jdf.queryExecution().executedPlan().toString())  # type: ignore[operator]


def exactly(value: Any) -> Any:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value.hex()
    return type(value), value


def compare_errors(both: Both, one: Drawn, row: dict[str, Any], arrow: bool) -> None:
    """The row on its own: the same error, or the same value that only other rows' type forbids."""
    frame = frame_of(both, [row], [])

    def outcome() -> Any:
        made = F.udf(one.function, one.declared, useArrow=arrow)
        try:
            return [exactly(r[0]) for r in frame.select(made(*one.parameters)).collect()]
        except Exception as error:
            return type(error).__name__, last_line(str(error))

    with both.stock():
        expected = outcome()
    with both.compiled():
        found = outcome()
    COUNTS.errors += 1
    if found != expected:
        DIFFERENT.append(
            f"{one.text}\n{one.declared}, arrow={arrow}, {row!r}:\n"
            f"stock    {expected!r}\ncompiled {found!r}"
        )


def last_line(message: str) -> str:
    """The error's own line, of a traceback with frames around it and Hydrofoil's note below it."""
    text = re.split(r"\n+\tat |\nDriver stacktrace:|\n\nJVM", message)[0]
    lines = [line for line in text.strip().splitlines() if not line.startswith("hydrofoil: ")]
    return lines[-1] if lines else ""


def test_drawn_functions(both: Both) -> None:
    made = written(max(1, EVALUATIONS // ROWS))
    for number in range(0, len(made), FUNCTIONS):
        arrow = number // FUNCTIONS % 2 == 1
        compare_batch(both, made[number : number + FUNCTIONS], arrow, SEED + number)
    print(COUNTS)
    assert not DIFFERENT, f"{len(DIFFERENT)} functions differ:\n" + "\n\n".join(DIFFERENT[:10])
    assert COUNTS.compiled > COUNTS.functions // 4


@pytest.fixture
def corpus_rows() -> Iterator[int]:
    yield max(100, min(EVALUATIONS // len(CASES), 5000))


@pytest.mark.parametrize("arrow", [False, True], ids=["pickled", "arrow"])
def test_the_corpus(arrow: bool, both: Both, corpus_rows: int) -> None:
    """All functions in one query, each with columns of its own."""
    columns: dict[str, Any] = {}
    fields = []
    for number, case in enumerate(CASES):
        for position, name in enumerate(case.arguments):
            column = f"c{number}_{position}"
            columns[column] = [r[position] for r in rows(case.arguments, corpus_rows, number)]
            fields.append(f"{column} {COLUMNS[name][0]}")
    data = list(zip(*columns.values(), strict=True))
    frame = both.spark.createDataFrame(data, ", ".join(fields)).coalesce(1).cache()
    assert schema(("count",)) == "a0 bigint"

    def query() -> DataFrame:
        made = []
        for number, case in enumerate(CASES):
            one = F.udf(case.function, case.returns, useArrow=arrow)
            made.append(one(*(f"c{number}_{i}" for i in range(len(case.arguments)))))
        return frame.select(*(c.alias(f"r{n}") for n, c in enumerate(made)))

    try:
        with both.stock():
            expected = query().collect()
        with both.compiled():
            asked = query()
            found = asked.collect()
    finally:
        frame.unpersist()
    names = [case.name for case in CASES]
    wrong = {
        name: (want[i], got[i])
        for want, got in zip(expected, found, strict=True)
        for i, name in enumerate(names)
        if exactly(want[i]) != exactly(got[i])
    }
    assert not wrong
    left = names_of_others(plan_of(asked))
    # All columns here may have nulls.
    least = 25 if arrow and goes_through_pandas() else 40
    assert len(CASES) - len(left) >= least, left


def names_of_others(plan: str) -> list[str]:
    """The functions of a plan that are run by Python."""
    lines = [line for line in plan.splitlines() if "EvalPython" in line]
    return re.findall(r"(\w+)\(c\d+_\d+#", " ".join(lines))
