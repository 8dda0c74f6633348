"""How stock casts, flattens and wraps record batches of a task: by functions or in its serializer.

Both classes have the same attributes:

* ``flatten``, ``wrap``: a batch's only column, a struct, to columns, and back.
* ``scalars``: the task's function from record batches to record batches of the declared types.
* ``enforce``: a batch or table and a schema to the same with the schema's types.
* ``binary_as_bytes``: as for `Options`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from hydrofoil.spark.stock.serializers import flatten_struct, wrap_struct
from hydrofoil.spark.stock.task import Task


class ByTransformer:
    """By the functions of stock's ``ArrowBatchTransformer``."""

    def __init__(self, task: Task) -> None:
        transformer: Any = task.worker.ArrowBatchTransformer
        self.flatten: Callable[[pa.RecordBatch], pa.RecordBatch] = transformer.flatten_struct
        self.wrap: Callable[[pa.RecordBatch], pa.RecordBatch] = transformer.wrap_struct
        self.enforce: Callable[..., Any] = transformer.enforce_schema
        self.scalars: Callable[..., Iterator[pa.RecordBatch]] = task.stock.function
        self.binary_as_bytes = task.conf.binary_as_bytes


class BySerializer:
    """By the task's serializer."""

    flatten = staticmethod(flatten_struct)
    wrap = staticmethod(wrap_struct)
    binary_as_bytes = True

    def __init__(self, task: Task) -> None:
        self._function = task.stock.function
        self._serializer: Any = task.stock.deserializer

    def scalars(
        self, split_index: int, batches: Iterator[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        """Stock's function, and its cast of what one or all UDFs returned for a batch."""
        for packed in self._function(split_index, batches):
            alone = len(packed) == 2 and isinstance(packed[1], pa.DataType)
            arrays = [self._cast(*pair) for pair in ([packed] if alone else packed)]
            yield pa.RecordBatch.from_arrays(arrays, [f"_{i}" for i in range(len(arrays))])

    def enforce(self, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        """A batch with the schema's types."""
        arrays = list(map(self._cast, batch.columns, schema.types))
        return pa.RecordBatch.from_arrays(arrays, schema.names)

    def _cast(self, array: Any, arrow_type: pa.DataType) -> pa.Array:
        return self._serializer._create_array(array, arrow_type, self._serializer._arrow_cast)


Casts = ByTransformer | BySerializer


def casts_of(task: Task) -> Casts:
    """Those of the task's version."""
    return ByTransformer(task) if task.version.has_batch_transformer else BySerializer(task)
