"""What a worker is at, in memory that its daemon can read when the worker is dead.

The worker stores where it is, which is no call of the system: a row costs one store in the core.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from faulthandler import is_enabled
from functools import cache
from struct import Struct
from typing import Any

_SIZE = 4096

# Integers of 64 bits, by their place. The core stores the first two for each row, and the first
# five for each batch or group.
# Rows and items count from 0, and -1 stands for none. ROWS is -1 where items are groups.
# STACKS is 1 once the worker writes its stacks when it is asked for them. SLOW is the daemon's: how
# many rows of the task it has found slow.
ROW, FUNCTION, ITEM, BEFORE, ROWS, PARTITION, STATE, TASK, STACKS, SLOW = range(10)
_OF_ROWS = 2 * 8
_OF_ITEMS = 5 * 8

# Values of STATE: waits for a task; reads a task; runs its functions; has run them. The last two
# are set while functions run, for tasks that are watched for slow rows.
IDLE, BEGUN, RUNNING, DONE, READING, WRITING = range(6)

_FIELDS = 16
# ROW, FUNCTION, ITEM, BEFORE, ROWS, PARTITION, STATE.
_BEGUN_FIELDS = Struct("=7q")
# The libraries of a fault: its own, and that which called it.
_FAULT = 256
_FAULT_END = 384
# The functions' names, one a line, behind their length.
_NAMES = 512


@dataclass(frozen=True)
class Place:
    """A copy of what a page said.

    Attributes
    ----------
    functions : tuple of str
        All that may have been running.
    row : int
        In the partition; -1 where it is not known.
    item : int
        Batch or group; -1 before the first.
    first, last : int
        Rows of a batch in the partition; -1 where the item is a group or has none.
    libraries : tuple of str
        That of a fault, and that which called it; empty where they are not known.
    """

    state: int
    task: int
    functions: tuple[str, ...]
    partition: int
    row: int
    item: int
    first: int
    last: int
    libraries: tuple[str, str]

    def __str__(self) -> str:
        if self.state == BEGUN:
            return "before it ran functions of its task"
        if self.state == DONE:
            return f"when its functions had run, {self.where}"
        return self.where

    @property
    def where(self) -> str:
        """The functions, and the place in their data."""
        parts = [f"in {' or '.join(self.functions)}"] if self.functions else []
        parts.append(f"partition {self.partition}")
        if self.row >= 0:
            parts.append(f"near row {self.row}")
        elif self.item >= 0 and self.first >= 0:
            rows = f"rows {self.first} to {self.last}" if self.last >= self.first else "no rows"
            parts.append(f"batch {self.item} ({rows})")
        elif self.item >= 0:
            parts.append(f"group {self.item}")
        return ", ".join(parts)


def _nothing() -> None:
    """In place of what the core does, where nobody looks."""


class Page:
    """A page of memory; ``fields`` is stored to directly where every nanosecond counts."""

    def __init__(self, memory: Any) -> None:
        self._memory = memory
        self.fields = memoryview(memory)[: 8 * _FIELDS].cast("q")
        # Whether the daemon looks for slow rows.
        self.is_watched = False
        # The process that has started the daemon; None without one.
        self.executor: int | None = None
        self._watch_faults: Callable[[], None] = _nothing
        self._faults_watched = False
        # The names that stand there: tasks of a query have the same ones.
        self._names: tuple[str, ...] | None = None

    def begin_task(self) -> None:
        self.fields[TASK] += 1
        self.fields[STATE] = BEGUN

    def end_task(self) -> None:
        self.fields[STATE] = IDLE

    def begin_functions(self, names: Sequence[str], partition: int) -> None:
        """Say which functions run now, before the first item of a partition."""
        if self._names != names:
            self._write(tuple(names))
        # Python's fault handler is set anew for each task, where Spark is told to have one.
        if not self._faults_watched or is_enabled():
            self._watch_faults()
            self._faults_watched = True
        function = 0 if len(names) == 1 else -1
        _BEGUN_FIELDS.pack_into(self._memory, 0, -1, function, -1, 0, -1, partition, RUNNING)

    def _write(self, names: tuple[str, ...]) -> None:
        lines = "\n".join(name.replace("\n", " ") for name in names)
        text = lines.encode(errors="replace")[: _SIZE - _NAMES - 8]
        self._memory[_NAMES + 8 : _NAMES + 8 + len(text)] = text
        self._memory[_NAMES : _NAMES + 8] = len(text).to_bytes(8, "little")
        self._names = names

    def place(self) -> Place:
        """Where the worker is, or was. What a dying worker has written over is left out."""
        length = int.from_bytes(bytes(self._memory[_NAMES : _NAMES + 8]), "little")
        text = bytes(self._memory[_NAMES + 8 : min(_NAMES + 8 + length, _SIZE)])
        names = tuple(text.decode(errors="replace").split("\n")) if text else ()
        fields = self.fields.tolist()
        if 0 <= fields[FUNCTION] < len(names):
            names = (names[fields[FUNCTION]],)
        before, rows, row = fields[BEFORE], fields[ROWS], fields[ROW]
        return Place(
            state=fields[STATE],
            task=fields[TASK],
            functions=names,
            partition=fields[PARTITION],
            row=before + row if row >= 0 else before if rows == 1 else -1,
            item=fields[ITEM],
            first=before if rows >= 0 else -1,
            last=before + rows - 1 if rows >= 0 else -1,
            libraries=self._libraries(),
        )

    def _libraries(self) -> tuple[str, str]:
        names = bytes(self._memory[_FAULT:_FAULT_END])
        half = len(names) // 2
        return _text(names[:half]), _text(names[half:])

    def close(self) -> None:
        """Give the memory back."""
        with suppress(BufferError, AttributeError):
            self.fields.release()
            self._memory.close()

    def have_core_note_rows(self) -> None:
        """Have the core's loops store their rows here."""
        # Imported here, because a daemon whose workers run stock's code does without the core.
        from hydrofoil._cext import faults, place, rows

        memory = memoryview(self._memory)
        rows.note_rows_in(memory[:_OF_ROWS])
        place.note_items_in(memory[:_OF_ITEMS])
        faults.note_faults_in(memory[_FAULT:_FAULT_END])
        self._watch_faults = faults.watch_faults
        self._faults_watched = False


def _text(ended: bytes) -> str:
    """What stands in front of the zero that ends a text of C's."""
    return ended.split(b"\0")[0].decode(errors="replace")


# Where no daemon looks.
_own = Page(bytearray(_SIZE))


def shared() -> Page:
    """A page for a worker that is about to be forked.

    Raises
    ------
    OSError
        There is no memory for it.
    """
    # Imported here, behind what stock's worker has: a user's file may have this name.
    from mmap import mmap

    return Page(mmap(-1, _SIZE))


def adopt(page: Page) -> None:
    """Make a page this process's own."""
    global _own
    _own = page
    mine.cache_clear()


def leave() -> None:
    """Have this process write to nobody's page: what user code forks is not its worker."""
    adopt(Page(bytearray(_SIZE)))
    with suppress(ImportError):
        _own.have_core_note_rows()


@cache
def mine() -> Page:
    """This process's page, in which the core stores rows from now on."""
    with suppress(ImportError):
        _own.have_core_note_rows()
    return _own
