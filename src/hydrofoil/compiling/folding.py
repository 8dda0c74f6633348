"""Operators of constants, computed while a function is translated; Python itself computes them."""

import operator
from typing import Any

from hydrofoil.compiling.constants import Node, constant, value_of

_BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_UNARY = {"-": operator.neg, "+": operator.pos, "~": operator.invert}


def binary(how: str, one: Node, other: Node) -> Node:
    """The node of an operator, or of its result."""
    return _folded(_BINARY.get(how), one, other) or ["bin", how, one, other]


def unary(how: str, inner: Node) -> Node:
    """The node of an operator, or of its result."""
    return _folded(_UNARY.get(how), inner) or ["un", how, inner]


def _folded(function: Any, *nodes: Node) -> Node | None:
    if function is None:
        return None
    try:
        values = [value_of(one) for one in nodes]
        # Neither text, which could become long, nor ~True, of which Python warns.
        if not all(type(one) in (int, float) for one in values):
            return None
        return constant(function(*values))
    except (LookupError, ArithmeticError):
        return None
