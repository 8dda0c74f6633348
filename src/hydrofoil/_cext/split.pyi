from collections.abc import Iterator

import pyarrow as pa

from hydrofoil._cext.frames import Frame

class PieceSplitter:
    def __init__(self, schema: pa.Schema) -> None: ...
    def split(self, frame: Frame, lengths: bytes) -> Iterator[tuple[Frame, bool]]: ...
