"""The worker process: stock PySpark's own task loop, with Hydrofoil's data path inside it.

Bytes in: what the JVM sends a worker for one task. Bytes out: what stock's worker would answer.
"""

from typing import BinaryIO


def main(infile: BinaryIO, outfile: BinaryIO) -> None:
    """Run one task: read it from ``infile``, answer on ``outfile``, exactly as stock's ``main``.

    Parameters
    ----------
    infile, outfile : binary file objects
        Socket files or in-memory ones; the same object may serve as both.
    """
    from pyspark import worker

    worker.main(infile, outfile)
