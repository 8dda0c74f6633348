"""THE table of peers, and the process that runs one.

It is run as ``python -m hydrofoil.tools.bench.peers NAME FILE``.
Each peer is used as its own documentation recommends for a Python function of each row, and for
one of a batch. The process reads a workload's name a line and answers with JSON: seconds of wall
clock and the answer, or what it raised.
"""

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

# Peer -> the module that has to be installed.
PEERS = {"DuckDB": "duckdb", "Polars": "polars", "Daft": "daft", "Sail": "pysail"}

# By workload: how many rows a second are reported is decided by the suite; the answer is a number.
WORKLOADS = ("x + 1", "s.upper()", "x + 1, by batch", "s.upper(), by batch")

Queries = dict[str, Callable[[], int]]


def plus_one(x: int) -> int:
    return x + 1


def upper(s: str) -> str:
    return s.upper()


def plus_one_of_batch(x: Any) -> Any:
    import pyarrow.compute as pc

    return pc.add(x, 1)


def upper_of_batch(s: Any) -> Any:
    import pyarrow.compute as pc

    return pc.utf8_upper(s)


def _duckdb(path: str, threads: int) -> Queries:
    """Python functions are created by name; "arrow" ones get chunks of columns."""
    import duckdb  # type: ignore[import-not-found,unused-ignore]

    connection: Any = duckdb.connect(config={"threads": threads})
    for name, function, kind, sort in (
        ("plus_one", plus_one, "BIGINT", "native"),
        ("upper_case", upper, "VARCHAR", "native"),
        ("plus_one_batch", plus_one_of_batch, "BIGINT", "arrow"),
        ("upper_case_batch", upper_of_batch, "VARCHAR", "arrow"),
    ):
        connection.create_function(name, function, [kind], kind, type=sort)

    def query(expression: str) -> Callable[[], int]:
        text = f"SELECT CAST(sum({expression}) AS BIGINT) FROM read_parquet(?)"
        return lambda: int(connection.execute(text, [path]).fetchall()[0][0])

    return {
        "x + 1": query("plus_one(x)"),
        "s.upper()": query("length(upper_case(s))"),
        "x + 1, by batch": query("plus_one_batch(x)"),
        "s.upper(), by batch": query("length(upper_case_batch(s))"),
    }


def _polars(path: str, threads: int) -> Queries:
    """``map_elements`` for values and ``map_batches`` for Series, on a lazy scan."""
    import polars as pl  # type: ignore[import-not-found,unused-ignore]

    def query(expression: Any) -> Callable[[], int]:
        return lambda: int(pl.scan_parquet(path).select(expression.sum()).collect().item())

    x, s = pl.col("x"), pl.col("s")
    return {
        "x + 1": query(x.map_elements(plus_one, return_dtype=pl.Int64)),
        "s.upper()": query(s.map_elements(upper, return_dtype=pl.String).str.len_chars()),
        "x + 1, by batch": query(x.map_batches(lambda v: v + 1, return_dtype=pl.Int64)),
        "s.upper(), by batch": query(
            s.map_batches(lambda v: v.str.to_uppercase(), return_dtype=pl.String).str.len_chars()
        ),
    }


def _daft(path: str, threads: int) -> Queries:
    """``daft.func`` for values and ``daft.func.batch`` for Series."""
    import daft  # type: ignore[import-not-found,unused-ignore]
    from daft import DataType

    each = {
        "x + 1": daft.func(plus_one, return_dtype=DataType.int64())(daft.col("x")),
        "s.upper()": daft.func(upper, return_dtype=DataType.string())(daft.col("s")).length(),
        "x + 1, by batch": daft.func.batch(return_dtype=DataType.int64())(
            lambda v: plus_one_of_batch(v.to_arrow())
        )(daft.col("x")),
        "s.upper(), by batch": daft.func.batch(return_dtype=DataType.string())(
            lambda v: upper_of_batch(v.to_arrow())
        )(daft.col("s")).length(),
    }

    def query(expression: Any) -> Callable[[], int]:
        frame = daft.read_parquet(path).select(expression.alias("r"))
        return lambda: int(frame.sum("r").to_pydict()["r"][0])

    return {name: query(expression) for name, expression in each.items()}


