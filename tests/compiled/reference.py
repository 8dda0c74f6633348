"""A translated tree as Python again, to see that it means what the function does.

Written from the list of nodes alone, as the JVM's half is. ``Trip`` is where the JVM would ask
Python.
"""

import base64
import datetime
import decimal
import functools
import math
import re
from collections.abc import Callable
from typing import Any

Node = list[Any]


class Trip(Exception):
    """The row goes to Python."""


def compiled(document: dict[str, Any]) -> Callable[..., Any]:
    """The function that a document describes."""
    defaults = document["defaults"]
    names = [f"a{i}" + ("" if d is None else f"={_text(d)}") for i, d in enumerate(defaults)]
    text = f"lambda {', '.join(names)}: {_text(document['body'])}"
    made: Callable[..., Any] = eval(text, dict(_SPACE))
    return made


def _trip(reason: str) -> Any:
    raise Trip(reason)


def _lookup(pairs: Any, key: Any, has_default: bool, default: Any) -> Any:
    found = dict(pairs)
    if key in found:
        return found[key]
    return default if has_default else _trip("no such key")


def _part(whole: Any, position: int, count: int) -> Any:
    parts = list(whole)
    return parts[position] if len(parts) == count else _trip("another number of parts")


def _isinstance(value: Any, names: list[str]) -> bool:
    return isinstance(value, tuple(_KINDS[one] for one in names))


_KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (str, int, float, bool, bytes, bytearray, list, tuple, dict, type(None))
} | {
    "date": datetime.date,
    "datetime": datetime.datetime,
    "timedelta": datetime.timedelta,
    "Decimal": decimal.Decimal,
}
_HOWS: dict[str, Callable[[Any], Any]] = {"any": any, "all": all, "sum": sum}
_SPACE: dict[str, Any] = {
    "_trip": _trip,
    "_lookup": _lookup,
    "_part": _part,
    "_isinstance": _isinstance,
    "_kinds": _KINDS,
    "_date": datetime.date,
    "_datetime": datetime.datetime,
    "_timedelta": datetime.timedelta,
    "_Decimal": decimal.Decimal,
    "_from_hex": float.fromhex,
    "_float": float,
    "_bytes": base64.b64decode,
    "_format": format,
    "_math": math,
    "_re": re,
    "_hows": _HOWS,
    "_conversions": {"": lambda x: x, "s": str, "r": repr, "a": ascii},
    "_reduce": functools.reduce,
}


def _constant(kind: str, *rest: Any) -> str:
    value = rest[0] if rest else None
    if kind == "none":
        return "None"
    if kind == "float":
        if value in ("nan", "inf", "-inf"):
            return f"_float({value!r})"
        return f"_from_hex({value!r})"
    if kind == "int":
        return f"({int(value)})"
    if kind in ("str", "bool"):
        return repr(value)
    maker = {
        "date": "_date.fromisoformat",
        "datetime": "_datetime.fromisoformat",
        "decimal": "_Decimal",
        "bytes": "_bytes",
    }[kind]
    return f"{maker}({value!r})"


def _variable(name: str) -> str:
    return "v_" + name.replace("#", "_")


def _text(node: Node) -> str:
    kind, *rest = node
    if kind == "const":
        return _constant(*rest)
    return _NODES[kind](*rest)


def _list(nodes: list[Node]) -> str:
    return ", ".join(map(_text, nodes))


def _call(name: str, arguments: list[Node]) -> str:
    if name.startswith(("math.", "re.")):
        name = f"_{name}"
        if name == "_re.sub":
            *others, count, flags = arguments
            return f"{name}({_list(others)}, count={_text(count)}, flags={_text(flags)})"
    elif name in ("date", "datetime", "timedelta", "Decimal") or name.startswith(
        ("date.", "datetime.")
    ):
        name = f"_{name}"
    return f"{name}({_list(arguments)})"


def _each(
    how: str, name: str, text: Node, test: Node, value: Node, is_list: bool, *sep: Any
) -> str:
    one = f"{_text(value)} for {_variable(name)} in {_text(text)} if {_text(test)}"
    inner = f"[{one}]" if is_list else f"({one})"
    return f"{_text(sep[0])}.join({inner})" if how == "join" else f"{how}({inner})"


_NODES: dict[str, Callable[..., str]] = {
    "arg": lambda i: f"a{i}",
    "var": _variable,
    "let": lambda name, value, body: f"(lambda {_variable(name)}: {_text(body)})({_text(value)})",
    "if": lambda test, one, other: f"({_text(one)} if {_text(test)} else {_text(other)})",
    "bin": lambda how, one, other: f"({_text(one)} {how} {_text(other)})",
    "un": lambda how, one: f"({how} {_text(one)})",
    "cmp": lambda how, one, other: f"({_text(one)} {how} {_text(other)})",
    "and": lambda one, other: f"({_text(one)} and {_text(other)})",
    "or": lambda one, other: f"({_text(one)} or {_text(other)})",
    "not": lambda one: f"(not {_text(one)})",
    "isnone": lambda one: f"({_text(one)} is None)",
    "is": lambda one, other: f"({_text(one)} is {_text(other)})",
    "in": lambda one, other: f"({_text(one)} in {_text(other)})",
    "consts": lambda members: f"({_list(members)},)" if members else "()",
    "call": _call,
    "method": lambda name, one, arguments: f"{_text(one)}.{name}({_list(arguments)})",
    "attr": lambda name, one: f"{_text(one)}.{name}",
    "index": lambda one, at: f"{_text(one)}[{_text(at)}]",
    "slice": lambda one, *bounds: f"{_text(one)}[{':'.join(map(_text, bounds))}]",
    "fstring": lambda parts: f"''.join(({_list(parts)},))" if parts else "''",
    "fmt": lambda one, how, spec: f"_format(_conversions[{how!r}]({_text(one)}), {spec!r})",
    "percent": lambda spec, one: f"({spec!r} % ({_text(one)},))",
    "lookup": lambda pairs, key, default: (
        f"_lookup(({''.join(f'({_list(pair)}), ' for pair in pairs)}), {_text(key)}, "
        f"{default is not None}, {'None' if default is None else _text(default)})"
    ),
    "tuple": lambda parts: f"({_list(parts)},)" if parts else "()",
    "part": lambda whole, at, count: f"_part({_text(whole)}, {at}, {count})",
    "isinstance": lambda one, names: f"_isinstance({_text(one)}, {names!r})",
    "istype": lambda one, name: f"(type({_text(one)}) is _kinds[{name!r}])",
    "each": _each,
    "trip": lambda reason: f"_trip({reason!r})",
}
