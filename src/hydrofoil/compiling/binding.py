"""Arguments of a call, put in the places of parameters."""

import ast
from dataclasses import dataclass

from hydrofoil.compiling.refused import Refused


@dataclass(frozen=True)
class Given:
    """The arguments of a call, by position and by name."""

    positional: list[ast.expr]
    named: dict[str, ast.expr]

    @classmethod
    def of(cls, node: ast.Call) -> "Given":
        """Those of a call; refused with ``*`` or ``**``."""
        named = {}
        for one in node.keywords:
            if one.arg is None:
                raise Refused("an argument with **", node)
            named[one.arg] = one.value
        if any(isinstance(one, ast.Starred) for one in node.args):
            raise Refused("an argument with *", node)
        return cls(list(node.args), named)


def in_place(given: Given, parameters: str, node: ast.AST) -> list[ast.expr | None]:
    """The arguments by parameters, None for those that are left out.

    Parameters
    ----------
    given : Given
    parameters : str
        Their names; those after ``|`` may be left out.
    node : ast.AST
        The call.

    Raises
    ------
    Refused
        They don't fit, so that Python would raise.
    """
    required, _, optional = parameters.partition("|")
    names = [*required.split(), *optional.split()]
    found: list[ast.expr | None] = [*given.positional, *[None] * len(names)][: len(names)]
    if len(given.positional) > len(names):
        raise Refused("a call with more arguments than there are parameters", node)
    for name, value in given.named.items():
        if name not in names or found[names.index(name)] is not None:
            raise Refused(f"a call with {name}=, which is not known", node)
        found[names.index(name)] = value
    if None in found[: len(required.split())]:
        raise Refused("a call without an argument that it needs", node)
    return found
