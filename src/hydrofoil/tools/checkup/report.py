"""An examination on the terminal, and as JSON."""

from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hydrofoil.tools.checkup.application.probe import PACKAGES
from hydrofoil.tools.checkup.examine import Examination
from hydrofoil.tools.checkup.facts import Facts
from hydrofoil.tools.checkup.finding import Level
from hydrofoil.version import __version__

_MARKS = {
    Level.OK: "[green]ok[/green]",
    Level.NOTE: "[cyan]note[/cyan]",
    Level.WARNING: "[yellow]warning[/yellow]",
    Level.BROKEN: "[bold red]broken[/bold red]",
}

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
        console.print(_processes(examination.driver, examination.executors))
    colour = _COLOURS[examination.exit_code]
    console.print(f"[{colour}]{examination.headline}[/{colour}]")


def _processes(driver: Facts, executors: list[tuple[Facts, int]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("host", overflow="fold")
    for name in ("python", *PACKAGES, "extension", "worker"):
        table.add_column(name)
    table.add_column("tasks", justify="right")
    table.add_row(*_cells(driver, "driver"), "")
    for process, tasks in executors:
        table.add_row(*_cells(process, process.worker or "?"), str(tasks))
    return table


def _cells(process: Facts, role: str) -> list[str]:
    versions = [process.packages[name].version or "-" for name in PACKAGES]
    extension = "loads" if process.extension.error is None else "-"
    return [escape(process.host), process.python, *versions, extension, role]


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
