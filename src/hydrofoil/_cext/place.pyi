from collections.abc import Callable, Iterable, Iterator
from typing import Any

def note_items_in(memory: bytearray | memoryview) -> None: ...

class Position:
    partition: int
    item: int
    before: int
    rows: int
    has_rows: bool
    reading: bool
    def __init__(self, partition: int, items: int = 0, rows: int = 0) -> None: ...

class Counted:
    def __init__(
        self,
        items: Iterable[Any],
        position: Position,
        has_rows: bool,
        before: Callable[[Position], None] | None = None,
    ) -> None: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __next__(self) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...
