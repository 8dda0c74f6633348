"""The function of arrays that `hydrofoil.inference` makes of a model's methods."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hydrofoil.predictors.table import named


class Predict:
    """Columns as arrays to a model's predictions; what is sent to workers.

    Parameters
    ----------
    adapter : str
    names : sequence of str
        Of the features.
    methods : dict of str to (str, bool)
        By the field of the result: the method, and whether a row of it is an array. One of no name
        is the result itself.
    """

    def __init__(
        self, adapter: str, names: Sequence[str], methods: dict[str, tuple[str, bool]]
    ) -> None:
        self.adapter = adapter
        self.names = list(names)
        self.methods = methods
        self.__name__ = f"{adapter} model"

    def __call__(self, model: Any, *columns: Any) -> Any:
        adapter = named(self.adapter)
        inputs = _matrix(columns) if adapter.one_matrix else _inputs(columns)
        found = {}
        for field, (method, is_row) in self.methods.items():
            result = adapter.predict(model, method, inputs, self.names)
            found[field] = _shaped(_as_array(result), is_row)
        return found.get("", found)


def _matrix(columns: Sequence[Any]) -> list[Any]:
    """All columns side by side."""
    if len(columns) == 1 and columns[0].ndim == 2:
        return [columns[0]]
    sides = [one if one.ndim == 2 else one[:, None] for one in columns]
    if any(one.dtype == object for one in sides):
        sides = [one.astype(object) for one in sides]
    return [np.concatenate(sides, axis=1)]


def _inputs(columns: Sequence[Any]) -> list[Any]:
    """Each array, and all numbers side by side in the place of the first."""
    numbers = [one for one in columns if one.ndim == 1]
    inputs, placed = [], False
    for one in columns:
        if one.ndim > 1:
            inputs.append(one)
        elif not placed:
            placed = True
            inputs.extend(_matrix(numbers))
    return inputs


def _as_array(result: Any) -> Any:
    if hasattr(result, "detach"):
        result = result.detach().cpu()
        if str(result.dtype) == "torch.bfloat16":  # NumPy has none.
            result = result.float()
        return result.numpy()
    if hasattr(result, "toarray"):  # SciPy's sparse matrices.
        return result.toarray()
    return np.asarray(result)


def _shaped(values: Any, is_row: bool) -> Any:
    """Rows as the result's type has them."""
    if is_row:
        return values.reshape(len(values), -1)
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
