"""Where Spark's log goes while we measure: into a file, not between our lines."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SparkLog:
    """A file for what Spark says.

    A JVM keeps the standard streams that it was started with, and gives them to its workers: it is
    started inside `taking`.
    """

    def __init__(self) -> None:
        number, name = tempfile.mkstemp(prefix="hydrofoil-bench-", suffix=".log")
        os.close(number)
        self.path = Path(name)

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Send what this process, and those that it starts, write inside the block to the file."""
        _flush()
        kept = {stream: os.dup(stream) for stream in (1, 2)}
        try:
            with self.path.open("ab") as file:
                for stream in kept:
                    os.dup2(file.fileno(), stream)
            yield
        finally:
            _flush()
            for stream, copy in kept.items():
                os.dup2(copy, stream)
                os.close(copy)

    def remove(self) -> None:
        """Delete the file, once nobody needs it."""
        self.path.unlink(missing_ok=True)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
