"""Bytes in: what the JVM sent for one task. Out: its rows, and its columns as Python values.

Only Spark 4.3 frames its init message, so only there the data section can be found without knowing
the whole message; for older recordings these functions say that they can't tell (None).
"""

import io
import pickle
import struct
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from hydrofoil.recordings.recording import Recording

_START_OF_INIT_MESSAGE = -8
_ARROW_CONTINUATION = -1
# Each group of a grouped UDF is announced by how many Arrow streams it has; no pickled frame is
# this short.
_LARGEST_GROUP = 2


def data_section(recording: Recording) -> bytes | None:
    """What follows the init message; None where its end is unknown."""
    data = recording.data
    if len(data) < 8:
        return None
    marker, length = struct.unpack_from(">ii", data)
    return data[8 + length :] if marker == _START_OF_INIT_MESSAGE else None


def eval_type(recording: Recording) -> int | None:
    """The task's code of `EVAL_TYPES`; None where the init message can't be read alone."""
    data = recording.data
    if data_section(recording) is None or recording.spark_version != (4, 3):
        return None
    from pyspark.messages.zero_copy_byte_stream import ZeroCopyByteStream
    from pyspark.worker_message import WorkerInitInfo

    stream = ZeroCopyByteStream(memoryview(data)[8:])
    code: int = WorkerInitInfo.from_stream(stream).eval_type
    return code


def input_rows(recording: Recording) -> int | None:
    """How many rows the JVM sent, over all groups; None where that can't be told."""
    section = data_section(recording)
    if section is None or len(section) < 4:
        return None
    first = _int_at(section, 0)
    if first == _ARROW_CONTINUATION:
        return _arrow_rows(pa.BufferReader(section))
    if 0 <= first <= _LARGEST_GROUP:
        return _grouped_rows(section)
    try:
        return sum(len(rows) for rows in _pickled_frames(section))
    except Exception:  # A frame of an RDD task can hold anything, also what can't be loaded here.
        return None


def group_section(recording: Recording) -> tuple[int, int]:
    """Where the groups of a grouped task begin and end in ``recording.data``.

    Raises
    ------
    ValueError
        The recording is not that of a grouped task with at least one group.
    """
    section = data_section(recording)
    if not section or len(section) < 4 or not 0 < _int_at(section, 0) <= _LARGEST_GROUP:
        raise ValueError("this recording has no groups; record a grouped UDF on Spark 4.3")
    start = len(recording.data) - len(section)
    return start, start + _scan_groups(section)[1]


def input_columns(recording: Recording) -> list[list[Any]]:
    """The arguments that a row UDF was sent, one list of Python values for each column.

    Flat columns only: pyarrow's values of these are the worker's (null is None). For nested types
    and time stamps the worker makes other values (``Row``, naive local times).

    Raises
    ------
    ValueError
        A column is not flat, or the recording is not that of a row UDF.
    """
    section = data_section(recording)
    if section is None or len(section) < 4:
        raise ValueError("this recording's data section can't be found; record it on Spark 4.3")
    first = _int_at(section, 0)
    if first == _ARROW_CONTINUATION:
        table = pa.ipc.open_stream(section).read_all()
        for column in table.schema:
            if pa.types.is_nested(column.type) or pa.types.is_timestamp(column.type):
                raise ValueError(f"column {column.name!r} is {column.type}, not of a flat type")
        return [column.to_pylist() for column in table.columns]
    if first <= _LARGEST_GROUP:
        raise ValueError("this recording is not that of a row UDF with at least one row")
    rows = [row for frame in _pickled_frames(section) for row in frame]
    return [list(column) for column in zip(*rows, strict=True)]


def _int_at(section: bytes, position: int) -> int:
    value: int = struct.unpack_from(">i", section, position)[0]
    return value


def _arrow_rows(source: pa.BufferReader) -> int:
    return sum(int(batch.num_rows) for batch in pa.ipc.open_stream(source))


def _grouped_rows(section: bytes) -> int:
    return _scan_groups(section)[0]


def _scan_groups(section: bytes) -> tuple[int, int]:
    """Rows of all groups, and where the groups end."""
    source = pa.BufferReader(section)
    rows = 0
    while streams := struct.unpack(">i", source.read(4))[0]:
        # The rows of a group are those of its first stream, and of the second in a cogroup.
        for _ in range(streams):
            rows += _arrow_rows(source)
    return rows, source.tell() - 4


def _pickled_frames(section: bytes) -> Iterator[Any]:
    source = io.BytesIO(section)
    while (length := struct.unpack(">i", source.read(4))[0]) >= 0:
        yield pickle.loads(source.read(length))
