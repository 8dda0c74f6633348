"""Streams that break off or hold garbage: the worker ends as stock's does, with the same error."""

import os
import pickle
import re
import struct
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from faults.outcomes import essence
from faults.stream_host import MODULES
from hydrofoil.recordings.recording import Recording
from hydrofoil.settings import jvm_operators
from hydrofoil.tools.parity.engines import use_conf
from hydrofoil.tools.replay.recorder import record

# See tests/conftest.py.
ONE_IN = 3

HOST = Path(__file__).parent / "stream_host.py"
PYTHON_EXCEPTION_THROWN = struct.pack("!i", -2)
# How many places all over a task are garbled, and how far apart they are within the first messages.
PLACES, APART = (24, 12) if os.environ.get("HYDROFOIL_PARITY") == "full" else (12, 24)

# What an Arrow message begins with; the byte before it may be like it.
CONTINUATION = re.compile(rb"\xff{4}(?!\xff)")

# Bytes of the end markers: where they are garbled, a worker may end well or not, without an error.
END = 40

Ending = tuple[int, str]


def _shout(s: str) -> str:
    return s.upper()


# Rows in Arrow by Spark's operators, in Arrow by Hydrofoil's, and pickled.
@pytest.fixture(scope="module", params=["arrow", "columnar", "pickled"])
def task(request: pytest.FixtureRequest, spark: SparkSession) -> Recording:
    shout = udf(_shout, "string", useArrow=request.param != "pickled")
    frame = spark.range(0, 300, 1, 1).selectExpr("concat('row ', id) s").select(shout("s"))
    with use_conf(spark, {jvm_operators.ENABLED_KEY: str(request.param == "columnar").lower()}):
        [recording] = record(spark, frame.collect)
    return recording


def endings(task: Recording, streams: list[bytes]) -> list[tuple[Ending, Ending]]:
    """How stock and Hydrofoil end on each stream."""
    jobs = [(module, data) for data in streams for module in MODULES]
    done = subprocess.run(
        [sys.executable, str(HOST)],
        input=pickle.dumps(jobs),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | task.environment,
        timeout=300,
        check=True,
    )
    results = [(status, reported(answer)) for status, answer in pickle.loads(done.stdout)]
    return list(zip(results[::2], results[1::2], strict=True))


def reported(answer: bytes) -> str:
    """The error that a worker wrote, without its traceback; "" if none."""
    start = answer.find(PYTHON_EXCEPTION_THROWN)
    while start >= 0:
        [size] = struct.unpack_from("!i", answer, start + 4)
        text = answer[start + 8 : start + 8 + size]
        if text.startswith(b"Traceback"):
            return without_accidents(essence(text.decode()))
        start = answer.find(PYTHON_EXCEPTION_THROWN, start + 1)
    return ""


def without_accidents(message: str) -> str:
    """Cut what depends on who reads how much at a time, or on the memory behind a buffer."""
    return re.sub(r"\d+", "N", re.sub(r"(can't decode byte).*", r"\1", message))


NULL_IN_PATH = "ValueError: embedded null byte"


def compare(task: Recording, streams: dict[str, bytes]) -> None:
    pairs = dict(zip(streams, endings(task, list(streams.values())), strict=True))
    different = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    for _ in range(2):
        # What garbage makes of memory is not the same each time, even with one engine.
        again = endings(task, [streams[name] for name in different])
        different = {
            name: pair
            for name, pair in zip(list(different), again, strict=True)
            if pair[0] != pair[1]
        }
    # Offsets that are out of bounds are followed by stock, which fails in some way, dies, or takes
    # what it finds there for a text.
    different = {
        name: (stock, ours)
        for name, (stock, ours) in different.items()
        if "CorruptFrame" not in ours[1] or (stock[0] == 0 and not invalid(streams[name]))
    }
    # A null in the name of a folder on sys.path is met by whoever imports next, and Hydrofoil's
    # daemon has its imports behind it.
    assert all(stock[1] == NULL_IN_PATH for stock, _ in different.values()), different
    failed = [stock for stock, _ in pairs.values() if stock[0] != 0]
    assert len(failed) > len(pairs) / 4
    assert len({message for _, message in failed}) > 2


def invalid(data: bytes) -> bool:
    """Whether a record batch fails Arrow's own check, which stock does without."""
    arrow = CONTINUATION.search(data, len(data) // 2)
    assert arrow
    try:
        for batch in pa.ipc.open_stream(data[arrow.start() :]):
            batch.validate(full=True)
    except pa.ArrowInvalid:
        return True
    return False


def places(data: bytes) -> list[int]:
    """Offsets all over the task, and closer together in its Arrow stream's messages."""
    arrow = CONTINUATION.search(data, len(data) // 2)
    assert arrow
    everywhere = range(0, len(data) - END, len(data) // PLACES)
    messages = range(arrow.start(), min(arrow.start() + 800, len(data) - END), APART)
    chosen = {1, 4, 5, 9, *everywhere, *messages}
    # The interpreter runs garbled bytecode without a check, in its own loop and in ours as it may.
    bytecode = around(data, _shout.__code__.co_code)
    # A type without this attribute is none that Spark makes, and one compares it where the other
    # has no need to.
    attribute = around(data, b"collation")
    return sorted(chosen - bytecode - attribute)


def around(data: bytes, part: bytes) -> set[int]:
    """Offsets from which garbage reaches into a part of the stream; none if it has no such part."""
    start = data.find(part)
    return set(range(start - 32, start + len(part) + 1)) if start >= 0 else set()


def test_whole_stream_is_run_without_an_error(task: Recording) -> None:
    assert endings(task, [task.data]) == [((0, ""), (0, ""))]


def test_truncated(task: Recording) -> None:
    data = task.data
    cut = {f"cut at {end}": data[:end] for end in [*places(data), len(data) - 8, len(data) - 1]}
    compare(task, cut)


@pytest.mark.parametrize("garbage", [b"\xff" * 8, b"\x00" * 8, b"\x7f\xff\xff\xff"], ids=bytes.hex)
def test_garbled(task: Recording, garbage: bytes) -> None:
    data = task.data
    garbled = {
        f"garbage at {place}": data[:place] + garbage + data[place + len(garbage) :]
        for place in places(data)
    }
    compare(task, garbled)
