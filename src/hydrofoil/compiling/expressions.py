"""Expressions, translated."""

import ast
from collections.abc import Callable
from typing import Any

from hydrofoil.compiling import folding, iterating
from hydrofoil.compiling.calls import call
from hydrofoil.compiling.constants import NONE, Node, constant, constants
from hydrofoil.compiling.pairs import as_node, pairs, written_dict
from hydrofoil.compiling.refused import Refused, Unbound
from hydrofoil.compiling.scope import Scope, Static, is_simple
from hydrofoil.compiling.statics import is_static, static
from hydrofoil.compiling.whitelist import TYPES

_BINARY = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
_UNARY = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}
_COMPARED = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_WHY_NOT = {
    ast.Lambda: "a function inside of it",
    ast.ListComp: "a list comprehension",
    ast.SetComp: "a set comprehension",
    ast.DictComp: "a dict comprehension",
    ast.GeneratorExp: "a generator",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Starred: "an argument with *",
    ast.Dict: "a dict made for each row",
    ast.Set: "a set made for each row",
    ast.NamedExpr: "an assignment within an expression",
}


def expression(node: ast.expr, scope: Scope) -> Node:
    """The tree of an expression's value.

    Raises
    ------
    Refused
        It has an effect, or is none of those that are known.
    Unbound
        Python would raise, because a local name has no value.
    """
    scope.budget.count(node)
    translate = _KINDS.get(type(node))
    if translate is None:
        raise Refused(f"{_WHY_NOT.get(type(node), type(node).__name__)} in it", node)
    return translate(node, scope)


def _constant(node: ast.Constant, scope: Scope) -> Node:
    found = constant(node.value)
    if found is None:
        raise Refused(f"the constant {node.value!r:.40} in it", node)
    return found


def _name(node: ast.Name, scope: Scope) -> Node:
    bound = scope.bound(node.id, node)
    return as_node(bound, node.id, node) if isinstance(bound, Static) else bound


def binary(how: ast.operator, one: Node, other: Node, node: ast.AST) -> Node:
    """An operator's node, or its result where both sides are constants."""
    if type(how) not in _BINARY:
        raise Refused(f"the operator {type(how).__name__} in it", node)
    return folding.binary(_BINARY[type(how)], one, other)


def _binary(node: ast.BinOp, scope: Scope) -> Node:
    text = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
    if text and isinstance(node.op, ast.Mod):
        return call(node, scope, expression)
    return binary(node.op, expression(node.left, scope), expression(node.right, scope), node)


def _unary(node: ast.UnaryOp, scope: Scope) -> Node:
    inner = expression(node.operand, scope)
    if isinstance(node.op, ast.Not):
        return ["not", inner]
    return folding.unary(_UNARY[type(node.op)], inner)


def _boolean(node: ast.BoolOp, scope: Scope) -> Node:
    how = "and" if isinstance(node.op, ast.And) else "or"
    return _joined(how, node.values, scope)


def _joined(how: str, values: list[ast.expr], scope: Scope) -> Node:
    first = expression(values[0], scope)
    if len(values) == 1:
        return first
    try:
        rest = _joined(how, values[1:], scope)
    except Unbound as error:
        rest = ["trip", f"{error} has no value"]
    return [how, first, rest]


def _conditional(node: ast.IfExp, scope: Scope) -> Node:
    test = expression(node.test, scope)
    ways = []
    for way in (node.body, node.orelse):
        try:
            ways.append(expression(way, scope))
        except Unbound as error:
            ways.append(["trip", f"{error} has no value"])
    return ["if", test, *ways]


def _compare(node: ast.Compare, scope: Scope) -> Node:
    lets: list[tuple[str, Node]] = []
    left = None if _has_static(node.left, scope) else expression(node.left, scope)
    if len(node.ops) == 1:
        return _compared(node, left, node.ops[0], node.comparators[0], scope)
    # a < b < c: b is evaluated once, and c only if a < b.
    if left is None or any(isinstance(how, ast.In | ast.NotIn) for how in node.ops):
        raise Refused("a chain of comparisons with in", node)
    return _chain(node, left, list(node.ops), list(node.comparators), lets, scope)


def _chain(
    node: ast.Compare,
    left: Node,
    how: list[ast.cmpop],
    others: list[ast.expr],
    lets: list[tuple[str, Node]],
    scope: Scope,
) -> Node:
    if len(how) == 1:
        return _compared(node, left, how[0], others[0], scope)
    right = expression(others[0], scope)
    if is_simple(right):
        first = _pair(node, left, how[0], right)
        return ["and", first, _chain(node, right, how[1:], others[1:], lets, scope)]
    name = scope.budget.name("middle")
    middle: Node = ["var", name]
    first = _pair(node, left, how[0], middle)
    rest = _chain(node, middle, how[1:], others[1:], lets, scope)
    return ["let", name, right, ["and", first, rest]]


def _pair(node: ast.Compare, left: Node, how: ast.cmpop, right: Node) -> Node:
    if isinstance(how, ast.Is | ast.IsNot):
        return _is(node, left, how, right)
    return ["cmp", _COMPARED[type(how)], left, right]


