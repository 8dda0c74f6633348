"""Results in tables, in full and as JSON."""

import shlex
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.parity.mine import EQUAL, Verdict
from hydrofoil.tools.parity.run import Result


def show_results(results: Sequence[Result], console: Console, again: Sequence[str]) -> None:
    """Print each difference in full, then a table of all cases by family.

    ``again`` are the options that a command needs to make the same comparison of one case.
    """
    for result in results:
        if result.difference is not None:
            console.rule(f"[bold red]different:[/] {escape(result.case.id)}", align="left")
            _print(console, result.difference)
            _print(console, f"\n{shlex.join(['hydrofoil', 'parity', result.case.id, *again])}\n")
    console.print(as_table(results))


def as_table(results: Sequence[Result]) -> Table:
    """Cases by family."""
    table = Table(title="Stock against Hydrofoil")
    table.add_column("family")
    for heading in ("equal", "of which errors", "different", "seconds"):
        table.add_column(heading, justify="right")
    families: dict[str, list[Result]] = {}
    for result in results:
        families.setdefault(result.case.family, []).append(result)
    for family, of_family in families.items():
        table.add_row(family, *_counts(of_family))
    table.add_section()
    table.add_row("all", *_counts(results), style="bold")
    return table


def _counts(results: Sequence[Result]) -> tuple[str, str, str, str]:
    equal = [result for result in results if result.equal]
    different = len(results) - len(equal)
    return (
        str(len(equal)),
        str(sum(result.raised for result in equal)),
        f"[red]{different}[/]" if different else "0",
        f"{sum(result.seconds for result in results):.1f}",
    )


def show_verdicts(verdicts: Sequence[Verdict], console: Console) -> None:
    """Print each difference in full, then a table of all functions."""
    for verdict in verdicts:
        if verdict.difference is not None:
            console.rule(f"[bold]{verdict.status}:[/] {escape(verdict.name)}", align="left")
            _print(console, verdict.difference)
    table = Table(title="Functions on the sample")
    for heading in ("function", "kind", "arguments", "result", "path", "why"):
        table.add_column(heading, overflow="fold")
    for verdict in verdicts:
        table.add_row(
            *map(escape, (verdict.name, verdict.kind, ", ".join(verdict.arguments))),
            verdict.status if verdict.status == EQUAL else f"[red]{verdict.status}[/]",
            *map(escape, (verdict.path, verdict.reason)),
        )
    console.print(table)


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
