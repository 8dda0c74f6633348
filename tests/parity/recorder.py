"""A daemon whose workers, stock's, also keep what they read, one file a task.

The folder is the environment variable ``PARITY_RECORD_DIR``.
"""

import os
import tempfile
from typing import Any, BinaryIO

from pyspark import daemon, worker

FOLDER = "PARITY_RECORD_DIR"
DAEMON = "parity.recorder"

_stock_main = worker.main


class Tee:
    """A binary file that remembers what has been read from it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.seen = bytearray()

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read(size)
        self.seen += chunk
        return chunk

    def readinto(self, buffer: Any) -> int:
        count: int = self._source.readinto(buffer)  # type: ignore[attr-defined]
        self.seen += memoryview(buffer).cast("B")[:count]
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


def main(infile: BinaryIO, outfile: BinaryIO) -> None:
    tee = Tee(infile)
    try:
        _stock_main(tee, outfile)
    finally:
        handle, path = tempfile.mkstemp(dir=os.environ[FOLDER], suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(tee.seen)
        os.rename(path, path.removesuffix(".part"))


if __name__ == "__main__":
    worker.main = main
    if hasattr(daemon, "worker_main"):  # Up to 4.1 it has been looked up by now.
        daemon.worker_main = main
    daemon.manager()
