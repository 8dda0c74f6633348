"""A function that goes on where the user's raises: the row is null, and the driver is told of it.

It costs one more call a row, and only where it is asked for.
"""

import functools
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hydrofoil.errors import HydrofoilError, UsageError
from hydrofoil.failures import shown
from hydrofoil.failures.functions import code_of, described, parameters_of
from hydrofoil.reports.arguments import as_text, encodable
from hydrofoil.reports.channel import TaskReport, report
from hydrofoil.reports.policy import QUARANTINE, RAISE, Policy
from hydrofoil.reports.refusal import REFUSED

_LONGEST_MESSAGE = 2_000
_LONGEST_TRACEBACK = 8_000
_MOST_FRAMES = 12


class TooManyErrors(HydrofoilError):
    """More rows of a function have failed than ``max_errors`` allows."""


# What is never taken for a row's failure: PySpark has its own answer to the first, the second is
# about the process, and the third has been counted.
NOT_TAKEN = (StopIteration, MemoryError, TooManyErrors)


class Failures:
    """The rows of one function and task that have failed.

    Attributes
    ----------
    rows : int
        How often the function was called.
    """

    def __init__(self, function: Any, policy: Policy, report: TaskReport) -> None:
        self.function = function
        self.policy = policy
        self.report = report
        self.rows = 0
        self.counts: Counter[str] = Counter()
        self.example = ""
        self.records: list[tuple[Any, ...]] = []
        report.functions.append(self.content)

    def content(self) -> dict[str, Any]:
        """What the driver is told."""
        code, policy = code_of(self.function), self.policy
        assert policy.limit is not None, "it was completed"
        return {
            "name": name_of(self.function),
            "file": "" if code is None else encodable(code.co_filename),
            "line": 0 if code is None else code.co_firstlineno,
            "on_error": policy.on_error,
            "table": policy.table if policy.on_error == QUARANTINE else None,
            "limit": (policy.limit.number, policy.limit.share),
            "rows": self.rows,
            "errors": dict(self.counts),
            "example": self.example,
            "records": self.records,
        }

    def take(
        self, error: Exception, row: int, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> bool:
        """Note a row that has failed; whether the task goes on.

        Raises
        ------
        TooManyErrors
        """
        if isinstance(error, NOT_TAKEN):
            return False
        self.counts[type(error).__name__] += 1
        if not self.example:
            self.example = f"{type(error).__name__}: {_text(error)[:200]}"
        if self.policy.on_error == QUARANTINE:
            self.records.append(
                (
                    type(error).__qualname__,
                    _text(error),
                    _frames(error),
                    row,
                    self._arguments(arguments, keywords) if shown.are_shown() else None,
                )
            )
        limit = self.policy.limit
        if limit is not None and limit.number is not None:
            failed = self.counts.total()
            if failed > limit.number:
                self._stop(error, failed, row)
        return True

    def _arguments(self, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> str:
        values = [*arguments, *keywords.values()]
        names = parameters_of(self.function, len(values), list(keywords))
        return as_text(names, values)

    def _stop(self, error: Exception, failed: int, row: int) -> None:
        policy = self.policy
        where = f"; rows of tasks that have ended are in {policy.table}" if policy.table else ""
        raise TooManyErrors(
            f"{failed:,} rows have failed in {described(self.function)} up to row {row} of "
            f"partition {self.report.partition}: more than max_errors={policy.limit}{where}. "
            f"The last was {type(error).__name__}: {_text(error)[:200]}"
        ) from error


def skipping(function: Callable[..., Any], policy: Policy | None) -> Callable[..., Any]:
    """A function that gives None where the user's raises, for the task that runs here.

    Parameters
    ----------
    policy : Policy or None
        None or ``"raise"`` give the function itself.

    Raises
    ------
    UsageError
        There is no table to put rows in, or no way to the driver.
    """
    failures = failures_of(function, policy)
    if failures is None:
        return function

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        failures.rows += 1
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if not failures.take(error, failures.rows - 1, args, kwargs):
                raise
            return None

    def refused(error: Exception, behind: int, result: Any) -> bool:
        """Take a result that can't be converted, of so many rows before the last one."""
        return failures.take(error, failures.rows - 1 - behind, (), {"result": result})

    setattr(call, REFUSED, refused)
    return call


def failures_of(function: Any, policy: Policy | None) -> Failures | None:
    """Where a function's failures are noted in this task; None where it is to raise.

    Raises
    ------
    UsageError
        As for `skipping`.
    """
    if policy is None or policy.on_error == RAISE:
        return None
    task = report()
    if task is None:
        return None
    if policy.on_error == QUARANTINE and task.is_connect:
        raise UsageError(
            'on_error="quarantine" needs a session without Spark Connect: what workers report ends '
            "at the server",
            hint='on_error="null" leaves rows out, and says how many in the executor\'s log',
        )
    return Failures(function, policy.completed(task.context.getLocalProperty), task)


def name_of(function: Any) -> str:
    """The function's name as a user knows it."""
    name = encodable(described(function))
    return name.rpartition(" (")[0] or name


def _text(error: BaseException) -> str:
    try:
        return encodable(str(error))[:_LONGEST_MESSAGE]
    except Exception:
        return f"<str() of {type(error).__name__} failed>"


def _frames(error: BaseException) -> str:
    """The traceback without our own frame, which comes first."""
    frames = error.__traceback__.tb_next if error.__traceback__ else None
    text = "".join(traceback.format_tb(frames)[-_MOST_FRAMES:])
    return encodable(text)[-_LONGEST_TRACEBACK:]
