"""`hydrofoil.advise`: for each Python function of a DataFrame the native expression, with proof."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

from hydrofoil.compiling.asked import KEY
from hydrofoil.errors import UsageError
from hydrofoil.tools.advice.proof import Proof, compare, compiles
from hydrofoil.tools.advice.uses import Use, first_line, uses
from hydrofoil.tools.advice.value import NoExpression
from hydrofoil.tools.advice.writer import Column, written
from hydrofoil.tools.sessions import classic
from hydrofoil.tools.tables import html_page, html_table, of_them

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

NATIVE = "native"
DIFFERS = "differs"
FAILS = "fails"
COMPILES = "compiles"
NEITHER = "neither"

HEADINGS = ("function", "advice", "expression", "equal if", "proof", "compiled")
_WIDTH = 80


_comparing: ContextVar[bool] = ContextVar("hydrofoil_comparing", default=False)


@dataclass(frozen=True)
class Advised:
    """A Python function of a plan, and what may stand in its place.

    Attributes
    ----------
    name : str
        As the user wrote it.
    signature : str
        The types of its arguments and its result.
    verdict : str
        "native": the expression equals the function under the conditions, and in all rows that
        there are; "differs": it does not in these rows; "fails": the function or the expression
        raises on them; "compiles": there is no expression, but spark.hydrofoil.compile.enabled runs
        the function with guards; "neither".
    expression : str
        Code of Python, with pyspark.sql.functions as F; empty if there is none.
    conditions : list of str
        Under which the expression equals the function.
    proof : Proof or None
        What came of running both; None without an expression.
    reason : str
        Why there is no expression.
    compiled : str
        "yes" with the guards, "no" with the reason, or empty if the JVM was not asked.
    """

    name: str
    signature: str
    verdict: str
    expression: str
    conditions: list[str]
    proof: Proof | None
    reason: str
    compiled: str

    @property
    def cells(self) -> list[str]:
        """What a table shows of it."""
        if self.verdict == NATIVE:
            said = "an expression equals it"
        elif self.verdict == DIFFERS:
            said = "an expression that does not equal it on these rows"
        elif self.verdict == FAILS:
            said = "an expression that was not compared"
        elif self.verdict == COMPILES:
            said = f"no expression, but {KEY} runs it"
        else:
            said = "none"
        return [
            f"{self.name}{self.signature}",
            said,
            self.expression or f"no expression: {self.reason}",
            "; ".join(self.conditions),
            str(self.proof or ""),
            self.compiled,
        ]

    def __str__(self) -> str:
        lines = []
        for heading, cell in zip(HEADINGS, self.cells, strict=True):
            # Code is in one line, to be pasted.
            code = heading == "expression" and self.expression
            line = f"{heading}: {cell}"
            lines.append(line if code else _filled(line))
        return "\n".join(line for line, cell in zip(lines, self.cells, strict=True) if cell)


@dataclass(frozen=True)
class Advice:
    """What may stand in place of a DataFrame's functions; ``str()`` and notebooks show it.

    Attributes
    ----------
    functions : list of Advised
        In the plan's order, from its end to its sources.
    """

    functions: list[Advised]

    @property
    def headline(self) -> str:
        """One line that sums up."""
        if not self.functions:
            return "This DataFrame's plan calls no Python function."
        native = sum(each.verdict == NATIVE for each in self.functions)
        return f"Equal to a native expression: {of_them(native, len(self.functions), 'function')}."

    def __repr__(self) -> str:
        return "\n\n".join([self.headline, *map(str, self.functions)])

    __str__ = __repr__

    def _repr_html_(self) -> str:
        rows = [each.cells for each in self.functions]
        return html_page(self.headline, [html_table(HEADINGS, rows)] if rows else [], [])


def _filled(line: str) -> str:
    return fill(
        line,
        _WIDTH,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def advise(df: "DataFrame", rows: int | None = None) -> Advice:
    """Say which native expression equals each Python function of a DataFrame, and prove it.

    The function and the expression run over what the function is called with in this DataFrame, in
    one query that counts differences. Nothing is written.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
        Of a classic session.
    rows : int, optional
        The most rows to compare; by default all.

    Returns
    -------
    Advice

    Raises
    ------
    UsageError
        ``df`` is no DataFrame, or it is one of Spark Connect; or ``rows`` is less than 1.
    """
    if not hasattr(df, "sparkSession"):
        raise UsageError(
            f"hydrofoil.advise was given {type(df).__name__}, not a DataFrame",
            hint="give it what has the functions: hydrofoil.advise(df)",
        )
    if rows is not None and rows < 1:
        raise UsageError(f"rows={rows} leaves nothing to compare", hint="give it 1 or more")
    classic(df.sparkSession, "hydrofoil.advise")
    return Advice(of_uses(uses(df), rows))


def restored(parts: dict[str, Any]) -> Advised:
    """The advice that `dataclasses.asdict` has taken apart."""
    proof = parts["proof"]
    return Advised(**{**parts, "proof": proof and Proof(**proof)})


def of_uses(found: Sequence[Use], rows: int | None) -> list[Advised]:
    """The advice on each call of a function."""
    token = _comparing.set(True)
    try:
        return [_of(use, rows) for use in found]
    finally:
        _comparing.reset(token)


def comparing() -> bool:
    """Whether advice is being made here: the queries that run are its own, not the user's."""
    return _comparing.get()


def _of(use: Use, rows: int | None) -> Advised:
    def made(verdict: str, reason: str = "", compiled: str = "", **more: Any) -> Advised:
        parts = {"expression": "", "conditions": [], "proof": None, **more}
        return Advised(use.name, use.signature, verdict, reason=reason, compiled=compiled, **parts)

    try:
        document = use.document()
        given = use.given(rows)
    except NoExpression as why:
        return made(NEITHER, str(why))
    try:
        compiled = compiles(use, given, document)
    except Exception as error:
        compiled = f"not known: {first_line(error)}"
    try:
        shown, proved = _written(use, given, document, use.shown), _written(use, given, document)
    except NoExpression as why:
        verdict = COMPILES if compiled.startswith("yes") else NEITHER
        return made(verdict, str(why), compiled)
    proof = compare(use, given, proved.code)
    return made(
        NATIVE if proof.equal else FAILS if proof.failed else DIFFERS,
        compiled=compiled,
        expression=shown.code,
        conditions=[*use.variables, *shown.conditions],
        proof=proof,
    )


def _written(
    use: Use, given: Any, document: dict[str, Any], shown: list[tuple[str, str]] | None = None
) -> Any:
    columns = [
        Column(
            shown[place][0] if shown else f"F.col({field.name!r})",
            use.shown[place][1],
            field.dataType.simpleString(),
            field.nullable,
        )
        for place, field in enumerate(given.schema)
    ]
    return written(document, columns, use.names, use.declared)
