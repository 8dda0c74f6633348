from collections.abc import Callable, Iterable
from typing import Any

from typing_extensions import Self

class _Calls:
    def __init__(
        self,
        function: Callable[[Any], Any],
        items: Iterable[Any],
        stopped: Callable[[StopIteration], object],
    ) -> None: ...
    def __iter__(self) -> Self: ...

class Mapped(_Calls):
    def __next__(self) -> Any: ...

class Kept(_Calls):
    def __next__(self) -> Any: ...
