"""Functions that wait: ``python -m benchmarks.waiting``.

A service on this host's loopback answers after 100 ms, and keeps a log. ``many`` calls it 2,000
times on two slots, beside PySpark's own function of rows on fewer; ``rate`` holds a rate over eight
tasks on two standalone workers; ``kill`` kills an executor meanwhile; ``cancel`` cancels a query.
"""

import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import click

import hydrofoil
from hydrofoil.tools.machine import describe_machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from waiting import caller, on_hosts, service

_CALLS = 2000
_STOCK_CALLS = 100


def _asks(address: str, milliseconds: int, **options: Any) -> Any:
    make = caller.Caller

    async def ask(x: int, *, client: Any) -> str:
        answer: str = await client.get(f"/ask?x={x}&ms={milliseconds}")
        return answer

    async def client() -> AsyncIterator[Any]:
        made = make(address)
        yield made
        made.close()

    function = hydrofoil.async_udf(ask, **options)
    function.setup(client)
    return function


def _many(spark: Any, times: int) -> None:
    with service.running() as address:
        for name, options in (
            ("max_in_flight=256", {"max_in_flight": 256}),
            ("max_in_flight=256, once=False", {"max_in_flight": 256, "once": False}),
        ):
            found = []
            for _ in range(times + 1):
                ask = _asks(address, 100, **options)
                began = time.perf_counter()
                rows = spark.range(0, _CALLS, 1, 2).select(ask("id")).collect()
                found.append(time.perf_counter() - began)
                assert [row[0] for row in rows] == [f"answer to {x}" for x in range(_CALLS)]
            found = found[1:]  # Spark starts its workers in the first.
            print(
                f"many: {_CALLS:,} calls of 100 ms, {name}, two slots: "
                f"{statistics.median(found):.2f} s (most {max(found):.2f} s), in order"
            )

        def blocks(x: int) -> str:
            with urllib.request.urlopen(f"http://{address}/ask?x={x}&ms=100") as answer:
                return str(answer.read().decode())

        from pyspark.sql.functions import udf

        began = time.perf_counter()
        spark.range(0, _STOCK_CALLS, 1, 2).select(udf(blocks)("id")).collect()
        seconds = (time.perf_counter() - began) * _CALLS / _STOCK_CALLS
        print(f"many: PySpark's function of rows: {seconds:.0f} s, of {_STOCK_CALLS} calls")


def _rate(rate: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found, log = on_hosts.run(Path(folder), "rate", rate=rate, calls=20 * rate, tasks=8)
    most, fewest = on_hosts.windows(log)
    assert found["right"]
    print(
        f"rate: {rate} a second over 8 tasks on two standalone workers, {len(log):,} calls: in "
        f"any second {most} at most ({most / rate - 1:+.1%}), "
        f"{fewest} at least ({fewest / rate - 1:+.1%})"
    )


def _kill() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found, log = on_hosts.run(Path(folder), "kill", rate=200, calls=_CALLS, tasks=8)
    assert found["right"]
    asked = Counter(x for _, x, _, _ in log)
    again = {x for x, times in asked.items() if times > 1}
    known = found["killed"] - 0.3
    before = {x for at, x, status, _ in log if status == 200 and at < known}
    print(
        f"kill: {_CALLS:,} rows on two standalone workers, one executor killed: all right; of "
        f"{len(before):,} answered before, {len(again & before)} were asked again; of those in "
        f"flight {len(again)} were"
    )


def _cancel(spark: Any) -> None:
    found = []
    for interrupt in (False, True, False, True):
        with service.running() as address:
            ask = _asks(address, 60_000)

            def collect(ask: Any = ask, interrupt: bool = interrupt) -> None:
                spark.sparkContext.setJobGroup("g", "g", interruptOnCancel=interrupt)
                try:
                    spark.range(0, 200, 1, 2).select(ask("id")).collect()
                except Exception:
                    return

            thread = threading.Thread(target=collect)
            thread.start()
            while len(service.log_of(address)) < 200:
                time.sleep(0.1)
            cancelled = time.time()
            spark.sparkContext.cancelJobGroup("g")
            thread.join()
            log: list[Any] = [[None]]
            while not all(ended for *_, ended in log):
                time.sleep(0.1)
                log = service.log_of(address)
            found.append(max(ended for *_, ended in log) - cancelled)
    print(f"cancel: 200 calls have ended after {max(found):.2f} s at most, of {len(found)} queries")


@click.command()
@click.option("--only", type=click.Choice(["many", "rate", "kill", "cancel"]), multiple=True)
@click.option("--times", default=5, help="Of each measurement of `many`.")
@click.option("--rate", default=200, help="Calls a second.")
def main(only: tuple[str, ...], times: int, rate: int) -> None:
    """Measure, and print a line for each."""
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(caller)
    print(describe_machine())
    chosen = only or ("many", "cancel", "rate", "kill")
    if "many" in chosen or "cancel" in chosen:
        spark = hydrofoil.session("local[2]", conf={"spark.ui.enabled": "false"})
        spark.sparkContext.setLogLevel("OFF")
        if "many" in chosen:
            _many(spark, times)
        if "cancel" in chosen:
            _cancel(spark)
        spark.stop()
    if "rate" in chosen:
        _rate(rate)
    if "kill" in chosen:
        _kill()


if __name__ == "__main__":
    main()
