"""What a pickle can do to its reader that is Python's own affair, and not tried."""

import io
import pickletools
from collections.abc import Iterator
from typing import Any

# Whatever is longer is made, or has its place made, before it is known whether it is there.
MOST = 1 << 16
# A bytearray, or bytes, of more zeros than this are asked for by a number.
ZEROS = 1 << 28
PUTS = ("PUT", "LONG_BINPUT")
# What may stand between a number and the call that is given it.
PASSED_ON = ("TUPLE1", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "REDUCE")
# Opcodes of bytes and text, by the width of the length that follows them.
COUNTED = {b"B": 4, b"T": 4, b"X": 4, b"\x8d": 8, b"\x8e": 8, b"\x96": 8}


def allocates(data: bytes) -> bool:
    """Whether a number in a pickle asks for much memory: a place in the memo, or a length.

    The pickle may be garbled: what is read until then counts.
    """
    file, begin, zeros = io.BytesIO(data), 0, False
    try:
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name in PUTS and argument > MOST:
                return True
            if opcode.name == "REDUCE" and zeros:
                return True
            if opcode.name not in PASSED_ON:
                zeros = isinstance(argument, int) and argument > ZEROS
            begin = file.tell()
    except Exception:  # As many kinds as there are ways to be garbled.
        width = COUNTED.get(data[begin : begin + 1], 0)
        return int.from_bytes(data[begin + 1 : begin + 1 + width], "little") > MOST
    return False


def is_endless(value: Any) -> bool:
    """Whether what was unpickled holds the same lists again and again, so that its text is endless.

    A list of lists of lists, each ten times the same one, takes few bytes and no memory.
    """
    sizes: dict[int, int] = {}

    def size(value: Any) -> int:
        if not isinstance(value, (list, tuple, dict, set, frozenset)):
            return 1
        if id(value) not in sizes:
            sizes[id(value)] = 1  # What holds itself is printed once.
            held = [*value, *value.values()] if isinstance(value, dict) else value
            sizes[id(value)] = 1 + sum(map(size, held))
        return sizes[id(value)]

    try:
        return size(value) > MOST
    except RecursionError:  # Its text is one, too.
        return False


def frames(data: bytes) -> Iterator[bytes]:
    """Pickles as the JVM sends them, each behind its length; what is cut off is one, too."""
    file = io.BytesIO(data)
    while head := file.read(4):
        yield file.read(max(0, int.from_bytes(head, "big", signed=True)))
