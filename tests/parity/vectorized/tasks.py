"""Many functions against one recorded task of each family, replayed to both engines.

As `parity.replay` does for row UDFs: Spark's bytes are recorded once for each family and
configuration, then the function in them is exchanged, a hundred times a second. Batches of an
answer are joined, because how rows are cut into batches is no user's concern.
"""

import io
import os
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import _parse_datatype_string

from hydrofoil.tools.parity.engines import Engine, use_engine
from hydrofoil.tools.parity.families import Family, Unit
from hydrofoil.tools.parity.probes import describe
from hydrofoil.tools.replay import recorder
from parity import replay
from parity.replay import Player, Players

_FRAMED = -8
# How a pickled function begins.
_PICKLE = b"\x80\x05"


@dataclass(frozen=True)
class Task:
    """A recorded task of a family, around its function."""

    family: Family
    framed: bool
    before: bytes
    after: bytes
    data: bytes

    def stream(self, unit: Unit, declared: str) -> bytes:
        """The task with another function over one unit, declared as what a query declares."""
        if self.family.result in ("table", "batch") and not declared.startswith("struct<>"):
            declared = f"struct<made:{declared}>"
        return self.stream_of(self.family.wrap(unit), declared)

    def stream_of(self, function: Callable[..., Any], declared: str) -> bytes:
        """The task with another function and another declared type, both as Spark gets them."""
        command = cloudpickle.dumps((function, _parse_datatype_string(declared)))
        init = self.before + struct.pack(">i", len(command)) + command + self.after
        head = struct.pack(">ii", _FRAMED, len(init)) if self.framed else b""
        return head + init + self.data


class Recordings:
    """Records tasks."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._known: dict[Any, Task] = {}

    def task(self, family: Family, frame: DataFrame, key: Any = None) -> Task:
        """The task of ``family`` over ``frame`` under the present configuration.

        ``key`` names frame and configuration; the same family and key is recorded once.
        """
        if (family, key) not in self._known:
            self._known[family, key] = self._record(family, frame)
        return self._known[family, key]

    def _record(self, family: Family, frame: DataFrame) -> Task:
        with use_engine(self._spark, Engine("recorder", recorder.DAEMON)):
            recordings = recorder.record(self._spark, lambda: family.idle(frame).collect())
        # The largest is the task with the rows: others have empty partitions.
        return _parsed(family, max((recording.data for recording in recordings), key=len))


def _parsed(family: Family, data: bytes) -> Task:
    framed = struct.unpack_from(">i", data)[0] == _FRAMED
    start = end = 0
    while (start := data.index(_PICKLE, start + 1)) > 0:
        end = start + struct.unpack_from(">i", data, start - 4)[0]
        if start < end <= len(data) and data[end - 1 : end] == b".":
            break
    before, rest = data[: start - 4], data[end:]
    if not framed:
        return Task(family, framed, before, b"", rest)
    # From 4.3 on the init message has a marker and its length in front.
    length = struct.unpack_from(">i", data, 4)[0]
    return Task(family, framed, before[8:], data[end : 8 + length], data[8 + length :])


def players() -> Players:
    """Both engines, each in a process that replays tasks."""
    return Players(
        Player(replay.STOCK, __name__),
        Player(os.environ.get("PARITY_PLAYER", replay.HYDROFOIL), __name__),
    )


def answer(data: bytes) -> list[str]:
    """A worker's answer: the schema, all rows column by column, and the error if there is one.

    Without rows there is no schema either: a stream of empty batches and no stream are the same.
    """
    parts: list[str] = []
    whole = True
    stream = io.BytesIO(data)
    while len(head := stream.read(4)) == 4:
        marker = struct.unpack(">i", head)[0]
        if marker == replay.START_ARROW_STREAM:
            rows, whole = _joined(stream)
            parts += rows
        elif marker == replay.PYTHON_EXCEPTION_THROWN:
            parts.append("raised " + stream.read()[4:].decode())
            whole = True  # An error may cut the stream off after any batch.
        else:
            break  # Times and accumulators follow.
    return parts if whole else [*parts, "cut off without an error"]


def _joined(stream: io.BytesIO) -> tuple[list[str], bool]:
    """Schema and rows, and whether the stream came to its end."""
    whole = True
    start = stream.tell()
    with pa.ipc.open_stream(stream) as reader:
        columns: list[list[pa.Array]] = [[] for _ in reader.schema]
        end, rows = stream.tell(), 0
        try:
            for batch in reader:
                batch.validate(full=True)
                rows += batch.num_rows
                for column, array in zip(columns, batch.columns, strict=True):
                    column.append(array)
                end = stream.tell()
        except (pa.ArrowInvalid, OSError):
            assert end > start
            stream.seek(end)
            whole = False
    if not rows:
        return [], whole
    # Joined before it is looked at: where one batch ends and the next begins is not compared.
    values = [describe(replay.values_of(pa.concat_arrays(column))) for column in columns]
    return [str(reader.schema), f"{rows} rows", *values], whole


if __name__ == "__main__":
    replay.serve(sys.argv[1], answer)
