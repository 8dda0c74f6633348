"""Statements, translated: what a function returns, from a statement on.

What follows a statement is a function of the names' values after it, so that each way through the
code is an expression. Ways that come together again are one where only names differ.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass

from hydrofoil.compiling import iterating
from hydrofoil.compiling.constants import NONE, Node, constant
from hydrofoil.compiling.expressions import binary, expression
from hydrofoil.compiling.refused import Refused, Unbound
from hydrofoil.compiling.scope import Bound, Scope, Static, is_simple
from hydrofoil.compiling.statics import is_static, static

Then = Callable[[Scope], Node]

# Names that an ``if`` changes, each with the whole of its ways, before it is written out twice.
MOST_JOINED = 4

_WHY_NOT = {
    ast.Global: "global: it changes what other functions see",
    ast.Nonlocal: "nonlocal: it changes what other functions see",
    ast.Try: "try: it catches exceptions",
    ast.With: "with",
    ast.AsyncWith: "async with",
    ast.AsyncFor: "async for",
    ast.While: "while",
    ast.FunctionDef: "a function inside of it",
    ast.AsyncFunctionDef: "a function inside of it",
    ast.ClassDef: "a class inside of it",
    ast.Import: "import",
    ast.ImportFrom: "import",
    ast.Delete: "del",
}


@dataclass(frozen=True)
class After:
    """What comes after a list of statements, and after break and continue in it."""

    end: Then
    stop: Then | None = None
    go_on: Then | None = None


def returned(statements: list[ast.stmt], scope: Scope) -> Node:
    """The tree of what a function's body returns."""
    return _block(statements, scope, After(lambda _: NONE))


def _block(statements: list[ast.stmt], scope: Scope, after: After) -> Node:
    if not statements:
        return after.end(scope)
    first, *rest = statements
    scope.budget.count(first)
    try:
        return _statement(first, rest, scope, after)
    except Unbound as error:
        return ["trip", f"{error} has no value"]


def _statement(node: ast.stmt, rest: list[ast.stmt], scope: Scope, after: After) -> Node:
    def then(changed: Scope) -> Node:
        return _block(rest, changed, after)

    if isinstance(node, ast.Return):
        return NONE if node.value is None else expression(node.value, scope)
    if isinstance(node, ast.Assign):
        return _assign(node.targets, node.value, scope, then)
    if isinstance(node, ast.AnnAssign):
        if node.value is None and isinstance(node.target, ast.Name):
            return then(scope)
        if node.value is not None:
            return _assign([node.target], node.value, scope, then)
    if isinstance(node, ast.AugAssign):
        return _augmented(node, scope, then)
    if isinstance(node, ast.Expr):
        if isinstance(node.value, ast.Constant):
            return then(scope)
        return _let("unused", expression(node.value, scope), scope, lambda _: then(scope))
    if isinstance(node, ast.Pass):
        return then(scope)
    if isinstance(node, ast.If):
        return _if(node, rest, scope, after)
    if isinstance(node, ast.Raise):
        return ["trip", "raise"]
    if isinstance(node, ast.Assert):
        return _assert(node, scope, then)
    if isinstance(node, ast.Match):
        return _match(node, scope, After(then, after.stop, after.go_on))
    if isinstance(node, ast.For):
        return _for(node, scope, then, after)
    if isinstance(node, ast.Break) and after.stop is not None:
        return after.stop(scope)
    if isinstance(node, ast.Continue) and after.go_on is not None:
        return after.go_on(scope)
    raise Refused(f"{_WHY_NOT.get(type(node), type(node).__name__)} in it", node)


def _let(base: str, value: Node, scope: Scope, body: Callable[[Node], Node]) -> Node:
    """A value by a name, where it is not so simple that it may stand twice."""
    if is_simple(value):
        return body(value)
    name = scope.budget.name(base)
    then = body(["var", name])
    return value if then == ["var", name] else ["let", name, value, then]


