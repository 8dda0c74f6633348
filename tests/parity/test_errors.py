"""What a user is shown when something goes wrong in a function or with its result."""

import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import udf

from hydrofoil.tools.parity.harness import Parity, numbers
from hydrofoil.tools.parity.probes import describe

# See tests/conftest.py.
ONE_IN = 4

pytestmark = pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])


class CustomError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("can't be printed")


def raise_value_error(x: int) -> Any:
    raise ValueError(f"no {x}")


def raise_custom(x: int) -> Any:
    raise CustomError(7, "text")


def raise_with_cause(x: int) -> Any:
    try:
        return dict[str, int]()["missing"]
    except KeyError as error:
        raise RuntimeError("outer") from error


def raise_in_handler(x: int) -> Any:
    try:
        return dict[str, int]()["missing"]
    except KeyError:
        return 1 / 0


def raise_stop_iteration(x: int) -> Any:
    return next(iter(()))


def raise_unprintable(x: int) -> Any:
    raise UnprintableError


def raise_multiline(x: int) -> Any:
    raise ValueError("one\ntwo\n\nfour é \U0001f600")


def raise_group(x: int) -> Any:
    import builtins

    # Not there before Python 3.11: then both engines raise AttributeError.
    raise builtins.ExceptionGroup("group", [ValueError(1), TypeError(2)])


def raise_assertion(x: int) -> Any:
    assert x > 100, "too small"


def raise_recursion(x: int) -> Any:
    return raise_recursion(x + 1)


def raise_system_exit(x: int) -> Any:
    sys.exit("stop")


def raise_keyboard_interrupt(x: int) -> Any:
    raise KeyboardInterrupt


def raise_generator_exit(x: int) -> Any:
    raise GeneratorExit("closed")


def raise_deep(x: int) -> Any:
    def inner(y: int) -> Any:
        return (lambda z: [1, 2][z])(y + 5)

    return inner(x)


def raise_in_comprehension(x: int) -> Any:
    return [10 // y for y in (1, 0)]


def raise_note(x: int) -> Any:
    error = ValueError("noted")
    error.add_note("a note")
    raise error


def raise_from_stock(x: int) -> Any:
    from pyspark.sql import Row

    return Row(a=1).b


def call_wrongly(x: int, y: int) -> Any:
    return x


def failing(function: Callable[..., Any], arrow: bool, declared: str = "bigint") -> Any:
    def build(spark: SparkSession) -> DataFrame:
        return numbers(spark, 3).select(udf(function, declared, useArrow=arrow)("id").alias("r"))

    return build


@pytest.mark.parametrize(
    "function",
    [
        raise_value_error,
        raise_custom,
        raise_with_cause,
        raise_in_handler,
        raise_stop_iteration,
        raise_unprintable,
        raise_multiline,
        raise_group,
        raise_assertion,
        raise_recursion,
        raise_system_exit,
        raise_keyboard_interrupt,
        raise_generator_exit,
        raise_deep,
        raise_in_comprehension,
        raise_note,
        raise_from_stock,
        call_wrongly,
        divmod,
    ],
    ids=lambda function: function.__name__,
)
def test_exceptions(parity: Parity, arrow: bool, function: Callable[..., Any]) -> None:
    parity.same_error(failing(function, arrow))


@pytest.mark.parametrize("row", [0, 5, 12])
def test_error_in_a_later_batch(parity: Parity, arrow: bool, row: int) -> None:
    def build(spark: SparkSession) -> DataFrame:
        inverse = udf(lambda x: 10 // (x - row), "bigint", useArrow=arrow)
        return numbers(spark, 15).select(inverse("id").alias("r"))

    with parity.under(conf={"spark.sql.execution.arrow.maxRecordsPerBatch": "5"}):
        error = parity.same_error(build)
    assert "ZeroDivisionError" in error.message


@pytest.mark.parametrize("function", [raise_value_error, raise_stop_iteration, raise_deep])
def test_full_tracebacks(parity: Parity, arrow: bool, function: Callable[..., Any]) -> None:
    key = "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled"
    with parity.under(conf={key: "false"}):
        parity.same_error(failing(function, arrow), last_line_only=True)


def test_concurrency(parity: Parity, arrow: bool) -> None:
    conf = {"spark.sql.execution.pythonUDF.arrow.concurrency.level": "3"}
    with parity.under(conf=conf):
        parity.same_error(failing(raise_value_error, arrow), last_line_only=True)


@pytest.mark.parametrize("function", [raise_value_error, raise_with_cause])
def test_hidden_tracebacks(parity: Parity, arrow: bool, function: Callable[..., Any]) -> None:
    with parity.under(conf={"spark.sql.execution.pyspark.udf.hideTraceback.enabled": "true"}):
        parity.same_error(failing(function, arrow))


def test_error_in_the_inner_of_chained_functions(parity: Parity, arrow: bool) -> None:
    def build(spark: SparkSession, inner: Callable[..., Any], outer: Callable[..., Any]) -> Any:
        first = udf(inner, "bigint", useArrow=arrow)
        second = udf(outer, "bigint", useArrow=arrow)
        return numbers(spark, 2).select(second(first("id")).alias("r"))

    for pair in (
        (raise_value_error, abs),
        (abs, raise_value_error),
        (lambda x: None, abs),
        (raise_stop_iteration, abs),
        (abs, raise_stop_iteration),
    ):
        parity.same_error(lambda spark, pair=pair: build(spark, *pair))


def test_which_of_several_functions_fails_first(parity: Parity, arrow: bool) -> None:
    """Row by row or function by function: whose error is shown tells."""

    def build(spark: SparkSession) -> DataFrame:
        late = udf(lambda x: 1 // (3 - x), "bigint", useArrow=arrow)
        early = udf(lambda x: [][x], "bigint", useArrow=arrow)
        return numbers(spark, 5).select(late("id").alias("a"), early("id").alias("b"))

    parity.same_error(build)


def test_function_error_or_conversion_error(parity: Parity, arrow: bool) -> None:
    """A wrong result before a row that raises, and a wrong first column before a raising second."""

    def one(spark: SparkSession) -> DataFrame:
        mixed = udf(lambda x: [x] if x == 1 else 1 // (3 - x), "bigint", useArrow=arrow)
        return numbers(spark, 5).select(mixed("id").alias("a"))

    def two(spark: SparkSession) -> DataFrame:
        wrong = udf(lambda x: [x], "bigint", useArrow=arrow)
        raising = udf(raise_value_error, "bigint", useArrow=arrow)
        return numbers(spark, 5).select(wrong("id").alias("a"), raising("id").alias("b"))

    def overflow(spark: SparkSession) -> DataFrame:
        large = udf(lambda x: x + 2**31 if x > 2 else x, "int", useArrow=arrow)
        return numbers(spark, 5).select(large("id").alias("a"))

    for build in (one, two, overflow):
        parity.same(build)


def test_warnings_and_prints(parity: Parity, arrow: bool) -> None:
    def loud(x: int) -> int:
        warnings.warn(f"warned {x}", stacklevel=1)
        print("printed", x)
        print("printed", x, file=sys.stderr)
        return x

    parity.same_rows(failing(loud, arrow))


def test_warnings_as_errors(parity: Parity, arrow: bool) -> None:
    def strict(x: int) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.warn("now an error", DeprecationWarning, stacklevel=1)
        return x

    parity.same_error(failing(strict, arrow))


def test_the_worker_after_an_error(parity: Parity, arrow: bool) -> None:
    parity.same_error(failing(raise_value_error, arrow))
    parity.same_rows(failing(describe, arrow, "string"))
