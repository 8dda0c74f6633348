"""`hydrofoil.explain`: the path of each Python function of a DataFrame, before it runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydrofoil.counts.collected import collected
from hydrofoil.counts.task_trace import FAST, LEGEND, PARTLY, UdfTrace, path_taken
from hydrofoil.errors import UsageError
from hydrofoil.evals.eval_types import describe
from hydrofoil.evals.reasons import expected
from hydrofoil.settings import jvm_operators
from hydrofoil.tools.paths.answer import STOCK, UNKNOWN
from hydrofoil.tools.paths.ask import ask
from hydrofoil.tools.paths.jvm import SPARK, Operator
from hydrofoil.tools.paths.plan import Calls, Plan
from hydrofoil.tools.sessions import classic, why_stock
from hydrofoil.tools.tables import html_page, html_table, of_them, plain, text_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Turns off what Hydrofoil has for groups alone.
_GROUPED_KEY = "spark.hydrofoil.columnar.grouped.enabled"
# The workers' Python for functions of SQL, before that of all.
_PYTHON_KEY = "spark.sql.execution.pyspark.python"
# How reasons begin that are so for every batch.
_CONVERTED = ("its results are converted by stock", "arguments and results are converted by stock")
# Declared types that pandas seldom computes: their dtype; what it makes instead, and its type.
_NARROW = {
    "tinyint": ("int8", ("int64", "bigint")),
    "smallint": ("int16", ("int64", "bigint")),
    "int": ("int32", ("int64", "bigint")),
    "float": ("float32", ("float64", "double")),
}
_IF = "if "  # Begins the reason of a function that is fast on a condition.
_NO_OPERATOR = "Hydrofoil has no operator in its place"


@dataclass(frozen=True)
class PythonFunction:
    """A Python function of a plan, and the paths that it takes.

    Attributes
    ----------
    name : str
        As the user wrote it; "g(f)" for functions that the worker calls on one another's results.
    signature : str
        The types of its arguments and its result.
    kind : str
        Its eval type, by PySpark's name.
    path : str
        In the worker: "fast"; "partly fast" where stock's code converts each batch's arguments or
        results; "stock"; or "unknown".
    reason : str
        Why it is stock's or not known; or what stock has a part in although it is fast.
    operator : str
        The JVM's operator that calls it.
    jvm : str
        Whose operator that is: "Hydrofoil" or "Spark".
    jvm_reason : str
        Why it is Spark's.
    cached : bool
        Whether it runs for a cache, and not again once the cache is filled.
    compiled : str
        Whether the JVM computes it: "yes", with what sends a row to Python; "no", with why not; or
        empty where nobody asked for that.
    """

    name: str
    signature: str
    kind: str
    path: str
    reason: str
    operator: str
    jvm: str
    jvm_reason: str
    cached: bool
    compiled: str = ""


@dataclass(frozen=True)
class Explained:
    """The Python functions of a DataFrame; ``str()`` and notebooks show them.

    Attributes
    ----------
    functions : list of PythonFunction
        In the plan's order, from its end to its sources.
    notes : list of str
        What is to be known of the answers.
    """

    functions: list[PythonFunction]
    notes: list[str]

    @property
    def fast_share(self) -> float | None:
        """The share of functions whose path in the worker is fast; None if there is none."""
        fast = sum(function.path == FAST for function in self.functions)
        return fast / len(self.functions) if self.functions else None

    @property
    def headline(self) -> str:
        """One line that sums up."""
        if not self.functions:
            return "This DataFrame's plan calls no Python function."
        fast = [function for function in self.functions if function.path == FAST]
        answer = f"Fast in the workers: {of_them(len(fast), len(self.functions), 'function')}"
        conditional = any(function.reason.startswith(_IF) for function in fast)
        return f"{answer}{', if results are of the declared types' if conditional else ''}."

    _HEADINGS = (
        "function",
        "kind",
        "worker",
        "why",
        "JVM's operator",
        "whose, and why",
        "compiled",
    )

    def _rows(self) -> list[list[str]]:
        return [
            [
                f"{f.name}{f.signature}",
                plain(f.kind),
                f.path,
                f.reason,
                f.operator + (" (cached)" if f.cached else ""),
                f"{f.jvm}'s" + (f": {f.jvm_reason}" if f.jvm_reason else ""),
                f.compiled,
            ]
            for f in self.functions
        ]

    def _legend(self) -> list[str]:
        return [LEGEND] if any(function.path == PARTLY for function in self.functions) else []

    def __repr__(self) -> str:
        tables = [text_table(self._HEADINGS, self._rows())] if self.functions else []
        return "\n\n".join([self.headline, *tables, *self._legend(), *self.notes])

    __str__ = __repr__

    def _repr_html_(self) -> str:
        tables = [html_table(self._HEADINGS, self._rows())] if self.functions else []
        return html_page(self.headline, tables, [*self._legend(), *self.notes])


def explain(df: "DataFrame") -> Explained:
    """Say which path each Python function of a DataFrame takes, without running it.

    The worker's path is that which a process with the workers' Python and environment plans, by the
    worker's own code; batches can still fall back one by one, which `hydrofoil.last_query` counts
    once the query has run. The JVM's path is read from the plan: from the one that has run where
    the DataFrame itself has been collected, otherwise from the one that Spark would begin with.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
        Of a classic session.

    Returns
    -------
    Explained

    Raises
    ------
    UsageError
        ``df`` is no DataFrame, or it is one of Spark Connect.
    """
    [explained] = explain_all([df])
    return explained


def explain_all(dfs: "Sequence[DataFrame]") -> list[Explained]:
    """As `explain`, of DataFrames of one session: their workers' Python is started once."""
    for df in dfs:
        if not hasattr(df, "sparkSession"):
            raise UsageError(
                f"hydrofoil.explain was given {type(df).__name__}, not a DataFrame",
                hint="call it before show or collect: hydrofoil.explain(df)",
            )
    spark = classic(dfs[0].sparkSession, "hydrofoil.explain")
    plans = [Plan(df) for df in dfs]
    calls = [[each for each in plan.calls() if each.functions] for plan in plans]
    off = why_stock(spark)
    asked = [
        (plan, each)
        for plan, of_plan in zip(plans, calls, strict=True)
        for each in of_plan
        if not off and not each.functions[0].is_table
    ]
    broadcasts: dict[int, str] = {}
    environment: dict[str, str] = {}
    for plan, each in asked:
        broadcasts |= plan.broadcasts(each)
        environment |= dict(each.functions[0].chain[0].func().envVars())
    answers, notes = ask(
        [plan.question(each) for plan, each in asked],
        broadcasts,
        spark.conf.get(_PYTHON_KEY, None) or spark.sparkContext.pythonExec,
        environment | _executors_environment(spark),
    )
    answered = {id(each): answer for (_, each), answer in zip(asked, answers, strict=True)}
    off_in_jvm = why_sparks(spark)
    return [
        Explained(
            [
                f
                for each in found
                for f in _described(each, answered.get(id(each)), off, off_in_jvm)
            ],
            notes,
        )
        for found in calls
    ]


