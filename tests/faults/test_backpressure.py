"""Who is slower sets the pace: a worker neither reads ahead of its function nor keeps answers."""

import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import pandas_udf, udf

from faults.test_streams import CONTINUATION
from hydrofoil.tools.replay.player import ENGINES
from hydrofoil.tools.replay.recorder import record

# See tests/conftest.py.
ONE_IN = 2

GATE = "HYDROFOIL_TEST_GATE"
REACHED = ".reached"  # Behind the gate's name: a file that the function makes.
ROWS = 10_000  # Of a batch, each of 100 bytes.
BATCHES = 50
MOST = 32 << 20  # Bytes on their way, in sockets and in the worker: a few batches.
STILL_S = 1.0  # Nothing moves for so long: everybody waits, where the function has begun.
START_S = 120.0
END = struct.pack("!i", -4)


def wait_at_the_gate() -> None:
    import time

    gate = os.environ.get(GATE)
    if gate is None:  # Where the task is recorded, and once it was open.
        return
    open(gate + REACHED, "w").close()
    while not os.path.exists(gate):
        time.sleep(0.01)
    del os.environ[GATE]


def with_udf(data: DataFrame) -> DataFrame:
    def shout(s: str) -> str:
        wait_at_the_gate()
        return s.upper()

    return data.select(udf(shout, "string", useArrow=True)("s"))


def with_series(data: DataFrame) -> DataFrame:
    import pandas as pd

    def shout(s: pd.Series) -> pd.Series:
        wait_at_the_gate()
        return s.str.upper()

    return data.select(pandas_udf(shout, "string")("s"))


def with_batches(data: DataFrame) -> DataFrame:
    def same(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            wait_at_the_gate()
            yield batch

    return data.mapInArrow(same, "s string")


@dataclass
class Stream:
    """A task's bytes, a batch of which comes again and again."""

    environment: dict[str, str]
    before: bytes
    batch: bytes
    after: bytes

    def pieces(self) -> Iterator[bytes]:
        yield self.before
        for _ in range(BATCHES):
            yield self.batch
        yield self.after


@pytest.fixture(scope="module", params=[with_udf, with_series, with_batches])
def stream(request: pytest.FixtureRequest, spark: SparkSession) -> Stream:
    make: Callable[[DataFrame], DataFrame] = request.param
    data = spark.range(0, 3 * ROWS, 1, 1).selectExpr("lpad(id, 100, 'row ') s")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", ROWS)
    try:
        [made] = record(spark, lambda: make(data).write.format("noop").mode("append").save())
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    _, second, third, *_ = batches_of(made.data)
    batch = made.data[second:third]
    assert len(batch) > 100 * ROWS
    return Stream(made.environment, made.data[:second], batch, made.data[third:])


def batches_of(data: bytes) -> list[int]:
    """Where the record batches of the Arrow stream in there begin, and where the last one ends."""
    for found in CONTINUATION.finditer(data):
        with suppress(pa.ArrowInvalid, OSError):
            source = pa.BufferReader(data[found.start() :])
            pa.ipc.open_stream(source)
            break
    source.seek(0)
    places = []
    with suppress(EOFError):
        while True:
            places.append(found.start() + source.tell())
            pa.ipc.read_message(source)
    return places[1:]  # The schema comes first.


class Worker:
    """A worker in a process of its own, at a socket that it reads and answers on."""

    def __init__(self, engine: str, stream: Stream, gate: Path) -> None:
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "hydrofoil.tools.bench.memory_worker",
                    str(theirs.fileno()),
                    ENGINES[engine],
                ],
                pass_fds=[theirs.fileno()],
                stdout=subprocess.DEVNULL,
                env={**os.environ, **stream.environment, GATE: str(gate)},
            )
        self.socket.setblocking(False)
        self._rest = b""
        self._pieces = stream.pieces()
        self._reached = gate.with_name(gate.name + REACHED)
        self.sent = 0

    def send_until_still(self) -> None:
        """Send what is taken, until nothing has been for a while, or all has."""
        latest = time.monotonic() + START_S
        while True:
            begun = self._reached.exists()
            if not select.select([], [self.socket], [], STILL_S)[1]:
                if begun:
                    return
                assert time.monotonic() < latest, "the function has not begun"
                continue
            if not self._rest:
                self._rest = next(self._pieces, b"")
                if not self._rest:
                    return
            count = self.socket.send(self._rest)
            self._rest = self._rest[count:]
            self.sent += count

    def rest(self) -> bytes:
        """Send the rest while the answers are read; return all of them."""
        self.socket.setblocking(True)

        def send() -> None:
            for piece in (self._rest, *self._pieces):
                self.socket.sendall(piece)
            self.socket.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        answer = bytearray()
        while part := self.socket.recv(1 << 20):
            answer += part
        sender.join()
        return bytes(answer)

    def resident(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.socket.close()


@pytest.fixture(params=["stock", "hydrofoil"])
def worker(
    request: pytest.FixtureRequest, stream: Stream, tmp_path: Path
) -> Iterator[tuple[Worker, Path]]:
    gate = tmp_path / "open"
    started = Worker(request.param, stream, gate)
    try:
        yield started, gate
    finally:
        started.close()


def rows_of(answer: bytes) -> int:
    start = CONTINUATION.search(answer)
    assert start is not None
    return sum(batch.num_rows for batch in pa.ipc.open_stream(answer[start.start() :]))


def test_a_function_that_is_slow_is_not_read_ahead_of(worker: tuple[Worker, Path]) -> None:
    started, gate = worker
    started.send_until_still()
    assert started.sent < MOST < BATCHES * 100 * ROWS
    before = started.resident()
    gate.touch()
    answer = started.rest()
    assert rows_of(answer) == (BATCHES + 2) * ROWS
    assert started.process.poll() is not None or started.resident() - before < 2 * MOST


def test_answers_that_nobody_reads_stop_the_worker(worker: tuple[Worker, Path]) -> None:
    started, gate = worker
    gate.touch()
    started.send_until_still()
    assert started.sent < MOST < BATCHES * 100 * ROWS
    assert started.resident() < 400 << 20
    assert rows_of(started.rest()) == (BATCHES + 2) * ROWS
