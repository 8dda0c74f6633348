"""Bytes in: what a worker answered. Out: an `Answer` that can be compared with another worker's.

What differs from run to run (times) is left out.
"""

import datetime
import numbers
import pickle
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from hydrofoil.failures.notes import MARK
from hydrofoil.recordings.recording import Recording

_END_OF_DATA_SECTION = -1
_PYTHON_EXCEPTION_THROWN = -2
_TIMING_DATA = -3
_END_OF_STREAM = -4
_START_ARROW_STREAM = -6

# Inside an Arrow stream, -1 announces a message and a length of 0 after it ends the stream.
_ARROW_CONTINUATION = -1
_ARROW_END = struct.pack("<ii", -1, 0)


class AnswerError(ValueError):
    """The bytes are no complete answer of a worker."""


@dataclass
class Answer:
    """One worker's answer to one task.

    Attributes
    ----------
    table : pyarrow.Table or None
        All batches of an Arrow answer; None if there was none.
    values : list
        The unpickled frames of a pickled answer.
    error : str or None
        The traceback that the worker sent instead of a result.
    accumulators : list
        Pairs of accumulator id and update.
    reusable : bool
        Whether the worker said that it is ready for another task.
    """

    table: pa.Table | None = None
    values: list[Any] = field(default_factory=list)
    error: str | None = None
    accumulators: list[Any] = field(default_factory=list)
    reusable: bool = False

    @property
    def rows(self) -> int:
        """Rows of the result; of pickled frames, the elements of their lists."""
        if self.table is not None:
            return int(self.table.num_rows)
        return sum(len(frame) if isinstance(frame, list) else 1 for frame in self.values)

    def difference(self, other: "Answer", by_batch: bool = False) -> str | None:
        """Say in one line what differs from another answer, None if nothing does.

        NaN equals NaN, but values of two types differ, and so do 0.0 and -0.0: what reads them in
        the JVM can tell them apart. Of two errors only the last line counts, because frames of the
        worker itself stand in the traceback. How rows are cut into batches counts only if
        ``by_batch``, for tasks whose result's batches Spark assigns to groups or to input rows.
        """
        if _last_line(self.error) != _last_line(other.error):
            return f"error {_last_line(self.error)!r} and {_last_line(other.error)!r}"
        if self.reusable != other.reusable:
            return f"ready for another task: {self.reusable} and {other.reusable}"
        if self.error is not None:
            return None
        if repr(self.accumulators) != repr(other.accumulators):
            return f"accumulators {self.accumulators!r} and {other.accumulators!r}"
        return _table_difference(self.table, other.table, by_batch) or _value_difference(
            [value for frame in self.values for value in _elements(frame)],
            [value for frame in other.values for value in _elements(frame)],
        )


def read_answer(output: bytes, recording: Recording) -> Answer:
    """Parse a worker's output.

    Raises
    ------
    AnswerError
        The output ends too early or has an unknown marker.
    """
    answer = Answer()
    source = pa.BufferReader(output)
    try:
        marker = _read_int(source)
        if marker == _START_ARROW_STREAM:
            answer.table = _read_table(source)
            marker = _read_int(source)
        while marker >= 0:
            answer.values.append(pickle.loads(source.read(marker)))
            marker = _read_int(source)
        if marker == _PYTHON_EXCEPTION_THROWN:
            answer.error = source.read(_read_int(source)).decode()
            return answer
        _expect(_TIMING_DATA, marker)
        # Boot, init and finish time, since 4.2 processing time too; then bytes spilled to memory
        # and to disk.
        source.read(8 * ((4 if recording.spark_version >= (4, 2) else 3) + 2))
        _expect(_END_OF_DATA_SECTION, _read_int(source))
        for _ in range(_read_int(source)):
            answer.accumulators.append(pickle.loads(source.read(_read_int(source))))
        answer.reusable = _read_int(source) == _END_OF_STREAM
    except (struct.error, EOFError, pa.ArrowInvalid, pickle.UnpicklingError) as error:
        raise AnswerError(
            f"the worker's answer ({len(output)} bytes) is not complete: {error}"
        ) from error
    return answer


def _expect(wanted: int, marker: int) -> None:
    if marker != wanted:
        raise AnswerError(f"the worker sent marker {marker} where {wanted} was due")


def _read_int(source: pa.BufferReader) -> int:
    value: int = struct.unpack(">i", source.read(4))[0]
    return value


