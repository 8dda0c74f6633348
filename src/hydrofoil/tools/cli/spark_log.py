"""Spark's log of a program that a command runs: in a file, beside the command's answer."""

import re
import tempfile
from pathlib import Path

import click

# What is shown of it where the program fails: the program says itself what it was, unless it was
# not even started.
_TOLD = re.compile(
    r"^Error|^Exception|^Caused by|^Unrecognized|^python.*: |^\w+(Error|Exception)\b"
)
_LAST_LINES = 5


def say_failed(code: int, log: Path, *, kept: bool) -> None:
    """Show the end of Spark's log, and leave the whole where it can be read."""
    text = log.read_text(encoding="utf-8", errors="replace")
    if not kept:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="hydrofoil-", suffix=".log", delete=False
        ) as copy:
            copy.write(text)
            log = Path(copy.name)
    told = [line for line in text.splitlines() if _TOLD.search(line)]
    for line in told[-_LAST_LINES:]:
        click.echo(line, err=True)
    click.echo(f"The application failed (exit code {code}). Spark's log is {log}", err=True)
