"""An application whose workers die: ``python dying.py CGROUP``; prints what Spark says of each.

CGROUP is a folder of a group of processes with a limit of memory, for the one that goes over it;
"-" for none. Under stock PySpark with HYDROFOIL=off.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyspark
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf, udf, udtf

import hydrofoil

# Three partitions of 1,000 rows, which come in batches of 100.
ROWS = 3000
# The row 742 of the partition 1.
AT = 1742
VERSION = tuple(map(int, pyspark.__version__.split(".")[:2]))
GROUP = sys.argv[1] if len(sys.argv) > 1 else "-"


def planted(act: Callable[[], Any]) -> Callable[[int], int]:
    def parse(x: int) -> int:
        if x == AT:
            act()
        return x + 1

    return parse


def crash() -> None:
    import ctypes

    ctypes.string_at(0)


def recur(depth: int = 0) -> int:
    # Each call is one of C's too.
    return max([depth], key=lambda _: recur(depth + 1))


def recur_in_c() -> None:
    sys.setrecursionlimit(1 << 30)
    recur()


def fill() -> None:
    kept = []
    while True:
        kept.append(b"x" * (8 << 20))


def fill_group() -> None:
    # The daemon first, which looks at its own group.
    for process in (os.getppid(), os.getpid()):
        Path(GROUP, "cgroup.procs").write_text(str(process))
    fill()


def deadlock() -> None:
    """Wait for a child that waits for a lock, whose thread the fork has not taken along."""
    lock, held, over = threading.Lock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        lock.acquire()
        os._exit(0)
    threading.Timer(2.5, os.kill, (child, signal.SIGKILL)).start()
    os.waitpid(child, 0)
    over.set()
    thread.join()


def outside(number: int) -> Callable[[], None]:
    def end() -> None:
        os.kill(os.getpid(), number)
        time.sleep(60)

    return end


def said(act: Callable[[], Any]) -> str:
    try:
        act()
    except Exception as error:
        return str(getattr(error, "java_exception", error))
    return "nothing"


def main() -> None:
    conf = {
        "spark.sql.execution.arrow.maxRecordsPerBatch": "100",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.hydrofoil.slowRow": "1s",
        "spark.hydrofoil.worker.memory": "600m",
    }
    spark = hydrofoil.session(master="local[3]", app_name="dying", conf=conf)
    spark.sparkContext.setLogLevel("OFF")
    try:
        print(json.dumps(dict(outcomes(spark))))
    finally:
        spark.stop()


def outcomes(spark: SparkSession) -> Iterator[tuple[str, str]]:
    data = spark.range(0, ROWS, 1, 3)
    arrow = VERSION >= (3, 5)

    def plain(act: Callable[[], Any], use_arrow: bool = arrow) -> str:
        function = udf(planted(act), "long", useArrow=use_arrow)
        return said(lambda: data.select(function("id")).collect())

    yield "exit", plain(lambda: os._exit(3))
    yield "exit, pickled", plain(lambda: os._exit(0), use_arrow=False)
    yield "segmentation fault", plain(crash)
    yield "abort", plain(os.abort)
    yield "SIGKILL", plain(outside(signal.SIGKILL))
    yield "SIGTERM", plain(outside(signal.SIGTERM))
    yield "recursion in C", plain(recur_in_c)
    yield "memory by setting", plain(fill)

    yield "connection closed", plain(lambda: os.closerange(3, 256))
    spark.conf.set("spark.hydrofoil.columnar.enabled", "false")
    yield "exit, without the JVM's half", plain(lambda: os._exit(2))
    spark.conf.unset("spark.hydrofoil.columnar.enabled")

    @udf("long")
    def before(x: int) -> int:
        return x

    @udf("long")
    def after(x: int) -> int:
        if x == AT:
            os._exit(4)
        return x

    yield "second of two", said(lambda: data.select(before("id"), after("id")).collect())

    @pandas_udf("long")
    def series(x: pd.Series) -> pd.Series:
        if (x == AT).any():
            os._exit(5)
        return x

    yield "pandas_udf", said(lambda: data.select(series("id")).collect())

    def whole(group: pd.DataFrame) -> pd.DataFrame:
        if (group["id"] == AT).any():
            os._exit(6)
        return group

    one = spark.range(0, ROWS, 1, 1).selectExpr("id", "id div 100 as k")
    yield "applyInPandas", said(lambda: one.groupBy("k").applyInPandas(whole, one.schema).collect())

    def batches(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            if (frame["id"] == AT).any():
                os._exit(7)
            yield frame

    yield "mapInPandas", said(lambda: data.mapInPandas(batches, data.schema).collect())

    @udtf(returnType="y: long")
    class Split:
        def eval(self, x: int) -> Iterator[tuple[int]]:
            if x == AT:
                os._exit(9)
            yield (x,)

    spark.udtf.register("split_it", Split)
    data.createOrReplaceTempView("data")
    query = "select y from data, lateral split_it(id)"
    yield "table function", said(lambda: spark.sql(query).collect())
    exits = planted(lambda: os._exit(10))
    numbers = spark.sparkContext.parallelize(range(ROWS), 3)
    yield "RDD", said(lambda: numbers.map(exits).collect())

    class Unpickled:
        def __reduce__(self) -> Any:
            return os._exit, (8,)

    unpickled = Unpickled()
    yield "unpickling", said(lambda: data.select(udf(lambda x: unpickled)("id")).collect())

    hung = udf(planted(deadlock), "long", useArrow=arrow)
    assert len(data.select(hung("id")).collect()) == ROWS
    # Beside this file, which is run as a program.
    from ui import shown

    print("slow rows in the UI:", shown(spark, "rows that were slow"), file=sys.stderr)
    if VERSION >= (4, 1):
        udf_keys = "spark.sql.execution.pyspark.udf"
        spark.conf.set(f"{udf_keys}.idleTimeoutSeconds", "1")
        spark.conf.set(f"{udf_keys}.killOnIdleTimeout", "true")
        yield "idle timeout", plain(lambda: time.sleep(60))
        spark.conf.set(f"{udf_keys}.killOnIdleTimeout", "false")
    if GROUP != "-":
        yield "memory by cgroup", plain(fill_group)
    assert plain(lambda: None) == "nothing"


if __name__ == "__main__":
    main()
