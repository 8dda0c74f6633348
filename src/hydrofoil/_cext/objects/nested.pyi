from collections.abc import Callable
from typing import Any

from typing_extensions import Self

from hydrofoil._cext.objects.base import Decoder, Encoder

class ListDecoder(Decoder):
    def __new__(cls, element: Decoder) -> Self: ...

class MapDecoder(Decoder):
    def __new__(cls, key: Decoder, value: Decoder) -> Self: ...

class StructDecoder(Decoder):
    def __new__(
        cls,
        fields: list[Decoder],
        names: list[str],
        row_type: type[tuple[Any, ...]],
        *,
        attributes: bool = True,
    ) -> Self: ...
    def rows(self, first: int, stop: int) -> list[Any]: ...

class RowWalk:
    def __new__(cls, decoder: StructDecoder, stop: int) -> Self: ...
    @property
    def at(self) -> int: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...

class Entries(list[tuple[Any, Any]]): ...

class RestoredMap(dict[Any, Any]):
    def __init__(self, entries: list[tuple[Any, Any]]) -> None: ...
    def items(self) -> list[tuple[Any, Any]]: ...  # type: ignore[override]  # as few as stock's need

class ListEncoder(Encoder):
    # `order` is for its subclass.
    def __new__(cls, element: Encoder, *, nullable: bool = True, order: object = None) -> Self: ...

class EntriesEncoder(ListEncoder):
    def __new__(
        cls,
        element: Encoder,
        *,
        nullable: bool = True,
        order: Callable[[dict[Any, Any]], list[tuple[Any, Any]] | None] | None = None,
    ) -> Self: ...

class MapEncoder(Encoder):
    def __new__(cls, key: Encoder, value: Encoder, *, nullable: bool = True) -> Self: ...

class FieldsEncoder(Encoder): ...

class StructEncoder(FieldsEncoder):
    def __new__(
        cls,
        fields: list[Encoder],
        names: list[str],
        row_type: type[tuple[Any, ...]],
        *,
        nullable: bool = True,
    ) -> Self: ...
