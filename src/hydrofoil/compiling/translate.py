"""`translate`: a function's document for the JVM, or why there is none."""

import platform
import unicodedata
import warnings
from dataclasses import dataclass
from typing import Any

from hydrofoil.compiling.constants import Node, constant
from hydrofoil.compiling.functions import body_of, check_kind, checked_source, defaults
from hydrofoil.compiling.names import is_imported
from hydrofoil.compiling.refused import Refused
from hydrofoil.compiling.scope import Bound, Budget

VERSION = 1


@dataclass(frozen=True)
class Translation:
    """What became of a function.

    Attributes
    ----------
    document : dict or None
        What the JVM is told.
    reason : str
        For users: why there is no document; empty if there is one.
    """

    document: dict[str, Any] | None
    reason: str = ""


def translate(function: Any) -> Translation:
    """Translate a function as it is now, with the values of its closure and globals.

    Nothing is called, and no error comes out: what can't be translated is left to Python.

    Parameters
    ----------
    function : callable
    """
    try:
        with warnings.catch_warnings():
            # Of compiling its source once more.
            warnings.simplefilter("ignore")
            return Translation(_document(function))
    except Refused as refused:
        return Translation(None, refused.reason)
    except RecursionError:
        return Translation(None, "its expressions are too deep")


def _document(function: Any) -> dict[str, Any]:
    check_kind(function)
    source = checked_source(function)
    code = function.__code__
    names = list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    known = defaults(function, source)
    bound: dict[str, Bound] = {}
    values: list[Node | None] = []
    static = []
    for position, name in enumerate(names):
        value = constant(known[name].value) if name in known else None
        values.append(value)
        if name in known and value is None:
            static.append(position)
            bound[name] = known[name]
        else:
            bound[name] = ["arg", position]
    budget = Budget()
    body = body_of(function, source, bound, budget)
    return {
        "v": VERSION,
        "name": function.__name__,
        "args": names,
        "defaults": values,
        "static": static,
        "posonly": code.co_posonlyargcount,
        "kwonly": code.co_kwonlyargcount,
        "imported": is_imported(function),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "unicode": unicodedata.unidata_version,
        "body": body,
    }
