"""The table in ``docs/rows.md``: where the ways to exchange rows give different results.

``HYDROFOIL_WRITE_DOCS=1`` writes it anew.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matrix.returned import VALUES
from matrix.test_rows import arrow, pickled
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.settings.rows import ARROW_KEY
from hydrofoil.tools.parity.engines import HYDROFOIL, use_conf, use_engine

PAGE = Path(__file__).parents[2] / "docs" / "rows.md"
BEGIN, END = "<!-- The table: tests/parity/test_rows_table.py -->\n", "<!-- End of the table -->\n"

TYPES = (
    "boolean",
    "tinyint",
    "bigint",
    "double",
    "decimal(10,2)",
    "string",
    "binary",
    "date",
    "timestamp",
    "array<int>",
    "map<string,int>",
    "struct<a:int,b:string>",
)
RETURNED = (
    "True",
    "1",
    "2**31 + 5",
    "2**70",
    "1.5",
    "1e7",
    "'é1'",
    "Decimal('1.255')",
    "Decimal('NaN')",
    "a date",
    "a datetime",
    "b'ab'",
    "[1, 2]",
    "(1, 2)",
    "{'a': 1}",
    "Row(a=1, b='x')",
    "a defaultdict",
)
Engine = Callable[[SparkSession], Any]


def native(spark: SparkSession) -> Any:
    """Hydrofoil's Arrow path by Arrow's rules, which are stock's."""
    return _both(use_engine(spark, HYDROFOIL), use_conf(spark, {ARROW_KEY: "true"}))


def _both(*managers: Any) -> Any:
    from contextlib import ExitStack

    stack = ExitStack()
    for manager in managers:
        stack.enter_context(manager)
    return stack


@pytest.mark.slow
def test_the_table_of_mismatches(spark: SparkSession) -> None:
    lines = [
        '| declared | returned | pickled | `rows="arrow"` | `rows="arrow-native"` |\n',
        "| --- | --- | --- | --- | --- |\n",
    ]
    for declared in TYPES:
        outcomes = [
            all_results(spark, engine, declared, batched=engine is not native)
            for engine in (pickled, arrow, native)
        ]
        for name, *texts in zip(RETURNED, *outcomes, strict=True):
            if len(set(texts)) > 1:
                cells = " | ".join("as pickled" if t == texts[0] else t for t in texts[1:])
                lines.append(f"| {declared} | `{name}` | {texts[0]} | {cells} |\n")
    table = "".join(lines)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    written, _, after = rest.partition(END)
    if os.environ.get("HYDROFOIL_WRITE_DOCS"):
        PAGE.write_text(before + BEGIN + table + END + after, encoding="utf-8")
    else:
        assert written == table


def all_results(spark: SparkSession, engine: Engine, declared: str, *, batched: bool) -> list[str]:
    """For each value of `RETURNED` what comes back, as text."""
    if batched:
        together = result(spark, engine, declared, [VALUES[name] for name in RETURNED])
        if together is not None:
            return together
    found = []
    for name in RETURNED:
        alone = result(spark, engine, declared, [VALUES[name]])
        found.append("error" if alone is None else alone[0])
    return found


def result(
    spark: SparkSession, engine: Engine, declared: str, values: list[Any]
) -> list[str] | None:
    """What comes back for these values; None if that fails."""

    def build(spark: SparkSession) -> DataFrame:
        return spark.range(0, len(values), 1, 1).select(
            F.udf(lambda i: values[i], declared)("id").alias("it")
        )

    with engine(spark):
        try:
            rows = build(spark).collect()
        except Exception:  # Also of a result's conversion in the driver.
            return None
        return [shown(row.it) for row in rows]


def shown(value: Any) -> str:
    text = repr(value)
    for java in ("[B", "[Ljava.lang.Object;"):
        if text.startswith(f"'{java}@"):
            text = f"'{java}@...'"
    return "null" if value is None else f"`{text[:40]}{'...' * (len(text) > 40)}`"
