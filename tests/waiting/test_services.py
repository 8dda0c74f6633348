"""Functions that wait for a service that misbehaves, that are cancelled, and that remember."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from failures.ui import shown
from pyspark.sql import SparkSession
from waiting import service
from waiting.caller import Caller

import hydrofoil
from hydrofoil.settings import jvm_operators
from hydrofoil.settings.user_conf import spark_version
from hydrofoil.tools.parity.engines import HYDROFOIL, use_engine


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with service.running() as started:
        yield started


@pytest.fixture(autouse=True)
def _hydrofoil(spark: SparkSession) -> Iterator[None]:
    with use_engine(spark, HYDROFOIL):
        yield


def asks(address: str, query: str, **options: Any) -> Any:
    """A function that asks the service."""

    async def ask(x: int, *, client: Any) -> str:
        answer: str = await client.get(f"/ask?x={x}&{query}")
        return answer

    async def client() -> AsyncIterator[Caller]:
        made = Caller(address)
        yield made
        made.close()

    made = hydrofoil.async_udf(ask, **options)
    made.setup(client)
    return made


def test_a_service_that_misbehaves(spark: SparkSession, address: str) -> None:
    ask = asks(
        address,
        "ms=10&fail=429,500,reset,hang&random=0.1",
        timeout=1.0,
        retries=12,
        backoff=0.05,
    )
    found = spark.range(0, 200, 1, 2).select("id", ask("id")).collect()
    assert [tuple(row) for row in found] == [(i, f"answer to {i}") for i in range(200)]
    log = service.log_of(address)
    answered = Counter(x for _, x, status, _ in log if status == 200)
    assert answered == {str(i): 1 for i in range(200)}
    # Not before the service wanted it.
    by_row: dict[str, list[float]] = {}
    for at, x, _, _ in log:
        by_row.setdefault(x, []).append(at)
    assert all(times[1] - times[0] >= service.RETRY_AFTER_S - 0.01 for times in by_row.values())
    counts = hydrofoil.waiting_calls(spark)[-1]
    assert counts.rows == 200 and counts.retries == counts.calls - 200 >= 800


def test_what_a_service_refuses_is_an_error(spark: SparkSession, address: str) -> None:
    ask = asks(address, "fail=400", on_error="null")
    found = spark.range(500, 510, 1, 1).select(ask("id")).collect()
    assert [row[0] for row in found] == [None] * 10
    assert sum(x.startswith("50") and len(x) == 3 for _, x, _, _ in service.log_of(address)) == 10


@pytest.mark.parametrize("how", ["interrupted", "not interrupted"])
def test_a_cancelled_query_ends_its_calls(spark: SparkSession, tmp_path: Path, how: str) -> None:
    @hydrofoil.async_udf
    async def ask(x: int) -> str:
        (tmp_path / f"begun {x}").touch()
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            # Spark alone would kill the worker after two to four seconds, and nothing would run.
            (tmp_path / f"ended {x}").touch()
            raise
        return ""

    failed: list[Exception] = []

    def collect() -> None:
        spark.sparkContext.setJobGroup(how, how, interruptOnCancel=how == "interrupted")
        try:
            spark.range(0, 100, 1, 2).select(ask("id")).collect()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=collect)
    thread.start()
    wait_until(lambda: len([*tmp_path.glob("begun *")]) == 100)
    spark.sparkContext.cancelJobGroup(how)
    thread.join()
    assert failed
    wait_until(lambda: len([*tmp_path.glob("ended *")]) == 100)


def test_remembered_answers(spark: SparkSession, address: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    for _ in range(2):
        # As tomorrow's program would decorate it.
        ask = asks(address, "ms=1", remember=path)
        found = spark.range(3000, 3400, 1, 4).select(ask("id")).collect()
        assert [row[0] for row in found] == [f"answer to {x}" for x in range(3000, 3400)]
    assert sum(3000 <= int(x) < 3400 for _, x, _, _ in service.log_of(address)) == 400
    counts = hydrofoil.waiting_calls(spark)[-1]
    assert (counts.calls, counts.saved) == (0, 400)


def test_calls_are_shown(spark: SparkSession, address: str) -> None:
    if jvm_operators.why_not(spark_version()) is not None:
        pytest.skip("without the JVM's half, Spark's operators have no such metrics")
    before = spark.conf.get(jvm_operators.ENABLED_KEY)
    spark.conf.set(jvm_operators.ENABLED_KEY, "true")
    try:
        ask = asks(address, "ms=1&fail=500", backoff=0.01, rate="1000/s", cost=lambda x: 3)
        spark.range(5100, 5200, 1, 2).select(ask("id")).collect()
    finally:
        spark.conf.set(jvm_operators.ENABLED_KEY, before)
    assert shown(spark, "calls of services") == ["200"]
    assert shown(spark, "calls made again") == ["100"]
    assert shown(spark, "cost of calls") == ["600"]
    assert len(shown(spark, "time waiting for limits")) == 1


def test_limits_of_one_machine(spark: SparkSession, address: str) -> None:
    ask = asks(address, "ms=20", rate="200/s", max_in_flight=10)
    began = time.time()
    found = spark.range(4000, 4200, 1, 2).select(ask("id")).collect()
    assert [row[0] for row in found] == [f"answer to {x}" for x in range(4000, 4200)]
    # It can't have been sooner, however fast this machine is.
    assert time.time() - began >= 199 / 200
    entries = [one for one in service.log_of(address) if 4000 <= int(one[1]) < 4200]
    times = sorted(at for at, _, _, _ in entries)
    flying = max(sum(a <= at < a + 0.02 for at in times) for a in times)
    assert flying <= 10


def wait_until(condition: Any) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to that")
