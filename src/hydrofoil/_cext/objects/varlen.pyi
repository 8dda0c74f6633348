from typing import final

from typing_extensions import Self

from hydrofoil._cext.objects.base import Decoder, Encoder

@final
class StringDecoder(Decoder): ...

class BytesDecoder(Decoder): ...
class ByteArrayDecoder(Decoder): ...

class StringEncoder(Encoder):
    def __new__(cls, *, wide: bool = False, nullable: bool = True, exact: bool = False) -> Self: ...

class BinaryEncoder(Encoder):
    def __new__(cls, *, wide: bool = False, nullable: bool = True, exact: bool = False) -> Self: ...
