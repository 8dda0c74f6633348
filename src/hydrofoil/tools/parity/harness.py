"""Run a query under both engines and compare everything that a user could tell apart."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from hydrofoil.failures.notes import MARK
from hydrofoil.tools.parity.engines import (
    HYDROFOIL,
    WARM_STOCK,
    Engine,
    use_conf,
    use_engine,
    use_environment,
)
from hydrofoil.tools.parity.probes import describe

BuildDataFrame = Callable[[SparkSession], DataFrame]

# What differs from run to run.
_VOLATILE = (
    (re.compile(r"0x[0-9a-f]{6,}"), "0xADDRESS"),
    (re.compile(r"(stage|[Tt]ask|TID) \d+(\.\d+)?"), r"\1 N"),
    (re.compile(r"(ResultTask|ShuffleMapTask)\(\d+, "), r"\1(N, "),
    (re.compile(r"\(TID N\) \([^)]*\)"), "(TID N) (HOST)"),
    (re.compile(r"calling o\d+\."), "calling OBJECT."),
    # Columns, numbered over a session.
    (re.compile(r"(?<=\w)#\d+"), "#N"),
    # How deep the worker itself stands on the stack.
    (re.compile(r"repeated \d+ more times"), "repeated N more times"),
    # What Hydrofoil says behind PySpark's message, groups of exceptions included.
    (re.compile(r"\n[ |]*" + re.escape(MARK) + r"in [^\n]*"), ""),
    # The JVM's stack.
    (re.compile(r"\n\t(at|\.\.\.) .*"), ""),
)
# A frame of the worker: stock shows its own where no other frame is left to show. The functions
# of this package's cases are a user's.
_WORKER_FRAME = re.compile(
    r'^ *File "[^"\n]*(?:/pyspark/|/hydrofoil/(?!tools/parity/)|hydrofoil\.)[^"\n]*", line .*\n'
    r"(?:    .*\n)*",
    re.M,
)


@dataclass(frozen=True)
class Rows:
    """A query's result: its schema as JSON, and each value of each row described."""

    schema: str
    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Raised:
    """A query's error: class, condition and message, the worker's traceback included."""

    kind: str
    condition: str | None
    message: str

    @property
    def last_line(self) -> str:
        """The Python exception's class and message."""
        lines = [line for line in self.message.splitlines() if not line.startswith(" SQLSTATE")]
        return next(line for line in reversed(lines) if line.strip())


Outcome = Rows | Raised


@dataclass
class Parity:
    """Compares engines on one session, under the settings of the enclosing ``under`` blocks."""

    spark: SparkSession
    left: Engine = WARM_STOCK
    right: Engine = HYDROFOIL

    @contextmanager
    def under(
        self, conf: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
    ) -> Iterator[None]:
        """Set SQL configurations and workers' environment variables inside the block."""
        with ExitStack() as stack:
            stack.enter_context(use_conf(self.spark, conf or {}))
            stack.enter_context(use_environment(self.spark, environment or {}))
            yield

    def same(self, build: BuildDataFrame, *, last_line_only: bool = False) -> Outcome:
        """Run ``build``'s query under both engines and require the same outcome.

        Parameters
        ----------
        build : function of a session
            Makes the data frame, its UDFs included; called once for each engine.
        last_line_only : bool
            Compare only class and message of a Python error, for settings that show the
            worker's own frames.

        Returns
        -------
        Rows or Raised
            Stock's outcome, so that a test can require that the case is what it says.
        """
        with use_engine(self.spark, self.left):
            expected = outcome_of(self.spark, build)
        with use_engine(self.spark, self.right):
            actual = outcome_of(self.spark, build)
        report = difference(expected, actual, last_line_only=last_line_only)
        assert report is None, f"{self.left.name} and {self.right.name} differ\n{report}"
        return expected

    def same_rows(self, build: BuildDataFrame) -> Rows:
        """As `same`, for a query that has to succeed."""
        outcome = self.same(build)
        assert isinstance(outcome, Rows), f"stock raised:\n{outcome.message}"
        return outcome

    def same_error(self, build: BuildDataFrame, *, last_line_only: bool = False) -> Raised:
        """As `same`, for a query that has to fail."""
        outcome = self.same(build, last_line_only=last_line_only)
        assert isinstance(outcome, Raised), f"stock raised nothing but gave {outcome}"
        return outcome


