"""The message that a task begins with, on versions that have the whole of it before they parse it.

Stock's stream is made for parts that arrive in other threads, and locks for each field. A small
task has a hundred of them, and spends a fifth of its time there. Here the message is one part. What
is byte for byte as in a task before is not parsed again: tasks of one query differ in their numbers
alone.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any

from pyspark.messages import SparkSocketMessageReceiver, ZeroCopyByteStream

# What is kept of a worker's last queries. Messages hold the pickled functions: what a large one
# costs is not its parsing.
MOST_MESSAGES = 8
LARGEST_MESSAGE = 1 << 16

_NOTHING = b"\xff\xff\xff\xff"


class WholeMessage:
    """What stock reads of `ZeroCopyByteStream`, over one part; errors are stock's own."""

    __slots__ = ("position", "view")

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.position = 0

    def read(self, size: int) -> memoryview:
        end = self.position + size
        if size < 0 or end > len(self.view):
            return self._fail(size)
        part = self.view[self.position : end]
        self.position = end
        return part

    def _fail(self, size: int) -> memoryview:
        """What stock raises at such a size; it consumes what is left where that is too little."""
        rest = ZeroCopyByteStream(self.view[self.position :])
        rest.finish()
        # Stock makes room for all that is asked for, which may be gigabytes. It fails at one byte
        # too many as well.
        tried = min(size, len(self.view) - self.position + 1)
        if size > 0:
            self.position = len(self.view)
        try:
            part: memoryview = rest.read(tried)
        except EOFError as error:
            text = str(error).replace(f"tried to read {tried} ", f"tried to read {size} ")
            raise EOFError(text) from None
        return part


class Receiver(SparkSocketMessageReceiver):
    """Stock's, whose first message is a `WholeMessage`."""

    def _do_get_init_message(self) -> Any:
        stream = super()._do_get_init_message()
        view = getattr(stream, "_current_chunk", None)
        # More parts, or none that is known of: stock's own stream does.
        if not isinstance(view, memoryview) or getattr(stream, "_chunks", True):
            return stream
        return WholeMessage(view)


class KnownMessages:
    """What stock's worker has for `WorkerInitInfo`: parses a message, as far as it is new.

    A message is the number of the partition, Python's version, the task's context as JSON, and a
    rest that the tasks of a query have in common. What stock makes of the rest depends on its bytes
    alone. It is kept by them, and copied for each task: lists and dicts are a task's own.

    Parameters
    ----------
    stock : module
        The private copy of stock's worker.
    """

    # The fields that are read before the rest.
    FIRST = ("split_index", "python_version", "task_context")

    def __init__(self, stock: ModuleType) -> None:
        self._parsed: type[Any] = stock.WorkerInitInfo
        types = {field.name: field.type for field in fields(self._parsed)}
        self._context: Any = types["task_context"]
        self._rest = [name for name in types if name not in self.FIRST]
        # How to make each field of the rest anew.
        self._known: OrderedDict[bytes, dict[str, Callable[[], Any]]] = OrderedDict()

    def from_stream(self, stream: Any) -> Any:
        """Parse a message; errors are stock's own."""
        rest = self._rest_of(stream)
        if rest is None:
            return self._parsed.from_stream(stream)
        known = self._known.get(rest)
        if known is None:
            info = self._parsed.from_stream(stream)
            self._keep(stream.view, rest, info)
            return info
        self._known.move_to_end(rest)
        first, _ = self._first_of(stream.view)
        return self._parsed(**first, **{name: copy() for name, copy in known.items()})

    def _first_of(self, view: memoryview) -> tuple[dict[str, Any], int]:
        """The fields before the rest, and where that begins."""
        stream = WholeMessage(view)
        stream.position = _after_text(view, 4)
        first = {
            "split_index": int.from_bytes(view[:4], "big", signed=True),
            "python_version": str(view[8 : stream.position], "utf-8"),
            "task_context": self._context.from_stream(stream),
        }
        return first, stream.position

    def _rest_of(self, stream: Any) -> bytes | None:
        """The bytes behind the context; None where stock has to look at the message itself."""
        if not isinstance(stream, WholeMessage):
            return None
        view = stream.view
        # The JVM has nothing for the worker to do, which ends it.
        if view[:4] == _NOTHING:
            return None
        start = _after_text(view, _after_text(view, 4))
        if not start or len(view) - start > LARGEST_MESSAGE:
            return None
        return bytes(view[start:])

    def _keep(self, view: memoryview, rest: bytes, info: Any) -> None:
        # A PySpark that puts its messages together in a different way is left to itself.
        with suppress(Exception):
            # A server that decrypts broadcasts is a task's own, and its secret is nobody else's.
            if info.broadcast.conn_info is not None:
                return
            first, end = self._first_of(view)
            if len(view) - end != len(rest) or any(
                getattr(info, name) != value for name, value in first.items()
            ):
                return
            self._known[rest] = {name: _copier(getattr(info, name)) for name in self._rest}
        if len(self._known) > MOST_MESSAGES:
            self._known.popitem(last=False)


def _after_text(view: memoryview, start: int) -> int:
    """Where a text ends whose length stands at ``start``; 0 where the message ends before."""
    if not 0 < start <= len(view) - 4:
        return 0
    length = int.from_bytes(view[start : start + 4], "big", signed=True)
    end = start + 4 + length
    return end if length >= 0 and end <= len(view) else 0


def _is_immutable(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(_is_immutable, value))
    return value is None or type(value) in (str, int)


def _copier(value: Any) -> Callable[[], Any]:
    """What makes a parsed value once more, with no list, dict or object in common with it.

    Raises
    ------
    TypeError
        It is of a type that is not known here.
    """
    kind = type(value)
    if _is_immutable(value):
        return lambda: value
    if kind in (list, dict):
        parts = value.values() if kind is dict else value
        if all(map(_is_immutable, parts)) and (kind is list or all(map(_is_immutable, value))):
            return kind(value).copy
    if kind is list:
        each = [_copier(part) for part in value]
        return lambda: [copy() for copy in each]
    # Its bytes are immutable, but a view can be released.
    if kind is memoryview and type(value.obj) is bytes:
        own = memoryview(value)
        return lambda: memoryview(own)
    if is_dataclass(kind):
        named = {field.name: _copier(getattr(value, field.name)) for field in fields(kind)}
        return lambda: kind(**{name: copy() for name, copy in named.items()})
    raise TypeError(f"a message has a {kind.__name__}")
