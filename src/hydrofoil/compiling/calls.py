"""Calls, translated."""

import ast
import datetime
import decimal
import re
import types
from collections.abc import Callable
from typing import Any

from hydrofoil.compiling import formats, iterating, tables
from hydrofoil.compiling.binding import Given, in_place
from hydrofoil.compiling.constants import NONE, Node, constant
from hydrofoil.compiling.pairs import pairs, written_dict
from hydrofoil.compiling.refused import Refused
from hydrofoil.compiling.scope import Bound, Scope, Static, is_simple
from hydrofoil.compiling.statics import is_static, static
from hydrofoil.compiling.whitelist import (
    BUILTINS,
    METHODS,
    PATTERN_METHODS,
    REGEX,
    TYPES,
    builtin_name,
    keywords_of,
    math_name,
    regex_name,
)

Translate = Callable[[ast.expr, Scope], Node]

ZERO: Node = ["const", "int", "0"]

# Classes whose objects are made of values alone.
_CLASSES: dict[type, tuple[str, str]] = {
    datetime.date: ("date", "year month day"),
    datetime.datetime: ("datetime", "year month day | hour minute second microsecond"),
    datetime.timedelta: (
        "timedelta",
        "| days seconds microseconds milliseconds minutes hours weeks",
    ),
    decimal.Decimal: ("Decimal", "| value"),
}
# Methods of classes, given no object.
_CLASS_METHODS: dict[tuple[type, str], str] = {
    (datetime.datetime, "strptime"): "date_string format",
    (datetime.datetime, "fromisoformat"): "date_string",
    (datetime.datetime, "combine"): "date time",
    (datetime.date, "fromisoformat"): "date_string",
    (datetime.date, "fromordinal"): "ordinal",
}


def call(node: ast.expr, scope: Scope, translate: Translate) -> Node:
    """The tree of a call, or of ``"..." % x``.

    Raises
    ------
    Refused
        What is called has an effect, or is not known.
    """
    if isinstance(node, ast.BinOp):
        return formats.percent(node, scope, translate)
    assert isinstance(node, ast.Call)
    given = Given.of(node)
    function = node.func
    if isinstance(function, ast.Attribute):
        if is_static(function.value, scope):
            owner = static(function.value, scope)
            if isinstance(owner, type):
                return _of_class(node, owner, function.attr, given, scope, translate)
            if not isinstance(owner, types.ModuleType):
                return _of_value(node, owner, function, given, scope, translate)
        else:
            return _method(node, function, given, scope, translate)
    if is_static(function, scope):
        return _function(node, static(function, scope), given, scope, translate)
    raise Refused(f"a call of {ast.unparse(function):.60}, which is not known before it runs", node)


def _function(node: ast.Call, value: Any, given: Given, scope: Scope, translate: Translate) -> Node:
    name = builtin_name(value)
    if name is not None:
        return _builtin(node, name, given, scope, translate)
    name = math_name(value)
    if name is not None:
        if given.named:
            raise Refused(f"math.{name} with a keyword", node)
        return ["call", f"math.{name}", [translate(one, scope) for one in given.positional]]
    name = regex_name(value)
    if name is not None:
        return _regex(node, name, in_place(given, REGEX[name], node), scope, translate)
    if isinstance(value, type) and value in _CLASSES:
        made, parameters = _CLASSES[value]
        _check_names(given, keywords_of(made), made, node)
        arguments = in_place(given, parameters, node)
        return _made(value, made, [translate(a, scope) if a else None for a in arguments])
    where = getattr(value, "__module__", None)
    of_spark = isinstance(where, str) and where.partition(".")[0] == "pyspark"
    if type(value) is types.FunctionType and not of_spark:
        return _inlined(node, value, given, scope, translate)
    shown = ast.unparse(node.func)
    if isinstance(where, str) and where not in ("builtins", "__main__"):
        shown = f"{shown}, of {where},"
    raise Refused(f"a call of {shown:.80}, which is not known to be pure", node)


def _made(cls: type, name: str, arguments: list[Node | None]) -> Node:
    """An object of a class of `_CLASSES`; dates of constants are constants, and weeks are days."""
    # All that may be left out is 0 then; None would be an error.
    given = [ZERO if one is None else one for one in arguments]
    if cls is datetime.date and all(one[:2] == ["const", "int"] for one in given):
        try:
            return ["const", "date", datetime.date(*(int(one[2]) for one in given)).isoformat()]
        except (ValueError, OverflowError) as error:
            return ["trip", str(error)]
    if cls is datetime.timedelta and given[-1] != ZERO:
        days = ["bin", "*", given[-1], ["const", "int", "7"]]
        given = [["bin", "+", given[0], days], *given[1:-1], ZERO]
    return ["call", name, given]


