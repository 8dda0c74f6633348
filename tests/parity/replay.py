"""Many functions against one recorded task: what real Spark sent, with the function exchanged.

An error ends a worker, so each erring case is a query of its own on Spark. A recorded task can be
replayed to both engines' ``main`` a hundred times a second instead. The recording is of a row UDF
over the column ``id`` on Spark 4.3, whose init message is framed and ends in the function.
"""

import importlib
import io
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from pyspark import cloudpickle
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf
from pyspark.sql.types import DataType

from hydrofoil.tools.parity.engines import Engine, use_engine
from hydrofoil.tools.parity.harness import normalized, numbers, same_frames
from hydrofoil.tools.parity.probes import describe, identity
from hydrofoil.tools.replay import recorder

STOCK = "pyspark.worker"
HYDROFOIL = "hydrofoil.worker"

_RESULT_ID = 8
START_ARROW_STREAM = -6
PYTHON_EXCEPTION_THROWN = -2


@dataclass(frozen=True)
class Task:
    """A recorded task in parts: around the function, the input's rows, and what follows them."""

    before_function: bytes
    after_function: bytes
    arrow: bool
    schema: bytes
    tail: bytes

    def stream(
        self, function: Callable[[int], Any], declared: DataType, batches: Sequence[Sequence[int]]
    ) -> bytes:
        """The task with another function and return type, and these values of ``id``."""
        command: bytes = cloudpickle.dumps((function, declared))
        init = self.before_function + struct.pack(">i", len(command)) + command
        init += self.after_function
        framed = struct.pack(">ii", -8, len(init)) + init
        return framed + (self._arrow(batches) if self.arrow else _pickled(batches)) + self.tail

    def _arrow(self, batches: Sequence[Sequence[int]]) -> bytes:
        schema = pa.ipc.read_schema(pa.py_buffer(self.schema))
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, schema) as writer:
            for ids in batches:
                writer.write_batch(pa.record_batch([pa.array(ids, schema[0].type)], schema=schema))
        return sink.getvalue()


def _pickled(batches: Sequence[Sequence[int]]) -> bytes:
    frames = (pickle.dumps([(i,) for i in ids]) for ids in batches)
    return b"".join(struct.pack(">i", len(frame)) + frame for frame in frames)


def record(spark: SparkSession, *, arrow: bool) -> Task:
    """Run one query on ``spark``, under its present configuration, and keep its task."""
    with use_engine(spark, Engine("recorder", recorder.DAEMON)):
        function = udf(identity, "bigint", useArrow=arrow)
        query = numbers(spark, 1).select(function("id"))
        [recording] = recorder.record(spark, query.collect)
    return _parsed(recording.data, arrow)


def _parsed(data: bytes, arrow: bool) -> Task:
    marker, length = struct.unpack_from(">ii", data)
    assert marker == -8, f"not the init message of Spark 4.3: {marker}"
    init, rest = data[8 : 8 + length], data[8 + length :]
    # The function is the last variable part; its size stands before it.
    for start in range(len(init)):
        end = len(init) - _RESULT_ID
        if start + 4 <= end and struct.unpack_from(">i", init, start)[0] == end - start - 4 > 0:
            break
    else:
        raise AssertionError("no function found in the init message")
    schema = b""
    stream = io.BytesIO(rest)
    if arrow:
        with pa.ipc.open_stream(stream) as reader:
            schema = reader.schema.serialize().to_pybytes()
            reader.read_all()
    else:
        while (size := struct.unpack(">i", stream.read(4))[0]) > 0:
            stream.read(size)
        stream.seek(-4, io.SEEK_CUR)
    return Task(init[:start], init[-_RESULT_ID:], arrow, schema, stream.read())


