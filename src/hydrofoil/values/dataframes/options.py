"""pandas' options that change what stock's conversions give: with them, stock converts.

A program may set them at any time, in a function too, so they are asked for with each batch.
"""

from typing import Any

import pandas as pd
from pandas.core.dtypes import missing


def _usual() -> dict[str, Any]:
    """The options that change columns, and what they are by default; an older pandas has fewer."""
    if int(pd.__version__.split(".", 1)[0]) >= 3:
        return {"future.infer_string": True}
    usual = {}
    for name in ("future.infer_string", "mode.copy_on_write"):
        try:
            pd.get_option(name)
        except KeyError:
            continue
        usual[name] = False
    return usual


_USUAL = _usual()


def changed_arguments() -> str:
    """Why functions are given other columns than usual; empty if they are not."""
    for name, usual in _USUAL.items():
        value = pd.get_option(name)
        if value is not usual:
            return f"pandas' option {name} is {value}"
    return ""


def changed_results() -> str:
    """Why columns that functions return become others than usual; empty if they do not."""
    if not getattr(missing, "INF_AS_NA", False):
        return ""
    return "pandas' option mode.use_inf_as_na is True"
