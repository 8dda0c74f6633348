"""What decorators are given: hints that can be called, wrapped functions, all parameters."""

import dataclasses
import functools
import threading
from typing import Annotated, Any, NewType, Optional

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import Row

import hydrofoil
from hydrofoil.decorators import devices, groups
from hydrofoil.errors import UsageError
from hydrofoil.holders import running

Count = NewType("Count", int)


@dataclasses.dataclass
class Point:
    x: int
    y: int


@dataclasses.dataclass(kw_only=True)
class Named:
    x: int
    at: Point


def listed(x):
    return [x]


@pytest.mark.parametrize(
    "hint, expected",
    [
        (list[int], "array<bigint>"),
        (dict[str, int], "map<string,bigint>"),
        (Optional[int], "bigint"),  # noqa: UP045
        (Annotated[Any, "decimal(5,2)"], "decimal(5,2)"),
        (Count, "bigint"),
    ],
)
def test_a_hint_is_a_return_type(hint: Any, expected: str) -> None:
    """Those that can be called, too, are not taken for the function."""
    made = [hydrofoil.udf(hint)(listed), hydrofoil.pandas_udf(hint)(listed)]
    assert [one.returnType.simpleString() for one in made] == [expected] * 2


async def later(x: int) -> int:
    return x


async def much_later(x: int):
    yield x


def twofold(x: int):
    yield x
    yield x


@pytest.mark.parametrize("function", [later, much_later, functools.partial(later)])
def test_nothing_awaits_results(function: Any) -> None:
    """Said when it is decorated, not by the first task that gets a coroutine."""
    for decorate in (
        hydrofoil.udf("int"),
        hydrofoil.pandas_udf("int"),
        hydrofoil.arrow_udf("int"),
        hydrofoil.numpy_udf("int"),
        hydrofoil.batch_udf(load=dict, return_type="int", batch_size=8),
    ):
        with pytest.raises(UsageError, match=r"\(\) is an async function"):
            decorate(function)


def test_a_row_has_one_result() -> None:
    with pytest.raises(UsageError, match=r"twofold\(\) yields"):
        hydrofoil.udf("array<int>")(twofold)


def test_a_hint_is_no_aggregate() -> None:
    class Counts:
        def init(self):
            return {}

        def update(self, state, x):
            return state

        def merge(self, state, other):
            return state

        def finish(self, state):
            return state

    # A dict has a method `update`, and so has the hint.
    made = hydrofoil.aggregate(dict[str, int])(Counts)
    assert made.result_type.simpleString() == "map<string,bigint>"


class Applied:
    def __init__(self, func: Any) -> None:
        self.func = func

    def __call__(self, x: int) -> str:
        return str(self.func(x))


@functools.lru_cache
def cached(x: int) -> str:
    return str(x)


def test_whose_hints_are_read() -> None:
    # An object's own, whatever it calls `func`; and a cached function's.
    for function in (Applied(abs), functools.partial(Applied(abs)), cached):
        assert hydrofoil.udf(function).returnType.simpleString() == "string"


def prose(x: "a number") -> int:  # type: ignore[syntax]  # noqa: F722
    return x


def missing(x: "functools.nothing") -> int:  # type: ignore[name-defined]
    return x


@pytest.mark.parametrize("function", [prose, missing])
def test_a_hint_that_is_no_type(function: Any) -> None:
    with pytest.raises(UsageError, match=r"a type hint of \w+\(\) can't be evaluated"):
        hydrofoil.udf(function)


def kinds(*points: Point) -> str:
    return " ".join(type(one).__name__ for one in points)


def after(a: int, *rest, b: Point | None = None, **more: Point) -> str:
    return " ".join(type(one).__name__ for one in (a, *rest, b, *more.values()))


def test_parameters_of_any_kind() -> None:
    row = Row(x=1, y=2)
    assert hydrofoil.udf(kinds).func(row, row, row) == "Point Point Point"
    # What is by name alone has no place among those by position.
    sent = hydrofoil.udf(after).func
    assert sent(1, 2, 3) == "int int int NoneType"
    assert sent(1, row, b=row, c=row) == "int Row Point Point"


async def waiting(*points: Point) -> str:
    return " ".join(type(one).__name__ for one in points)


async def by_name(x: str, **more: str) -> str:
    return x


def test_parameters_of_a_function_that_waits() -> None:
    made = hydrofoil.async_udf(waiting)
    points = pa.array([{"x": 1, "y": 2}])
    assert made.local(points, points).to_pylist() == ["Point Point"]
    with pytest.raises(UsageError, match="with y by name, and gets its columns by position"):
        hydrofoil.async_udf(by_name)("x", y="y")


def test_models_that_take_more_than_they_need() -> None:
    @hydrofoil.batch_udf(load=lambda: 2.0, return_type="double", batch_size=2)
    def scaled(model, x, plus=1.0):
        return x * model + plus

    assert scaled.local([1.0, 2.0, 3.0]).to_pylist() == [3.0, 5.0, 7.0]
    assert scaled.local([1.0, 2.0], [0.0, 5.0]).to_pylist() == [2.0, 9.0]
    # NumPy's own have a parameter for where the result goes.
    root = hydrofoil.batch_udf(lambda: np.sqrt, return_type="double", batch_size=2)
    assert root.local([1.0, 4.0, 9.0]).to_pylist() == [1.0, 2.0, 3.0]
    assert root.local(pa.array([], pa.float64())).to_pylist() == []
    assert [running._takes(one) for one in (np.sqrt, lambda x: x, lambda *x: x)] == [None, 1, None]


def total(counts: dict[str, int]) -> int:
    return sum(counts.values())


def test_dicts_for_a_map() -> None:
    counts = [{"a": 1, "b": 2}, {}]
    assert hydrofoil.udf(total).local(counts).to_pylist() == [3, 0]
    kind = pa.map_(pa.string(), pa.int64())
    assert hydrofoil.udf(total).local(pa.array(counts, kind)).to_pylist() == [3, 0]


def test_dates_beyond_pythons_are_keys() -> None:
    days = pa.array([0, 4_000_000, None], pa.int32())
    assert groups._listed(days.view(pa.date32())) == [0, 4_000_000, None]


def both(value: Named) -> int:
    return value.x + value.at.y


def test_fields_by_name_alone() -> None:
    sent = hydrofoil.udf(both).func
    assert sent(Row(x=1, at=Row(x=2, y=3))) == 4
    assert sent(Row(at=Row(y=3, x=2), x=1, more=0)) == 4


def test_a_function_that_calls_itself_and_cannot_be_sent() -> None:
    lock = threading.Lock()
    with pytest.raises(UsageError, match="it uses 'lock', a lock"):

        @hydrofoil.udf("int")
        def down(x):
            with lock:
                return down(x - 1) if x else 0


@pytest.mark.parametrize("visible, expected", [("-1", []), ("0, 2", ["0", "2"]), ("1,-1,0", ["1"])])
def test_devices_that_are_hidden(
    monkeypatch: pytest.MonkeyPatch, visible: str, expected: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert devices._present() == expected
