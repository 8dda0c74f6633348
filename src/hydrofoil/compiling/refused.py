"""Why a function is not translated."""

import ast


class Refused(Exception):
    """The function is left to Python.

    Parameters
    ----------
    reason : str
        For users: what in the function it is, and not that something failed.
    node : ast.AST, optional
        Where; its line is added.
    """

    def __init__(self, reason: str, node: ast.AST | None = None) -> None:
        line = getattr(node, "lineno", None)
        super().__init__(reason if line is None else f"{reason} (line {line})")
        self.reason = str(self)


class Unbound(Exception):
    """A name that has no value on this way through the function; Python raises for it."""
