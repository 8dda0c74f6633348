"""Classes that a program has put in place of the standard library's, as test tools for time do.

Stock's converters look `datetime.datetime` and its like up in their modules for each value. The
core's make objects of the classes that CPython itself knows. So while one is replaced, stock
converts arguments and results.
"""

import datetime
import decimal
from types import ModuleType

import pyspark.sql.types

_LOOKED_UP: tuple[tuple[ModuleType, str], ...] = (
    (datetime, "datetime"),
    (datetime, "date"),
    (datetime, "timedelta"),
    (datetime, "timezone"),
    (decimal, "Decimal"),
    (pyspark.sql.types, "Row"),
)
# As they were when the worker, or its daemon, started.
_CLASSES = tuple((vars(module), name, vars(module)[name]) for module, name in _LOOKED_UP)


def replaced_class() -> str | None:
    """The name of a class that is not the original one, or None."""
    for names, name, original in _CLASSES:
        if names.get(name) is not original:
            return f"{names['__name__']}.{name}"
    return None
