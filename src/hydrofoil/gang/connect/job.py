"""An attempt as an operation of a Spark Connect session, which a thread of its own collects."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hydrofoil.gang.connect.hub import RemoteHub
from hydrofoil.gang.task import joined

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class ConnectJob:
    """Makes and collects a barrier DataFrame of results; interrupted by a tag of its own."""

    def __init__(
        self,
        spark: Any,
        ranks: "Callable[[int], DataFrame]",
        world_size: int,
        tag: str,
        hub: RemoteHub,
    ) -> None:
        self._spark = spark
        self._ranks = ranks
        self._world_size = world_size
        self._tag = tag
        self._hub = hub
        self._rows: list[Any] = []
        self._error: BaseException | None = None
        self._running = 0  # Tasks, as the server last said.
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._collect, name=tag, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _collect(self) -> None:
        # A thread's own; resource profiles are made by it.
        type(self._spark)._active_session.session = self._spark
        self._spark.registerProgressHandler(self._hear)
        try:
            self._spark.addTag(self._tag)  # Of this thread alone.
            self._rows = self._ranks(self._world_size).collect()
        except BaseException as error:
            self._error = error
        finally:
            self._spark.removeProgressHandler(self._hear)
            self._done.set()

    def _hear(self, stages: Any, inflight_tasks: int, operation_id: Any, done: bool) -> None:
        if threading.current_thread() is self._thread:  # Handlers hear of all operations.
            self._running = 0 if done else inflight_tasks

    def done(self) -> bool:
        return self._done.is_set() or self._hub.failure is not None

    def error(self) -> BaseException | None:
        if self._done.is_set() and self._error is not None:
            return self._error
        return self._hub.failure

    def results(self) -> list[bytes]:
        return joined(self._rows, self._world_size)

    def waits(self) -> bool:
        """Whether none of its tasks runs. Spark computes the ranks' input in the same job."""
        return not self._done.is_set() and not self._running

    def verdict(self, rank: int) -> str | None:
        """Spark knows more only of executors that are lost, which its error says."""
        return "" if self._done.is_set() else None

    def cancel(self, why: str) -> None:
        if not self._done.is_set():
            try:
                self._spark.interruptTag(self._tag)
            except Exception as error:  # The server is gone, and the job with it.
                self._error = self._error or error

    def join(self, timeout: float) -> None:
        self._done.wait(timeout)