def _sail(path: str, threads: int) -> Queries:
    """A Spark Connect server in this process, with PySpark's own client."""
    from pysail.spark import SparkConnectServer  # type: ignore[import-not-found,unused-ignore]
    from pyspark.sql import SparkSession

    server = SparkConnectServer()
    server.start(background=True)
    host, port = server.listening_address
    spark = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
    # It serves until the process ends.
    spark._sail_server = server  # type: ignore[attr-defined]
    return spark_queries(spark, path)


def arrow_function(function: Callable[[Any], Any], returns: Any) -> Any:
    """An Arrow UDF of one array."""
    from pyspark.sql.pandas import functions

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return functions.arrow_udf(function, returns, functions.ArrowUDFType.SCALAR)


def spark_queries(spark: Any, path: str) -> Queries:
    """The same with PySpark's functions; a batch is one of Arrow arrays."""
    from pyspark.sql import functions as F
    from pyspark.sql.functions import udf
    from pyspark.sql.types import LongType, StringType

    long, string = LongType(), StringType()

    def query(column: Callable[[], Any]) -> Callable[[], int]:
        # Made anew for each run: a UDF takes the engine's environment along.
        return lambda: int(
            spark.read.parquet(path).select(column().alias("r")).agg(F.sum("r")).collect()[0][0]
        )

    return {
        "x + 1": query(lambda: udf(plus_one, long, useArrow=True)("x")),
        "s.upper()": query(lambda: F.length(udf(upper, string, useArrow=True)("s"))),
        "x + 1, by batch": query(lambda: arrow_function(plus_one_of_batch, long)("x")),
        "s.upper(), by batch": query(lambda: F.length(arrow_function(upper_of_batch, string)("s"))),
    }


_MAKERS = {"DuckDB": _duckdb, "Polars": _polars, "Daft": _daft, "Sail": _sail}


def installed() -> list[str]:
    """The peers that are installed here."""
    return [name for name, module in PEERS.items() if find_spec(module) is not None]


class Peer:
    """A peer in a process of its own, for as long as the block it is entered in.

    Parameters
    ----------
    name : str
    path : Path
        A Parquet file with the columns x (long) and s (string).
    threads : int
        As many as it may use, where it can be told.
    """

    def __init__(self, name: str, path: Path, threads: int) -> None:
        self.name = name
        environment = os.environ | {"POLARS_MAX_THREADS": str(threads)}
        # Its own session would be Spark's, not Sail's, where one of these is set.
        environment = {k: v for k, v in environment.items() if not k.startswith("SPARK_REMOTE")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hydrofoil.tools.bench.peers", name, str(path), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        # What one that has ended did not take stays in the buffer.
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def run(self, workload: str) -> tuple[float, int]:
        """Seconds of wall clock, and the answer.

        Raises
        ------
        PeerError
            The peer can't do it.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(f"{workload}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerError("its process ended; what it said is on stderr")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return float(answer["seconds"]), int(answer["answer"])


class PeerError(RuntimeError):
    """A peer failed; the message is what it raised."""


def _main() -> None:
    name, path, threads = sys.argv[1:]
    # Answers go to standard output, so whatever the peer prints must go elsewhere.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    queries: Queries | None = None
    for line in sys.stdin:
        try:
            queries = queries or _MAKERS[name](path, int(threads))
            start = time.perf_counter()
            answer = queries[line.strip()]()
            answers.write(json.dumps({"seconds": time.perf_counter() - start, "answer": answer}))
        except Exception as error:
            answers.write(json.dumps({"error": f"{type(error).__name__}: {str(error)[:300]}"}))
        answers.write("\n")
    answers.flush()
    # Servers' threads would hold the process.
    os._exit(0)


if __name__ == "__main__":
    _main()
