"""The task that runs in this process, and where it is."""

from typing import TYPE_CHECKING, Protocol

from hydrofoil.failures.notes import described_item

if TYPE_CHECKING:
    from hydrofoil._cext.place import Position


class Noting(Protocol):
    """What runs a task and adds notes to its errors."""

    items: str

    def note(self, error: BaseException, position: "Position") -> None:
        """Add a note."""


_present: "list[tuple[Noting, Position]]" = []


def begin(noting: Noting, position: "Position") -> None:
    """Say what runs now, and what has account of where it is."""
    _present[:] = [(noting, position)]


def leave() -> None:
    """Let go of what the task that ran here has made."""
    _present.clear()


def note_unlocated(error: BaseException) -> None:
    """Say where the task is in an error from behind its functions, such as of pickling results.

    Errors of the connection to the JVM, and of reading from it, are no function's.
    """
    if isinstance(error, (OSError, EOFError, SystemExit)) or not _present:
        return
    noting, position = _present[-1]
    if not position.reading:
        noting.note(error, position)


def where(partition: int) -> str:
    """Where in a partition the task is that runs in this process; empty where it is not known."""
    if not _present:
        return ""
    noting, position = _present[-1]
    if position.partition != partition or not noting.items:
        return ""
    return f"partition {partition}, {described_item(position)}" if position.item >= 0 else ""
