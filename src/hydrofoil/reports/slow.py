"""Slow rows, as the daemon has seen them, told to the driver when their task has ended."""

from hydrofoil.deaths import page
from hydrofoil.reports.channel import report


def begin_task() -> None:
    """Have the report of the task that begins here say how many of its rows were slow."""
    mine = page.mine()
    if not mine.is_watched:
        return
    mine.fields[page.SLOW] = 0
    task = report()
    if task is not None:
        task.slow = slow_rows


def slow_rows() -> tuple[int, str]:
    """How many rows of this task were slow so far, and the name of a function that they were in."""
    mine = page.mine()
    functions = mine.place().functions
    return mine.fields[page.SLOW], functions[0].partition(" (")[0] if functions else ""
