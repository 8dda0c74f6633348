"""How often, in which order and how lazily functions are called; where their errors come."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from hydrofoil.tools.parity.families import FAMILIES, Family, Unit
from hydrofoil.tools.parity.families import family as named
from hydrofoil.tools.parity.harness import Parity, numbers
from parity.replay import Players
from parity.vectorized.conftest import Record

# See tests/conftest.py.
ONE_IN = 13

REPLAYED = [family for family in FAMILIES if "barrier" not in family.name]


class CustomError(Exception):
    pass


def _value_error(number: int) -> Any:
    raise ValueError(f"no {number}")


def _custom(number: int) -> Any:
    raise CustomError("custom", number)


def _stop_iteration(number: int) -> Any:
    return next(iter(()))


def _system_exit(number: int) -> Any:
    sys.exit(f"exit {number}")


def _keyboard_interrupt(number: int) -> Any:
    raise KeyboardInterrupt


def _generator_exit(number: int) -> Any:
    raise GeneratorExit("closed")


def _with_cause(number: int) -> Any:
    try:
        return {}["missing"]
    except KeyError as error:
        raise RuntimeError("outer") from error


def _deep(number: int) -> Any:
    def inner() -> Any:
        return [10 // y for y in (1, 0)]

    return inner()


def _in_pandas(number: int) -> Any:
    return pd.DataFrame({"a": [1]})["b"]


def _in_arrow(number: int) -> Any:
    return pa.array(["x"]).cast(pa.int64())


ERRORS = [
    _value_error, _custom, _stop_iteration, _system_exit, _keyboard_interrupt, _generator_exit,
    _with_cause, _deep, _in_pandas, _in_arrow,
]  # fmt: skip


def failing(family: Family, error: Callable[[int], Any], at: int) -> Unit:
    calls = iter(range(1000))

    def observe(*values: Any) -> str:
        number = next(calls)
        return error(number) if number == at else f"call {number}"  # type: ignore[no-any-return]

    return family.texts(observe)


@pytest.mark.parametrize("family", REPLAYED, ids=str)
def test_errors(recorded: Record, both: Players, family: Family) -> None:
    """In the first, a middle and the last call, with what was written before."""
    task = recorded(family)
    cases = [(error, at) for error in ERRORS for at in (0, 1, 2)]
    streams = [task.stream(failing(family, error, at), "string") for error, at in cases]
    both.same([f"{error.__name__} in call {at}" for error, at in cases], streams)


@pytest.mark.parametrize("family", REPLAYED, ids=str)
def test_calls_are_counted(recorded: Record, both: Players, family: Family) -> None:
    """Whatever becomes of the result: on the fast path, by stock, refused."""

    def counting(result: Callable[[str], Any]) -> Unit:
        calls: list[int] = []

        def observe(*values: Any) -> Any:
            calls.append(len(calls))
            return result(f"{calls}")

        return family.texts(observe)

    results: dict[str, Callable[[str], Any]] = {
        "text": lambda text: text,
        "number": lambda text: len(text),
        "none": lambda text: None,
    }
    streams = [recorded(family).stream(counting(result), "string") for result in results.values()]
    both.same(list(results), streams)


ITERATORS = [family for family in REPLAYED if "iter" in family.name or "map" in family.name]


def _eager(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    for unit in list(units):
        yield make(unit)


def _generator(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    for unit in units:
        events.append("got")
        yield make(unit)
        events.append("resumed")


def _in_finally(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    try:
        for unit in units:
            yield make(unit)
    finally:
        events.append("closed")


def _two_behind(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    held: list[Any] = []
    for unit in units:
        held.append(unit)
        if len(held) > 2:
            yield make(held.pop(0))
    yield from map(make, held)


def _first_only(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    yield make(next(units))


def _none_read(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    return iter(())


def _all_read(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    for _ in units:
        pass
    return iter(())


def _too_many(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    for unit in units:
        yield make(unit)
        yield make(unit)


def _error_after(
    events: list[str], units: Iterator[Any], make: Callable[..., Any]
) -> Iterator[Any]:
    for unit in units:
        yield make(unit)
    raise ValueError("after the last")


def _error_before(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Any:
    raise ValueError("before the first")


def _read_again(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    for unit in units:
        yield make(unit)
    events.append(str(next(units, "no more")))
    events.append(str(next(units, "no more")))


def _kind(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    events.append(f"{isinstance(units, Iterator)} {iter(units) is units}")
    for unit in units:
        yield make(unit)


def _list(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Any:
    return [make(unit) for unit in units]


def _tuple(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Any:
    return tuple(make(unit) for unit in units)


def _map(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Any:
    return map(make, units)


def _one(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Any:
    return make(next(units))


def _nothing(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Any:
    return None


def _number(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Any:
    return 5


def _of_wrong(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    for unit in units:
        yield make(unit)
        yield "wrong"


def _of_none(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Iterator[Any]:
    for unit in units:
        yield make(unit)
        yield None


def _getitem(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Any:
    made = [make(unit) for unit in units]

    class Sequence:
        def __getitem__(self, index: int) -> Any:
            return made[index]

    return Sequence()


def _stops(events: list[str], units: Iterator[Any], make: Callable[..., Any]) -> Any:
    class Stops:
        def __iter__(self) -> Any:
            return self

        def __next__(self) -> Any:
            return make(next(units))

    return Stops()


SHAPES = [
    _eager, _generator, _in_finally, _two_behind, _first_only, _none_read, _all_read, _too_many,
    _error_after, _error_before, _read_again, _kind, _list, _tuple, _map, _one, _nothing, _number,
    _of_wrong, _of_none, _getitem, _stops,
]  # fmt: skip


@pytest.mark.parametrize("family", ITERATORS, ids=str)
@pytest.mark.parametrize("strict", ["false", "true"])
def test_iterators(recorded: Record, both: Players, family: Family, strict: str) -> None:
    """How a function may treat its iterator, and what it may return for one."""
    key = "spark.sql.execution.pythonUDF.mapInBatch.legacy.acceptAnyIterable.enabled"
    legacy = "false" if strict == "true" else "true"
    task = recorded(family, {key: legacy, "spark.sql.execution.arrow.maxRecordsPerBatch": "2"})

    def function_of(shape: Callable[..., Any]) -> Callable[..., Any]:
        events: list[str] = []

        def make(unit: Any) -> Any:
            def observe(*values: Any) -> str:
                return f"{len(events)} {events}"

            return family.texts(observe)(unit)

        def keyless(units: Any) -> Any:
            return shape(events, units, make)

        def keyed(key: Any, units: Any) -> Any:
            return shape(events, units, make)

        return keyed if "key" in family.name else keyless

    table = family.result in ("table", "batch")
    declared = "struct<made:string>" if table else "string"
    streams = [task.stream_of(function_of(shape), declared) for shape in SHAPES]
    both.same([shape.__name__ for shape in SHAPES], streams)


def _of_rows(family: Family, count: int) -> Unit:
    """A result of ``count`` rows, for each unit."""

    def unit(*values: Any) -> Any:
        return family.boxed(["x"] * count, [0] * count)

    return unit


@pytest.mark.parametrize("family", REPLAYED, ids=str)
def test_sizes_of_results(recorded: Record, both: Players, family: Family) -> None:
    task = recorded(family)
    counts = (0, 1, 2, 3, 4, 20_000) if family.result != "scalar" else (1,)
    both.same(list(map(str, counts)), [task.stream(_of_rows(family, n), "string") for n in counts])


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_on_spark(parity: Parity, family: Family) -> None:
    """What surrounds a call: task context, accumulators, broadcasts, prints, warnings."""
    context = parity.spark.sparkContext
    shared = context.broadcast({"k": [1, 2]})
    counts = []

    def build(spark: SparkSession) -> DataFrame:
        counter = context.accumulator(0)
        counts.append(counter)

        def observe(*values: Any) -> str:
            import logging
            import warnings

            from pyspark import TaskContext

            counter.add(1)
            print("printed", len(values))
            warnings.warn("warned", stacklevel=1)
            logging.getLogger("user").warning("logged")
            task = TaskContext.get()
            assert task is not None
            return f"{shared.value} {task.partitionId()} {task.attemptNumber()}"

        frame = numbers(spark, 9).selectExpr("id div 3 AS k", "id AS n")
        return family.observed(frame, observe)

    with parity.under(conf={"spark.sql.execution.arrow.maxRecordsPerBatch": "2"}):
        parity.same_rows(build)
    assert counts[0].value == counts[1].value > 0


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_limits(parity: Parity, family: Family) -> None:
    """The JVM stops reading early, before a call that would fail."""
    if "barrier" in family.name:
        pytest.skip("a barrier stage runs to its end")

    def build(spark: SparkSession) -> DataFrame:
        frame = spark.range(0, 3000, 1, 1).selectExpr("id div 3 AS k", "id AS n")
        return family.observed(frame, lambda *values: "seen").limit(4)

    with parity.under(conf={"spark.sql.execution.arrow.maxRecordsPerBatch": "100"}):
        parity.same_rows(build)
        parity.same_rows(build)


SIMPLIFIED = "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled"
HIDDEN = "spark.sql.execution.pyspark.udf.hideTraceback.enabled"


@pytest.mark.parametrize(
    "family",
    [
        named(name)
        for name in ("scalar pandas", "mapInPandas", "applyInPandas key iter", "applyInArrow")
    ],
    ids=str,
)  # fmt: skip
def test_tracebacks(parity: Parity, family: Family) -> None:
    def build(spark: SparkSession) -> DataFrame:
        frame = numbers(spark, 9).selectExpr("id div 3 AS k", "id AS n")
        return family.query(frame, failing(family, _with_cause, 0), "string")

    with parity.under(conf={SIMPLIFIED: "false"}):
        parity.same_error(build, last_line_only=True)
    with parity.under(conf={HIDDEN: "true"}):
        parity.same_error(build)
    parity.same_error(build)