def _read_table(source: pa.BufferReader) -> pa.Table:
    """Read an Arrow stream up to its end, or up to the error that cut it short."""
    start = source.tell()
    while True:
        position = source.tell()
        word = source.read(8)
        continuation, length = struct.unpack("<ii", word)
        if continuation == _ARROW_CONTINUATION and length == 0:
            break
        source.seek(position)
        if continuation != _ARROW_CONTINUATION:
            break
        pa.ipc.read_message(source)
    end = source.tell()
    source.seek(start)
    stream = source.read(position - start) + _ARROW_END
    source.seek(end)
    return pa.ipc.open_stream(stream).read_all()


def _elements(frame: Any) -> list[Any]:
    return frame if isinstance(frame, list) else [frame]


def _last_line(error: str | None) -> str | None:
    """The last line but for the notes that Hydrofoil adds."""
    if error is None:
        return None
    lines = [line for line in error.strip().split("\n") if not line.startswith(MARK)]
    return lines[-1] if lines else ""


def _table_difference(ours: pa.Table | None, theirs: pa.Table | None, by_batch: bool) -> str | None:
    if ours is None or theirs is None:
        return None if ours is theirs else "one answer is an Arrow stream, the other is not"
    if not ours.schema.equals(theirs.schema):
        return f"schema {ours.schema.to_string()!r} and {theirs.schema.to_string()!r}"
    if by_batch and _batch_sizes(ours) != _batch_sizes(theirs):
        difference = _value_difference(_batch_sizes(ours), _batch_sizes(theirs))
        return f"batches of other sizes: {difference}"
    for name, left, right in zip(ours.column_names, ours.columns, theirs.columns, strict=True):
        if same_column(left, right):
            continue
        difference = _value_difference(left.to_pylist(), right.to_pylist())
        if difference:
            return f"column {name!r}: {difference}"
    return None


def _batch_sizes(table: pa.Table) -> list[int]:
    """Rows of each batch, which a table read from a stream keeps as chunks."""
    return [len(chunk) for chunk in table.column(0).chunks] if table.num_columns else []


def same_column(left: pa.ChunkedArray, right: pa.ChunkedArray) -> bool:
    """Whether two columns are surely the same; False where only their values can tell.

    pyarrow takes 0.0 and -0.0 for equal.
    """
    if not left.equals(right):
        return False
    if pa.types.is_floating(left.type):
        return bool(pc.divide(1.0, left).equals(pc.divide(1.0, right)))
    # As text, a type has all that is in it.
    return not any(name in str(left.type) for name in ("double", "float"))


def _value_difference(ours: list[Any], theirs: list[Any]) -> str | None:
    """Where two lists differ first."""
    if len(ours) != len(theirs):
        return f"{len(ours)} and {len(theirs)} rows"
    for row, (left, right) in enumerate(zip(ours, theirs, strict=True)):
        if not _is_same(left, right):
            texts = [_shown(each) for each in (left, right)]
            if texts[0] == texts[1]:
                texts = [_shown(each, with_type=True) for each in (left, right)]
            return f"row {row}: {texts[0]} and {texts[1]}"
    return None


def _shown(value: Any, with_type: bool = False) -> str:
    name = f"{type(value).__module__}.{type(value).__qualname__} " if with_type else ""
    return f"{name}{value!r:.200}"


def _is_same(left: Any, right: Any) -> bool:
    """Whether nobody could tell two values apart: by type, NaN equal to NaN, 0.0 not to -0.0."""
    kind = type(left)
    if kind is not type(right):
        return False
    if kind in _EXACT:
        return bool(left == right)
    if isinstance(left, _SHOWN):
        return repr(left) == repr(right)
    if isinstance(left, (list, tuple)):
        if getattr(left, "__fields__", None) != getattr(right, "__fields__", None):
            return False
        return len(left) == len(right) and all(map(_is_same, left, right))
    if isinstance(left, dict):
        known = {(type(key), repr(key)): value for key, value in right.items()}
        found = {(type(key), repr(key)): value for key, value in left.items()}
        return found.keys() == known.keys() and all(_is_same(found[k], known[k]) for k in found)
    if not hasattr(left, "dtype") and not hasattr(left, "dtypes"):
        # Another object's __eq__ may leave the question to an array.
        with suppress(ValueError):
            return bool(left == right) or repr(left) == repr(right)
    # Arrays of NumPy and frames of pandas have no one answer, and their representation leaves
    # values out.
    return pickle.dumps(left) == pickle.dumps(right)


# Of these, == is all that there is to ask; these show all that they are.
_EXACT = (int, str, bytes, bool, type(None))
_SHOWN = (numbers.Number, datetime.datetime, datetime.time)
