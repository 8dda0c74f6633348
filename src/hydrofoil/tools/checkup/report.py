"""An examination on the terminal, as JSON, and as a page."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hydrofoil.tools.checkup.application.probe import PACKAGES
from hydrofoil.tools.checkup.examine import Examination
from hydrofoil.tools.checkup.facts import Facts
from hydrofoil.tools.checkup.finding import Level
from hydrofoil.tools.page import Page
from hydrofoil.tools.sheet import Sheet, show_sheet
from hydrofoil.version import __version__

_MARKS = {
    Level.OK: "[green]ok[/green]",
    Level.NOTE: "[cyan]note[/cyan]",
    Level.WARNING: "[yellow]warning[/yellow]",
    Level.BROKEN: "[bold red]broken[/bold red]",
}

_PROBLEMS = (Level.WARNING, Level.BROKEN)
_COLOURS = {0: "green", 1: "yellow", 2: "bold red"}


def show(examination: Examination, console: Console) -> None:
    """Print the findings, then the processes, then a line that sums up."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in examination.findings:
        lines = escape(finding.found)
        if finding.advice:
            lines += f"\n[bold]To do:[/bold] {escape(finding.advice)}"
        table.add_row(_MARKS[finding.level], finding.check, lines)
    console.print(table)
    if examination.driver is not None:
        console.print()
        show_sheet(_processes(examination.driver, examination.executors), console)
        console.print()
    colour = _COLOURS[examination.exit_code]
    console.print(f"[{colour}]{examination.headline}[/{colour}]")


def as_page(examination: Examination, command: str) -> Page:
    """The same on one page."""
    page = Page("Hydrofoil's doctor", examination.headline)
    page.pre(command)
    findings = examination.findings
    page.table(
        "Checks",
        ["result", "check", "found", "to do"],
        [[each.level.value, each.check, each.found, each.advice] for each in findings],
        note="A note needs no change. A warning costs speed or is a risk. Broken: Hydrofoil, or "
        "Spark itself, can't run like this.",
        left=["check", "found", "to do"],
        problems=[i for i, each in enumerate(findings) if each.level in _PROBLEMS],
    )
    if examination.driver is not None:
        page.sheet(_processes(examination.driver, examination.executors))
    return page


def _processes(driver: Facts, executors: list[tuple[Facts, int]]) -> Sheet:
    columns = ["worker", "host", "python", *PACKAGES, "extension", "tasks"]
    rows = [[*_cells(driver, "driver"), ""]]
    rows += [[*_cells(process, process.worker or "?"), str(tasks)] for process, tasks in executors]
    return Sheet(
        "The driver's Python and the executors'",
        columns,
        rows,
        note="tasks: how many of the small job's tasks ran in workers like this.",
        left=columns[1:-1],
    )


def _cells(process: Facts, role: str) -> list[str]:
    versions = [process.packages[name].version or "-" for name in PACKAGES]
    extension = "loads" if process.extension.error is None else "-"
    return [role, process.host, process.python, *versions, extension]


def as_json(examination: Examination) -> dict[str, Any]:
    """Return the same in JSON's terms; ``exit_code`` is the command's."""
    return {
        "hydrofoil": __version__,
        "exit_code": examination.exit_code,
        "findings": [asdict(finding) for finding in examination.findings],
        "driver": asdict(examination.driver) if examination.driver is not None else None,
        "executors": [
            asdict(process) | {"tasks": tasks} for process, tasks in examination.executors
        ],
        "settings": {key: asdict(value) for key, value in examination.settings.items()},
    }
