"""Table functions on pickled rows (SQL_TABLE_UDF): a call for each input row, a pickle for each.

Tuples of the right length need no conversion where the declared types need none, and those are
passed on as they are. All else goes through stock's code: other rows by its converter, and what a
call raises, or returns instead of rows, by its evaluation of a call whose outcome is known.
"""

import pickle
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import GeneratorType
from typing import Any, BinaryIO

from hydrofoil._cext.udtf import PickledRows, is_plain
from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.deaths.page import ROW, mine
from hydrofoil.evals.udtf import Ends, Method, Outcome, until_the_end
from hydrofoil.failures.place import Detail

# A frame's length is a signed integer of 32 bits.
_MAX_FRAME = 2**31 - 1


@dataclass(frozen=True)
class PickledMethod:
    """A method of a handler, and what stock does with it.

    Attributes
    ----------
    call : callable
        The method itself.
    convert : callable
        Stock's check and conversion of one row that it returned.
    stock : callable
        Stock's call of a function without arguments in the method's place -> tuple of rows.
    width : int
        Values of a tuple that needs no conversion; 0 if each row has to be converted.
    """

    call: Method
    convert: Callable[[Any], Any]
    stock: Callable[[Outcome], tuple[Any, ...]]
    width: int


class PickledTable:
    """One table function, run over a task's rows.

    Parameters
    ----------
    eval, terminate : PickledMethod
        What is called for each row, and after the last.
    offsets : list of int
        The place of each of ``eval``'s arguments in a row.
    """

    def __init__(
        self,
        eval: PickledMethod,
        terminate: PickledMethod | None,
        ends: Ends,
        offsets: list[int],
        *,
        trace: TaskTrace,
    ) -> None:
        self.eval = eval
        self.terminate = terminate
        self.ends = ends
        self.offsets = offsets
        self.trace = trace
        # The row that the function was given last, and what is known of the call that has raised.
        self.row = -1
        self.failed: Detail | None = None

    def __call__(self, split_index: int, rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        try:
            yield from until_the_end(self._tables(rows), self._last, self.ends)
        finally:
            self.trace.publish()

    def _tables(self, rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        method, offsets, noted = self.eval, self.offsets, mine().fields
        for row in rows:
            self.row += 1
            noted[ROW] = self.row
            yield self._table(method, [row[offset] for offset in offsets])

    def _last(self) -> Iterator[tuple[Any, ...]]:
        if self.terminate is not None:
            yield self._table(self.terminate, [])

    def _table(self, method: PickledMethod, arguments: list[Any]) -> tuple[Any, ...]:
        try:
            return self._answer(method, arguments)
        except self.ends.skip:
            raise
        except Exception:
            row = None if method is self.terminate else self.row
            self.failed = Detail((method.call,), row, tuple(arguments))
            raise

    def _answer(self, method: PickledMethod, arguments: list[Any]) -> tuple[Any, ...]:
        try:
            result = method.call(*arguments)
        except self.ends.skip:
            raise
        except Exception as error:
            outcome = Outcome(method.call, None, error)
        else:
            kind = type(result)
            if kind is GeneratorType or kind is list or kind is tuple:
                return tuple(PickledRows(result, method.convert, method.width))
            outcome = Outcome(method.call, result)
        return method.stock(outcome)


class PickleStream:
    """What stock takes for a serializer: writes each item as a pickle of its own.

    Parameters
    ----------
    stock : pyspark.serializers.FramedSerializer
        Makes the pickles, and reports the ones that are too large.
    """

    def __init__(self, stock: Any) -> None:
        self.stock = stock

    def dump_stream(self, iterator: Iterable[Any], stream: BinaryIO) -> None:
        write, length_of = stream.write, struct.Struct("!i").pack
        for item in iterator:
            # Stock's pickler makes the same of these, at the cost of a Python object.
            if is_plain(item):
                pickled = pickle.dumps([item], pickle.HIGHEST_PROTOCOL)
            else:
                pickled = self.stock.dumps([item])
            if len(pickled) > _MAX_FRAME:
                self.stock._write_with_length([item], stream)
                continue
            write(length_of(len(pickled)))
            write(pickled)
