from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from typing_extensions import Self

from hydrofoil._cext.columns import ColumnView
from hydrofoil._cext.objects.base import Decoder

class ArrayReader:
    def read(self, view: ColumnView) -> NDArray[Any]: ...

class NumberReader(ArrayReader):
    def __new__(cls, dtype: DTypeLike) -> Self: ...

class BoolReader(ArrayReader): ...

class TimestampReader(ArrayReader):
    def __new__(
        cls, localize: Callable[[NDArray[np.int64]], NDArray[np.int64]] | None = None
    ) -> Self: ...

class ObjectReader(ArrayReader):
    def __new__(cls, decoder: Decoder) -> Self: ...
