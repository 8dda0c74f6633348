"""Loops: over constants and tuples, written out; over the characters of a text, as they are."""

import ast
import sys
from collections.abc import Callable, Iterator
from typing import Any

from hydrofoil.compiling.binding import Given
from hydrofoil.compiling.constants import NONE, Node, constant
from hydrofoil.compiling.refused import Refused
from hydrofoil.compiling.scope import Bound, Scope, Static, is_simple
from hydrofoil.compiling.statics import is_static, static
from hydrofoil.compiling.whitelist import builtin_name

Translate = Callable[[ast.expr, Scope], Node]

MOST_ROUNDS = 100
_VIEWS: dict[str, Callable[[Any], list[Any]]] = {
    "items": lambda d: list(d.items()),
    "keys": list,
    "values": lambda d: list(d.values()),
}


def known_members(node: ast.expr, scope: Scope) -> list[Any] | None:
    """What a loop goes through, if that is known now.

    Returns
    -------
    list or None
        Values of Python's, or expressions for those of a tuple or list that is written out.

    Raises
    ------
    Refused
        It is too long, or a set, whose order differs by process.
    """
    found = _members(node, scope)
    if found is not None and len(found) > MOST_ROUNDS:
        raise Refused(f"a loop of {len(found)} rounds", node)
    return found


def _members(node: ast.expr, scope: Scope) -> list[Any] | None:
    if isinstance(node, ast.Tuple | ast.List):
        if any(isinstance(one, ast.Starred) for one in node.elts):
            raise Refused("an argument with *", node)
        return list(node.elts)
    if is_static(node, scope):
        value = static(node, scope)
        if type(value) in (set, frozenset):
            raise Refused("a loop over a set, whose order differs by process", node)
        if type(value) in (tuple, list, dict):
            return [Static(one) for one in value]
        if type(value) is str:
            return [Static(one) for one in value]
        raise Refused(f"a loop over a {type(value).__name__}", node)
    view = view_of(node, scope)
    if view is not None:
        return [Static(one) for one in view]
    if isinstance(node, ast.Call) and not node.keywords:
        function = node.func
        if is_static(function, scope) and builtin_name(static(function, scope)) == "range":
            bounds = [one.value if isinstance(one, ast.Constant) else None for one in node.args]
            if bounds and all(type(one) is int for one in bounds):
                numbers = range(*bounds)  # type: ignore[arg-type]
                if len(numbers) > MOST_ROUNDS:
                    raise Refused(f"a loop of {len(numbers)} rounds", node)
                return [Static(one) for one in numbers]
            raise Refused("a loop over a range that is not constant", node)
    return None


def view_of(node: ast.expr, scope: Scope) -> list[Any] | None:
    """The members of ``d.keys()``, ``d.values()`` or ``d.items()`` of a dict that is known now."""
    if not isinstance(node, ast.Call) or node.args or node.keywords:
        return None
    function = node.func
    if not isinstance(function, ast.Attribute) or function.attr not in _VIEWS:
        return None
    if not is_static(function.value, scope):
        return None
    value = static(function.value, scope)
    return _VIEWS[function.attr](value) if type(value) is dict else None


def bind(target: ast.expr, value: Any, node: ast.AST) -> dict[str, Bound]:
    """The names that a round gives values, by a value of `known_members` that is known.

    Raises
    ------
    Refused
        The target is something else than a name, or names for a tuple.
    """
    if isinstance(target, ast.Name):
        found = constant(value)
        return {target.id: Static(value) if found is None else found}
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else []
    if type(value) not in (tuple, list) or len(parts) != len(value):
        raise Refused("a loop whose values are taken apart", node)
    made: dict[str, Bound] = {}
    for one, part in zip(parts, value, strict=True):
        made |= bind(one, part, node)
    return made


