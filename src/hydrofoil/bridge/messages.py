"""What tasks make of an RDD's rows for a DataFrame: messages, of which the JVM makes its rows.

A message is a record batch. Or it is rows that were pickled, as PySpark pickles them: those that
its own code had to convert, because they are not exactly of the declared types, and a partition's
first ones, since record batches are not worth their start for a few rows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from pyspark.serializers import CPickleSerializer
from pyspark.sql import types

# A record batch has more rows than the one before it until it has this many bytes, or rows.
_BYTES = 1 << 20
_FIRST_ROWS = 500
_MOST_ROWS = 10_000
# As PySpark's own batches grow.
_PICKLED_BYTES = 1 << 16


@dataclass(frozen=True)
class Conversion:
    """What `createDataFrame` does to each row of an RDD.

    Attributes
    ----------
    struct : pyspark.sql.types.StructType
        The DataFrame's schema.
    names : list of str
        By which rows that are dicts or objects have the columns' values.
    bare : bool
        Rows are the values of the only column.
    inferred : bool
        The schema was inferred, and not given.
    verified : bool
        Rows are verified, if the schema was given.
    java : int
        The JVM's version.
    """

    struct: Any
    names: list[str]
    bare: bool = False
    inferred: bool = False
    verified: bool = True
    java: int = 17

    def by_pyspark(self) -> Callable[[Any], Any]:
        """PySpark's own conversion of a row to what it pickles, with its errors."""
        to_internal = self.struct.toInternal
        if self.inferred:
            fields = zip(self.names, self.struct.fields, strict=True)
            named = [types.StructField(name, field.dataType) for name, field in fields]
            convert = types._create_converter(types.StructType(named))
            return lambda row: to_internal(convert(row))
        verify = self._verifier()

        def checked(row: Any) -> Any:
            verify(row)
            return to_internal((row,) if self.bare else row)

        return checked

    def _verifier(self) -> Callable[[Any], Any]:
        if not self.verified:
            return lambda row: None
        if self.bare:
            made: Any = types._make_type_verifier(
                self.struct.fields[0].dataType, name="field value"
            )
        else:
            made = types._make_type_verifier(self.struct)
        return made  # type: ignore[no-any-return]

    def writer(self) -> Any:
        """What makes record batches of rows that are exactly of the schema's types.

        Raises
        ------
        NoCodec
            If a column can't be written.
        """
        # They need Arrow, which few rows do without.
        from hydrofoil.spark.stock.conversion import options
        from hydrofoil.values.rows.writing import RowWriter

        return RowWriter(
            self.struct,
            options(binary_as_bytes=False, wide_offsets=False, pickled=True, strict=True),
            names=self.names,
            bare=self.bare,
            java=self.java,
            refused=getattr(types, "VariantVal", None),
        )


class RowMessages:
    """Makes messages of a partition's rows; each row is converted before the next is asked for.

    Parameters
    ----------
    conversion : Conversion
    pickled : int or None
        How many rows are pickled before the first record batch; None for all of them.
    """

    def __init__(self, conversion: Conversion, pickled: int | None) -> None:
        self.conversion = conversion
        self.pickled = pickled

    def __call__(self, rows: Iterable[Any]) -> Iterator[bytes]:
        rows = iter(rows)
        pickles = _Pickles(self.conversion.by_pyspark())
        yield from pickles.messages(islice(rows, self.pickled))
        begun = list(islice(rows, 1))
        if begun:
            yield from self._batches(chain(begun, rows), pickles)

    def _batches(self, rows: Iterator[Any], pickles: "_Pickles") -> Iterator[bytes]:
        from hydrofoil.values.replaced import replaced_class

        writer = self.conversion.writer()
        most, ended = _FIRST_ROWS, False
        while not ended:
            if replaced_class() is not None:
                yield from pickles.messages(rows)
                return
            left: list[Any] = []
            message, ended = writer.next_frame(rows, most, left)
            if message is not None:
                yield message
                most = _more(most, len(message), _BYTES, _MOST_ROWS)
            if writer.encoder.is_shared:
                # What PySpark makes of such rows depends on which of them it pickles together.
                yield from pickles.messages(chain(left, rows))
                return
            if left:
                # Where one row is not of its types, many may be.
                yield from pickles.messages(chain(left, islice(rows, most)))


class _Pickles:
    """Pickles rows that PySpark's own code converts, in batches as PySpark makes them."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        self._convert = convert
        self._dumps: Any = CPickleSerializer().dumps
        self._most = 1

    def messages(self, rows: Iterator[Any]) -> Iterator[bytes]:
        """The rows' messages, one after the other."""
        converted = map(self._convert, rows)
        while values := list(islice(converted, self._most)):
            message = self._dumps(values)
            yield message
            self._most = _more(self._most, len(message), _PICKLED_BYTES, None)


def _more(rows: int, bytes_: int, wanted: int, most: int | None) -> int:
    """How many rows to put into the next message."""
    if bytes_ < wanted:
        return 2 * rows if most is None else min(2 * rows, most)
    return max(1, rows // 2) if bytes_ > 10 * wanted else rows
