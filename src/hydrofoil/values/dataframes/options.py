"""pandas' options that change what stock's conversions give: with them, stock converts.

A program may set them at any time, in a function too, so they are asked for with each batch.
"""

import pandas as pd
from pandas.core.dtypes import missing

_TEXT = "future.infer_string"
# What it is by default; None with a pandas that is too old to have it.
_USUAL: bool | None = int(pd.__version__.split(".", 1)[0]) >= 3
try:
    pd.get_option(_TEXT)
except KeyError:
    _USUAL = None


def changed_arguments() -> str:
    """Why functions are given other columns than usual; empty if they are not."""
    if _USUAL is None or bool(pd.get_option(_TEXT)) is _USUAL:
        return ""
    return f"pandas' option {_TEXT} is set to {not _USUAL}"


def changed_results() -> str:
    """Why columns that functions return become others than usual; empty if they do not."""
    if not getattr(missing, "INF_AS_NA", False):
        return ""
    return "pandas' option mode.use_inf_as_na is set"
