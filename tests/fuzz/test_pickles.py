"""Pickles that ask for memory are found by their opcodes, and not by text that looks like these."""

import pickle
from typing import Any

import pytest

from fuzz.pickles import allocates, frames, is_endless
from fuzz.tasks import tasks


@pytest.mark.parametrize("name", ["pickled", "pickledTypes"])
def test_recorded_rows_are_tried(name: str) -> None:
    [data] = [task.data for task in tasks() if task.name == name]
    assert [allocates(each) for each in frames(data)][:1] == [False]


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_text_and_bytes_are_tried(protocol: int) -> None:
    assert not allocates(
        pickle.dumps(["row \0\0\0", b"Xrow", bytearray(b"BTX"), 1 << 40], protocol)
    )


@pytest.mark.parametrize(
    "garbled",
    [
        b"\x80\x02X\x07\0\0\0row 6\xc3\xa4r\x85X\x07\x37.",  # A place in the memo.
        b"\x80\x02p99999999\n.",
        b"\x80\x02X\xff\xff\xff\x7frow",
        b"\x80\x05\x96" + (1 << 40).to_bytes(8, "little") + b"row",
        b"\x80\x02c__builtin__\nbytearray\nJ\0\0\0\x7f\x85R.",
    ],
)
def test_what_asks_for_memory(garbled: bytes) -> None:
    assert allocates(garbled)


def test_what_has_an_endless_text() -> None:
    rows: list[Any] = [("a", 1)]
    for _ in range(12):
        rows = [rows] * 10
    assert is_endless(pickle.loads(pickle.dumps(rows)))


def test_what_holds_itself_or_much_is_tried() -> None:
    row: list[Any] = [{"a": (1, b"x")}]
    row.append(row)
    assert not is_endless([row, [(i, str(i)) for i in range(9000)]])
