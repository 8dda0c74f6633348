"""An attempt as a Spark job: a barrier stage that a thread of its own collects."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hydrofoil.gang.task import joined

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class SparkJob:
    """Makes and collects a barrier DataFrame of results; cancelled by a tag of its own."""

    def __init__(
        self,
        spark: "SparkSession",
        ranks: "Callable[[int], DataFrame]",
        world_size: int,
        tag: str,
        description: str,
    ) -> None:
        from pyspark import InheritableThread

        self._spark = spark
        self._ranks = ranks
        self._world_size = world_size
        self._tag = tag
        self._description = description
        self._rows: list[Any] = []
        self._error: BaseException | None = None
        self._done = threading.Event()
        # Takes the caller's local properties with it: its scheduler pool, its own job group.
        self._thread = InheritableThread(target=self._collect, name=tag)
        self._thread.daemon = True

    def start(self) -> None:
        self._thread.start()

    def _collect(self) -> None:
        context = self._spark.sparkContext
        try:
            context.addJobTag(self._tag)
            context.setJobDescription(self._description)
            self._rows = self._ranks(self._world_size).collect()
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def done(self) -> bool:
        return self._done.is_set()

    def error(self) -> BaseException | None:
        return self._error if self.done() else None

    def results(self) -> list[bytes]:
        return joined(self._rows, self._world_size)

    def waits(self) -> bool:
        """Whether none of its tasks runs. Spark computes the ranks' input in the same job."""
        try:
            return not self.done() and self._active_tasks() == 0
        except Exception:  # The session has ended, which the job's own error says.
            return False

    def _active_tasks(self) -> int:
        tracker = self._spark.sparkContext.statusTracker()
        infos = [tracker.getStageInfo(stage) for stage in self._stages(tracker)]
        return sum(info.numActiveTasks for info in infos if info is not None)

    def _stages(self, tracker: Any) -> set[int]:
        jobs = self._spark.sparkContext._jsc.sc().statusTracker().getJobIdsForTag(self._tag)
        found: set[int] = set()
        for job in jobs:
            info = tracker.getJobInfo(job)
            if info is not None:
                found.update(info.stageIds)
        return found

    def verdict(self, rank: int) -> str | None:
        """Spark knows more only of executors that are lost, which its error says."""
        return "" if self.done() else None

    def cancel(self, why: str) -> None:
        """Cancel the job; Spark's log and UI say why, from Spark 4.0 on."""
        if self.done():
            return
        context = self._spark.sparkContext
        with suppress(Exception):  # The session has ended, and the job with it.
            if self._spark.version.startswith("3."):
                context.cancelJobsWithTag(self._tag)
            else:  # PySpark's own method takes no reason.
                context._jsc.sc().cancelJobsWithTag(self._tag, f"because {why}")

    def join(self, timeout: float) -> None:
        self._done.wait(timeout)
