"""Values of Python's that are constants of the translated tree."""

import base64
import datetime
import decimal
import math
from typing import Any

Node = list[Any]

NONE: Node = ["const", "none"]

# Exactly these: what a subclass does with an operator is not known.
SCALARS = (
    type(None),
    bool,
    int,
    float,
    str,
    bytes,
    datetime.date,
    datetime.datetime,
    decimal.Decimal,
)


def constant(value: Any) -> Node | None:
    """The node of a value that can't change: a scalar, or a tuple of such.

    Returns
    -------
    list or None
        None for everything else, subclasses of scalars among it.
    """
    kind = type(value)
    if value is None:
        return NONE
    if kind is bool:
        return ["const", "bool", value]
    if kind is int:
        # Without str(), which has a limit of digits.
        return ["const", "int", f"{value}"] if value.bit_length() <= 4096 else None
    if kind is float:
        text = value.hex() if math.isfinite(value) else str(value)
        return ["const", "float", text]
    if kind is str:
        return ["const", "str", value]
    if kind is bytes:
        return ["const", "bytes", base64.b64encode(value).decode("ascii")]
    if kind is datetime.datetime:
        plain = value.tzinfo is None and not value.fold
        return ["const", "datetime", value.isoformat()] if plain else None
    if kind is datetime.date:
        return ["const", "date", value.isoformat()]
    if kind is decimal.Decimal:
        return ["const", "decimal", str(value)] if value.is_finite() else None
    if kind is tuple:
        parts = [constant(one) for one in value]
        return None if any(one is None for one in parts) else ["tuple", parts]
    return None


def constants(values: Any) -> list[Node] | None:
    """The nodes of a container's members, or None if one of them is no constant.

    NaN is none: whether a container has it depends on which object it is.
    """
    if type(values) not in (tuple, list, set, frozenset, dict):
        return None
    members = list(values)
    if type(values) in (set, frozenset):
        # Their order is different in each process; whether something is in them is not.
        members.sort(key=repr)
    found = []
    for one in members:
        node = constant(one)
        if node is None or has_nan(one):
            return None
        found.append(node)
    return found


def has_nan(value: Any) -> bool:
    if type(value) is tuple:
        return any(has_nan(one) for one in value)
    return type(value) is float and math.isnan(value)


def value_of(node: Node) -> Any:
    """The value of a node of a scalar that Python can compute with while it is translated.

    Raises
    ------
    LookupError
        It is no such node.
    """
    if node[0] != "const":
        raise LookupError
    kind, *rest = node[1:]
    if kind == "none":
        return None
    if kind in ("bool", "str"):
        return rest[0]
    if kind == "int":
        return int(rest[0])
    if kind == "float":
        return float.fromhex(rest[0])
    raise LookupError