def _compared(
    node: ast.Compare, left: Node | None, how: ast.cmpop, other: ast.expr, scope: Scope
) -> Node:
    if isinstance(how, ast.In | ast.NotIn):
        if left is None:
            left = expression(node.left, scope)
        found: Node = ["in", left, _container(other, scope)]
        return ["not", found] if isinstance(how, ast.NotIn) else found
    if left is None:
        return _type_compared(node, how, other, scope)
    return _pair(node, left, how, expression(other, scope))


def _is(node: ast.Compare, left: Node, how: ast.cmpop, right: Node) -> Node:
    if left == NONE:
        left, right = right, left
    found: Node
    if right == NONE:
        found = ["isnone", left]
    elif right[:2] == ["const", "bool"]:
        found = ["is", left, right]
    else:
        raise Refused("is between values other than None, True and False", node)
    return ["not", found] if isinstance(how, ast.IsNot) else found


def _has_static(node: ast.expr, scope: Scope) -> bool:
    """Whether it is ``type(x)``, whose value is no node."""
    if not isinstance(node, ast.Call) or not is_static(node.func, scope):
        return False
    return static(node.func, scope) is type


def _type_compared(node: ast.Compare, how: ast.cmpop, other: ast.expr, scope: Scope) -> Node:
    """type(x) == str, type(x) is str."""
    inner = node.left
    assert isinstance(inner, ast.Call)
    kind = static(other, scope) if is_static(other, scope) else None
    fine = isinstance(how, ast.Is | ast.IsNot | ast.Eq | ast.NotEq)
    if not fine or not isinstance(kind, type) or kind not in TYPES or len(inner.args) != 1:
        raise Refused("type() in it, other than compared with one of Python's own types", node)
    found: Node = ["istype", expression(inner.args[0], scope), TYPES[kind]]
    return ["not", found] if isinstance(how, ast.IsNot | ast.NotEq) else found


def _container(node: ast.expr, scope: Scope) -> Node:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        parts = [expression(one, scope) for one in node.elts]
        if all(one[0] == "const" for one in parts) and ["const", "float", "nan"] not in parts:
            return ["consts", parts]
        raise Refused("in, with a container of values that are no constants", node)
    if is_static(node, scope):
        value = static(node, scope)
        if type(value) is str:
            return ["const", "str", value]
        found = constants(value)
        if found is None:
            kind = type(value).__name__
            raise Refused(f"in, with a {kind} that is no container of constants", node)
        return ["consts", found]
    members = iterating.view_of(node, scope)
    if members is not None:
        found = constants(members)
        if found is None:
            raise Refused("in, with a dict's values that are no constants", node)
        return ["consts", found]
    return expression(node, scope)


def _attribute(node: ast.Attribute, scope: Scope) -> Node:
    if is_static(node, scope):
        return as_node(Static(static(node, scope)), ast.unparse(node), node)
    if node.attr.startswith("_"):
        raise Refused(f"the attribute {node.attr}", node)
    return ["attr", node.attr, expression(node.value, scope)]


def _subscript(node: ast.Subscript, scope: Scope) -> Node:
    if is_static(node.value, scope):
        value = static(node.value, scope)
        if type(value) is dict:
            return ["lookup", pairs(value, node), expression(_key(node, value), scope), None]
        if type(value) is list:
            value = tuple(value)
        base = as_node(Static(value), ast.unparse(node.value), node)
    elif isinstance(node.value, ast.Dict):
        value = written_dict(node.value, scope)
        return ["lookup", pairs(value, node), expression(_key(node, value), scope), None]
    elif isinstance(node.value, ast.List):
        base = ["tuple", [expression(one, scope) for one in node.value.elts]]
    else:
        base = expression(node.value, scope)
    if isinstance(node.slice, ast.Slice):
        bounds = (node.slice.lower, node.slice.upper, node.slice.step)
        return ["slice", base, *(NONE if b is None else expression(b, scope) for b in bounds)]
    return ["index", base, expression(node.slice, scope)]


def _key(node: ast.Subscript, value: Any) -> ast.expr:
    if isinstance(node.slice, ast.Slice):
        raise Refused("a slice of a dict", node)
    return node.slice


def _formatted(node: ast.JoinedStr, scope: Scope) -> Node:
    parts: list[Node] = []
    for one in node.values:
        if isinstance(one, ast.Constant):
            parts.append(["const", "str", one.value])
            continue
        assert isinstance(one, ast.FormattedValue)
        spec = ""
        if isinstance(one.format_spec, ast.JoinedStr):
            for part in one.format_spec.values:
                if not isinstance(part, ast.Constant):
                    raise Refused("a format whose width or kind is computed", node)
                spec += str(part.value)
        conversion = "" if one.conversion == -1 else chr(one.conversion)
        parts.append(["fmt", expression(one.value, scope), conversion, spec])
    return ["fstring", parts]


def _tuple(node: ast.Tuple, scope: Scope) -> Node:
    return ["tuple", [expression(one, scope) for one in node.elts]]


def _call(node: ast.Call, scope: Scope) -> Node:
    return call(node, scope, expression)


_KINDS: dict[type, Callable[[Any, Scope], Node]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.IfExp: _conditional,
    ast.Compare: _compare,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.JoinedStr: _formatted,
    ast.Tuple: _tuple,
    ast.Call: _call,
}
