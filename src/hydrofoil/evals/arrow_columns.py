"""Frames to pyarrow: the columns that a UDF is to see, as a record batch over the frame's body.

Whatever the core does not view as it lies (a batch without rows, compression, a struct with nulls
around the columns, other types) pyarrow reads from the same bytes, and stock takes apart.
"""

from collections.abc import Callable, Sequence

import pyarrow as pa

from hydrofoil._cext.columns import UnsupportedLayout
from hydrofoil._cext.export import FrameExport
from hydrofoil._cext.frames import Frame
from hydrofoil.stream.batches import Batch, record_batch
from hydrofoil.stream.schemas import parsed

# Arrow's number of the type, for which pyarrow up to 17 has no name.
_INTERVAL_MONTHS = 21


class Columns:
    """Some or all of the columns of a task's frames.

    Parameters
    ----------
    offsets : sequence of int, optional
        The columns to take, by their names and nullable; by default all, with their fields.
    flatten : callable, optional
        Stock's ``flatten_struct`` where the frames have one column, a struct, whose fields are the
        columns.
    """

    def __init__(
        self,
        offsets: Sequence[int] | None = None,
        flatten: Callable[[pa.RecordBatch], pa.RecordBatch] | None = None,
    ) -> None:
        self.offsets = offsets
        self.flatten = flatten
        self._message: bytes | None = None
        self._import = pa.RecordBatch._import_from_c

    def __call__(self, batch: Batch) -> pa.RecordBatch:
        """The columns of one batch."""
        if type(batch) is not Frame:
            return self._of_batch(batch)
        if batch.schema_message is not self._message:
            self._prepare(batch.schema_message)
        if self._export is not None:
            try:
                return self._export.record_batch(batch, self._wanted, self._import, self._schema)
            except ValueError:
                pass
        return self._of_batch(record_batch(batch, self._stream_schema))

    def _prepare(self, message: bytes) -> None:
        self._stream_schema = schema = parsed(message)
        self._message = message
        self._export: FrameExport | None = None
        if any(map(has_months, schema.types)):
            return
        try:
            self._export = FrameExport(schema, self.flatten is not None)
        except (UnsupportedLayout, ValueError):
            return
        if self.flatten is not None:
            schema = pa.schema(schema.types[0])
        self._wanted = list(range(len(schema)) if self.offsets is None else self.offsets)
        if self.offsets is not None:
            schema = pa.schema([(schema.names[o], schema.types[o]) for o in self.offsets])
        self._schema = schema

    def _of_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.flatten is not None:
            batch = self.flatten(batch)
        if self.offsets is None:
            return batch
        return pa.RecordBatch.from_arrays(
            [batch.columns[o] for o in self.offsets], [batch.schema.names[o] for o in self.offsets]
        )


def has_months(arrow_type: pa.DataType) -> bool:
    """Whether a type is, or contains, intervals of months, which have no class in pyarrow.

    Stock fails at the first column of them that it takes apart.
    """
    if arrow_type.id == _INTERVAL_MONTHS:
        return True
    return any(has_months(arrow_type.field(i).type) for i in range(arrow_type.num_fields))
