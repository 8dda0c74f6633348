"""One UDF, as the eval types' plans take it, whatever the version of Spark."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hydrofoil._cext.rows import Call


@dataclass(frozen=True)
class Udf:
    """What a task received of one UDF.

    Attributes
    ----------
    function : callable
        What stock would call for a row: all chained functions, with profiling where it is on.
    chain : tuple of callables
        The functions that ``function`` calls one after the other, or just itself.
    arguments : list of int
        Offsets of the positional arguments among the input columns.
    keywords : dict of str to int
        Offsets of the keyword arguments.
    return_type : pyspark.sql.types.DataType
        The declared type.
    arity : int
        How many arguments the function of a grouped map takes.
    """

    function: Callable[..., Any]
    chain: tuple[Callable[..., Any], ...]
    arguments: list[int]
    keywords: dict[str, int]
    return_type: Any
    arity: int = 0

    @property
    def name(self) -> str:
        """The first function's name, for messages."""
        return function_name(self.chain[0])

    @property
    def offsets(self) -> list[int]:
        """The input column of each argument, positional ones first."""
        return [*self.arguments, *self.keywords.values()]

    def call(self, slots: dict[int, int] | None = None) -> Call:
        """How to call it; ``slots`` maps a column to its place in a row, by default its offset."""
        places = tuple(slots[o] if slots else o for o in self.offsets)
        # Stock's function over a chain takes no named arguments, and says so.
        functions = self.chain if not self.keywords or len(self.chain) == 1 else (self.function,)
        return Call(functions, places, tuple(self.keywords))

    def call_columns(self, columns: dict[int, Any]) -> Any:
        """Call the function with whole columns."""
        arguments = [columns[o] for o in self.arguments]
        if not self.keywords:
            return self.function(*arguments)
        return self.function(*arguments, **{k: columns[o] for k, o in self.keywords.items()})


def function_name(function: Any) -> str:
    """A function's name as the user wrote it, or its class's where it has none."""
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__
