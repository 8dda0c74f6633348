"""Whose line of code a job is shown with, when a call of PySpark's goes through a replacement."""

import sys
from pathlib import Path
from typing import Any

import pyspark
from pyspark.traceback_utils import SCCallSiteSync

_OURS = str(Path(__file__).parents[1])
_PYSPARK = str(Path(pyspark.__file__).parent)


class CallSite(SCCallSiteSync):
    """As PySpark's own, which looks for its own code on the stack, but knows that ours called it.

    Parameters
    ----------
    context : SparkContext
        Whose jobs.
    name : str
        The method that the program called, if it called it through the replacement.
    """

    def __init__(self, context: Any, name: str) -> None:
        self._context = context
        self._call_site = _called_from(name)


def _called_from(name: str) -> str:
    frame = sys._getframe(2)
    # The outermost frame of PySpark's or ours, and who called it.
    function, caller = name, frame
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith((_PYSPARK, _OURS)) and frame.f_back is not None:
            function = frame.f_code.co_name if file.startswith(_PYSPARK) else name
            caller = frame.f_back
        frame = frame.f_back  # type: ignore[assignment]  # until there is none
    return f"{function} at {caller.f_code.co_filename}:{caller.f_lineno}"
