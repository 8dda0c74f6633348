"""What a pickled Python value is in the JVM: its class's text, or an error."""

import pickle
import re
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable
from copyreg import __newobj__ as new_object  # type: ignore[attr-defined]
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isinf, isnan
from pickletools import genops
from typing import Any

from pyspark.serializers import CPickleSerializer

from hydrofoil.values.pickle_rules.map_order import unpickled_items

_ATOMS = (type(None), bool, int, float, str, bytes, bytearray, complex, array, date, timedelta)
_SURROGATES = re.compile("[\ud800-\udfff]")
_SEQUENCES = (list, tuple, set, frozenset)

# Pickle's instructions that make an object of a class or a function.
_CALLS = {"REDUCE", "NEWOBJ", "NEWOBJ_EX", "INST", "OBJ"}


class NotForJava(TypeError):
    """The pickled path fails in the JVM on this value."""


def check_unpickles(value: Any) -> None:
    """Fail for what Spark cannot unpickle in the JVM.

    Raises
    ------
    NotForJava
        Naming the value's class and what to return instead.
    Exception
        What pickling raises.
    """
    kind = type(value)
    if kind in _ATOMS:
        return
    if kind in _SEQUENCES:
        for item in value:
            check_unpickles(item)
    elif kind is dict or kind is OrderedDict:
        for key, item in value.items():
            check_unpickles(key)
            check_unpickles(item)
    elif kind is Decimal:
        if value.is_infinite():
            raise NotForJava(f"Spark can't send Decimal({str(value)!r}) to the JVM; return None")
    elif kind is datetime or kind is time:
        if value.tzinfo is not None:
            raise NotForJava(
                f"Spark can't unpickle {value!r} in the JVM, because it has a time zone; return it "
                "without, or declare timestamp"
            )
    else:
        pickled = CPickleSerializer().dumps(value)  # type: ignore[no-untyped-call]
        if not (_is_name(pickled) or _is_empty_object(value) or isinstance(value, BaseException)):
            raise NotForJava(
                f"Spark can't unpickle an object of {kind.__module__}.{kind.__qualname__} in the "
                f"JVM; return {_remedy(value)}"
            )


def _is_name(pickled: bytes) -> bool:
    """Whether this is a function or class by its name: nothing that Java would call."""
    return not _CALLS & {opcode.name for opcode, _, _ in genops(pickled)}


def _is_empty_object(value: Any) -> bool:
    """Whether a class is called without arguments to make it again: Java then makes a map."""
    try:
        reduced = value.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    except TypeError:  # Only PySpark's own pickler knows how.
        return False
    return (
        isinstance(reduced, tuple)
        and reduced[0] is new_object
        and len(reduced[1]) == 1
        and (len(reduced) < 3 or reduced[2] is None or type(reduced[2]) is dict)
        and all(part is None for part in reduced[3:])
    )


def _remedy(value: Any) -> str:
    if type(value).__module__.partition(".")[0] == "numpy":
        return "value.tolist()"
    for plain in (bool, int, float, str, list, tuple, dict):
        if isinstance(value, plain):
            return f"{plain.__name__}(value)"
    return "a plain Python value"


# --- Text -----------------------------------------------------------------------------------------


def text_of(value: Any) -> str:
    """Java's ``toString()`` of an unpickled value that is not null.

    Raises
    ------
    NotForJava
        If Java's text depends on the JVM's time zone and locale (dates and times), or the class is
        not one of the plain ones.
    """
    write = _TEXT.get(type(value))
    if write is None:
        kind = type(value).__name__
        raise NotForJava(
            f"Java's own text of a {kind} can't be made here; return str(value) for a string"
        )
    return write(value)


def _text_of_str(value: str) -> str:
    # Java replaces what is not valid UTF-8.
    return _SURROGATES.sub("\ufffd", value)


def _text_of_float(value: float) -> str:
    """As ``Double.toString`` has it: at least a digit after the point, E from 10^7 and to 10^-3."""
    if isnan(value):
        return "NaN"
    sign = "-" if str(value).startswith("-") else ""
    if isinf(value):
        return f"{sign}Infinity"
    if value == 0:
        return f"{sign}0.0"
    # Where one digit would do, Java takes the nearest number of two: 9.9E-324 for 1e-323.
    two = f"{abs(value):.1e}"
    shortest = two if float(two) == abs(value) else repr(abs(value))
    _, digits, exponent = Decimal(shortest).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + exponent
    if 1e-3 <= abs(value) < 1e7:
        if point <= 0:
            return f"{sign}0.{'0' * -point}{text}"
        return f"{sign}{text[:point].ljust(point, '0')}.{text[point:] or '0'}"
    return f"{sign}{text[0]}.{text[1:] or '0'}E{point - 1}"


def _text_of_decimal(value: Decimal) -> str:
    if value.is_nan():
        return "NaN"
    # BigDecimal has no negative zero.
    return str(value.copy_abs() if value.is_zero() else value)


def _text_of_items(values: Iterable[Any]) -> str:
    return f"[{', '.join(map(_text_or_null, values))}]"


def _text_of_dict(value: dict[Any, Any]) -> str:
    items = (f"{_text_or_null(k)}={_text_or_null(v)}" for k, v in unpickled_items(value))
    return f"{{{', '.join(items)}}}"


def _text_or_null(value: Any) -> str:
    return "null" if value is None else text_of(value)


def _address(name: str) -> Callable[[Any], str]:
    # An object's address in Java is as good as random, and so is this.
    return lambda value: f"{name}@{id(value) & 0xFFFFFFFF:x}"


_TEXT: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    int: str,
    float: _text_of_float,
    str: _text_of_str,
    Decimal: _text_of_decimal,
    list: _text_of_items,
    dict: _text_of_dict,
    OrderedDict: _text_of_dict,
    tuple: _address("[Ljava.lang.Object;"),
    bytes: _address("[B"),
    bytearray: _address("[B"),
}
