"""A task's input that is read and recorded at the same time."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from hydrofoil import private
from hydrofoil.recordings.recording import SUFFIX, encode_header, make_header

UNFINISHED = ".part"


def is_ours(folder: Path) -> bool:
    """Whether it is there, and nobody else made it, in whose folder data would be theirs."""
    return folder.is_dir() and folder.stat().st_uid == os.getuid()


class Tee(ABC):
    """A binary file for reading that hands on what has been read."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    @abstractmethod
    def keep(self, chunk: Any) -> None:
        """Take bytes that were read, in their order; an empty chunk at the end of the file."""

    def read(self, size: int | None = -1) -> bytes:
        chunk = self._source.read(-1 if size is None else size)
        self.keep(chunk)
        return chunk

    def read1(self, size: int = -1) -> bytes:
        chunk: bytes = self._source.read1(size)  # type: ignore[attr-defined]
        self.keep(chunk)
        return chunk

    def readline(self, size: int = -1) -> bytes:
        chunk = self._source.readline(size)
        self.keep(chunk)
        return chunk

    def readinto(self, buffer: Any) -> int:
        count: int = self._source.readinto(buffer)  # type: ignore[attr-defined]
        self.keep(memoryview(buffer).cast("B")[:count])
        return count

    readinto1 = readinto

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    @property
    def closed(self) -> bool:
        return self._source.closed

    def close(self) -> None:
        self._source.close()

    def flush(self) -> None:  # noqa: B027
        """Nothing to do: this side is only read."""


class TeeReader(Tee):
    """A file for reading whose bytes also go to a recording.

    Whether the folder exists, and so whether to record, is looked up at the first byte: a reused
    worker may have waited for it since before the folder was made. Until `finish` the file carries
    the suffix ``UNFINISHED``.
    """

    def __init__(
        self, source: BinaryIO, folder: Path, usable: Callable[[Path], bool] = is_ours
    ) -> None:
        super().__init__(source)
        self._folder = folder
        self._usable = usable
        self._started = False
        self._file: BinaryIO | None = None

    def keep(self, chunk: Any) -> None:
        if chunk and not self._started:
            self._started = True
            # Whoever wants recordings may take the folder away at any moment.
            with suppress(FileNotFoundError):
                self._start()
        if self._file is not None:
            self._file.write(chunk)

    def _start(self) -> None:
        if self._usable(self._folder):
            name = f"{time.time_ns()}-{os.getpid()}{SUFFIX}{UNFINISHED}"
            # A recording is the task's data and functions.
            self._file = open(self._folder / name, "xb", opener=private.opener)  # noqa: SIM115
            self._file.write(encode_header(make_header(os.environ)))

    def finish(self) -> None:
        """Close the recording and give it its final name.

        Harmless if nothing was read, or if the folder has been taken away.
        """
        if self._file is not None:
            self._file.close()
            unfinished = Path(self._file.name)
            with suppress(FileNotFoundError):
                unfinished.rename(unfinished.with_suffix(""))
