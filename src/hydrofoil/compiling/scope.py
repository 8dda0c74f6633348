"""What the names of a function stand for while it is translated."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hydrofoil.compiling.constants import Node, constant
from hydrofoil.compiling.names import Names
from hydrofoil.compiling.refused import Refused, Unbound

# Nodes of a translated function; more would not fit into a method of the JVM's anyway.
MOST_NODES = 4000
# Functions that call functions that call functions.
MOST_DEPTH = 12


@dataclass(frozen=True)
class Static:
    """A value that is known now and is no constant of the tree: a function, a module, a dict."""

    value: Any


def as_bound(value: Any) -> "Bound":
    """A value that is known now, as a node where it is a constant."""
    found = constant(value)
    return Static(value) if found is None else found


# What a local name stands for: a node, or a value that is known now. A name without is unbound.
Bound = Node | Static
Env = Mapping[str, Bound]


@dataclass
class Budget:
    """What all of one translation has in common, the functions that are inlined too."""

    nodes: int = 0
    names: int = 0
    # The codes of the functions that are being inlined, to notice those that call themselves.
    inside: list[Any] = field(default_factory=list)

    def name(self, base: str) -> str:
        self.names += 1
        return f"{base}#{self.names}"

    def count(self, node: ast.AST) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise Refused("it is too long, with all its ways written out", node)


@dataclass(frozen=True)
class Scope:
    """One function's: its free names, and its locals where one of its statements stands."""

    names: Names
    local: frozenset[str]
    env: Env
    budget: Budget
    # Translates a call of a function with these arguments.
    inline: Callable[..., Node]

    def bound(self, name: str, node: ast.AST) -> Bound:
        """What a name stands for.

        Raises
        ------
        Unbound
            It is a local one without a value.
        Refused
            See `Names.value`.
        """
        if name in self.local:
            if name not in self.env:
                raise Unbound(name)
            return self.env[name]
        return Static(self.names.value(name, node))

    def having(self, **bound: Bound) -> "Scope":
        return Scope(self.names, self.local, {**self.env, **bound}, self.budget, self.inline)


def is_simple(node: Node) -> bool:
    """Whether a node may stand twice in the tree: it costs nothing and does not raise."""
    return node[0] in ("const", "var", "arg")
