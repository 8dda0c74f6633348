"""Batches made ahead by a thread, while the user works on those before."""

import queue
import threading
from collections.abc import Iterator
from typing import Any

_END = object()


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def ahead(items: Iterator[Any], depth: int) -> Iterator[Any]:
    """The same items, of which up to ``depth`` are made before they are asked for.

    Raises
    ------
    BaseException
        What the iterator raises, at the item where it does.
    """
    ready: queue.Queue[Any] = queue.Queue(depth)
    stop = threading.Event()

    def put(item: Any) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def run() -> None:
        last: Any = _END
        try:
            for item in items:
                if not put(item):
                    return
        except BaseException as error:
            last = _Failed(error)
        put(last)

    thread = threading.Thread(target=run, name="hydrofoil-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if item is _END:
                return
            if type(item) is _Failed:
                raise item.error
            yield item
    finally:
        stop.set()
        # Briefly: it may wait for rows, and whoever leaves a loop early does so for a reason.
        thread.join(1.0)