def numbers(spark: SparkSession, count: int) -> DataFrame:
    """The column ``id``, 0 to ``count`` - 1, in one partition: which row fails first is certain."""
    return spark.range(0, count, 1, 1)


def outcome_of(spark: SparkSession, build: BuildDataFrame) -> Outcome:
    """Run a query on the session's present engine."""
    try:
        frame = build(spark)
        rows = frame.collect()
    except PySparkException as error:
        # Named so since 4.0.
        condition = getattr(error, "getCondition", error.getErrorClass)
        return Raised(
            kind=type(error).__name__,
            condition=condition(),
            message=normalized(getattr(error, "_desc", None) or str(error)),
        )
    except Exception as error:  # Conversion of a result in the driver.
        return Raised(type(error).__name__, None, normalized(str(error)))
    return Rows(
        schema=frame.schema.json(),
        names=tuple(frame.columns),
        values=tuple(tuple(map(describe, row)) for row in rows),
    )


def normalized(message: str) -> str:
    """A message without what differs from run to run."""
    for pattern, replacement in _VOLATILE:
        message = pattern.sub(replacement, message)
    return message


def difference(expected: Outcome, actual: Outcome, *, last_line_only: bool = False) -> str | None:
    """What differs between two outcomes, in a few lines; None if nothing does."""
    if isinstance(expected, Raised) and isinstance(actual, Raised):
        return _difference_of_errors(expected, actual, last_line_only)
    if isinstance(expected, Rows) and isinstance(actual, Rows):
        return _difference_of_rows(expected, actual)
    return f"expected: {_short(expected)}\nactual:   {_short(actual)}"


def _difference_of_errors(expected: Raised, actual: Raised, last_line_only: bool) -> str | None:
    if (expected.kind, expected.condition) != (actual.kind, actual.condition):
        return f"expected: {_short(expected)}\nactual:   {_short(actual)}"
    if last_line_only:
        left, right = expected.last_line, actual.last_line
    else:
        left, right = same_frames(expected.message, actual.message)
    return None if left == right else f"expected: {left}\nactual:   {right}"


def same_frames(expected: str, actual: str) -> tuple[str, str]:
    """Two tracebacks, without the workers' own frames where stock shows some."""
    if _WORKER_FRAME.search(expected):
        return _WORKER_FRAME.sub("", expected), _WORKER_FRAME.sub("", actual)
    return expected, actual


def _difference_of_rows(expected: Rows, actual: Rows) -> str | None:
    if expected.schema != actual.schema:
        return f"expected schema: {expected.schema}\nactual schema:   {actual.schema}"
    if len(expected.values) != len(actual.values):
        return f"expected {len(expected.values)} rows, got {len(actual.values)}"
    found = [
        f"row {number}, column {name!r}\n  expected: {_cut(left)}\n  actual:   {_cut(right)}"
        for number, rows in enumerate(zip(expected.values, actual.values, strict=True))
        for name, left, right in zip(expected.names, *rows, strict=True)
        if left != right
    ]
    if not found:
        return None
    more = f"\n... and {len(found) - 20} more" if len(found) > 20 else ""
    return "\n".join(found[:20]) + more


def _short(outcome: Outcome) -> str:
    if isinstance(outcome, Raised):
        return f"{outcome.kind} [{outcome.condition}] {outcome.message}"
    return f"{len(outcome.values)} rows, first {_cut(str(outcome.values[:1]))}"


def _cut(text: str, length: int = 400) -> str:
    return text if len(text) <= length else f"{text[:length]}... ({len(text)} characters)"
