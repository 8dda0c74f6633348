"""Values with all that `==` does not look at: classes, names, order, bits."""

import datetime
import math
import struct
from typing import Any

from pyspark.sql import Row


def exactly(value: Any) -> Any:
    """Something that is equal only for values that nobody can tell apart."""
    kind = type(value)
    if isinstance(value, Row):
        return kind, vars(value), [exactly(item) for item in value]
    if isinstance(value, (list, tuple)):
        return kind, [exactly(item) for item in value]
    if isinstance(value, dict):
        return kind, [(exactly(key), exactly(item)) for key, item in value.items()]
    if kind is float:
        return kind, "nan" if math.isnan(value) else struct.pack("d", value)
    if isinstance(value, (datetime.datetime, datetime.time)):
        return kind, repr(value), value.fold
    if hasattr(value, "__UDT__"):
        return kind, vars(value)
    return kind, repr(value)
