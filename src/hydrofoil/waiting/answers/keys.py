"""Equal arguments have equal keys: on all hosts, in all versions of Python, tomorrow."""

import datetime
import decimal
import struct
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

SIZE = 16  # Bytes of a key.


class NoKey(Exception):
    """A value of a class that has no form here; the call is made for itself."""


def key_of(function: str, arguments: Sequence[Any]) -> bytes | None:
    """The key of a call; None if an argument can't be told from others."""
    parts: list[bytes] = [function.encode()]
    try:
        for value in arguments:
            _add(parts, value)
    except (NoKey, RecursionError):
        return None
    made = blake2b(digest_size=SIZE)
    for part in parts:
        # Its length first: no two lists of parts make the same bytes.
        made.update(struct.pack("!Q", len(part)))
        made.update(part)
    return made.digest()


def _add(parts: list[bytes], value: Any) -> None:
    kind = type(value)
    make = _SIMPLE.get(kind)
    if make is not None:
        parts.append(make(value))
    elif isinstance(value, Mapping):
        entries = []
        for key, item in value.items():
            entry: list[bytes] = []
            _add(entry, key)
            _add(entry, item)
            entries.append(entry)
        parts.append(b"map%d" % len(entries))
        for entry in sorted(entries):
            parts.extend(entry)
    elif isinstance(value, (list, tuple)):
        names = getattr(value, "__fields__", None) or getattr(value, "_fields", None)
        parts.append(b"list%d" % len(value) if names is None else b"struct" + repr(names).encode())
        for item in value:
            _add(parts, item)
    elif hasattr(value, "__dataclass_fields__"):
        parts.append(b"object" + kind.__qualname__.encode())
        for name in value.__dataclass_fields__:
            parts.append(name.encode())
            _add(parts, getattr(value, name))
    else:
        raise NoKey(kind.__name__)


def _text(value: str) -> bytes:
    return b"s" + value.encode("utf-8", "surrogatepass")


_SIMPLE: dict[type, Any] = {
    type(None): lambda value: b"none",
    bool: lambda value: b"b1" if value else b"b0",
    int: lambda value: b"i%d" % value,
    float: lambda value: b"f" + struct.pack("!d", value),
    str: _text,
    bytes: lambda value: b"y" + value,
    bytearray: lambda value: b"y" + bytes(value),
    decimal.Decimal: lambda value: b"d" + str(value).encode(),
    datetime.date: lambda value: b"D" + value.isoformat().encode(),
    datetime.datetime: lambda value: b"T" + value.isoformat().encode(),
    datetime.timedelta: lambda value: (
        b"L%d,%d,%d" % (value.days, value.seconds, value.microseconds)
    ),
}
