"""Scalars that aggregates return: encoded where their type leaves no doubt, else through stock.

Stock makes an array of what a function returned, whatever type that gives, and casts it to the
declared type. For the types below that is the same as encoding the value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from hydrofoil._cext.objects.base import Encoder
from hydrofoil.stream.batches import Encoded
from hydrofoil.values.type_table import NoCodec, Options, encoder_for


@dataclass(frozen=True)
class Exact:
    """The results that are encoded for one declared type, and their bounds if they are numbers."""

    python: type
    scalar: type
    least: int = 0
    most: int = 0
    fixed_width: bool = True


# By the declared type's name in Spark.
EXACT = {
    "double": Exact(float, pa.DoubleScalar),
    "bigint": Exact(int, pa.Int64Scalar, -(2**63), 2**63 - 1),
    "int": Exact(int, pa.Int32Scalar, -(2**31), 2**31 - 1),
    "boolean": Exact(bool, pa.BooleanScalar),
    "string": Exact(str, pa.StringScalar, fixed_width=False),
}


class Results:
    """What the functions of a task return, a list for each UDF, to one batch.

    Parameters
    ----------
    types : list of pyspark.sql.types.DataType
        The declared type of each UDF.
    schema : pyarrow.Schema
        The same for the answer, with its names.
    enforce : callable
        Stock's ``enforce_schema``.
    """

    def __init__(
        self,
        types: list[Any],
        schema: pa.Schema,
        options: Options,
        enforce: Callable[[pa.RecordBatch, pa.Schema], pa.RecordBatch],
    ) -> None:
        self.schema = schema
        self.enforce = enforce
        self.exact = [EXACT.get(declared.simpleString()) for declared in types]
        self.encoders: list[Encoder] = []
        try:
            self.encoders = [encoder_for(declared, options) for declared in types]
        except NoCodec:
            self.exact = [None]
        self.all_exact = None not in self.exact
        self.all_fixed = self.all_exact and all(e.fixed_width for e in self.exact if e)

    def plain(self, k: int, value: Any) -> Any:
        """The value to encode for a result of UDF ``k``.

        Raises
        ------
        TypeError
            If only stock's conversion knows what the result becomes.
        """
        exact = self.exact[k]
        assert exact is not None
        kind = type(value)
        if kind is exact.scalar:
            value = value.as_py()
            kind = type(value)
        if kind is exact.python:
            if exact.python is not int or exact.least <= value <= exact.most:
                return value
        elif value is None:
            return None
        raise TypeError(f"a result of type {kind.__name__}")

    def encode(self, columns: Sequence[list[Any]]) -> Encoded | None:
        """The batch of plain values, or None if a value cannot be encoded after all."""
        rows = len(columns[0])
        for encoder, values in zip(self.encoders, columns, strict=True):
            if encoder.encode(values) < rows:
                return None
        return Encoded(self.encoders, rows)

    def convert(self, arrays: list[pa.Array]) -> pa.RecordBatch:
        """Stock's batch of arrays that pyarrow made of results."""
        return self.enforce(pa.RecordBatch.from_arrays(arrays, self.schema.names), self.schema)
