"""What reads a DataFrame's rows for functions of RDDs, in the place of PySpark's serializer.

The JVM sends record batches where it would send pickled rows. Nothing of Hydrofoil's worker is
needed for them: stock's reads them by this, too.
"""

from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import Any, BinaryIO

import pyarrow as pa
from pyspark.serializers import Serializer, SpecialLengths
from pyspark.sql.types import StructType, _create_row

from hydrofoil._cext.frames import Frame
from hydrofoil.spark.stock.conversion import options
from hydrofoil.stream.reading import exactly, read_int
from hydrofoil.values.arrow_types import without_maps
from hydrofoil.values.pickle_rules.arguments import column_values
from hydrofoil.values.replaced import replaced_class
from hydrofoil.values.rows.reading import RowReader


class ArrowRows(Serializer):
    """Reads rows out of record batches, each a message without a schema.

    Parameters
    ----------
    spark_type : pyspark.sql.types.StructType
        The rows' type.
    schema : bytes
        The message of the record batches' schema.
    binary_as_bytes : bool
        As for `Options`.
    """

    def __init__(self, spark_type: StructType, schema: bytes, *, binary_as_bytes: bool) -> None:
        self.spark_type = spark_type
        self.schema = schema
        self.binary_as_bytes = binary_as_bytes

    def __reduce__(self) -> Any:
        # Without what was made for reading.
        return _made, (self.spark_type, self.schema, self.binary_as_bytes)

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        """The rows of a partition, of one record batch after the other."""
        # Without a generator, through which each row would pass.
        return chain.from_iterable(map(self.rows, self._messages(stream)))

    def _messages(self, stream: BinaryIO) -> Iterator[bytes]:
        while (size := read_int(stream)) != SpecialLengths.END_OF_DATA_SECTION:
            yield exactly(stream, size)

    def rows(self, message: bytes) -> Iterator[Any]:
        """The rows of one record batch, made when they are asked for.

        A row that nobody keeps gives its memory to the next, which is faster than a list of them.
        """
        if replaced_class() is not None:
            return iter(self._by_types(message))
        return self._reader.iterate(Frame.of_message(message))

    @cached_property
    def _reader(self) -> RowReader:
        return RowReader(
            self.spark_type,
            self.schema,
            options(
                binary_as_bytes=self.binary_as_bytes,
                wide_offsets=False,
                pickled=True,
                row_attributes=False,
            ),
        )

    def _by_types(self, message: bytes) -> list[Any]:
        """The rows as PySpark's own types make them, of whatever classes the program has now."""
        schema = without_maps(pa.ipc.read_schema(pa.py_buffer(self.schema)))
        batch = pa.ipc.read_record_batch(pa.py_buffer(message), schema)
        columns = [
            column_values(array, field.dataType, binary_as_bytes=self.binary_as_bytes)
            for array, field in zip(batch.columns, self.spark_type.fields, strict=True)
        ]
        names = self.spark_type.names
        return [_create_row(names, values) for values in zip(*columns, strict=True)]


def _made(spark_type: StructType, schema: bytes, binary_as_bytes: bool) -> ArrowRows:
    return ArrowRows(spark_type, schema, binary_as_bytes=binary_as_bytes)