class Player:
    """A process that replays tasks to one worker's ``main``, one after the other."""

    def __init__(self, worker: str, module: str = __name__) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, worker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None,
            cwd=Path(__file__).parents[1],
            # Some of stock's messages follow the order of a set.
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )

    def ask(self, streams: Sequence[bytes]) -> None:
        """Start on some tasks."""
        requests = self._process.stdin
        assert requests is not None
        pickle.dump(list(streams), requests)
        requests.flush()

    def answers(self) -> list[str]:
        """What the worker answered to each task it was asked for, as text."""
        replies = self._process.stdout
        assert replies is not None
        try:
            result: list[str] = pickle.load(replies)
        except EOFError:
            raise AssertionError(f"the replaying process ended: {self._process.wait()}") from None
        return result

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass
class Players:
    """Stock's worker and the one compared with it."""

    left: Player
    right: Player

    def same(self, names: Sequence[str], streams: Sequence[bytes]) -> None:
        """Require that both answer alike to each named task."""
        found = self.differences(names, streams)
        assert not found, f"{len(found)} of {len(names)} differ\n" + "\n".join(found[:8])

    def differences(self, names: Sequence[str], streams: Sequence[bytes]) -> list[str]:
        """Where the two answer differently, a few lines each."""
        for player in (self.left, self.right):
            player.ask(streams)
        both = zip(self.left.answers(), self.right.answers(), strict=True)
        found = []
        for name, pair in zip(names, both, strict=True):
            expected, actual = same_frames(*map(normalized, pair))
            if not _alike(expected, actual):
                start = _first_difference(expected, actual)
                found.append(
                    f"{name}, from character {start}\n"
                    f"  expected: {_around(expected, start)}\n  actual:   {_around(actual, start)}"
                )
        return found


def _alike(expected: str, actual: str) -> bool:
    # Stock sends nothing of an error that UTF-8 has no bytes for, and has the JVM wait for ever.
    before, unsent, end = expected.partition("raised \n")
    if unsent:
        return actual.startswith(f"{before}raised ") and actual.endswith(f"\n{end}")
    return expected == actual


def _first_difference(left: str, right: str) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))


def _around(text: str, start: int, before: int = 300, after: int = 500) -> str:
    first, last = max(0, start - before), start + after
    return ("... " if first else "") + text[first:last] + (" ..." if last < len(text) else "")


def serve(module: str, answer: Callable[[bytes], list[str]]) -> None:
    """Replay tasks that come on standard input to a worker's ``main``, and reply with answers."""
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What workers print is no answer.
    # As the JVM sets it by default.
    os.environ["SPARK_SIMPLIFIED_TRACEBACK"] = "1"
    main = importlib.import_module(module).main
    while True:
        try:
            streams = pickle.load(requests)
        except EOFError:
            return
        pickle.dump([_played(main, stream, answer) for stream in streams], replies)
        replies.flush()


def _played(
    main: Callable[[BinaryIO, BinaryIO], None], stream: bytes, answer: Callable[[bytes], list[str]]
) -> str:
    outfile = io.BytesIO()
    try:
        main(io.BytesIO(stream), outfile)
        end = "finished"
    except SystemExit as exit:
        end = f"exit {exit.code}"
    return "\n".join([*answer(outfile.getvalue()), end])


def _answer(data: bytes) -> list[str]:
    """A worker's answer as texts: batches or values, then an error if there was one."""
    parts: list[str] = []
    whole = True
    stream = io.BytesIO(data)
    while len(head := stream.read(4)) == 4:
        marker = struct.unpack(">i", head)[0]
        if marker == START_ARROW_STREAM:
            rows, whole = _arrow_parts(stream)
            parts += rows
        elif marker == PYTHON_EXCEPTION_THROWN:
            # Nothing follows if the error's text could not be encoded.
            parts.append("raised " + stream.read()[4:].decode())
            whole = True  # An error may cut the stream off after any batch.
        elif marker > 0:
            parts.append(_pickled_values(stream.read(marker)))
        else:
            break  # Times and accumulators follow.
    return parts if whole else [*parts, "cut off without an error"]


def _pickled_values(frame: bytes) -> str:
    try:
        return describe(pickle.loads(frame))
    except Exception as error:  # A value that can be sent but not described, or not loaded here.
        return f"{type(error).__name__} at {frame.hex()}"


def _arrow_parts(stream: io.BytesIO) -> tuple[list[str], bool]:
    """Schema and batches, and whether the stream came to its end."""
    start, whole = stream.tell(), True
    with pa.ipc.open_stream(stream) as reader:
        parts = [str(reader.schema)]
        end = stream.tell()
        try:
            for batch in reader:
                batch.validate(full=True)
                parts.append(describe([values_of(column) for column in batch.columns]))
                end = stream.tell()
        except (pa.ArrowInvalid, OSError):
            assert end > start
            stream.seek(end)
            whole = False
    return parts, whole


def values_of(column: pa.Array) -> Any:
    """Python's values, or the buffers' description where Python has none."""
    try:
        return column.to_pylist()
    except (ValueError, OverflowError, KeyError):
        return str(column)


if __name__ == "__main__":
    serve(sys.argv[1], _answer)
