"""Plain functions of the kinds that programs have, to measure and to check compiled ones.

Written for this project after what public code does with ``udf``: money and rates, buckets by
``if``, nulls replaced, names and e-mail addresses cleaned, codes looked up in dicts, dates taken
apart, keys put together. `CASES` has them all; some can't be compiled, and are here because
programs have them.
"""

import sys

from pyspark import cloudpickle

from benchmarks.compiled_corpus import (
    arithmetic,
    buckets,
    dates,
    formatting,
    longer,
    lookups,
    nulls,
    text,
)
from benchmarks.compiled_corpus.case import CASES, KINDS, Case

__all__ = ["CASES", "KINDS", "Case"]

# Workers get the functions as they get those of a notebook: they need not find this folder.
for _module in (arithmetic, buckets, dates, formatting, longer, lookups, nulls, text):
    cloudpickle.register_pickle_by_value(sys.modules[_module.__name__])
