"""A task's first message, read as by stock's stream."""

import io
import json
import struct
import tracemalloc
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

messages = pytest.importorskip("pyspark.messages", reason="this PySpark reads from the socket")

from pyspark.util import PythonEvalType  # noqa: E402
from pyspark.worker_message import WorkerInitInfo  # noqa: E402

from hydrofoil.spark.stock.messages import (  # noqa: E402
    LARGEST_MESSAGE,
    MOST_MESSAGES,
    KnownMessages,
    Receiver,
    WholeMessage,
)

INIT, END = struct.pack("!i", -8), struct.pack("!i", -4)


def streams(content: bytes) -> tuple[object, object]:
    """Stock's and ours, as the worker's main gets them."""
    sent = INIT + struct.pack("!i", len(content)) + content + END
    return tuple(
        receiver(io.BytesIO(sent)).get_init_message()
        for receiver in (messages.SparkSocketMessageReceiver, Receiver)
    )


def outcomes(stream: object, sizes: list[int]) -> list[object]:
    found: list[object] = []
    for size in sizes:
        try:
            part = stream.read(size)
            found.append((type(part), bytes(part)))
        except Exception as error:
            found.append((type(error), str(error)))
    return found


@pytest.mark.parametrize(
    "sizes",
    [
        [4, 0, 6],
        [10],
        [11],
        [4, 7],
        [4, 20_000, 1],
        [10, 1],
        [10, 0],
        [3, -1, 3],
        [0, 0, 4],
        [9, 3, 1],
        [],
    ],
)
def test_reads_and_fails_as_stock_does(sizes: list[int]) -> None:
    stock, ours = streams(b"0123456789")
    assert isinstance(ours, WholeMessage)
    assert outcomes(ours, sizes) == outcomes(stock, sizes)


def test_makes_no_room_for_what_is_not_there() -> None:
    _, ours = streams(b"0123456789")
    ours.read(4)
    tracemalloc.start()
    try:
        with pytest.raises(EOFError, match=r"tried to read 2147483647 byte.*after reading 6 byte"):
            ours.read(2**31 - 1)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1 << 20


def test_an_empty_message() -> None:
    stock, ours = streams(b"")
    assert outcomes(ours, [0, 1]) == outcomes(stock, [0, 1])


def test_what_follows_is_stocks() -> None:
    receiver = Receiver(io.BytesIO(INIT + struct.pack("!i", 2) + b"ab" + END))
    assert receiver.get_init_message().read(2) == b"ab"
    receiver.get_data_stream()
    receiver.get_finish_signal_from_stream()


# --- Messages that are known ---------------------------------------------------------------------

# Stock makes room for as much as a length says: no more here than a test can spend.
HOSTILE = (-(2**31), -5, -4, -2, -1, 0, 1, 3, 20_000)


def integer(value: int) -> bytes:
    return struct.pack("!i", value)


def text(value: str) -> bytes:
    encoded = value.encode()
    return integer(len(encoded)) + encoded


def first(split: int = 3, task: int = 7, *, barrier: bool = False) -> bytes:
    """What differs from task to task."""
    context = {
        "isBarrier": barrier,
        "connInfo": 4711 if barrier else None,
        "secret": "s" if barrier else None,
        "stageId": 1,
        "partitionId": split,
        "attemptNumber": 0,
        "taskAttemptId": task,
        "cpus": 1,
        "cpuAmount": "1.5",
        "resources": {"gpu": {"name": "gpu", "addresses": ["0", "1"]}},
        "localProperties": {"spark.job.tags": f"t\u00e4g{task}"},
    }
    return integer(split) + text("3.11") + text(json.dumps(context, ensure_ascii=False))


def rest(eval_type: int, functions: bytes, broadcasts: bytes = b"\0" + integer(0)) -> bytes:
    """What the tasks of a query have in common."""
    return b"".join(
        [
            text("/files"),
            integer(2) + text("a.zip") + text("b\u00e9.egg"),
            broadcasts,
            integer(eval_type),
            integer(2) + text("k") + text("v") + text("zone") + text("UTC"),
            integer(1) + text("input_type") + text("{}"),
            functions,
        ]
    )


