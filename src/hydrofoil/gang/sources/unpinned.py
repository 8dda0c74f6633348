"""What all sources have in common before a run has pinned them."""

from collections.abc import Iterator

import pyarrow as pa

from hydrofoil.errors import UsageError
from hydrofoil.gang.sources.pinned import Pinned


class Unpinned:
    """Implements `hydrofoil.gang.seams.Source` up to `pin`."""

    def pin(self) -> Pinned:
        """On the driver, once a run: settle what is read."""
        raise NotImplementedError

    def counts(self, world_size: int) -> list[int] | None:
        """Not known before it is pinned."""
        return None

    def read(self, rank: int, world_size: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Not before it is pinned: ranks could see different states.

        Raises
        ------
        UsageError
        """
        raise UsageError("a source has to be pinned before it is read", hint="source.pin().read()")
