"""The JVM's operators that exchange data with Python: whose they are, and why.

Plans name them: Hydrofoil's own operators have its name, and above one that is left to Spark stands
a `LeftToSpark`, which says why. That holds for live plans, those of Spark's status store and those
of its event log.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

HYDROFOIL = "Hydrofoil"
SPARK = "Spark"

# Every operator of Spark's and Hydrofoil's that has a Python worker counts these bytes.
SENT = "data sent to Python workers"

_OURS = "Hydrofoil"
_LEFT = "LeftToSpark"
_REASON = "(not Hydrofoil's: "
# Hydrofoil's too: it computes a function, and asks Python for rows that trip a guard.
_COMPILED = "CompiledUdf"
_GUARDS = ", guards: "
_NOT_COMPILED = re.compile(r"[,;] not compiled: (.+?): (.+?)(?=[,;] not compiled: |$)")


@dataclass(frozen=True)
class Operator:
    """An operator of a plan.

    Attributes
    ----------
    name : str
        As in the plan, such as ``ArrowEvalPython``.
    description : str
        The plan's line about it, with its functions.
    reason : str
        Why it is Spark's, if the plan says so.
    """

    name: str
    description: str
    reason: str = ""

    @property
    def owner(self) -> str:
        """Whose it is: "Hydrofoil" or "Spark"."""
        return HYDROFOIL if self.name.startswith((_OURS, _COMPILED)) else SPARK

    @property
    def guards(self) -> str | None:
        """What sends a row to Python, of an operator that computes a function; None of others."""
        if not self.name.startswith(_COMPILED):
            return None
        return self.description.partition(_GUARDS)[2]

    @property
    def not_compiled(self) -> dict[str, str]:
        """Why functions are not compiled that might have been, by their names."""
        found = _NOT_COMPILED.findall(self.description) + _NOT_COMPILED.findall(self.reason)
        return dict(found)

    @property
    def why_sparks(self) -> str:
        """The reason without what it says of single functions."""
        return _NOT_COMPILED.sub("", self.reason)


def compiled(operators: "Sequence[Operator]") -> list[tuple[str, str, str]]:
    """Each function that is compiled, or might have been: its name, yes or no, and why."""
    found: dict[tuple[str, str, str], None] = {}
    for operator in operators:
        if operator.guards is not None:
            name = operator.description.removeprefix(_COMPILED).partition("(")[0].strip()
            none = operator.guards in ("", "none")
            found[name, "yes", "" if none else f"to Python go rows with {operator.guards}"] = None
        for name, reason in operator.not_compiled.items():
            found[name, "no", reason] = None
    return list(found)


class Node(Protocol):
    """A node of a plan, from wherever the plan is."""

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def children(self) -> Sequence["Node"]: ...

    @property
    def calls_python(self) -> bool: ...


def operators(node: Node, reason: str = "") -> Iterator[Operator]:
    """Walk a plan from its root: each operator that calls Python."""
    if node.calls_python:
        yield Operator(node.name, node.description, reason)
    below = left_reason(node.name, node.description)
    for child in node.children:
        yield from operators(child, below)


def left_reason(name: str, description: str) -> str:
    """The reason that a `LeftToSpark` gives for the operator below it."""
    if name != _LEFT:
        return ""
    return description.partition(_REASON)[2].removesuffix(")")
