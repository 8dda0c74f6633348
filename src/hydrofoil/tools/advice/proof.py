"""A function and its expression over the same rows, in one query that counts differences."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hydrofoil.compiling.asked import KEY
from hydrofoil.tools.advice.uses import Use, first_line
from hydrofoil.tools.paths.functions import compiled_or_not, why_sparks
from hydrofoil.tools.paths.plan import Plan


@dataclass(frozen=True)
class Proof:
    """What came of running both.

    Attributes
    ----------
    rows, different : int
        How many rows were compared, and in how many results differ: null equals null, NaN equals
        NaN, 0.0 and -0.0 differ.
    first : str
        A row that differs: arguments, the function's result and the expression's.
    failed : str
        Why nothing was compared: what the function raised, or how the expression fails.
    """

    rows: int = 0
    different: int = 0
    first: str = ""
    failed: str = ""

    @property
    def equal(self) -> bool:
        """Whether all rows that there are are equal."""
        return not self.failed and not self.different

    def __str__(self) -> str:
        if self.failed:
            return self.failed
        if not self.rows:
            return "there are no rows to compare"
        if not self.different:
            return f"equal in all {self.rows:,} rows"
        return f"different in {self.different:,} of {self.rows:,} rows: {self.first}"


def compare(use: Use, given: Any, code: str) -> Proof:
    """Run a function and an expression over the columns a0, a1 and so on.

    The function runs in Python. Nothing is written.
    """
    from pyspark.errors import PythonException
    from pyspark.sql import functions as F

    try:
        # It was made here, from the function's own constants.
        native = eval(code, {"F": F})
        frame = given.select(
            *given.columns, use.called(given, None).alias("function"), native.alias("expression")
        )
        types = [frame.schema[name].dataType.simpleString() for name in ("function", "expression")]
        if types[0] != types[1]:
            return Proof(failed=f"the expression fails: it is {types[1]}, not {types[0]}")
        with _in_python(use.session):
            [counted] = frame.agg(
                F.count(F.lit(1)).alias("rows"),
                F.count(F.when(_differ(types[0]), 1)).alias("different"),
                F.first(F.when(_differ(types[0]), F.struct("*")), ignorenulls=True).alias("first"),
            ).collect()
    except PythonException as error:
        return Proof(failed=f"the function raises: {raised(str(error))}")
    except Exception as error:
        return Proof(failed=f"the expression fails: {first_line(error)}")
    row = counted["first"]
    return Proof(counted["rows"], counted["different"], "" if row is None else _shown(use, row))


def _differ(kind: str) -> Any:
    from pyspark.sql import functions as F

    one, other = F.col("function"), F.col("expression")
    if kind in ("double", "float"):
        # As text NaN equals NaN, and -0.0 is not 0.0.
        one, other = one.cast("string"), other.cast("string")
    return ~one.eqNullSafe(other)


def _shown(use: Use, row: Any) -> str:
    *arguments, function, expression = row
    given = ", ".join(
        f"{name}={value!r}" for (_, name), value in zip(use.shown, arguments, strict=True)
    )
    return f"{given}: the function gives {function!r}, the expression {expression!r}"


def raised(message: str) -> str:
    """The line of a function's error, in what Spark says of it."""
    text = re.split(r"\n+\tat |\nDriver stacktrace:|\n\nJVM", message)[0]
    lines = [line for line in text.strip().splitlines() if not line.startswith("hydrofoil: ")]
    return lines[-1] if lines else ""


def compiles(use: Use, given: Any, document: dict[str, Any]) -> str:
    """What `hydrofoil.explain` would say of the function, were it asked to be compiled."""
    frame = given.select(use.called(given, {**document, "asked": True}).alias("function"))
    for calls in Plan(frame).calls():
        said = compiled_or_not(calls.operator, use.name)
        if said:
            return said
    why = why_sparks(use.session)
    return f"not known: {why}" if why else ""


@contextmanager
def _in_python(session: Any) -> Iterator[None]:
    """Functions that were not asked for one by one are not compiled inside of the block."""
    before = session.conf.get(KEY, None)
    if before is not None:
        session.conf.set(KEY, "false")
    try:
        yield
    finally:
        if before is not None:
            session.conf.set(KEY, before)
