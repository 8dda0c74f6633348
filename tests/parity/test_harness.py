"""The comparison itself: engines are what they say, and differences are found."""

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.functions import udf

from hydrofoil.tools.parity import samples
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, Engine, use_engine, use_environment
from hydrofoil.tools.parity.harness import (
    Parity,
    Raised,
    Rows,
    difference,
    numbers,
    outcome_of,
    same_frames,
)
from hydrofoil.tools.parity.probes import describe, identity
from hydrofoil.tools.parity.samples import BASE


def test_worker_is_the_one_asked_for(spark: SparkSession, worker: Engine) -> None:
    def loaded(_: int) -> bool:
        import sys

        return "hydrofoil.worker" in sys.modules

    (row,) = numbers(spark, 1).select(udf(loaded, "boolean")("id")).collect()
    assert row[0] == (worker == HYDROFOIL)


@pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])
def test_all_types_take_the_fast_path(parity: Parity, arrow: bool, tmp_path: Path) -> None:
    """Equal answers say nothing about Hydrofoil if stock's code gives both."""
    with (
        use_environment(parity.spark, {"HYDROFOIL_TRACE": str(tmp_path)}),
        use_engine(parity.spark, HYDROFOIL),
    ):
        # Extremes may take the slow path: pyarrow has its own limits on intervals.
        ordinary = [replace(sample, values=(*sample.values[:2], "NULL")) for sample in BASE]
        frame = samples.columns(parity.spark, ordinary)
        for field in frame.schema:
            returned = udf(identity, field.dataType, useArrow=arrow)
            frame.select(returned(field.name)).collect()
    tasks = [json.loads(line) for file in tmp_path.iterdir() for line in file.open()]
    assert len(tasks) == len(BASE)
    batches: Counter[str] = sum((Counter(task["batches"]) for task in tasks), Counter())
    assert batches == {"fast": len(BASE)}, [task for task in tasks if "fast" not in task["batches"]]


DIFFERENT: list[tuple[Any, Any]] = [
    (0.0, -0.0),
    (1, True),
    (1, 1.0),
    (Decimal("1.0"), Decimal("1.00")),
    (b"x", bytearray(b"x")),
    ((1,), [1]),
    ((1,), Row(a=1)),
    (Row(a=1), Row(b=1)),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    (float("nan"), None),
]


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_values_that_compare_equal_are_told_apart(left: Any, right: Any) -> None:
    assert describe(left) != describe(right)
    assert describe([left]) != describe([right])
    assert describe({"k": left}) != describe({"k": right})


def test_equal_values_are_described_alike() -> None:
    values = [float("nan"), "x" * 3, Decimal("1E-7"), Row(a=[1, None]), {"k": (b"",)}]
    copies = [float("nan"), "xxx", Decimal("0.0000001"), Row(a=[1, None]), {"k": (b"",)}]
    assert describe(values) == describe(copies)


def test_differences_between_outcomes() -> None:
    rows = Rows("{}", ("a",), (("int:1",),))
    raised = Raised("PythonException", "PYTHON_EXCEPTION", "ValueError: 1\n SQLSTATE: 38000")
    assert difference(rows, rows) is None
    assert difference(raised, raised) is None
    assert difference(rows, raised) is not None
    assert "column 'a'" in str(difference(rows, Rows("{}", ("a",), (("int:2",),))))
    assert "schema" in str(difference(rows, Rows("[]", ("a",), (("int:1",),))))
    assert "1 rows" in str(difference(rows, Rows("{}", ("a",), ())))
    other = Raised("PythonException", "PYTHON_EXCEPTION", "ValueError: 2\n SQLSTATE: 38000")
    assert difference(raised, other) is not None
    assert difference(raised, other, last_line_only=True) is not None


def test_frames_of_the_worker_are_left_out_only_where_stock_shows_its_own() -> None:
    users = 'Traceback:\n  File "/job.py", line 1, in f\n    g()\nValueError: 1\n'
    stocks = '  File "/x/pyspark/worker.py", line 9, in func\n    run()\n    ^^^^^\n'
    ours = '  File "/x/hydrofoil/evals/batched.py", line 3, in run\n    call()\n'
    with_stocks = users.replace("Traceback:\n", f"Traceback:\n{stocks}")
    with_ours = users.replace("Traceback:\n", f"Traceback:\n{ours}")
    assert same_frames(with_stocks, with_ours) == (users, users)
    assert same_frames(users, with_ours) == (users, with_ours)


def test_a_difference_is_reported(parity: Parity) -> None:
    """A query whose answer depends on the run differs, whatever the engines are."""
    runs = iter(range(100))

    def build(spark: SparkSession) -> DataFrame:
        run = next(runs)
        return numbers(spark, 2).select(udf(lambda x: run + x, "bigint")("id").alias("r"))

    with pytest.raises(AssertionError, match="row 0, column 'r'"):
        parity.same(build)


def test_stock_itself_agrees_with_its_warm_copy(spark: SparkSession) -> None:
    def build(spark: SparkSession) -> DataFrame:
        return samples.columns(spark, BASE).select(
            *[udf(describe, "string")(sample.name) for sample in BASE]
        )

    with use_engine(spark, STOCK):
        cold = outcome_of(spark, build)
    assert Parity(spark).same_rows(build) == cold
