"""`hydrofoil.last_query`: what Spark and the workers counted while the last query ran."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hydrofoil.counts.collected import WorkerCounts, collected
from hydrofoil.counts.sending import KEY
from hydrofoil.counts.task_trace import LEGEND, PARTLY, path_taken
from hydrofoil.tools.paths.jvm import SENT, Operator, left_reason
from hydrofoil.tools.sessions import classic, why_stock
from hydrofoil.tools.tables import html_page, html_table, percent, plain, text_table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Spark ends a query's account a moment after the query.
_PATIENCE = 5.0

_UNITS = {
    **{"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0},
    **{"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "PiB": 1 << 50},
}

# What is shown of an operator, by the metrics' names: a heading, and which is there first.
_SHOWN = (
    ("rows in", ("number of input rows",)),
    ("rows out", ("number of output rows",)),
    ("batches sent", ("record batches sent",)),
    ("sent", (SENT,)),
    ("returned", ("data returned from Python workers",)),
    ("waiting for Python", ("time waiting for Python",)),
    ("in Python", ("time to execute Python code", "time to run Python workers")),
)


@dataclass(frozen=True)
class PythonOperator:
    """An operator of the query's plan that called Python.

    Attributes
    ----------
    operator : Operator
        Its name, its line in the plan, whose it is, and why it is Spark's where the plan says so.
    metrics : dict of str to str
        Spark's own metrics of it, by name, as Spark shows them: totals over all tasks.
    """

    operator: Operator
    metrics: dict[str, str] = field(default_factory=dict)

    def value(self, metric: str) -> float | None:
        """A metric as a number: rows, bytes or seconds, rounded as Spark shows it; None without."""
        shown = self.metrics.get(metric)
        return None if shown is None else number_of(shown)


@dataclass(frozen=True)
class LastQuery:
    """What was counted while a query ran; ``str()`` and notebooks show it.

    Attributes
    ----------
    execution : int or None
        Spark's id of the query; None if none has ended in this session's application.
    description : str
        What Spark calls it.
    operators : list of PythonOperator
        What the JVM counted, by operator that called Python.
    workers : list of WorkerCounts
        What Hydrofoil's workers counted, by projection.
    notes : list of str
        What is not known, and why.
    """

    execution: int | None
    description: str
    operators: list[PythonOperator]
    workers: list[WorkerCounts]
    notes: list[str]

    @property
    def fast_share(self) -> float | None:
        """The share of batches that took the fast path all the way; None if none were counted."""
        batches = sum(sum(counts.batches.values()) for counts in self.workers)
        return sum(counts.fast for counts in self.workers) / batches if batches else None

    @property
    def headline(self) -> str:
        """One line that sums up."""
        if self.execution is None:
            return "No query has ended in this application yet."
        name = f"Query {self.execution} ({self.description})"
        if not self.operators:
            return f"{name} ran no Python function."
        if self.fast_share is None:
            return f"{name}: batches were not counted."
        return f"{name}: {percent(self.fast_share)} of batches (or groups) took the fast path."

    def _tables(self) -> Iterator[tuple[list[str], list[list[str]]]]:
        if self.operators:
            yield (
                ["operator", "functions", "whose, and why", *(heading for heading, _ in _SHOWN)],
                [self._operator_row(operator) for operator in self.operators],
            )
        if self.workers:
            yield (
                ["function", "kind", "path", "tasks", "batches fast", "why not all"],
                [row for counts in self.workers for row in worker_rows(counts)],
            )

    def _operator_row(self, operator: PythonOperator) -> list[str]:
        found = operator.operator
        names = dict.fromkeys(u.name for counts in self.workers for u in counts.udfs)
        called = ", ".join(name for name in names if f"{name}(" in found.description)
        owner = f"{found.owner}'s" + (f": {found.why_sparks}" if found.why_sparks else "")
        row = [found.name, called, owner]
        for _, names_of_metric in _SHOWN:
            known = (operator.metrics[n] for n in names_of_metric if n in operator.metrics)
            row.append(total_of(next(known, "")))
        return row

    def _legend(self) -> list[str]:
        paths = {path_taken(u, counts.batches) for counts in self.workers for u in counts.udfs}
        return [LEGEND] if PARTLY in paths else []

    def __repr__(self) -> str:
        tables = [text_table(*table) for table in self._tables()]
        return "\n\n".join([self.headline, *tables, *self._legend(), *self.notes])

    __str__ = __repr__

    def _repr_html_(self) -> str:
        tables = [html_table(*table) for table in self._tables()]
        return html_page(self.headline, tables, [*self._legend(), *self.notes])


def last_query(spark: "SparkSession | None" = None) -> LastQuery:
    """What was counted while the last query ran, without running it again.

    The JVM's counts are those of Spark's own status store. The workers' are sent by each task that
    has ended well, where the session asks for it by ``spark.hydrofoil.counts=true``, which
    `hydrofoil.session`, `hydrofoil.configure` and ``hydrofoil submit`` set. In other sessions this
    function sets it, for the queries to come.

    Parameters
    ----------
    spark : SparkSession, optional
        By default the active session.

    Returns
    -------
    LastQuery
        Of the newest query of the application that has ended.

    Raises
    ------
    UsageError
        No session is active, or it is one of Spark Connect.
    """
    session = classic(spark, "hydrofoil.last_query")
    taken = collected()
    notes = []
    stock = why_stock(session)
    asked = str(session.conf.get(KEY, "false")).lower() == "true"
    if not asked and not stock:
        session.conf.set(KEY, "true")
    store = session._jsparkSession.sharedState().statusStore()
    newest = _newest_ended(session, store)
    if newest is None:
        return LastQuery(None, "", [], [], [])
    executions = _executions(store, newest)
    operators = [o for execution in executions for o in _operators(store, execution)]
    workers = taken.of([execution.executionId() for execution in executions])
    if stock:
        notes.append(f"Stock PySpark's workers run, which count nothing: {stock}.")
    elif operators and not workers and not asked:
        notes.append(
            "The workers' counts of this query are not known, for the session did not ask for "
            f"them: {KEY} was not set. From now on it does."
        )
    elif operators and not workers and _has_failed(newest):
        notes.append("The query failed: the counts of tasks that fail are lost.")
    elif operators and not workers:
        notes.append(
            "No task of this query sent counts: Spark ends tasks early where it needs no more "
            f"rows, and queries before {KEY} was set have none."
        )
    if workers and taken.incomplete:
        notes.append("There may have been more tasks than the counts are of.")
    return LastQuery(newest.executionId(), str(newest.description()), operators, workers, notes)


def number_of(shown: str) -> float | None:
    """The number that Spark shows as text: "1,000", or the total in "total (...)\\n1.5 s (...)"."""
    found = re.match(r"([\d,.]+)\s*([A-Za-z]*)", shown.rpartition("\n")[2])
    if found is None:
        return None
    return float(found[1].replace(",", "")) * _UNITS.get(found[2], 1)


def total_of(shown: str) -> str:
    """The total in a metric, without the least and the most of a task."""
    return shown.rpartition("\n")[2].partition(" (")[0]


def worker_rows(counts: WorkerCounts) -> list[list[str]]:
    """A row for each function of a projection; the batches stand in the last one."""
    kind = plain(counts.eval_type)
    rows = [
        [f"{u.name}{u.signature}", kind, path_taken(u, counts.batches), "", "", u.reason]
        for u in counts.udfs
    ]
    for row in rows[:-1]:
        below = f"runs with {counts.udfs[-1].name}: its batches are those of that row"
        row[-1] = "\n".join(filter(None, [row[-1], below]))
    if rows:
        why = [f"{count}: {reason}" for reason, count in counts.fell_back.items()]
        # Stock's path does not count batches.
        rows[-1][-3:] = [
            str(counts.tasks),
            str(counts.fast) if counts.batches else "",
            "\n".join(filter(None, [rows[-1][-1], *why])),
        ]
    return rows


def _newest_ended(session: Any, store: Any) -> Any:
    """The newest execution that has ended, once Spark has taken note of it; None without."""
    # Events reach the store by a queue.
    session._jsc.sc().listenerBus().waitUntilEmpty()
    deadline = time.monotonic() + _PATIENCE
    while True:
        listed = _listed(store.executionsList())
        ended = [e for e in listed if e.completionTime().isDefined()]
        # One that runs on, such as a stream's, is not waited for.
        if not listed or ended[-1:] == listed[-1:] or time.monotonic() > deadline:
            return ended[-1] if ended else None
        time.sleep(0.02)


def _has_failed(execution: Any) -> bool:
    states = _listed(execution.jobs().values().toSeq())
    return any(str(state) == "FAILED" for state in states)


def _executions(store: Any, newest: Any) -> list[Any]:
    """The execution, with those that it is a part of or that are parts of it."""
    root = newest.rootExecutionId()
    return [e for e in _listed(store.executionsList()) if e.rootExecutionId() == root]


def _operators(store: Any, execution: Any) -> Iterator[PythonOperator]:
    number = execution.executionId()
    graph = store.planGraph(number)
    values = store.executionMetrics(number)
    nodes = {node.id(): node for node in _listed(graph.allNodes())}
    # An edge leads from a child to its parent.
    parents = {edge.fromId(): edge.toId() for edge in _listed(graph.edges())}
    for node in nodes.values():
        metrics = {metric.name(): metric.accumulatorId() for metric in _listed(node.metrics())}
        if SENT not in metrics:
            continue
        above = nodes.get(parents.get(node.id()))
        reason = "" if above is None else left_reason(str(above.name()), str(above.desc()))
        shown = {name: values.get(number) for name, number in metrics.items()}
        yield PythonOperator(
            Operator(str(node.name()), str(node.desc()), reason),
            {name: str(value.get()) for name, value in shown.items() if value.isDefined()},
        )


def _listed(sequence: Any) -> list[Any]:
    return [sequence.apply(i) for i in range(sequence.size())]
