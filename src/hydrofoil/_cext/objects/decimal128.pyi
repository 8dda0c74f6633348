from typing_extensions import Self

from hydrofoil._cext.objects.base import Decoder, Encoder

class DecimalDecoder(Decoder):
    def __new__(cls, scale: int, *, engineering: bool = False) -> Self: ...

class DecimalEncoder(Encoder):
    def __new__(
        cls, precision: int, scale: int, *, exact: bool = False, nullable: bool = True
    ) -> Self: ...
