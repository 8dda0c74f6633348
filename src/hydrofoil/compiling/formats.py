"""Text by format: ``"{}".format(x)`` and ``"%s" % x``, as the parts of an f-string."""

import ast
import re
import string
from collections.abc import Callable

from hydrofoil.compiling.binding import Given
from hydrofoil.compiling.constants import Node
from hydrofoil.compiling.refused import Refused
from hydrofoil.compiling.scope import Scope, is_simple

Translate = Callable[[ast.expr, Scope], Node]

_PERCENT = re.compile(r"%(?:(%)|([-+ 0#]*\d*(?:\.\d+)?)([a-zA-Z]))")


def formatted(node: ast.Call, text: str, given: Given, scope: Scope, translate: Translate) -> Node:
    """The tree of ``text.format(...)``.

    Raises
    ------
    Refused
        A field is no argument by itself, or its format is computed.
    """
    lets: list[tuple[str, Node]] = []

    def once(value: ast.expr) -> Node:
        # In their order and each once, whatever the text does with them.
        found = translate(value, scope)
        if is_simple(found):
            return found
        name = scope.budget.name("field")
        lets.append((name, found))
        return ["var", name]

    positional = [once(one) for one in given.positional]
    named = {name: once(one) for name, one in given.named.items()}
    parts: list[Node] = []
    count, numbered = 0, False
    try:
        fields = list(string.Formatter().parse(text))
    except ValueError as error:
        raise Refused(f"a format that is wrong: {error}", node) from None
    for literal, field, spec, conversion in fields:
        if literal:
            parts.append(["const", "str", literal])
        if field is None:
            continue
        by_count = field == ""
        if by_count:
            field = str(count)
            count += 1
        if "{" in (spec or ""):
            raise Refused("a format whose width or kind is computed", node)
        found = None
        numbered = numbered or (field.isdecimal() and not by_count)
        if numbered and count:
            raise Refused("a format whose fields are numbered in part", node)
        if field.isdecimal() and field.isascii():
            found = positional[int(field)] if int(field) < len(positional) else None
        else:
            found = named.get(field)
        if found is None or (conversion or "s") not in "sra":
            raise Refused(f"a format with the field {field!r:.40}", node)
        parts.append(["fmt", found, conversion or "", spec or ""])
    body: Node = ["fstring", parts]
    for name, value in reversed(lets):
        body = ["let", name, value, body]
    return body


def percent(node: ast.BinOp, scope: Scope, translate: Translate) -> Node:
    """The tree of ``text % x`` and ``text % (x, y)``.

    Raises
    ------
    Refused
        The text has fields that are named, computed or wrong.
    """
    assert isinstance(node.left, ast.Constant)
    text = str(node.left.value)
    values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    if isinstance(node.right, ast.Dict):
        raise Refused("a format with % and a dict", node)
    parts: list[Node] = []
    at = 0
    waiting = list(values)
    for found in _PERCENT.finditer(text):
        if "%" in text[at : found.start()]:
            raise Refused(f"the format {text!r:.60}", node)
        if text[at : found.start()]:
            parts.append(["const", "str", text[at : found.start()]])
        at = found.end()
        whole, how, kind = found.groups()
        if whole:
            parts.append(["const", "str", "%"])
            continue
        if not waiting or kind not in "sdifFeEgGxXorac":
            raise Refused(f"the format {text!r:.60}", node)
        value = translate(waiting.pop(0), scope)
        parts.append(["percent", f"%{how}{kind}", value])
    if waiting or "%" in text[at:]:
        raise Refused(f"the format {text!r:.60}", node)
    if text[at:]:
        parts.append(["const", "str", text[at:]])
    return ["fstring", parts]
