"""`translate`: a function's document for the JVM, or why there is none."""

import functools
import platform
import unicodedata
import warnings
from dataclasses import dataclass
from typing import Any

from hydrofoil.compiling.constants import Node, constant
from hydrofoil.compiling.functions import body_of, check_kind, checked_source, defaults
from hydrofoil.compiling.names import is_imported
from hydrofoil.compiling.refused import Refused
from hydrofoil.compiling.scope import Bound, Budget, as_bound

VERSION = 1
# How the reason begins that is a bug.
FAULT = "Hydrofoil's translator failed"


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
    except Exception as error:
        # A program that runs without this has to run with it.
        return Translation(None, f"{FAULT}: {type(error).__name__}: {error}")


def _document(function: Any) -> dict[str, Any]:
    given: dict[str, Bound] = {}
    first = 0
    if type(function) is functools.partial:
        given, first = _given(function), len(function.args)
        function = function.func
    check_kind(function)
    source = checked_source(function)
    names = _parameters(function, given, first)
    known = defaults(function, source)
    bound: dict[str, Bound] = {name: as_bound(one.value) for name, one in known.items()}
    bound |= given
    values: list[Node | None] = []
    static = []
    for position, name in enumerate(names):
        value = constant(known[name].value) if name in known else None
        values.append(value)
        if name in known and value is None:
            static.append(position)
        else:
            bound[name] = ["arg", position]
    code = function.__code__
    only_named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    body = body_of(function, source, bound, Budget())
    return {
        "v": VERSION,
        "name": function.__name__,
        "args": names,
        "defaults": values,
        "static": static,
        "posonly": sum(name in names for name in code.co_varnames[: code.co_posonlyargcount]),
        "kwonly": sum(name in names for name in only_named),
        "imported": is_imported(function),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "unicode": unicodedata.unidata_version,
        "body": body,
    }


def _given(function: "functools.partial[Any]") -> dict[str, Bound]:
    """What a partial gives its function, by parameters."""
    check_kind(function.func)
    code = function.func.__code__
    if len(function.args) > code.co_argcount:
        raise Refused("it is a partial with too many arguments")
    given = dict(zip(code.co_varnames, function.args, strict=False))
    may = code.co_varnames[code.co_posonlyargcount : code.co_argcount + code.co_kwonlyargcount]
    for name, value in function.keywords.items():
        if name not in may or name in given:
            raise Refused(f"it is a partial with {name}=, which its function does not take")
        given[name] = value
    return {name: as_bound(value) for name, value in given.items()}


def _parameters(function: Any, given: dict[str, Bound], first: int) -> list[str]:
    """The parameters that a call may give: by position until one that a partial has by name.

    ``first`` are those that a partial gives by position.
    """
    code = function.__code__
    left = list(code.co_varnames[first : code.co_argcount])
    by_name = [name in given for name in left]
    if any(by_name):
        left = left[: by_name.index(True)]
    only_named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return left + [name for name in only_named if name not in given]