def rounds(
    target: ast.expr, iterated: ast.expr, scope: Scope, translate: Translate
) -> tuple[list[dict[str, Bound]], list[tuple[str, Node]]] | None:
    """What each round of a loop binds, and what is to be computed before the first.

    Returns
    -------
    tuple or None
        None if what it goes through is not known now.
    """
    members = known_members(iterated, scope)
    if members is None:
        return None
    lets: list[tuple[str, Node]] = []
    found: list[dict[str, Bound]] = []
    for one in members:
        if isinstance(one, Static):
            found.append(bind(target, one.value, iterated))
            continue
        if isinstance(target, ast.Name):
            found.append({target.id: _once(one, lets, scope, translate)})
            continue
        names = target.elts if isinstance(target, ast.Tuple) else []
        parts = one.elts if isinstance(one, ast.Tuple) else []
        if not names or len(names) != len(parts):
            raise Refused("a loop whose values are taken apart", iterated)
        bound: dict[str, Bound] = {}
        for name, part in zip(names, parts, strict=True):
            if not isinstance(name, ast.Name):
                raise Refused("a loop whose values are taken apart", iterated)
            bound[name.id] = _once(part, lets, scope, translate)
        found.append(bound)
    return found, lets


def _once(
    value: ast.expr, lets: list[tuple[str, Node]], scope: Scope, translate: Translate
) -> Bound:
    if is_static(value, scope):
        known = static(value, scope)
        return constant(known) or Static(known)
    made = translate(value, scope)
    if is_simple(made):
        return made
    name = scope.budget.name("member")
    lets.append((name, made))
    return ["var", name]


def let(lets: list[tuple[str, Node]], body: Node) -> Node:
    """A body with what is computed before it."""
    for name, value in reversed(lets):
        body = ["let", name, value, body]
    return body


def reduced(node: ast.Call, how: str, given: Given, scope: Scope, translate: Translate) -> Node:
    """The tree of any(), all() or sum() of a generator, list or tuple."""
    if len(given.positional) != 1 or given.named:
        raise Refused(f"{how} with more than one argument", node)
    inner = given.positional[0]
    lets: list[tuple[str, Node]] = []
    values: Iterator[tuple[Node, Node]]
    if isinstance(inner, ast.GeneratorExp | ast.ListComp):
        clause = _clause(inner)
        within = Scope(
            scope.names, scope.local | _bound(clause.target), scope.env, scope.budget, scope.inline
        )
        known = rounds(clause.target, clause.iter, scope, translate)
        if known is None:
            return _each(how, inner, clause, within, scope, translate)
        turns, lets = known
        each = [within.having(**turn) for turn in turns]
        values = ((_tests(clause, one, translate), translate(inner.elt, one)) for one in each)
        eager = isinstance(inner, ast.ListComp)
    elif isinstance(inner, ast.Tuple | ast.List):
        values = ((["const", "bool", True], translate(one, scope)) for one in inner.elts)
        eager = True
    else:
        raise Refused(f"{how} of what is iterated over", node)
    found = list(values)
    if eager:
        # All values are computed before the first is looked at.
        if any(test != ["const", "bool", True] for test, _ in found):
            raise Refused(f"{how} of a list with a condition", node)
        named = []
        for test, value in found:
            if not is_simple(value):
                name = scope.budget.name("member")
                lets.append((name, value))
                value = ["var", name]
            named.append((test, value))
        found = named
    return let(lets, _reduce(how, found))


def _reduce(how: str, found: list[tuple[Node, Node]]) -> Node:
    true, false = ["const", "bool", True], ["const", "bool", False]
    if how == "sum":
        if sys.version_info >= (3, 12):
            raise Refused("sum, which adds floats in a way of its own from Python 3.12 on")
        body: Node = ["const", "int", "0"]
        for test, value in found:
            if test != true:
                raise Refused("sum with a condition over constants")
            body = ["bin", "+", body, value]
        return body
    body = false if how == "any" else true
    for test, value in reversed(found):
        one = ["if", value, true, body] if how == "any" else ["if", value, body, false]
        body = one if test == true else ["if", test, one, body]
    return body


