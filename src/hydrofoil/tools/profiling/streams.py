"""The worker's connection to the JVM, with clocks on it.

Wall time says how long the worker waits for the other side; CPU time, what reading and writing
cost, which a profiler on a wall clock can't tell from waiting.
"""

import io
from time import perf_counter, thread_time
from typing import Any, BinaryIO

# CPU seconds of all reads and writes so far, by the name of the function around them.
CPU = {"TimedRead.readinto": 0.0, "TimedWrite.write": 0.0}


class TimedRead(io.RawIOBase):
    """Reads from a socket file below its buffer; ``seconds`` is the wall time of these reads.

    What the file has buffered comes first.
    """

    def __init__(self, source: Any) -> None:
        super().__init__()
        self._pending = source.read1(len(source.peek(1)))
        self._readinto = source.raw.readinto
        self._fileno = source.fileno
        self.seconds = 0.0

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        number: int = self._fileno()
        return number

    def readinto(self, buffer: Any) -> int | None:
        if self._pending:
            count = min(len(buffer), len(self._pending))
            buffer[:count], self._pending = self._pending[:count], self._pending[count:]
            return count
        start, cpu = perf_counter(), thread_time()
        read: int | None = self._readinto(buffer)
        CPU["TimedRead.readinto"] += thread_time() - cpu
        self.seconds += perf_counter() - start
        return read


class TimedWrite(io.RawIOBase):
    """Writes to a socket file below its buffer; ``seconds`` is the wall time of these writes."""

    def __init__(self, target: Any) -> None:
        super().__init__()
        self._write = target.raw.write
        self._fileno = target.fileno
        self.seconds = 0.0

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        number: int = self._fileno()
        return number

    def write(self, data: Any) -> int | None:
        start, cpu = perf_counter(), thread_time()
        written: int | None = self._write(data)
        CPU["TimedWrite.write"] += thread_time() - cpu
        self.seconds += perf_counter() - start
        return written


def timed(infile: BinaryIO, outfile: BinaryIO, size: int) -> tuple[Any, Any, TimedRead, TimedWrite]:
    """Buffered files of ``size`` bytes over the same connection, and their clocks."""
    reads, writes = TimedRead(infile), TimedWrite(outfile)
    return io.BufferedReader(reads, size), io.BufferedWriter(writes, size), reads, writes
