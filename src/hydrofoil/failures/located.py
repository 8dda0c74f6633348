"""A plan whose errors say where they were raised."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

from hydrofoil._cext.place import Counted, Position
from hydrofoil.deaths import page
from hydrofoil.failures import kept, present
from hydrofoil.failures.functions import described
from hydrofoil.failures.notes import add_note, append_note, kept_note, note_of
from hydrofoil.failures.place import Detail
from hydrofoil.failures.watched import watched


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
        self.names = _names(functions, chains)
        self.keeping = kept.present()

    def __call__(self, split_index: int, items: Iterable[Any]) -> Iterator[Any]:
        position = Position(split_index, *self.left_out)
        present.begin(self, position)
        worker = page.mine()
        worker.begin_functions(self.names, split_index)
        if self.items:
            items = Counted(
                items,
                position,
                self.items == "batch",
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


def _names(functions: Sequence[Any], chains: Sequence[tuple[Any, ...]]) -> tuple[str, ...]:
    """The functions, for when nothing is left of this process but their names."""
    try:
        if len(functions) == 1:
            return (described(functions[0]),)
        return tuple(" or ".join(map(described, chain)) for chain in chains or zip(functions))
    except Exception:
        return ()
