from collections.abc import Callable, Iterable, Iterator
from typing import Any

class _Calls(Iterator[Any]):
    def __init__(
        self,
        function: Callable[[Any], Any],
        items: Iterable[Any],
        stopped: Callable[[StopIteration], object],
    ) -> None: ...
    def __next__(self) -> Any: ...

class Mapped(_Calls): ...
class Kept(_Calls): ...
