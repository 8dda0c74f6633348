"""A plan whose errors say where they were raised."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from hydrofoil.failures.notes import add_note, note_of
from hydrofoil.failures.place import Counted, Position, rows_of

# Of the task that runs in this process: what says where it is.
_present: "list[tuple[Located, Position]]" = []


def note_unlocated(error: BaseException) -> None:
    """Say where the task is in an error from behind its functions, such as of pickling results.

    Errors of the connection to the JVM, and of reading from it, are no function's.
    """
    if isinstance(error, (OSError, EOFError, SystemExit)) or not _present:
        return
    located, position = _present[-1]
    if not position.reading:
        located.note(error, position)


class Located:
    """What runs a task, with a note on each error of the user's functions.

    While nothing fails it costs a call for each batch or group.

    Parameters
    ----------
    plan : callable
        (split index, items of the input) -> items of the answer. Its attribute ``failed``, if it
        has one, is a `Detail` of the call that has raised, or None.
    functions : sequence of callables
        The user's.
    items : str
        What the items are: ``"batch"`` or ``"group"``; else they are not counted.
    """

    def __init__(
        self,
        plan: Callable[..., Iterable[Any]],
        functions: Sequence[Any],
        items: str,
    ) -> None:
        self.plan = plan
        self.functions = functions
        self.items = items

    def __call__(self, split_index: int, items: Iterable[Any]) -> Iterator[Any]:
        position = Position(split_index)
        _present[:] = [(self, position)]
        if self.items:
            items = Counted(items, position, rows_of if self.items == "batch" else None)
        try:
            yield from self.plan(split_index, items)
        except GeneratorExit:
            raise
        except BaseException as error:
            if not position.reading:
                self.note(error, position)
            raise

    def note(self, error: BaseException, position: Position) -> None:
        """Add the note; the error is more important than what is said of it."""
        try:
            detail = getattr(self.plan, "failed", None)
            add_note(error, note_of(error, self.functions, position, detail))
        except Exception:
            return
