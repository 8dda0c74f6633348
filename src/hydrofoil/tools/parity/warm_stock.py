"""Stock's daemon and stock's worker, with the worker's imports made before it forks.

Nothing of stock is changed; the imports are the ones each worker makes for itself otherwise.
"""

import os

# pyarrow's jemalloc would start a thread, with which the daemon must not fork.
os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"

import numpy  # noqa: F401
import pandas  # noqa: F401
import pyarrow  # noqa: F401
from pyspark import (
    daemon,
    worker,  # noqa: F401
)

if __name__ == "__main__":
    daemon.manager()
