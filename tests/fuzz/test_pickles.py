"""Pickles that ask for memory are found by their opcodes, and not by text that looks like these."""

import pickle

import pytest

from fuzz.pickles import allocates, frames
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
