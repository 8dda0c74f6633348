"""`hydrofoil.explain` says of each plain function whether it is compiled, and why not."""

import math

import pytest
from pyspark.sql import functions as F

import hydrofoil
from compiled.conftest import Both
from hydrofoil.tools.paths.jvm import Operator, compiled


def plus(x):
    return x + 1


def prints(x):
    print(x)
    return x


def sine(x):
    return math.sin(x)


@pytest.mark.parametrize("arrow", [False, True], ids=["pickled", "arrow"])
def test_which_functions_are_compiled(arrow: bool, both: Both) -> None:
    with both.compiled():
        frame = both.spark.range(3).select(
            F.udf(plus, "bigint", useArrow=arrow)("id"),
            F.udf(prints, "bigint", useArrow=arrow)("id"),
            F.udf(sine, "double", useArrow=arrow)("id"),
        )
        explained = hydrofoil.explain(frame)
    found = {f.name: f for f in explained.functions}
    # Before Spark 4.2, whose Arrow goes through pandas, there is a guard more.
    expected = "yes; to Python go rows with an integer beyond 64 bits"
    assert found["plus"].compiled.startswith(expected)
    assert (found["plus"].operator, found["plus"].jvm) == ("CompiledUdf", "Hydrofoil")
    assert found["prints"].compiled.startswith("no: a call of print, which is not known to be pure")
    assert found["sine"].compiled.startswith("no: math.sin")
    assert "compiled" not in found["prints"].jvm_reason
    assert "a call of print" in str(explained)


def test_nothing_is_said_where_nobody_asks(both: Both) -> None:
    with both.stock():
        frame = both.spark.range(3).select(F.udf(plus, "bigint")("id"))
        explained = hydrofoil.explain(frame)
    assert [f.compiled for f in explained.functions] == [""]
    assert "compiled" not in str(explained)


def test_what_a_programs_plans_say() -> None:
    operators = [
        Operator("CompiledUdf", "CompiledUdf f(x#1)#2, guards: division by zero; None, where"),
        Operator("CompiledUdf", "CompiledUdf g(x#1)#2, guards: none"),
        Operator(
            "HydrofoilEvalPython",
            "HydrofoilEvalPython [h(x#1)#3, k(x#1)#4], SQL_ARROW_BATCHED_UDF, not compiled: h: a "
            "call of print, which is not known to be pure (line 7), not compiled: k: while in it",
        ),
        Operator("BatchEvalPython", "...", "its rows are pickled; not compiled: m: it is long"),
    ]
    assert compiled(operators) == [
        ("f", "yes", "to Python go rows with division by zero; None, where"),
        ("g", "yes", ""),
        ("h", "no", "a call of print, which is not known to be pure (line 7)"),
        ("k", "no", "while in it"),
        ("m", "no", "it is long"),
    ]
    assert operators[3].why_sparks == "its rows are pickled"
