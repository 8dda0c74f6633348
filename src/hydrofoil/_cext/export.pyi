from collections.abc import Callable
from typing import TypeVar

import pyarrow as pa

from hydrofoil._cext.frames import Frame

_Kind = TypeVar("_Kind")
_Made = TypeVar("_Made")

class FrameExport:
    def __init__(self, schema: pa.Schema, in_struct: bool = False) -> None: ...
    def record_batch(
        self,
        frame: Frame,
        columns: list[int],
        take: Callable[[int, pa.Schema], _Made],
        schema: pa.Schema,
    ) -> _Made: ...
    def array(
        self,
        frame: Frame,
        columns: list[int],
        take: Callable[[int, _Kind], _Made],
        arrow_type: _Kind,
    ) -> _Made: ...

def live_exports() -> int: ...
