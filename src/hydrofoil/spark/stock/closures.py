"""Functions that stock's worker makes within functions: what they refer to, and other values."""

from types import CellType, FunctionType
from typing import Any

from hydrofoil.spark.stock.task import StaysStock


def variables_of(function: Any) -> dict[str, Any]:
    """What a function refers to in the function around it, by name."""
    named = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    # A variable that has not been assigned has an empty cell.
    return {name: cell.cell_contents for name, cell in named if cell != CellType()}


def rebound(function: Any, **variables: Any) -> Any:
    """The same function, referring to other values by these names."""
    cells = [
        CellType(variables[name]) if name in variables else cell
        for name, cell in zip(function.__code__.co_freevars, function.__closure__, strict=True)
    ]
    return FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        tuple(cells),
    )


def is_same(one: Any, other: Any) -> bool:
    """Whether two values, or what is in them, are made of equal values and of the same functions.

    Functions are the same if their code is, and what they refer to.
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, FunctionType):
        return one.__code__ == other.__code__ and is_same(variables_of(one), variables_of(other))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[k], other[k]) for k in one)
    return bool(one == other)


class Variables:
    """As `variables_of`, for what has to be there.

    Raises
    ------
    StaysStock
        By the item's access, if the function has no such variable.
    """

    def __init__(self, function: Any) -> None:
        self._named = variables_of(function)

    def __contains__(self, name: str) -> bool:
        return name in self._named

    def __getitem__(self, name: str) -> Any:
        try:
            return self._named[name]
        except KeyError:
            raise StaysStock(f"PySpark's worker has no {name!r} where it is expected") from None
