"""Values that are known now, as nodes: constants, and dicts of constants."""

import ast
from typing import Any

from hydrofoil.compiling.constants import Node, constant, has_nan
from hydrofoil.compiling.refused import Refused
from hydrofoil.compiling.scope import Scope, Static
from hydrofoil.compiling.statics import is_static, static


def as_node(bound: Static, name: str, node: ast.AST) -> Node:
    """The node of a value that is known now, if it is one that can't change."""
    found = constant(bound.value)
    if found is None:
        kind = type(bound.value).__name__
        raise Refused(f"{name} in it, which is no constant but a {kind}", node)
    return found


def pairs(value: dict[Any, Any], node: ast.AST) -> list[list[Node]]:
    """The keys and values of a constant dict.

    Raises
    ------
    Refused
        One of them is no constant.
    """
    found = []
    for key, one in value.items():
        made = constant(key), constant(one)
        if made[0] is None or made[1] is None or has_nan(key):
            raise Refused(f"a dict that has {key!r:.40}: {one!r:.40}, which are no constants", node)
        found.append([made[0], made[1]])
    return found


def written_dict(node: ast.Dict, scope: Scope) -> dict[Any, Any]:
    """The value of a dict that is written out with constants."""
    made = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            raise Refused("a dict with ** in it", node)
        key_value = written(key, scope)
        if constant(key_value) is None:
            raise Refused("a dict whose keys are no constants", node)
        made[key_value] = written(value, scope)
    return made


def written(node: ast.expr, scope: Scope) -> Any:
    """The value of an expression of constants."""
    if is_static(node, scope):
        return static(node, scope)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        raise Refused("a dict made for each row in it", node) from None
