"""``text.translate(table)``, as a loop over the text's characters."""

import ast
from collections.abc import Callable
from typing import Any

from hydrofoil.compiling.binding import Given
from hydrofoil.compiling.constants import Node
from hydrofoil.compiling.pairs import written
from hydrofoil.compiling.refused import Refused
from hydrofoil.compiling.scope import Scope
from hydrofoil.compiling.statics import is_static, static

Translate = Callable[[ast.expr, Scope], Node]


def translated(
    node: ast.Call, base: ast.expr, given: Given, scope: Scope, translate: Translate
) -> Node:
    """The tree of ``base.translate(table)``.

    Raises
    ------
    Refused
        The table is no constant, or made by something else than ``str.maketrans``.
    """
    if len(given.positional) != 1 or given.named:
        raise Refused("translate with other than one argument", node)
    table = _table(given.positional[0], scope)
    name = scope.budget.name("char")
    char: Node = ["var", name]
    gone = [key for key, value in table.items() if value is None]
    test: Node = ["const", "bool", True]
    if gone:
        test = ["not", ["in", char, ["consts", [["const", "str", chr(key)] for key in gone]]]]
    pairs = [
        [["const", "str", chr(key)], ["const", "str", value]]
        for key, value in table.items()
        if value is not None
    ]
    value: Node = ["lookup", pairs, char, char] if pairs else char
    text = translate(base, scope)
    return ["each", "join", name, text, test, value, False, ["const", "str", ""]]


def _table(node: ast.expr, scope: Scope) -> dict[int, str | None]:
    """What becomes of characters, by their numbers."""
    found = static(node, scope) if is_static(node, scope) else _made(node, scope)
    if type(found) is not dict:
        raise Refused("translate with a table that is no dict", node)
    table: dict[int, str | None] = {}
    for key, value in found.items():
        if type(value) is int and 0 <= value <= 0x10FFFF:
            value = chr(value)
        if type(key) is not int or not 0 <= key <= 0x10FFFF or type(value) not in (str, type(None)):
            raise Refused("translate with a table of something else than characters", node)
        table[key] = value
    return table


def _made(node: ast.expr, scope: Scope) -> Any:
    """The table of ``str.maketrans(...)`` with constants."""
    fine = (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "maketrans"
        and is_static(node.func.value, scope)
        and static(node.func.value, scope) is str
        and not node.keywords
    )
    if not fine:
        raise Refused("translate with a table that is no constant", node)
    assert isinstance(node, ast.Call)
    try:
        return str.maketrans(*(written(one, scope) for one in node.args))
    except (TypeError, ValueError) as error:
        raise Refused(f"str.maketrans: {error}", node) from None
