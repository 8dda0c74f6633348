from collections.abc import Callable

import pyarrow as pa

from hydrofoil._cext.frames import FrameWriter

class Gatherer:
    def __init__(
        self, schema: pa.Schema, writer: FrameWriter, in_struct: bool, most_rows: int
    ) -> None: ...
    @property
    def rows(self) -> int: ...
    def add(self, export: Callable[[int], object]) -> None: ...
    def flush(self) -> None: ...
