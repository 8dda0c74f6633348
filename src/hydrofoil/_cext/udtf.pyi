from collections.abc import Callable, Iterable
from typing import Any

from typing_extensions import Self

from hydrofoil._cext.objects.base import Encoder
from hydrofoil._cext.objects.nested import FieldsEncoder

class RowsEncoder(FieldsEncoder):
    # What follows is for its subclass.
    def __new__(cls, fields: list[Encoder], names: list[str], *_: Any) -> Self: ...
    def drain(self, iterable: Iterable[Any], rows: list[Any], once_more: bool) -> bool: ...

class SourceRowsEncoder(RowsEncoder):
    def __new__(
        cls, fields: list[Encoder], names: list[str], row_type: type[tuple[Any, ...]]
    ) -> Self: ...

class PickledRows:
    def __new__(
        cls, rows: Iterable[Any], convert: Callable[[Any], tuple[Any, ...]], width: int
    ) -> Self: ...
    def __iter__(self) -> PickledRows: ...
    def __next__(self) -> tuple[Any, ...]: ...

def is_plain(value: object) -> bool: ...
