"""A plan whose errors say where they were raised."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

from hydrofoil.deaths import page
from hydrofoil.failures import kept
from hydrofoil.failures.functions import described
from hydrofoil.failures.notes import add_note, append_note, described_item, kept_note, note_of
from hydrofoil.failures.place import Counted, Detail, Position, rows_of
from hydrofoil.failures.watched import watched

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
    chains : sequence of tuples of callables
        The functions of each UDF, which call each other; by default each function is one.
    """

    # Items and rows of the input that a replay has not been given, and what it does at an error.
    left_out: ClassVar[tuple[int, int]] = (0, 0)
    watch: ClassVar[Callable[[BaseException, Sequence[Any], Detail | None], None] | None] = None

    def __init__(
        self,
        plan: Callable[..., Iterable[Any]],
        functions: Sequence[Any],
        items: str,
        chains: Sequence[tuple[Any, ...]] = (),
    ) -> None:
        self.plan = plan
        self.functions = functions
        self.items = items
        self.names = _names(chains or [(function,) for function in functions])
        self.keeping = kept.present()

    def __call__(self, split_index: int, items: Iterable[Any]) -> Iterator[Any]:
        position = Position(split_index, *self.left_out)
        _present[:] = [(self, position)]
        worker = page.mine()
        worker.begin_functions(self.names, split_index)
        if self.items:
            items = Counted(
                items,
                position,
                rows_of if self.items == "batch" else None,
                None if self.keeping is None else self.keeping.before,
            )
        try:
            if worker.is_watched:
                yield from watched(self.plan, split_index, items, worker)
            else:
                yield from self.plan(split_index, items)
        except GeneratorExit:
            raise
        except BaseException as error:
            if not position.reading:
                self.note(error, position)
            raise
        finally:
            worker.fields[page.STATE] = page.DONE

    def note(self, error: BaseException, position: Position) -> None:
        """Add the note; the error is more important than what is said of it."""
        try:
            detail = getattr(self.plan, "failed", None)
            note = note_of(error, self.functions, position, detail)
            if not add_note(error, note):
                return
            if Located.watch is not None:
                Located.watch(error, self.functions, detail)
            keeping = self.keeping
            path = None if keeping is None else keeping.save(f"{error!r}\n{note}", position)
            if path is not None:
                append_note(error, kept_note(path))
        except Exception:
            return


def _names(chains: Sequence[tuple[Any, ...]]) -> tuple[str, ...]:
    """The functions, for when nothing is left of this process but their names."""
    try:
        return tuple(" or ".join(map(described, chain)) for chain in chains)
    except Exception:
        return ()


def where(partition: int) -> str:
    """Where in a partition the task is that runs in this process; empty where it is not known."""
    if not _present:
        return ""
    located, position = _present[-1]
    if position.partition != partition or not located.items:
        return ""
    return f"partition {partition}, {described_item(position)}" if position.item >= 0 else ""
