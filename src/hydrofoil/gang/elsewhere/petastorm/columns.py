"""Rows as dicts of arrays: cut, joined, and as tensors."""

from typing import Any

import numpy as np

from hydrofoil.errors import UsageError

Columns = dict[str, Any]


def num_rows(columns: Columns) -> int:
    """How many rows there are."""
    return len(next(iter(columns.values())))


def joined(first: Columns, second: Columns) -> Columns:
    """The rows of both; a copy."""
    return {name: np.concatenate([first[name], second[name]]) for name in first}


def until(columns: Columns, end: int) -> Columns:
    """The first rows; views."""
    return {name: column[:end] for name, column in columns.items()}


def after(columns: Columns, start: int) -> Columns:
    """The other rows; views."""
    return {name: column[start:] for name, column in columns.items()}


def tensors(torch: Any, columns: Columns) -> Columns:
    """The arrays as tensors: views, but for what can't be written to.

    Raises
    ------
    UsageError
        At a column of a type that torch doesn't have.
    """
    return {name: _tensor(torch, name, column) for name, column in columns.items()}


def _tensor(torch: Any, name: str, column: Any) -> Any:
    if column.dtype == np.bool_:  # As Petastorm has it.
        column = column.view(np.uint8)
    elif column.dtype.kind in "Mm":  # As `Dataset.torch` has them.
        column = column.view(np.int64)
    elif column.dtype.kind in "OUS":
        raise UsageError(
            f"column {name!r} has no type that torch knows",
            hint="leave it out, or make numbers of it",
        )
    return torch.from_numpy(column if column.flags.writeable else column.copy())
