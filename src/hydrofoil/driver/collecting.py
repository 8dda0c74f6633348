"""`DataFrame.collect` by record batches: the JVM writes Arrow, and the core makes the rows."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hydrofoil.driver import frames, paths
from hydrofoil.driver.readers import reader_of, why_stock
from hydrofoil.spark.versions import installed_version

# Queries that end in these operators collect in their own way, which takes fewer partitions or no
# job at all, and few rows.
_COLLECT_THEMSELVES = frozenset(
    {
        "CollectLimitExec",
        "CollectTailExec",
        "CommandResultExec",
        "EmptyRelationExec",
        "ExecutedCommandExec",
        "TakeOrderedAndProjectExec",
    }
)
_SIZE_KEY = "spark.driver.maxResultSize"
_LOCAL = "LocalTableScanExec"
# Rows that the driver's JVM has already are worth a job from this many on.
_MANY_LOCAL_ROWS = 10_000


def make_collect(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of `DataFrame.collect`."""

    def collect(self: Any) -> list[Any]:
        reason = why_stock(self) or _why_not_arrow(self)
        if reason:
            paths.took("collect", paths.STOCK, reason)
            return original(self)  # type: ignore[no-any-return]
        version = installed_version()
        assert version is not None, "the switch has asked"
        try:
            collected = frames.collect(self, "collect", version)
        except Exception as error:
            if _SIZE_KEY not in str(error):
                raise
            # Rows come compressed, and may be allowed.
            paths.took("collect", paths.STOCK, f"a result of more than {_SIZE_KEY}")
            return original(self)  # type: ignore[no-any-return]
        rows: list[Any] = []
        if not collected.batches:
            paths.took("collect", paths.FAST)
            return rows
        reader = reader_of(self, collected.schema_message)
        paths.took("collect", paths.FAST, reader.slow_columns, collected.count())
        with _without_collections():
            # Each batch can go when its rows are there.
            collected.batches.reverse()
            while collected.batches:
                rows += reader.rows(collected.batches.pop())
        return rows

    return collect


@contextmanager
def _without_collections() -> Iterator[None]:
    """Have the garbage collector wait: rows are no garbage, however many there are."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _why_not_arrow(frame: Any) -> str:
    """Why the JVM's own way to collect is better for this query; empty if it is not."""
    try:
        plan = frame._jdf.queryExecution().sparkPlan()
        name = plan.getClass().getSimpleName()
        if name == _LOCAL and plan.rows().size() >= _MANY_LOCAL_ROWS:
            return ""
    except Exception:
        # The original says what is wrong with the query.
        return "the query can't be planned"
    if name in _COLLECT_THEMSELVES or name == _LOCAL or name.endswith("CommandExec"):
        return f"{name} collects its rows itself"
    return ""