ARGUMENTS = integer(2) + integer(0) + b"\0" + integer(1) + b"\1" + text("name")
UDFS = integer(2) + 2 * (ARGUMENTS + integer(2) + text("one") + text("two") + struct.pack("!q", 9))
TABLE = (
    ARGUMENTS
    + (integer(1) + integer(0) + b"\1" + text("analyzed"))
    + (text("handler") + text("type") + text("f"))
)
FORMS = {
    "functions": rest(PythonEvalType.SQL_ARROW_BATCHED_UDF, UDFS),
    "no functions": rest(PythonEvalType.SQL_BATCHED_UDF, integer(0)),
    "broadcasts": rest(
        PythonEvalType.SQL_BATCHED_UDF,
        UDFS,
        b"\0" + integer(2) + struct.pack("!q", 5) + text("/b") + struct.pack("!q", -3),
    ),
    "encrypted broadcasts": rest(
        PythonEvalType.SQL_BATCHED_UDF,
        UDFS,
        b"\1" + integer(1) + integer(4711) + text("secret") + struct.pack("!q", 5),
    ),
    "table function": rest(PythonEvalType.SQL_TABLE_UDF, TABLE),
    "RDD": rest(PythonEvalType.NON_UDF, text("pickled")),
    "bytes behind it": rest(PythonEvalType.SQL_BATCHED_UDF, UDFS) + b"more",
}


def known_messages() -> KnownMessages:
    return KnownMessages(SimpleNamespace(WorkerInitInfo=WorkerInitInfo))


def parsed(reads: Any, content: bytes) -> Any:
    """A message as it was parsed, or the error."""
    try:
        return reads.from_stream(WholeMessage(memoryview(content)))
    except (Exception, SystemExit) as error:
        return type(error), str(error)


def damaged(content: bytes) -> Iterator[bytes]:
    """The message cut off anywhere, and with each four bytes as other lengths and numbers."""
    for k in range(len(content)):
        yield content[:k]
        for value in HOSTILE:
            yield content[:k] + integer(value) + content[k + 4 :]


@pytest.mark.parametrize("form", FORMS)
def test_is_parsed_as_by_stock_however_often(form: str) -> None:
    ours = known_messages()
    for split, barrier in ((0, False), (1, True), (2**31 - 1, False), (-1, False)):
        content = first(split, split + 1, barrier=barrier) + FORMS[form]
        assert parsed(ours, content) == parsed(WorkerInitInfo, content)
        assert parsed(ours, content) == parsed(WorkerInitInfo, content)


@pytest.mark.parametrize("form", FORMS)
def test_is_damaged_as_for_stock(form: str) -> None:
    ours = known_messages()
    whole = first() + FORMS[form]
    parsed(ours, whole)
    for content in damaged(whole):
        assert parsed(ours, content) == parsed(WorkerInitInfo, content), content
    # What was damaged is not what is known now.
    assert parsed(ours, whole) == parsed(WorkerInitInfo, whole)


def test_what_a_task_changes_is_its_own() -> None:
    ours, content = known_messages(), first() + FORMS["broadcasts"]
    for _ in range(3):
        info = parsed(ours, content)
        assert info == parsed(WorkerInitInfo, content)
        for several in (info.python_includes, info.broadcast.variables, info.udf_info):
            several.append("more")
        info.runner_conf["k"] = info.eval_conf["new"] = "changed"
        function = info.udf_info[0]
        function.udfs[0].release()
        function.udfs.clear()
        function.args.append(4)
        function.kwargs["other"] = 5
        info.broadcast.conn_info = function.result_id = 8


def test_keeps_few_messages_no_large_ones_and_no_secrets() -> None:
    ours = known_messages()
    for k in range(3 * MOST_MESSAGES):
        parsed(ours, first() + rest(PythonEvalType.NON_UDF, text(str(k))))
    assert len(ours._known) == MOST_MESSAGES
    large = first() + rest(PythonEvalType.NON_UDF, text("f" * LARGEST_MESSAGE))
    before = list(ours._known)
    secret = first() + FORMS["encrypted broadcasts"]
    for content in (large, secret):
        assert parsed(ours, content) == parsed(WorkerInitInfo, content)
        assert list(ours._known) == before


def test_messages_of_a_different_order_are_left_to_stock() -> None:
    class Other(WorkerInitInfo):
        """A PySpark's whose messages have the files' folder before the task's context."""

        @classmethod
        def from_stream(cls, stream: Any) -> Any:
            number, version = stream.read(4), stream.read(8)
            files = stream.read(10)
            context = stream.read(len(first()) - 12)
            rest = stream.read(len(FORMS["functions"]) - 10)
            order = (number, version, context, files, rest)
            return WorkerInitInfo.from_stream(WholeMessage(memoryview(b"".join(order))))

    ours = KnownMessages(SimpleNamespace(WorkerInitInfo=Other))
    content, common = first(), FORMS["functions"]
    other = content[:12] + common[:10] + content[12:] + common[10:]
    for _ in range(2):
        assert parsed(ours, other) == parsed(WorkerInitInfo, content + common)
    assert not ours._known
