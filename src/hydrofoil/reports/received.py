"""The driver's side of reports: counts of failed rows, their table, their bound, and the logs.

A report is taken in the thread of Spark's scheduler, before the query goes on: once an action has
returned, the rows of all of its tasks are in the table.
"""

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from hydrofoil.counts.registry import register, value_of
from hydrofoil.reports import logs, metrics, stages
from hydrofoil.reports.channel import ACCUMULATOR
from hydrofoil.reports.policy import QUARANTINE, Limit

# Of how many queries the counts are kept, the newest ones; and of how many what each task has sent,
# for partitions that are computed again.
MOST_QUERIES = 64
MOST_WITH_TASKS = 8
# How often it is asked whether a stage has ended whose last task has not said so.
_SECONDS = 1.0

logger = logging.getLogger("hydrofoil.worker")

# Function's name, file, line and on_error, and the table of its rows.
Function = tuple[str, str, int, str, str | None]


@dataclass
class FunctionCounts:
    """Rows of one function in a query."""

    limit: Limit
    rows: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    example: str = ""
    # How many of them the UI shows.
    shown: int = 0

    def add(self, rows: int, errors: dict[str, int], sign: int = 1) -> None:
        """Add a task's counts, or take them away."""
        self.rows += sign * rows
        for name, count in errors.items():
            self.errors[name] += sign * count


@dataclass
class _Attempt:
    """What was taken of the last attempt to compute a partition."""

    task: int
    # For each run of a worker, each function's rows and errors.
    parts: list[list[tuple[Function, int, dict[str, int]]]] = field(default_factory=list)
    # Table and name of each file that it has, and of those of the attempt before it.
    files: list[tuple[str, str]] = field(default_factory=list)
    stale: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Query:
    """A query's counts, and the attempts that they come from."""

    functions: dict[Function, FunctionCounts] = field(default_factory=dict)
    attempts: dict[tuple[str, int], _Attempt] = field(default_factory=dict)
    failed: bool = False


