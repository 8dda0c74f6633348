"""How benchmarks end: a table on stdout, and a file with all that it is made of."""

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from hydrofoil.tools.console import output
from hydrofoil.tools.machine import describe_machine


def sheet(title: str, *columns: str) -> Table:
    """A table whose first column is text, and the others are numbers."""
    table = Table(title=title)
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left")
    return table


def finish(table: Table, json_file: Path | None, **made: Any) -> None:
    """Print the table, and write what was made into the file, if one is asked for."""
    output().print(table)
    if json_file is not None:
        result = {"machine": describe_machine(), **made}
        json_file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
