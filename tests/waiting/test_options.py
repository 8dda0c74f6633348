"""What `async_udf` may be told, and its mistakes on the driver."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.waiting.options import rate_of


@pytest.mark.parametrize(
    ("given", "a_second"),
    [
        ("600/min", 10.0),
        ("10/s", 10.0),
        ("90,000 / minute", 1500.0),
        ("5/10s", 0.5),
        ("3600/hour", 1.0),
        ("7200/2hours", 1.0),
        (2.5, 2.5),
    ],
)
def test_rates(given: Any, a_second: float) -> None:
    assert rate_of(given, "rate") == pytest.approx(a_second)


@pytest.mark.parametrize(
    "given", ["fast", "10", "0/s", "10/0s", "10/00s", ",/s", "10/fortnight", 0, -1, True]
)
def test_no_rates(given: Any) -> None:
    with pytest.raises(UsageError, match="is no rate"):
        rate_of(given, "rate")


async def f(x: str) -> str:
    return x


def blocks(x: str) -> str:
    return x


async def batches(b: AsyncIterator[list[str]]) -> AsyncIterator[list[str]]:
    async for one in b:
        yield one


async def of_numbers(b: AsyncIterator[int]) -> AsyncIterator[int]:
    async for one in b:
        yield one


async def untyped(x: str):  # type: ignore[no-untyped-def]
    return x


async def with_client(x: str, *, client: Any) -> str:
    return x


async def nothing() -> str:
    return ""


@pytest.mark.parametrize(
    ("function", "options", "said"),
    [
        (f, {"tokens": "9/s"}, "needs to know what a call costs"),
        (f, {"once": False, "remember": "/x"}, "leave one of them out"),
        (f, {"concurrency": 0}, "concurrency=0 is no number"),
        (f, {"max_in_flight": "many"}, "is no number of at least 1"),
        (f, {"timeout": 0}, "is no number of seconds"),
        (f, {"cost": 3}, "is no function"),
        (f, {"max_errors": 3}, "without on_error="),
        (blocks, {}, "is no async function"),
        (batches, {"rate": "9/s"}, "rate= is for functions that are called for each row"),
        (batches, {"on_error": "null"}, "on_error= is for functions that are called for each row"),
        (of_numbers, {}, "gets batches of int, which are none"),
        (untyped, {}, "has no return type"),
        (nothing, {}, "takes no column"),
    ],
)
def test_mistakes(function: Any, options: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        hydrofoil.async_udf(function, **options)


def test_mistakes_of_setups() -> None:
    made = hydrofoil.async_udf(with_client)
    with pytest.raises(UsageError, match="nothing sets that up"):
        made("x")
    with pytest.raises(UsageError, match="no keyword-only parameter 'f'"):
        made.setup(f)
    with pytest.raises(UsageError, match="useArrow= has no meaning"):
        hydrofoil.udf(blocks, useArrow=True, concurrency=2)


def test_explain() -> None:
    made = hydrofoil.async_udf(f, rate="600/min", max_in_flight=64, remember="/answers")
    lines = made.explain().splitlines()
    assert lines[0] == "f(x: string) -> string"
    assert "calls: up to 64 in flight a task, in an event loop that a worker keeps" in lines
    assert "limits of all tasks together: 10 calls a second, 64 in flight" in lines
    assert "answers: remembered in /answers on the driver" in lines


def test_a_folder_in_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    lines = hydrofoil.async_udf(f, remember="~/answers").explain().splitlines()
    assert "answers: remembered in /home/ada/answers on the driver" in lines


def test_without_spark() -> None:
    assert hydrofoil.async_udf(f).local(["a", None, "b"]).to_pylist() == ["a", None, "b"]
    assert hydrofoil.udf(blocks, concurrency=2).local(["a"]).to_pylist() == ["a"]
    assert hydrofoil.async_udf(batches).local(["a", "b"]).to_pylist() == ["a", "b"]