def _value(node: ast.expr, scope: Scope) -> Bound:
    """What a name is given: a node, or a value that is known now."""
    if isinstance(node, ast.List | ast.Set | ast.Dict):
        # Nothing that is translated changes it, so one for all rows does.
        try:
            return Static(ast.literal_eval(node))
        except (ValueError, TypeError, SyntaxError):
            return expression(node, scope)
    if is_static(node, scope):
        found = static(node, scope)
        return constant(found) or Static(found)
    return expression(node, scope)


def _assign(targets: list[ast.expr], value: ast.expr, scope: Scope, then: Then) -> Node:
    if len(targets) == 1 and isinstance(targets[0], ast.Tuple | ast.List):
        return _unpacked(targets[0], value, scope, then)
    names = []
    for target in targets:
        if not isinstance(target, ast.Name):
            raise Refused(f"an assignment to {ast.unparse(target):.40}", target)
        names.append(target.id)
    bound = _value(value, scope)
    if isinstance(bound, Static):
        return then(scope.having(**dict.fromkeys(names, bound)))
    return _let(names[0], bound, scope, lambda v: then(scope.having(**dict.fromkeys(names, v))))


def _unpacked(target: ast.Tuple | ast.List, value: ast.expr, scope: Scope, then: Then) -> Node:
    names = []
    for one in target.elts:
        if not isinstance(one, ast.Name):
            raise Refused(f"an assignment to {ast.unparse(target):.40}", target)
        names.append(one.id)
    if not isinstance(value, ast.Tuple | ast.List):
        found = expression(value, scope)
        # How many parts it has the JVM checks.
        whole = scope.budget.name("whole")
        parts: list[Node] = [
            ["part", ["var", whole], position, len(names)] for position in range(len(names))
        ]
        return ["let", whole, found, _lets(names, parts, scope, scope, then)]
    if len(value.elts) != len(names):
        raise Refused("an assignment of another number of values", target)
    return _lets(names, [expression(one, scope) for one in value.elts], scope, scope, then)


def _lets(names: list[str], values: list[Node], scope: Scope, made: Scope, then: Then) -> Node:
    if not names:
        return then(made)
    name, *others = names
    return _let(
        name,
        values[0],
        scope,
        lambda v: _lets(others, values[1:], scope, made.having(**{name: v}), then),
    )


def _augmented(node: ast.AugAssign, scope: Scope, then: Then) -> Node:
    if not isinstance(node.target, ast.Name):
        raise Refused(f"an assignment to {ast.unparse(node.target):.40}", node)
    name = node.target.id
    present = expression(ast.copy_location(ast.Name(name, ast.Load()), node), scope)
    value = binary(node.op, present, expression(node.value, scope), node)
    return _let(name, value, scope, lambda v: then(scope.having(**{name: v})))


def _assert(node: ast.Assert, scope: Scope, then: Then) -> Node:
    if not __debug__:
        raise Refused("assert, which this Python's -O leaves out", node)
    return ["if", expression(node.test, scope), then(scope), ["trip", "assert"]]


def _if(node: ast.If, rest: list[ast.stmt], scope: Scope, after: After) -> Node:
    def then(changed: Scope) -> Node:
        return _block(rest, changed, after)

    test = expression(node.test, scope)
    joined = _joined(node, test, scope, then)
    if joined is not None:
        return joined
    both = After(then, after.stop, after.go_on)
    return ["if", test, _block(node.body, scope, both), _block(node.orelse, scope, both)]


def _joined(node: ast.If, test: Node, scope: Scope, then: Then) -> Node | None:
    """An ``if`` of which only some names' values come out, as conditional values of these."""
    names = sorted(_assigned(node) or ())
    if not 1 <= len(names) <= MOST_JOINED:
        return None
    if len(names) == 1:
        values = _values_after(node, names, test, scope)
        if values is None:
            return None
        return _let(names[0], values[0], scope, lambda v: then(scope.having(**{names[0]: v})))
    decided = scope.budget.name("decided")
    values = _values_after(node, names, ["var", decided], scope)
    if values is None:
        return None
    whether: Node = ["if", test, ["const", "bool", True], ["const", "bool", False]]
    return ["let", decided, whether, _lets(names, values, scope, scope, then)]