def why_sparks(spark: Any) -> str:
    """Why all of a session's operators are Spark's, by its settings; empty if they need not be."""
    reason = jvm_operators.why_not(spark.version)
    conf = {
        key: str(spark.conf.get(key, default))
        for key, default in (
            (jvm_operators.EXTENSIONS_KEY, ""),
            (jvm_operators.ENABLED_KEY, "true"),
        )
    }
    if jvm_operators.EXTENSION not in conf[jvm_operators.EXTENSIONS_KEY]:
        why = reason or f"{jvm_operators.EXTENSIONS_KEY} does not name them"
        return f"Hydrofoil's operators are off: {why}"
    if left_out := jvm_operators.left_out_by(spark.version):
        return f"Hydrofoil's operators are off: {left_out}"
    if not jvm_operators.is_on(conf):
        return f"{jvm_operators.ENABLED_KEY} is false"
    if str(spark.conf.get(_GROUPED_KEY, "true")).lower() == "false":
        return f"{_NO_OPERATOR}, or it has one for groups, and {_GROUPED_KEY} is false"
    return ""


def _judged(planned: UdfTrace, kind: str) -> tuple[str, str]:
    """The path that was planned, as far as it is known to be the one that is taken, and why."""
    if planned.path != FAST:
        return planned.path, planned.reason
    if planned.reason.startswith(_CONVERTED):
        return PARTLY, planned.reason
    counted = collected().outcomes(planned)
    path = path_taken(planned, counted)
    if path == PARTLY:
        [(reason, batches), *_] = counted.most_common(1)
        return path, f"when it ran, stock's code had a part in each batch: {batches}: {reason}"
    if planned.reason or counted[FAST]:
        return path, planned.reason
    return path, _condition(planned.signature.rpartition("-> ")[2], kind)


def _condition(declared: str, kind: str) -> str:
    """What the results have to be for a function to be fast, where that is known before it runs."""
    if "PANDAS" in kind and declared in _NARROW:
        dtype, wide = _NARROW[declared]
        return (
            f"{_IF}its results are {dtype}: PySpark casts others (for {wide[0]}, declare {wide[1]})"
        )
    if kind == "SQL_ARROW_BATCHED_UDF":
        return f"{_IF}it returns {expected(declared) or f'what {declared} takes as it is'}"
    return ""


def _executors_environment(spark: Any) -> dict[str, str]:
    prefix = "spark.executorEnv."
    conf = spark.sparkContext.getConf().getAll()
    return {key.removeprefix(prefix): value for key, value in conf if key.startswith(prefix)}


def _described(
    calls: Calls, answers: list[UdfTrace] | None, off: str, off_in_jvm: str
) -> Iterator[PythonFunction]:
    operator = calls.operator
    jvm_reason = operator.why_sparks
    if operator.owner == SPARK and not jvm_reason:
        jvm_reason = off_in_jvm or _NO_OPERATOR
    for i, function in enumerate(calls.functions):
        if off:
            path, reason = STOCK, off
        elif answers is None:
            path, reason = UNKNOWN, "a table function's path is planned when it runs"
        else:
            path, reason = _judged(answers[i], describe(function.eval_type))
        yield PythonFunction(
            function.name,
            function.signature,
            describe(function.eval_type),
            path,
            reason,
            operator.name,
            operator.owner,
            jvm_reason,
            calls.cached,
            compiled_or_not(operator, function.name),
        )


def compiled_or_not(operator: Operator, name: str) -> str:
    """Whether an operator computes a function, as `PythonFunction.compiled` has it."""
    if operator.guards is not None:
        none = operator.guards in ("", "none")
        return "yes" if none else f"yes; to Python go rows with {operator.guards}"
    reason = operator.not_compiled.get(name)
    return f"no: {reason}" if reason is not None else ""
