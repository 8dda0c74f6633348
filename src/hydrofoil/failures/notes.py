"""The note that an error carries to the driver: which function, which partition, which row.

It stands behind the error's own message, which stays as PySpark has it.
"""

import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydrofoil.failures import shown
from hydrofoil.failures.functions import described, parameters_of, running
from hydrofoil.failures.place import Detail

if TYPE_CHECKING:
    from hydrofoil._cext.place import Position

# What each note begins with, so that programs can find it, and comparisons leave it out.
MARK = "hydrofoil: "


def note_of(
    error: BaseException,
    functions: Sequence[Any],
    position: "Position",
    detail: Detail | None,
) -> str:
    """Where an error was raised, in one line.

    Parameters
    ----------
    functions : sequence of callables
        All functions of the task.
    """
    detail = detail or Detail()
    function = running(detail.functions or functions, error.__traceback__)
    named = functions if function is None else (function,)
    parts = [" or ".join(map(described, named)), f"partition {position.partition}"]
    if detail.row is not None:
        parts.append(f"row {position.before + detail.row}")
    elif position.item >= 0:
        parts += [_batch(position)] if position.has_rows else _group(position, detail)
    if detail.arguments is not None and shown.are_shown():
        names = parameters_of(function, len(detail.arguments), detail.keywords)
        parts.append(f"called with {shown.shown_call(names, detail.arguments) or 'no arguments'}")
    if detail.result and shown.are_shown():
        parts.append(f"which returned {shown.shown(detail.result[0])}")
    return f"{MARK}in " + ", ".join(parts)


def _group(position: "Position", detail: Detail) -> list[str]:
    parts = [f"group {position.item}"]
    if detail.key is not None and shown.are_shown():
        parts.append(f"key ({shown.shown_call([''] * len(detail.key), detail.key)})")
    if detail.rows is not None:
        parts.append(f"{detail.rows} rows")
    return parts


def described_item(position: "Position") -> str:
    """The batch, or the group, that a task is at."""
    return _batch(position) if position.has_rows else f"group {position.item}"


def _batch(position: "Position") -> str:
    if position.rows == 1:
        return f"row {position.before}"
    if position.rows <= 0:
        return f"batch {position.item}, which has no rows"
    last = position.before + position.rows - 1
    return f"batch {position.item} (rows {position.before} to {last})"


def kept_note(path: Path) -> str:
    """Where the input of a task that failed is, and how to look at it."""
    return f"{MARK}kept on {socket.gethostname()} in {path}: open it with hydrofoil debug"


def add_note(error: BaseException, note: str) -> bool:
    """Add the note that says where an error was raised, unless the error has it; whether it did."""
    if any(text.startswith(MARK) for text in notes_of(error)):
        return False
    append_note(error, note)
    return True


def append_note(error: BaseException, note: str) -> None:
    """As ``BaseException.add_note``, which Python has from 3.11 on."""
    if sys.version_info >= (3, 11):
        error.add_note(note)
    else:
        vars(error).setdefault("__notes__", []).append(note)


def notes_of(error: BaseException) -> list[str]:
    """An error's notes."""
    notes = getattr(error, "__notes__", None)
    return [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else []