def _values_after(node: ast.If, names: list[str], test: Node, scope: Scope) -> list[Node] | None:
    found: list[Node] = []
    for name in names:
        ways = [_value_after(way, name, scope) for way in (node.body, node.orelse)]
        if ways[0] is None or ways[1] is None:
            return None
        found.append(["if", test, *ways])
    return found


class _NoNode(Exception):
    """A name has no value, or one that is no node, at the end of a way."""


def _value_after(way: list[ast.stmt], name: str, scope: Scope) -> Node | None:
    def end(changed: Scope) -> Node:
        bound = changed.env.get(name)
        if bound is None or isinstance(bound, Static):
            raise _NoNode
        return bound

    try:
        return _block(way, scope, After(end))
    except _NoNode:
        return None


def _assigned(node: ast.If) -> set[str] | None:
    """The names that are assigned in an ``if``, or None where more happens than that."""
    found: set[str] = set()
    for one in [*node.body, *node.orelse]:
        if isinstance(one, ast.If):
            inner = _assigned(one)
            if inner is None:
                return None
            found |= inner
        elif isinstance(one, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            if not all(isinstance(target, ast.Name) for target in targets):
                return None
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif not isinstance(one, ast.Pass | ast.Raise):
            return None
    return found


def _for(node: ast.For, scope: Scope, then: Then, outer: After) -> Node:
    known = iterating.rounds(node.target, node.iter, scope, expression)
    if known is None:
        raise Refused("a loop over what is not known before it runs", node)
    turns, lets = known

    def finished(changed: Scope) -> Node:
        return _block(node.orelse, changed, After(then, outer.stop, outer.go_on))

    def turn(position: int, changed: Scope) -> Node:
        if position == len(turns):
            return finished(changed)

        def next_one(later: Scope) -> Node:
            return turn(position + 1, later)

        return _block(node.body, changed.having(**turns[position]), After(next_one, then, next_one))

    return iterating.let(lets, turn(0, scope))


def _match(node: ast.Match, scope: Scope, after: After) -> Node:
    subject = expression(node.subject, scope)
    return _let("subject", subject, scope, lambda v: _cases(node.cases, v, scope, after))


def _cases(cases: list[ast.match_case], subject: Node, scope: Scope, after: After) -> Node:
    if not cases:
        return after.end(scope)
    first, *others = cases
    matches, bound = _pattern(first.pattern, subject, scope)
    inside = scope.having(**bound)
    body = _block(first.body, inside, after)
    # A capture keeps its value where the guard says no.
    rest = _cases(others, subject, inside if first.guard is not None else scope, after)
    if first.guard is not None:
        body = ["if", expression(first.guard, inside), body, rest]
    if matches is None:
        return body
    if first.guard is not None:
        rest = _cases(others, subject, scope, after)
    return ["if", matches, body, rest]


def _pattern(
    pattern: ast.pattern, subject: Node, scope: Scope
) -> tuple[Node | None, dict[str, Bound]]:
    """The test of a pattern, None for one that always matches, and what it binds."""
    if isinstance(pattern, ast.MatchValue):
        return ["cmp", "==", subject, expression(pattern.value, scope)], {}
    if isinstance(pattern, ast.MatchSingleton):
        if pattern.value is None:
            return ["isnone", subject], {}
        return ["is", subject, ["const", "bool", pattern.value]], {}
    if isinstance(pattern, ast.MatchOr):
        tests = [_pattern(one, subject, scope) for one in pattern.patterns]
        if any(test is None or bound for test, bound in tests):
            raise Refused("a pattern with names in it", pattern)
        body = tests[-1][0]
        assert body is not None
        for test, _ in reversed(tests[:-1]):
            body = ["or", test, body]
        return body, {}
    if isinstance(pattern, ast.MatchAs):
        if pattern.pattern is None:
            return None, {} if pattern.name is None else {pattern.name: subject}
        test, bound = _pattern(pattern.pattern, subject, scope)
        return test, bound | {pattern.name: subject} if pattern.name else bound
    raise Refused("a pattern of match that is no constant", pattern)
