"""A function's body, translated with what its parameters stand for."""

import ast
import types
from typing import Any

from hydrofoil.compiling.constants import Node, constant
from hydrofoil.compiling.expressions import expression
from hydrofoil.compiling.names import Names, check, is_imported
from hydrofoil.compiling.refused import Refused, Unbound
from hydrofoil.compiling.scope import MOST_DEPTH, Bound, Budget, Scope, Static
from hydrofoil.compiling.sources import Source, source_of
from hydrofoil.compiling.statements import returned

_GENERATOR = 0x20 | 0x80 | 0x100 | 0x200
_VARIADIC = 0x04 | 0x08


def check_kind(function: Any) -> None:
    """Refuse what is no plain function of Python's."""
    if type(function) is not types.FunctionType:
        kind = type(function)
        raise Refused(f"it is no plain function but a {kind.__module__}.{kind.__qualname__}")
    flags = function.__code__.co_flags
    if flags & _GENERATOR:
        raise Refused("it is a generator or a coroutine")
    if flags & _VARIADIC:
        raise Refused("it takes *args or **kwargs")


def checked_source(function: types.FunctionType) -> Source:
    """The tree of a function, which is the one that runs in a worker.

    Raises
    ------
    Refused
        See `source_of`; or workers import it, and may find another one there.
    """
    source = source_of(function)
    if is_imported(function):
        check(
            source.module, function.__module__, function.__qualname__, function, source.definition
        )
        if source.definition not in source.module.body:
            raise Refused("workers import it, from where its module does not define it")
    return source


def body_of(
    function: types.FunctionType, source: Source, bound: dict[str, Bound], budget: Budget
) -> Node:
    """The tree of what a function returns, for these values of its parameters.

    Raises
    ------
    Refused
        It is not pure, or not known to be.
    """
    code = function.__code__
    if code in budget.inside:
        raise Refused(f"{code.co_name} calls itself")
    if len(budget.inside) >= MOST_DEPTH:
        raise Refused("functions that call functions, too deep")
    budget.inside.append(code)
    try:
        local = frozenset(code.co_varnames) | frozenset(code.co_cellvars)
        scope = Scope(Names(function, source), local, bound, budget, inline)
        if isinstance(source.definition, ast.Lambda):
            try:
                return expression(source.definition.body, scope)
            except Unbound as error:
                return ["trip", f"{error} has no value"]
        return returned(source.definition.body, scope)
    finally:
        budget.inside.pop()


def inline(
    function: types.FunctionType,
    positional: list[Bound],
    named: dict[str, Bound],
    node: ast.AST,
    budget: Budget,
) -> Node:
    """The tree of a call of a user's function with these arguments."""
    name = function.__name__
    try:
        check_kind(function)
        source = checked_source(function)
        bound = _arguments(function, source, positional, named, node)
        return body_of(function, source, bound, budget)
    except Refused as refused:
        raise Refused(f"a call of {name}: {refused.reason}", node) from None


def _arguments(
    function: types.FunctionType,
    source: Source,
    positional: list[Bound],
    named: dict[str, Bound],
    node: ast.AST,
) -> dict[str, Bound]:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    only_named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    if len(positional) > len(names):
        raise Refused("it is given too many arguments", node)
    found = dict(zip(names, positional, strict=False))
    for name, value in named.items():
        may = name in only_named or name in names[code.co_posonlyargcount :]
        if not may or name in found:
            raise Refused(f"it is given {name}=, which it does not take", node)
        found[name] = value
    given = defaults(function, source)
    for name in (*names, *only_named):
        if name not in found:
            if name not in given:
                raise Refused(f"it is not given {name}", node)
            value = given[name].value
            found[name] = constant(value) or given[name]
    return found


def defaults(function: types.FunctionType, source: Source) -> dict[str, Static]:
    """The parameters' default values, by name, of those that are the same in a worker.

    Those of a function that workers import count if its source says them as constants.
    """
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    values = function.__defaults__ or ()
    found = dict(zip(names[len(names) - len(values) :], values, strict=True))
    found |= function.__kwdefaults__ or {}
    if is_imported(function):
        arguments = source.definition.args
        positional = [*arguments.posonlyargs, *arguments.args]
        written: dict[str, ast.expr] = {}
        for one, default in zip(reversed(positional), reversed(arguments.defaults), strict=False):
            written[one.arg] = default
        for one, named in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if named is not None:
                written[one.arg] = named
        found = {n: v for n, v in found.items() if n in written and _says(written[n], v)}
    return {name: Static(value) for name, value in found.items()}


def _says(node: ast.expr, value: Any) -> bool:
    try:
        written = constant(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError):
        return False
    return written is not None and written == constant(value)
