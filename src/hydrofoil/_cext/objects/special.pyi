from typing import Any

from typing_extensions import Self

from hydrofoil._cext.objects.base import Decoder, Encoder

class NullDecoder(Decoder): ...

class NullEncoder(Encoder):
    def __new__(cls, *, nullable: bool = True) -> Self: ...

class ValuesDecoder(Decoder):
    def __new__(cls, values: list[Any]) -> Self: ...
