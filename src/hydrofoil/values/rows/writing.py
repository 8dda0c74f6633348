"""Rows to record batches: what the JVM would make of the pickled ones, exactly."""

import io
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa

from hydrofoil._cext.frames import FrameWriter
from hydrofoil._cext.objects.base import write_batch
from hydrofoil._cext.records import RecordsEncoder
from hydrofoil.values.arrow_types import arrow_type
from hydrofoil.values.pickle_rules.map_order import UnknownOrder, unpickled_items
from hydrofoil.values.type_table import NoCodec, Options, encoder_for

# The classes of keys that are in the JVM what they are here.
_HASHED = frozenset({bool, float, int, str})


def unwritable(spark_type: Any) -> str:
    """Why values of this type can't be written as record batches; empty if they can."""
    name = type(spark_type).__name__
    if hasattr(spark_type, "sqlType"):
        return f"a column of {name}"
    if name == "ArrayType":
        return unwritable(spark_type.elementType)
    if name == "MapType":
        return unwritable(spark_type.keyType) or unwritable(spark_type.valueType)
    if name == "StructType":
        return next(filter(None, (unwritable(field.dataType) for field in spark_type.fields)), "")
    return ""


def java_order(mapping: dict[Any, Any], java: int) -> list[tuple[Any, Any]] | None:
    """A dict's items in the order of the Java map that it would be; None if that is not known."""
    if len(mapping) < 2:
        return list(mapping.items())
    if not all(type(key) in _HASHED for key in mapping):
        return None
    try:
        return unpickled_items(mapping, strict=True, java=java)
    except UnknownOrder:
        return None


class RowWriter:
    """Makes record batches of rows.

    Parameters
    ----------
    spark_type : pyspark.sql.types.StructType
        The columns.
    options : Options
        With ``pickled`` and ``strict``.
    names : list of str, optional
        By which rows that are dicts or objects have the columns' values; by default their own.
    bare : bool
        Rows are the values of the only column.
    java : int
        The JVM's version.
    refused : type, optional
        A class whose objects are no rows.

    Raises
    ------
    NoCodec
        If a column can't be written; ``str()`` says why.
    """

    def __init__(
        self,
        spark_type: Any,
        options: Options,
        *,
        names: list[str] | None = None,
        bare: bool = False,
        java: int = 17,
        refused: type | None = None,
    ) -> None:
        reason = unwritable(spark_type)
        if reason:
            raise NoCodec(reason)
        options = replace(options, map_order=partial(java_order, java=java))
        fields = [
            encoder_for(field.dataType, options, nullable=field.nullable)
            for field in spark_type.fields
        ]
        names = spark_type.names if names is None else names
        self.encoder = RecordsEncoder(fields, names, bare=bare, refused=refused)
        self.schema = pa.schema(
            [
                pa.field(field.name, arrow_type(field.dataType, wide=options.large_var_types), True)
                for field in spark_type.fields
            ]
        )

    def frame(self, rows: list[Any], first: int, stop: int) -> bytes | None:
        """Some of the rows as a record batch's message; None if one of them was left to stock."""
        encoder = self.encoder
        if encoder.take(rows, first, stop) != stop or not encoder.is_settled():
            return None
        return self._message()

    def next_frame(
        self, rows: Iterator[Any], most: int, left: list[Any]
    ) -> tuple[bytes | None, bool]:
        """Some of an iterator's rows as a record batch's message; None without any.

        Parameters
        ----------
        rows : iterator
        most : int
            How many rows to take, if the iterator has so many.
        left : list
            Gets the row at which it ended, if that has to be left to stock.

        Returns
        -------
        message : bytes or None
        ended : bool
            Whether the iterator had no more rows.
        """
        ended = self.encoder.pull(rows, most, left)
        return self._message() if self.encoder.length else None, ended

    def _message(self) -> bytes:
        buffer = io.BytesIO()
        write_batch(FrameWriter(buffer), self.encoder.encoders(), self.encoder.length)
        return buffer.getvalue()
