from collections.abc import Callable, Iterable, Iterator
from typing import Any

class Mapped(Iterator[Any]):
    def __init__(
        self,
        function: Callable[[Any], Any],
        items: Iterable[Any],
        stopped: Callable[[StopIteration], object],
    ) -> None: ...
    def __iter__(self) -> Mapped: ...
    def __next__(self) -> Any: ...

class Kept(Iterator[Any]):
    def __init__(
        self,
        function: Callable[[Any], Any],
        items: Iterable[Any],
        stopped: Callable[[StopIteration], object],
    ) -> None: ...
    def __iter__(self) -> Kept: ...
    def __next__(self) -> Any: ...
