"""Results in tables, in full, as JSON and as a page."""

import shlex
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.page import Page
from hydrofoil.tools.parity.mine import EQUAL, NOT_BOUND, Verdict
from hydrofoil.tools.parity.run import Result
from hydrofoil.tools.sheet import Sheet, show_sheet


def show_results(results: Sequence[Result], console: Console, again: Sequence[str]) -> None:
    """Print each difference in full, then a table of all cases by family.

    ``again`` are the options that a command needs to make the same comparison of one case.
    """
    for result in results:
        if result.difference is not None:
            console.rule(f"[bold red]different:[/] {escape(result.case.id)}", align="left")
            _print(console, result.difference)
            _print(console, f"\n{again_of(result, again)}\n")
    show_sheet(_sheet(results), console)


def again_of(result: Result, again: Sequence[str]) -> str:
    """The command that compares one case again."""
    return shlex.join(["hydrofoil", "parity", result.case.id, *again])


def _sheet(results: Sequence[Result]) -> Sheet:
    """Cases by family."""
    families: dict[str, list[Result]] = {}
    for result in results:
        families.setdefault(result.case.family, []).append(result)
    rows = [[family, *_counts(of_family)] for family, of_family in families.items()]
    rows.append(["all", *_counts(results)])
    return Sheet(
        "Stock against Hydrofoil",
        ["family", "equal", "of which errors", "different", "seconds"],
        rows,
        note="Errors: both sides raise the same error.",
        strong=(len(rows) - 1,),
    )


def _counts(results: Sequence[Result]) -> tuple[str, str, str, str]:
    equal = [result for result in results if result.equal]
    return (
        str(len(equal)),
        str(sum(result.raised for result in equal)),
        str(len(results) - len(equal)),
        f"{sum(result.seconds for result in results):.1f}",
    )


def show_verdicts(verdicts: Sequence[Verdict], console: Console) -> None:
    """Print each difference in full, then a table of all functions."""
    for verdict in verdicts:
        if verdict.difference is not None:
            console.rule(f"[bold]{verdict.status}:[/] {escape(verdict.name)}", align="left")
            _print(console, verdict.difference)
    show_sheet(_functions(verdicts), console)


def _functions(verdicts: Sequence[Verdict]) -> Sheet:
    columns = ["function", "kind", "arguments", "result", "path", "why"]
    return Sheet(
        "Functions on the sample",
        columns,
        [
            [
                verdict.name,
                verdict.kind,
                ", ".join(verdict.arguments),
                verdict.status,
                verdict.path,
                verdict.reason,
            ]
            for verdict in verdicts
        ],
        left=columns[1:],
        strong=[i for i, verdict in enumerate(verdicts) if verdict.status != EQUAL],
    )


def page_of_results(results: Sequence[Result], command: str, again: Sequence[str]) -> Page:
    """A page with a row for each family, and each difference in full."""
    different = [
        f"{result.case.id}\n{result.difference}\n\n{again_of(result, again)}"
        for result in results
        if not result.equal
    ]
    return _page(f"{len(results)} comparisons", command, _sheet(results), different)


def page_of_verdicts(verdicts: Sequence[Verdict], command: str) -> Page:
    """A page with a row for each function, and each difference in full."""
    compared = [verdict for verdict in verdicts if verdict.status != NOT_BOUND]
    different = [
        f"{verdict.name}: {verdict.status}\n{verdict.difference}"
        for verdict in verdicts
        if verdict.difference is not None
    ]
    return _page(f"{len(compared)} functions", command, _functions(verdicts), different)


def _page(what: str, command: str, sheet: Sheet, different: Sequence[str]) -> Page:
    headline = f"{what}: {len(different) or 'none'} different."
    page = Page("Stock PySpark and Hydrofoil, compared", headline)
    page.pre(command)
    page.sheet(sheet)
    if different:
        page.section("Differences")
    for difference in different:
        page.pre(difference)
    page.table("Versions", ["what", "version"], list(versions().items()), left=["version"])
    return page


def _print(console: Console, text: str) -> None:
    """The text as it is: no markup, no colour, no line broken."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


_VERSIONS = ("python", "hydrofoil", "pyspark", "pandas", "pyarrow", "numpy")


def results_as_json(results: Sequence[Result]) -> dict[str, Any]:
    """All results, with the versions that they are about."""
    return {
        "versions": versions(),
        "cases": [
            {
                "id": result.case.id,
                "family": result.case.family,
                "equal": result.equal,
                "raised": result.raised,
                "seconds": round(result.seconds, 3),
                "difference": result.difference,
            }
            for result in results
        ],
    }


def verdicts_as_json(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """All verdicts, with the versions that they are about."""
    return {"versions": versions(), "functions": [vars(verdict) for verdict in verdicts]}


def versions() -> dict[str, object]:
    """What the comparison was made with."""
    machine = describe_machine()
    return {name: machine[name] for name in _VERSIONS}
