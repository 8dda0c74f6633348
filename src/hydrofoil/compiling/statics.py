"""Expressions whose value is known while a function is translated."""

import ast
import types
from typing import Any

from hydrofoil.compiling.names import check_member
from hydrofoil.compiling.refused import Refused, Unbound
from hydrofoil.compiling.scope import Scope, Static
from hydrofoil.compiling.whitelist import MODULE_CONSTANTS, is_module


def is_static(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression is a name, or an attribute of one, whose value is known now.

    Raises
    ------
    Refused
        See `Names.value`.
    """
    if isinstance(node, ast.Name):
        try:
            return isinstance(scope.bound(node.id, node), Static)
        except Unbound:
            return False
    if isinstance(node, ast.Attribute) and is_static(node.value, scope):
        return isinstance(static(node.value, scope), types.ModuleType | type)
    return False


def static(node: ast.expr, scope: Scope) -> Any:
    """The value of an expression that `is_static`.

    Raises
    ------
    Refused
        It is an attribute that may have another value in a worker, or is not known.
    """
    if isinstance(node, ast.Name):
        bound = scope.bound(node.id, node)
        assert isinstance(bound, Static)
        return bound.value
    assert isinstance(node, ast.Attribute)
    owner = static(node.value, scope)
    name = node.attr
    if isinstance(owner, types.ModuleType):
        return _member(owner, name, node)
    # A class of a whitelisted module; what may be called of it the calls know.
    if owner.__module__ in ("builtins", "datetime", "decimal") and name in vars(owner):
        return getattr(owner, name)
    raise Refused(f"{ast.unparse(node)} in it", node)


def _member(module: types.ModuleType, name: str, node: ast.Attribute) -> Any:
    known = is_module(module)
    try:
        value = getattr(module, name)
    except AttributeError:
        raise Refused(f"{ast.unparse(node)}, which does not exist", node) from None
    if known is None:
        if module.__name__.partition(".")[0] in _OTHERS:
            raise Refused(f"{ast.unparse(node)} in it", node)
        check_member(module, name, value, node)
        return value
    code = isinstance(value, type | types.BuiltinFunctionType | types.FunctionType)
    if code or name in MODULE_CONSTANTS.get(known, ()):
        return value
    raise Refused(f"{ast.unparse(node)} in it", node)


# Modules of which nothing is pure that is not in the whitelist.
_OTHERS = frozenset(("numpy", "pandas", "pyspark", "random", "time", "os", "sys", "logging"))