def _builtin(node: ast.Call, name: str, given: Given, scope: Scope, translate: Translate) -> Node:
    if name in ("any", "all", "sum"):
        return iterating.reduced(node, name, given, scope, translate)
    _check_names(given, keywords_of(name), name, node)
    if name == "isinstance":
        return _isinstance(node, given, scope, translate)
    if name == "format":
        value, spec = in_place(given, "value | format_spec", node)
        if value is None or not (spec is None or isinstance(spec, ast.Constant)):
            raise Refused("a format that is computed", node)
        text = "" if spec is None else spec.value
        return ["fstring", [["fmt", translate(value, scope), "", text]]]
    if name not in BUILTINS:
        raise Refused(f"a call of {name}", node)
    if (
        name == "len"
        and len(given.positional) == 1
        and isinstance(given.positional[0], ast.ListComp)
    ):
        return iterating.counted(given.positional[0], scope, translate)
    if name == "len" and len(given.positional) == 1 and is_static(given.positional[0], scope):
        value = static(given.positional[0], scope)
        if type(value) in (list, tuple, dict, set, frozenset, str):
            return ["const", "int", str(len(value))]
    if BUILTINS[name] == "*":
        if given.named:
            raise Refused(f"{name} with {next(iter(given.named))}=", node)
        if len(given.positional) == 1:
            one = given.positional[0]
            if not isinstance(one, ast.Tuple | ast.List):
                raise Refused(f"{name} of what is iterated over", node)
            arguments: list[ast.expr | None] = list(one.elts)
        else:
            arguments = list(given.positional)
    else:
        arguments = in_place(given, BUILTINS[name], node)
    if any(isinstance(one, ast.Starred) for one in arguments):
        raise Refused("an argument with *", node)
    translated = [translate(one, scope) for one in arguments if one is not None]
    if len(translated) < len(arguments) and None in arguments[: len(translated)]:
        raise Refused(f"{name} without its first argument", node)
    return ["call", name, translated]


def _isinstance(node: ast.Call, given: Given, scope: Scope, translate: Translate) -> Node:
    value, kinds = in_place(given, "obj class_or_tuple", node)
    assert value is not None and kinds is not None
    parts = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    if isinstance(kinds, ast.BinOp) and isinstance(kinds.op, ast.BitOr):
        parts = [kinds.left, kinds.right]
    names = []
    for part in parts:
        kind = static(part, scope) if is_static(part, scope) else None
        if isinstance(part, ast.Constant) and part.value is None:
            kind = type(None)
        if not isinstance(kind, type) or kind not in TYPES:
            raise Refused(f"isinstance of {ast.unparse(part):.40}", node)
        names.append(TYPES[kind])
    return ["isinstance", translate(value, scope), names]


def _inlined(
    node: ast.Call, function: Any, given: Given, scope: Scope, translate: Translate
) -> Node:
    """A function of the user's, in place of its call: its arguments first, each once."""
    lets: list[tuple[str, Node]] = []

    def bind(argument: ast.expr) -> Bound:
        if is_static(argument, scope):
            return Static(static(argument, scope))
        if isinstance(argument, ast.Starred):
            raise Refused("an argument with *", node)
        found = translate(argument, scope)
        if is_simple(found):
            return found
        name = scope.budget.name("argument")
        lets.append((name, found))
        return ["var", name]

    positional = [bind(one) for one in given.positional]
    named = {name: bind(one) for name, one in given.named.items()}
    body = scope.inline(function, positional, named, node, scope.budget)
    for name, value in reversed(lets):
        body = ["let", name, value, body]
    return body


def _of_class(
    node: ast.Call, owner: type, name: str, given: Given, scope: Scope, translate: Translate
) -> Node:
    if (owner, name) in _CLASS_METHODS:
        parameters = _CLASS_METHODS[owner, name]
        _check_names(given, (), f"{owner.__name__}.{name}", node)
        arguments = [one for one in in_place(given, parameters, node) if one is not None]
        translated = [translate(one, scope) for one in arguments]
        return ["call", f"{owner.__name__}.{name}", translated]
    if owner is str and name in METHODS and given.positional:
        # str.upper(x) raises for what is no str; the method of x might not.
        inner = translate(given.positional[0], scope)
        rest = _arguments(node, name, Given(given.positional[1:], given.named), scope, translate)
        variable = scope.budget.name("self")
        self: Node = ["var", variable]
        checked = [
            "if",
            ["isinstance", self, ["str"]],
            ["method", name, self, rest],
            _not_str(name),
        ]
        return ["let", variable, inner, checked]
    raise Refused(f"a call of {owner.__name__}.{name}", node)


def _not_str(name: str) -> Node:
    return ["trip", f"str.{name} of what is no str"]


