"""Stock's daemon and stock's worker, with the worker's imports made before it forks.

Nothing of stock is changed; the imports are the ones each worker makes for itself otherwise. Nor
does a worker look through all of them for garbage after each task, or read the list of pyspark.zip
anew, which takes a quarter of a second: comparisons replace a worker for each error.
"""

import gc
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

from hydrofoil.process.archives import keep_listings, on_path

if __name__ == "__main__":
    gc.freeze()
    keep_listings(on_path())
    daemon.manager()
