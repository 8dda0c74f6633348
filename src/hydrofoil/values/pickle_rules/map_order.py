"""The order of a map's entries: of a dict that the JVM unpickles, and of a map that it pickles.

Both are a `HashMap` in Java, whose order is that of its keys' hashes.
"""

from array import array
from collections import Counter, OrderedDict
from collections.abc import Callable
from decimal import Decimal
from itertools import chain
from math import ceil, isnan
from typing import Any

from hydrofoil.values.pickle_rules.hash_map import CROWD, LOAD, HashMap

# The size of a `HashMap`'s first table.
_FIRST_SIZE = 16
# How many items of a dict Python's pickle writes at once.
_PICKLED_AT_ONCE = 1000


class UnknownOrder(ValueError):
    """The order of a Java map that has keys of unknown hashes."""


def unpickled_items(
    mapping: dict[Any, Any], *, strict: bool = False, java: int = 17
) -> list[tuple[Any, Any]]:
    """A dict's items, in the order of the Java map that unpickling makes of it.

    Its items are put, last first, into a map that is then put into another. An `OrderedDict` is
    unpickled as an object of an unknown class, which is a map that has the class's name.

    Parameters
    ----------
    mapping : dict
    strict : bool
    java : int
        The JVM's version.

    Raises
    ------
    UnknownOrder
        With ``strict``; else some order is taken.
    """
    items = list(mapping.items())
    parts: list[list[tuple[Any, Any]]] = []
    size = 0
    if type(mapping) is OrderedDict:
        parts, size = [[("__class__", "collections.OrderedDict")]], _FIRST_SIZE
    for start in range(0, len(items), _PICKLED_AT_ONCE):
        part = items[start : start + _PICKLED_AT_ONCE][::-1]
        parts.append(_by_bucket([part], _FIRST_SIZE, strict=strict))
        size = size or _size_for(len(part), java)
    return _by_bucket(parts, size, strict=strict)


def pickled_items(items: list[tuple[Any, Any]], key_type: str) -> list[tuple[Any, Any]]:
    """A map's entries, in the order in which the JVM pickles them; of equal keys the last value.

    Parameters
    ----------
    items : list
        With keys as they are pickled: dates are numbers.
    key_type : str
        The name of the keys' Spark type.
    """
    if len(items) < 2:
        return items
    different = list(dict(items).items())
    size = _power_of_two(len(items))
    hash_of = _HASH_OF_COLUMN.get(key_type, _hash)
    return _by_bucket([different], size, hash_of=hash_of, compare=_compare_in_column)


def _by_bucket(
    parts: list[list[tuple[Any, Any]]],
    size: int,
    *,
    strict: bool = False,
    hash_of: Callable[[Any], int] = lambda key: _hash(key),
    compare: Callable[[Any, Any], int] = lambda key, other: _compare(key, other),
) -> list[tuple[Any, Any]]:
    """Items of different keys as a ``HashMap`` has them whose table began with this size.

    They are put into it part by part, each of which was a map before.
    """
    items = list(chain.from_iterable(parts))
    try:
        places = [_place(hash_of(key)) for key, _ in items]
    except KeyError as unknown:
        if strict:
            raise UnknownOrder(unknown) from None
        return items
    if len(items) > CROWD:
        [(_, crowd)] = Counter(place & (size - 1) for place in places).most_common(1)
        if crowd > CROWD:
            table = HashMap(size, compare)
            place = iter(places)
            for part in parts:
                table.put_all([(next(place), item) for item in part])
            return table.items()
    size = _grown(size, len(items))
    order = sorted(range(len(items)), key=lambda i: places[i] & (size - 1))
    return [items[i] for i in order]


def _place(code: int) -> int:
    """A hash as a ``HashMap`` uses it: 32 bits with a sign, the lower half spread."""
    code ^= (code & 0xFFFFFFFF) >> 16
    return ((code & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


def _grown(size: int, count: int) -> int:
    while count > LOAD * size:
        size *= 2
    return size


def _compare(key: Any, other: Any) -> int:
    """How a key compares to a different one of the same hash, in Java."""
    kind, other_kind = _class_of(key), _class_of(other)
    if kind != other_kind and key is not None and other is not None:
        return -1 if kind < other_kind else 1
    return _compare_in_column(key, other)


def _compare_in_column(key: Any, other: Any) -> int:
    """As `_compare`, for keys of one class."""
    if key is None or other is None:
        return -1 if key is None else 1
    if type(key) is str:
        # By UTF-16's units.
        return -1 if _utf16(key) < _utf16(other) else 1
    return -1 if key < other else 1


def _class_of(key: Any) -> str:
    """The name of a key's class in Java, when it was unpickled."""
    if type(key) is int:
        return "java.lang.Integer" if _is_int(key) else "java.lang.Long"
    return _CLASSES.get(type(key), "")


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _size_for(count: int, java: int) -> int:
    """The size of a new table into which so many items of a map are put."""
    # Before Java 19 it was too large by one at times.
    return _power_of_two(ceil(count / LOAD) if java >= 19 else int(count / LOAD + 1))


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length() if count > 1 else 1


def _hash(value: Any) -> int:
    """Java's ``hashCode()``; KeyError where it is not known here."""
    return _HASH[type(value)](value)


def _is_int(value: int) -> bool:
    return -(2**31) <= value < 2**31


def _hash_of_int(value: int) -> int:
    return value if _is_int(value) else _hash_of_long(value)


def _hash_of_long(value: int | None) -> int:
    if value is None:
        return 0
    if -(2**63) <= value < 2**63:
        return value ^ ((value & 0xFFFFFFFFFFFFFFFF) >> 32)
    raise KeyError(value)


def _hash_of_str(value: str) -> int:
    code = 0
    for unit in array("H", value.encode("utf-16-le", "surrogatepass")):
        code = (31 * code + unit) & 0xFFFFFFFF
    return code


def _hash_of_float(value: float) -> int:
    if isnan(value):
        return 0x7FF80000
    bits = array("Q", array("d", [value]).tobytes())[0]
    return bits ^ (bits >> 32)


def _hash_of_single(value: float | None) -> int:
    if value is None:
        return 0
    return 0x7FC00000 if isnan(value) else array("I", array("f", [value]).tobytes())[0]


def _hash_of_decimal(value: Decimal) -> int:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise KeyError(value)
    unscaled = int("".join(map(str, digits)))
    code = 0
    for word in range((unscaled.bit_length() + 31) // 32 - 1, -1, -1):
        code = (31 * code + (unscaled >> 32 * word & 0xFFFFFFFF)) & 0xFFFFFFFF
    return 31 * (-code if sign else code) - exponent


_HASH: dict[type, Callable[[Any], int]] = {
    type(None): lambda value: 0,
    bool: lambda value: 1231 if value else 1237,
    int: _hash_of_int,
    str: _hash_of_str,
    float: _hash_of_float,
    Decimal: _hash_of_decimal,
}


# Where a column's keys are not of the class that is unpickled for the same value.
_HASH_OF_COLUMN: dict[str, Callable[[Any], int]] = {
    "LongType": _hash_of_long,
    "TimestampType": _hash_of_long,
    "TimestampNTZType": _hash_of_long,
    "DayTimeIntervalType": _hash_of_long,
    "FloatType": _hash_of_single,
}

_CLASSES = {
    bool: "java.lang.Boolean",
    float: "java.lang.Double",
    str: "java.lang.String",
    Decimal: "java.math.BigDecimal",
}
