"""A task's first message, read as by stock's stream."""

import io
import struct

import pytest

messages = pytest.importorskip("pyspark.messages", reason="this PySpark reads from the socket")

from hydrofoil.spark.stock.messages import Receiver, WholeMessage  # noqa: E402

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
    [[4, 0, 6], [10], [11], [4, 7], [10, 1], [10, 0], [3, -1, 3], [0, 0, 4], [9, 3, 1], []],
)
def test_reads_and_fails_as_stock_does(sizes: list[int]) -> None:
    stock, ours = streams(b"0123456789")
    assert isinstance(ours, WholeMessage)
    assert outcomes(ours, sizes) == outcomes(stock, sizes)


def test_an_empty_message() -> None:
    stock, ours = streams(b"")
    assert outcomes(ours, [0, 1]) == outcomes(stock, [0, 1])


def test_what_follows_is_stocks() -> None:
    receiver = Receiver(io.BytesIO(INIT + struct.pack("!i", 2) + b"ab" + END))
    assert receiver.get_init_message().read(2) == b"ab"
    receiver.get_data_stream()
    receiver.get_finish_signal_from_stream()
