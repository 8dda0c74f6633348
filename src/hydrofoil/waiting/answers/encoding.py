"""Answers as bytes, and back: values alone, so that nobody's file or message runs code here."""

import io
import pickle
from typing import Any

# What results that are no plain values of Python's are made of, before they are pickled for Spark.
_ALLOWED = frozenset(
    {
        ("decimal", "Decimal"),
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("collections", "OrderedDict"),
        ("array", "array"),
        ("array", "_array_reconstructor"),
        ("builtins", "bytearray"),
        ("builtins", "set"),
        ("builtins", "frozenset"),
        ("builtins", "complex"),
    }
)


class NotPlain(Exception):
    """A value of another class."""


class _Values(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise NotPlain(f"{module}.{name}")


def encoded(value: Any) -> bytes | None:
    """A value's bytes; None if it can't be told from them."""
    kind = type(value)
    try:
        made = pickle.dumps(value, protocol=5)
        if kind not in (str, int, float, bool, bytes, type(None)):
            decoded(made)
    except Exception:
        return None
    return made


def decoded(data: bytes) -> Any:
    """The value of these bytes.

    Raises
    ------
    NotPlain
        They are of something else than `encoded` takes.
    """
    return _Values(io.BytesIO(data)).load()
