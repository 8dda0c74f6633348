"""The message that a task begins with, on versions that have the whole of it before they parse it.

Stock's stream is made for parts that arrive in other threads, and locks for each field. A small
task has a hundred of them, and spends a fifth of its time there. Here the message is one part.
"""

from typing import Any

from pyspark.messages import SparkSocketMessageReceiver, ZeroCopyByteStream


class WholeMessage:
    """What stock reads of `ZeroCopyByteStream`, over one part; errors are stock's own."""

    __slots__ = ("_position", "_view")

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._position = 0

    def read(self, size: int) -> memoryview:
        end = self._position + size
        if size < 0 or end > len(self._view):
            return self._fail(size)
        part = self._view[self._position : end]
        self._position = end
        return part

    def _fail(self, size: int) -> memoryview:
        """What stock raises at such a size; it consumes what is left where that is too little."""
        rest = ZeroCopyByteStream(self._view[self._position :])
        rest.finish()
        if size > 0:
            self._position = len(self._view)
        part: memoryview = rest.read(size)
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
