from collections.abc import Iterable
from typing import Any

from typing_extensions import Self

from hydrofoil._cext.objects.base import Encoder
from hydrofoil._cext.objects.nested import FieldsEncoder

class RecordsEncoder(FieldsEncoder):
    def __new__(
        cls,
        fields: list[Encoder],
        names: list[str],
        *,
        bare: bool = False,
        refused: type | None = None,
    ) -> Self: ...
    @property
    def is_shared(self) -> bool: ...
    def take(self, rows: list[Any], first: int, stop: int) -> int: ...
    def pull(self, rows: Iterable[Any], most: int, left: list[Any]) -> bool: ...
    def encoders(self) -> list[Encoder]: ...

class Unknown(TypeError): ...

def telling_rows(rows: list[Any], *, dicts_are_structs: bool = False) -> list[Any]: ...