class Received:
    """The accumulator's value: reports are added to it by the thread that talks to the JVM."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._queries: OrderedDict[Any, Query] = OrderedDict()
        # Stages with failed rows whose end was not told yet: the query and a stage's number.
        self._untold: set[tuple[Any, int]] = set()
        self._watching = False

    def __iadd__(self, reports: Iterable[dict[str, Any]]) -> "Received":
        for report in reports:
            try:
                with self._lock:
                    self._take(report)
            except Exception:
                # It must not fail: Spark would take no more updates of any accumulator.
                logger.exception("hydrofoil: a report of a worker was lost")
        return self

    def queries(self) -> dict[Any, dict[Function, FunctionCounts]]:
        """The counts of each query, by the id of its execution, oldest first."""
        with self._lock:
            return {
                key: {
                    function: FunctionCounts(one.limit, one.rows, Counter(+one.errors), one.example)
                    for function, one in query.functions.items()
                }
                for key, query in self._queries.items()
            }

    # --- One report -------------------------------------------------------------------------------

    def _take(self, report: dict[str, Any]) -> None:
        logs.print_records(report)
        self._tell_slow(report)
        if not report["functions"]:
            return
        stage = stages.stage_of(report["stage"], report["partition"])
        execution = report["execution"]
        key = int(execution) if execution is not None else stage.identity
        query = self._queries.setdefault(key, Query())
        self._queries.move_to_end(key)
        while len(self._queries) > MOST_QUERIES:
            self._queries.popitem(last=False)
        for old in list(self._queries.values())[:-MOST_WITH_TASKS]:
            old.attempts.clear()
        attempt = self._attempt(query, stage, report)
        attempt.parts.append([])
        for one in report["functions"]:
            function: Function = (
                *(one["name"], one["file"], one["line"]),
                *(one["on_error"], one["table"]),
            )
            counts = query.functions.setdefault(function, FunctionCounts(Limit(*one["limit"])))
            counts.add(one["rows"], one["errors"])
            counts.example = one["example"] or counts.example
            attempt.parts[-1].append((function, one["rows"], one["errors"]))
        self._write(query, attempt, stage, report)
        self._check(query, report, stage)
        if any(one["errors"] for one in report["functions"]):
            self._untold.add((key, report["stage"]))
            self._watch()
        if stage.is_last and (key, report["stage"]) in self._untold:
            self._tell(key, report["stage"])

    def _attempt(self, query: Query, stage: stages.Stage, report: dict[str, Any]) -> _Attempt:
        """The attempt that a report is of; what a different one has sent before is taken back."""
        place = (stage.computed or stage.identity, report["partition"])
        before = query.attempts.get(place)
        if before is not None and before.task == report["task"]:
            return before
        made = query.attempts[place] = _Attempt(report["task"])
        if before is not None:
            for part in before.parts:
                for function, rows, errors in part:
                    query.functions[function].add(rows, errors, -1)
            made.stale = before.files
        return made

    # --- The table --------------------------------------------------------------------------------

    def _write(
        self, query: Query, attempt: _Attempt, stage: stages.Stage, report: dict[str, Any]
    ) -> None:
        by_table: dict[str, list[tuple[Any, ...]]] = {}
        context = stages.spark_context()
        application = context.applicationId()
        when = datetime.fromtimestamp(report["time"], timezone.utc)
        execution = None if report["execution"] is None else int(report["execution"])
        for one in report["functions"]:
            records = one.pop("records")
            for error, message, trace, row, arguments in records:
                by_table.setdefault(one["table"], []).append(
                    (
                        *(one["name"], one["file"], one["line"], error, message, trace),
                        *(report["partition"], row, arguments, application, execution),
                        *(report["stage"], when),
                    )
                )
        for table, rows in by_table.items():
            from hydrofoil.reports.table import as_parquet

            number = len(attempt.parts) - 1
            name = f"{application}-{stage.identity}-{report['partition']:05d}-{number}.parquet"
            try:
                self._folder(table).put(name, as_parquet(rows))
                attempt.files.append((table, name))
            except Exception as error:
                text = str(error).strip().splitlines()[0]
                self._fail(
                    query,
                    report["stage"],
                    f"hydrofoil: {len(rows):,} rows of {rows[0][0]} can't be written to the "
                    f"quarantine table {table}: {text}",
                )

        # Those of the same names have been replaced.
        for table, name in set(attempt.stale) - set(attempt.files):
            self._folder(table).remove(name)
        attempt.stale = []

    def _folder(self, table: str) -> Any:
        from hydrofoil.reports.table import Folder

        return Folder(stages.spark_context(), table)

    # --- The bound --------------------------------------------------------------------------------

    def _check(self, query: Query, report: dict[str, Any], stage: stages.Stage) -> None:
        for function, counts in query.functions.items():
            failed, limit = sum(counts.errors.values()), counts.limit
            over = limit.number is not None and failed > limit.number
            if limit.share is not None and stage.is_last:
                over = over or failed > limit.share * counts.rows
            if over:
                self._fail(
                    query,
                    report["stage"],
                    f"hydrofoil: {said(function, counts)}, more than max_errors={limit}: "
                    f"{counts.example}; {where(function)}",
                )

    def _fail(self, query: Query, stage: int, reason: str) -> None:
        if query.failed:
            return
        query.failed = True
        logger.error("%s", reason)
        if not stages.fail(stage, reason):
            logger.error("hydrofoil: the query could not be cancelled")

    # --- What is said of it -----------------------------------------------------------------------

    def _tell(self, key: Any, stage: int) -> None:
        self._untold.discard((key, stage))
        query = self._queries.get(key)
        if query is None:
            return
        self._show(key, query)
        if query.failed:
            return
        for function, counts in query.functions.items():
            if any(counts.errors.values()):
                logger.warning("hydrofoil: %s, %s", said(function, counts), where(function))

    def _show(self, key: Any, query: Query) -> None:
        """Show what has failed since the last time on the query's page of the UI."""
        for function, counts in query.functions.items():
            more = sum(counts.errors.values()) - counts.shown
            if more > 0 and isinstance(key, int):
                # A page of Spark's is no reason to fail.
                with suppress(Exception):
                    metrics.add(key, metrics.FAILED, function[0], more)
                counts.shown += more

    def _tell_slow(self, report: dict[str, Any]) -> None:
        """Say that a task had slow rows; which ones is in its executor's log."""
        rows, function = report.get("slow", (0, ""))
        if not rows:
            return
        logger.warning(
            "hydrofoil: %d rows of partition %d were slow in %s; the log of executor %s has where",
            *(rows, report["partition"], function, report["host"]),
        )
        if report["execution"] is not None:
            with suppress(Exception):
                metrics.add(int(report["execution"]), metrics.SLOW, function, rows)

    def _watch(self) -> None:
        """Tell the end of stages whose last task had no report, such as those that fail."""
        if self._watching:
            return
        self._watching = True
        threading.Thread(target=self._watch_stages, name="hydrofoil-reports", daemon=True).start()

    def _watch_stages(self) -> None:
        while True:
            time.sleep(_SECONDS)
            with self._lock:
                for key, stage in list(self._untold):
                    if not stages.is_running(stage):
                        self._tell(key, stage)
                if not self._untold:
                    self._watching = False
                    return


def said(function: Function, counts: FunctionCounts) -> str:
    """Counts in words: ``1,000 rows of 9,000 failed in parse (ValueError 990, KeyError 10)``."""
    errors = ", ".join(f"{name} {count:,}" for name, count in counts.errors.most_common() if count)
    failed = sum(counts.errors.values())
    rows = "row" if failed == 1 else "rows"
    return f"{failed:,} {rows} of {counts.rows:,} failed in {function[0]} ({errors})"


def where(function: Function) -> str:
    """Where the failed rows of a function are."""
    return f"in table {function[4]}" if function[3] == QUARANTINE else "their results are null"


def received() -> Received:
    """What takes reports in this process, from now on."""
    known = value_of(ACCUMULATOR)
    if isinstance(known, Received):
        return known
    made = Received()
    register(ACCUMULATOR, made, [])
    return made


# A worker's report imports this module: see `hydrofoil.reports.channel`.
received()
