"""What a worker saw, as text. Runs in workers and in the driver; imports the standard library only.

Values that compare equal can still differ for a user (0.0 and -0.0, True and 1, two classes of
tuple), so comparisons are made on these descriptions.
"""

import datetime
import math
import struct
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def describe(value: Any) -> str:
    """Everything about a value that a user's function could tell, recursively.

    Exact classes, the order of dicts, the fields of rows, signs of zeros, bits of NaNs, exponents
    of decimals, time zone and fold of datetimes.
    """
    if value is None:
        return "None"
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else _full_name(kind)
    if isinstance(value, float):
        return f"{name}:{value!r}" + (_bits(value) if math.isnan(value) else "")
    if isinstance(value, datetime.datetime):
        return f"{name}:{value!r} fold={value.fold} tzinfo={describe(value.tzinfo)}"
    if isinstance(value, (bool, int, str, bytes, bytearray, Decimal, datetime.date)):
        return f"{name}:{value!r}"
    if isinstance(value, tuple):
        fields = getattr(value, "__fields__", None)
        head = name if fields is None else f"{name}{describe(fields)}"
        return f"{head}({', '.join(map(describe, value))})"
    if isinstance(value, list):
        return f"{name}[{', '.join(map(describe, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{describe(key)}: {describe(item)}" for key, item in value.items())
        return f"{name}{{{', '.join(pairs)}}}"
    if isinstance(value, (set, frozenset)):
        return f"{name}{{{', '.join(sorted(map(describe, value)))}}}"
    if hasattr(value, "__dict__"):
        if id(value) in _open:
            return f"{name} that contains itself"
        _open.add(id(value))
        try:
            return f"{name} with {describe(vars(value))}"
        finally:
            _open.discard(id(value))
    return f"{name}:{value!r}"


# Objects under description, of which one may lead back to another.
_open: set[int] = set()


def describe_arguments(*args: Any, **kwargs: Any) -> str:
    """A whole call, as text: positional arguments, then named ones in the order given."""
    return f"{describe(args)} {describe(kwargs)}"


def identity(value: Any) -> Any:
    return value


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _bits(value: float) -> str:
    return f"#{struct.pack('>d', value).hex()}"