def _of_value(
    node: ast.Call,
    owner: Any,
    function: ast.Attribute,
    given: Given,
    scope: Scope,
    translate: Translate,
) -> Node:
    """A method of a value that is known now."""
    name = function.attr
    if type(owner) is dict and name == "get":
        return _get(node, owner, given, scope, translate)
    if type(owner) is re.Pattern and name in PATTERN_METHODS:
        arguments = in_place(given, PATTERN_METHODS[name], node)
        pattern: Node = ["const", "str", owner.pattern]
        flags: Node = ["const", "int", str(owner.flags & ~re.UNICODE.value)]
        if type(owner.pattern) is not str:
            raise Refused("a pattern of bytes", node)
        return _matched(node, name, pattern, arguments, flags, scope, translate)
    if constant(owner) is not None:
        return _method(node, function, given, scope, translate)
    kind = type(owner).__name__
    raise Refused(f"a call of {ast.unparse(function):.60}, a method of a {kind}", node)


def _get(
    node: ast.Call, owner: dict[Any, Any], given: Given, scope: Scope, translate: Translate
) -> Node:
    if given.named:
        raise Refused("dict.get with a keyword", node)
    key, default = in_place(given, "key | default", node)
    assert key is not None
    translated = translate(key, scope)
    otherwise = NONE if default is None else translate(default, scope)
    if is_simple(otherwise):
        return ["lookup", pairs(owner, node), translated, otherwise]
    # It is computed whether or not the key is there.
    names = scope.budget.name("key"), scope.budget.name("default")
    found: Node = ["lookup", pairs(owner, node), ["var", names[0]], ["var", names[1]]]
    return ["let", names[0], translated, ["let", names[1], otherwise, found]]


def _method(
    node: ast.Call, function: ast.Attribute, given: Given, scope: Scope, translate: Translate
) -> Node:
    name = function.attr
    base = function.value
    if name == "format":
        if isinstance(base, ast.Constant) and isinstance(base.value, str):
            return formats.formatted(node, base.value, given, scope, translate)
        if is_static(base, scope) and type(static(base, scope)) is str:
            return formats.formatted(node, static(base, scope), given, scope, translate)
    if isinstance(base, ast.Dict) and name == "get":
        return _get(node, written_dict(base, scope), given, scope, translate)
    if name == "translate":
        return tables.translated(node, base, given, scope, translate)
    if name == "join":
        return iterating.joined(node, base, given, scope, translate)
    if name == "group" and len(given.positional) <= 1 and not given.named:
        return [
            "method",
            name,
            translate(base, scope),
            [translate(a, scope) for a in given.positional],
        ]
    if name == "replace" and given.named:
        # A date's or time's.
        raise Refused("replace with keywords", node)
    if name not in METHODS:
        raise Refused(f"a call of the method {name}, which is not known to be pure", node)
    return ["method", name, translate(base, scope), _arguments(node, name, given, scope, translate)]


def _arguments(
    node: ast.Call, name: str, given: Given, scope: Scope, translate: Translate
) -> list[Node]:
    _check_names(given, keywords_of(name), name, node)
    arguments = in_place(given, METHODS[name], node)
    while arguments and arguments[-1] is None:
        arguments.pop()
    if None in arguments and name not in ("split", "rsplit"):
        # There None says the same as nothing.
        raise Refused(f"{name} without its first argument", node)
    return [NONE if one is None else translate(one, scope) for one in arguments]


def _check_names(given: Given, fine: tuple[str, ...], what: str, node: ast.AST) -> None:
    for name in given.named:
        if name not in fine:
            raise Refused(f"{what} with {name}=", node)


def _regex(
    node: ast.Call, name: str, arguments: list[ast.expr | None], scope: Scope, translate: Translate
) -> Node:
    first, *others, flags = arguments
    assert first is not None
    pattern = translate(first, scope)
    if pattern[:2] != ["const", "str"]:
        if is_static(first, scope) and type(static(first, scope)) is re.Pattern:
            raise Refused(f"re.{name} of a compiled pattern", node)
        raise Refused("a regular expression that is no constant", node)
    return _matched(node, name, pattern, others, _flags(flags, node, scope), scope, translate)


def _flags(flags: ast.expr | None, node: ast.AST, scope: Scope) -> Node:
    total = 0
    parts = [] if flags is None else [flags]
    while parts:
        part = parts.pop()
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr):
            parts += [part.left, part.right]
            continue
        value: Any = part.value if isinstance(part, ast.Constant) else None
        if is_static(part, scope):
            value = static(part, scope)
        if type(value) not in (int, re.RegexFlag):
            raise Refused("flags of a regular expression that are no constants", node)
        total |= int(value)
    return ["const", "int", str(total)]


def _matched(
    node: ast.AST,
    name: str,
    pattern: Node,
    others: list[ast.expr | None],
    flags: Node,
    scope: Scope,
    translate: Translate,
) -> Node:
    zero: Node = ["const", "int", "0"]
    translated = [zero if one is None else translate(one, scope) for one in others]
    if name == "sub" and translated[0][:2] != ["const", "str"]:
        raise Refused("re.sub with a replacement that is no constant", node)
    return ["call", f"re.{name}", [pattern, *translated, flags]]
