"""Spark 4.0: pickled row UDFs are fast; everything else runs on stock's code."""

from hydrofoil.spark.caps import LINES
from hydrofoil.spark.streamed import StreamedWorker


class Worker(StreamedWorker):
    """Stock's worker with Hydrofoil's data path."""

    fast = LINES["4.0"].fast
