"""THE table of benchmark cases, put together from those of each kind of UDF."""

from benchmarks.cases_grouped import GROUPED
from benchmarks.cases_rows import ROWS
from benchmarks.cases_text import LANGUAGES, TEXT
from benchmarks.cases_vectorized import VECTORIZED

SUITES = {
    "rows": ROWS,
    "vectorized": VECTORIZED,
    "grouped": GROUPED,
    "text": TEXT,
    "languages": LANGUAGES,
}

CASES = {case.name: case for suite in SUITES.values() for case in suite}
