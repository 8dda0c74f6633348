"""Groups as Hydrofoil's operators in the JVM send them: many in a record batch.

`GroupsWriter` in jvm/src/grouped says how the bytes lie. They are told from what stock's operators
send by their first four.
"""

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from hydrofoil.stream.reading import CorruptGroups, read_int

MAGIC = (0x48464731).to_bytes(4, "big")
# In the place of a number of pieces: there is no further chunk.
END = -1


def read_sides(stream: BinaryIO) -> int:
    """How many data frames each group has.

    Raises
    ------
    CorruptGroups
        If they are neither one nor two.
    """
    sides = read_int(stream)
    if sides not in (1, 2):
        raise CorruptGroups(f"each has {sides} data frames")
    return sides


def read_pieces(stream: BinaryIO) -> int:
    """How many pieces a side of the next chunk has; `END` behind the last one.

    Raises
    ------
    CorruptGroups
        If there can't be as many.
    """
    pieces = read_int(stream)
    if pieces < END:
        raise CorruptGroups(f"a record batch of {pieces} pieces")
    return pieces


def cut(batch: pa.RecordBatch, lengths: bytes) -> Iterator[tuple[pa.RecordBatch, bool]]:
    """The pieces of a record batch, each with whether it is its group's last.

    Parameters
    ----------
    lengths : bytes
        An int for each piece: twice its rows, and one more for a group's last.

    Raises
    ------
    CorruptGroups
        If the pieces have more rows than the record batch, or fewer.
    """
    codes = memoryview(lengths).cast("I")
    rows = sum(code >> 1 for code in codes)
    if rows != batch.num_rows:
        raise CorruptGroups(f"pieces of {rows} rows and a record batch of {batch.num_rows}")
    return _slices(batch, codes)


def _slices(batch: pa.RecordBatch, codes: memoryview) -> Iterator[tuple[pa.RecordBatch, bool]]:
    start = 0
    for code in codes:
        yield batch.slice(start, code >> 1), bool(code & 1)
        start += code >> 1