def joined(
    node: ast.Call, base: ast.expr, given: Given, scope: Scope, translate: Translate
) -> Node:
    """The tree of ``text.join(...)``."""
    if len(given.positional) != 1 or given.named:
        raise Refused("join with other than one argument", node)
    [inner] = given.positional
    separator = translate(base, scope)
    if isinstance(inner, ast.Tuple | ast.List):
        if any(isinstance(one, ast.Starred) for one in inner.elts):
            raise Refused("an argument with *", node)
        parts = [translate(one, scope) for one in inner.elts]
        return ["method", "join", separator, [["tuple", parts]]]
    if isinstance(inner, ast.GeneratorExp | ast.ListComp):
        clause = _clause(inner)
        within = Scope(
            scope.names, scope.local | _bound(clause.target), scope.env, scope.budget, scope.inline
        )
        if known_members(clause.iter, scope) is None:
            each = _each("join", inner, clause, within, scope, translate)
            return [*each, separator]
        raise Refused("join of a comprehension over constants", node)
    if is_reversed(inner, scope) and separator == ["const", "str", ""]:
        # The JVM takes a slice with such a step of a text alone.
        assert isinstance(inner, ast.Call)
        back: Node = ["const", "int", "-1"]
        return ["slice", translate(inner.args[0], scope), NONE, NONE, back]
    return ["method", "join", separator, [translate(inner, scope)]]


def is_reversed(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression is ``reversed(x)``."""
    if not isinstance(node, ast.Call) or len(node.args) != 1 or node.keywords:
        return False
    return is_static(node.func, scope) and builtin_name(static(node.func, scope)) == "reversed"


def counted(node: ast.ListComp, scope: Scope, translate: Translate) -> Node:
    """The tree of the length of a list of a text's characters."""
    clause = _clause(node)
    if not isinstance(node.elt, ast.Name | ast.Constant) or not isinstance(clause.target, ast.Name):
        raise Refused("the length of a list of what is computed", node)
    if isinstance(node.elt, ast.Name) and node.elt.id != clause.target.id:
        raise Refused("the length of a list of what is computed", node)
    if known_members(clause.iter, scope) is not None:
        raise Refused("the length of a list over constants", node)
    one = ast.copy_location(ast.Constant(1), node.elt)
    ones = ast.copy_location(ast.ListComp(elt=one, generators=node.generators), node)
    within = Scope(
        scope.names, scope.local | _bound(clause.target), scope.env, scope.budget, scope.inline
    )
    return _each("sum", ones, clause, within, scope, translate)


def _each(
    how: str,
    node: ast.GeneratorExp | ast.ListComp,
    clause: ast.comprehension,
    within: Scope,
    scope: Scope,
    translate: Translate,
) -> Node:
    """A comprehension over the characters of a text: how, variable, text, condition, value."""
    if not isinstance(clause.target, ast.Name):
        raise Refused("a comprehension whose values are taken apart", node)
    name = scope.budget.name(clause.target.id)
    text = translate(clause.iter, scope)
    inside = within.having(**{clause.target.id: ["var", name]})
    return [
        "each",
        how,
        name,
        text,
        _tests(clause, inside, translate),
        translate(node.elt, inside),
        isinstance(node, ast.ListComp),
    ]


def _clause(node: ast.GeneratorExp | ast.ListComp) -> ast.comprehension:
    if len(node.generators) != 1 or node.generators[0].is_async:
        raise Refused("a comprehension with several loops", node)
    return node.generators[0]


def _tests(clause: ast.comprehension, scope: Scope, translate: Translate) -> Node:
    body: Node = ["const", "bool", True]
    for one in reversed(clause.ifs):
        test = translate(one, scope)
        body = test if body == ["const", "bool", True] else ["and", test, body]
    return body


def _bound(target: ast.expr) -> frozenset[str]:
    return frozenset(one.id for one in ast.walk(target) if isinstance(one, ast.Name))
