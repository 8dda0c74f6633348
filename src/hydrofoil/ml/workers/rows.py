"""A rank's rows as arrays, by what they are for. No value becomes a Python object on the way.

In: `ctx.data`, with the columns that `base.columns` has chosen, nulls filled as `fill` says. Out:
arrays over the rank's map of its rows, or copies where rows are taken apart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError

_NO_GROUP = np.iinfo(np.int64).min

# What nulls become, by column: values that rows with a value do not have.
_FILL = {
    "features": np.nan,
    "values": np.nan,
    "label": np.nan,
    "weight": np.nan,
    "margin": np.nan,
    "valid": -1,
    "group": _NO_GROUP,
    # Never null.
    "indices": 0,
    "size": 0,
}


def fill(names: Iterable[str]) -> dict[str, Any]:
    """What nulls become in columns of these names."""
    return {name: _FILL.get(name, np.nan) for name in names}


@dataclass
class Rows:
    """Some rows.

    Attributes
    ----------
    features : numpy.ndarray or scipy.sparse.csr_matrix
        Float32, or float64, of two dimensions; null is NaN.
    label, weight, margin, group : numpy.ndarray, optional
        Float64; ``group`` int64. ``margin`` may have two dimensions.
    """

    features: Any
    label: Any = None
    weight: Any = None
    margin: Any = None
    group: Any = None

    def __len__(self) -> int:
        return int(self.features.shape[0])

    def take(self, which: Any) -> "Rows":
        """Rows of a mask, or at indices, in memory of their own."""
        parts = (self.label, self.weight, self.margin, self.group)
        return Rows(self.features[which], *(one if one is None else one[which] for one in parts))

    def sorted_by_group(self) -> "Rows":
        """The same rows, those of a group together, in the order in which they came."""
        assert self.group is not None
        if len(self) < 2 or (self.group[1:] >= self.group[:-1]).all():
            return self
        return self.take(np.argsort(self.group, kind="stable"))

    def group_sizes(self) -> Any:
        """How many rows each group has, of sorted rows."""
        return np.unique(self.group, return_counts=True)[1]

    def group_weights(self) -> Any:
        """A weight for each group, of sorted rows.

        Raises
        ------
        UsageError
            If rows of a group differ in it.
        """
        _, firsts, numbers = np.unique(self.group, return_index=True, return_inverse=True)
        weights = self.weight[firsts]
        if not (weights[numbers] == self.weight).all():
            row = int(np.flatnonzero(weights[numbers] != self.weight)[0])
            raise UsageError(
                f"rows of one query have the weights {weights[numbers[row]]:g} and "
                f"{self.weight[row]:g}",
                hint="a query is weighted as a whole: give all of its rows one weight",
            )
        return weights


def taken(ctx: Any) -> tuple[Rows, Rows | None]:
    """This rank's rows for training, and for validation if there is a column that says which.

    A collective: ranks without rows learn from the others how many features there are.

    Raises
    ------
    UsageError
        A label, weight, margin, group or indicator is null; vectors or arrays differ in length; no
        row is to train on, or, with an indicator, for validation.
    """
    names = ctx.data.schema.names
    ragged = [name for name in ("indices", "values") if name in names]
    try:
        [found] = ctx.data.numpy(steps="uneven", ragged=ragged)
    except UsageError as error:
        if "no two-dimensional array" not in error.message:
            raise
        raise UsageError(
            f"rows differ in their number of features: {error.message}",
            hint="vectors and arrays of features have to be of one length",
        ) from None
    for name, what in (
        ("label", "label"),
        ("weight", "weight"),
        ("margin", "base margin"),
        ("valid", "validation indicator"),
        ("group", "query"),
    ):
        if name in found:
            _check(found[name], name, what)
    matrix = _sparse(ctx, found) if ragged else _dense(ctx, found["features"])
    parts = (found.get(name) for name in ("label", "weight", "margin", "group"))
    rows = Rows(matrix, *parts)
    if "valid" not in found:
        return rows, None
    valid = found["valid"].astype(bool)
    counts = ctx.all_gather((int((~valid).sum()), int(valid.sum())))
    for place, what in ((0, "to train on"), (1, "for validation")):
        if not sum(count[place] for count in counts):
            raise UsageError(
                f"no row is {what}",
                hint="the validation indicator is true for rows that are for validation, and false "
                "for those to train on",
            )
    return rows.take(~valid), rows.take(valid)


def _check(values: Any, name: str, what: str) -> None:
    missing = np.isnan(values) if values.dtype.kind == "f" else values == _FILL[name]
    if missing.any():
        rows = missing.reshape(len(values), -1).any(axis=1).sum()
        raise UsageError(
            f"the {what} is null or NaN in {rows} of {len(values)} rows",
            hint="filter such rows out: df.dropna(subset=[...])",
        )
    if name == "weight" and (values < 0).any():
        raise UsageError(f"a weight is {values.min():g}", hint="weights are 0 or more")


def _dense(ctx: Any, matrix: Any) -> Any:
    widths = ctx.all_gather(matrix.shape[1] if len(matrix) else None)
    width = _agreed(widths)
    return matrix if len(matrix) else np.empty((0, width), matrix.dtype)


def _sparse(ctx: Any, found: dict[str, Any]) -> Any:
    from scipy.sparse import csr_matrix

    sizes = found["size"]
    if len(sizes) and not (sizes == sizes[0]).all():
        odd = sizes[sizes != sizes[0]][0]
        raise UsageError(
            f"rows differ in their number of features: {sizes[0]} and {odd}",
            hint="vectors of features have to be of one length",
        )
    width = _agreed(ctx.all_gather(int(sizes[0]) if len(sizes) else None))
    if not len(sizes):
        return csr_matrix((0, width), dtype=np.float32)
    values, indices = found["values"], found["indices"]
    return csr_matrix(
        (values.values, indices.values, values.offsets), shape=(len(sizes), width), copy=False
    )


def _agreed(widths: list[int | None]) -> int:
    known = {width for width in widths if width is not None}
    if len(known) > 1:
        raise UsageError(
            f"rows differ in their number of features: {' and '.join(map(str, sorted(known)))}",
            hint="vectors and arrays of features have to be of one length",
        )
    if not known:
        raise UsageError("the DataFrame has no rows to train on")
    return known.pop()


def number_of_classes(labels: Any) -> int:
    """One more than the largest label.

    Raises
    ------
    UsageError
        If labels are not whole numbers from 0 on.
    """
    if not len(labels):
        return 0
    odd = labels[(labels != np.floor(labels)) | (labels < 0) | np.isinf(labels)]
    if len(odd):
        raise UsageError(
            f"a label is {odd[0]:g}, and a class is a whole number from 0 on",
            hint="StringIndexer numbers classes; for numbers to be predicted use a regressor",
        )
    return int(labels.max()) + 1


# --- Where models predict -------------------------------------------------------------------------


def side_by_side(columns: Sequence[Any]) -> Any:
    """Columns of numbers as one array of two dimensions; an array of two as it is."""
    if len(columns) == 1 and columns[0].ndim == 2:
        return columns[0]
    matrix = np.empty((len(columns[0]), len(columns)), columns[0].dtype)
    for place, column in enumerate(columns):
        matrix[:, place] = column
    return matrix


def of_margins(margins: Any) -> tuple[Any, Any]:
    """A classifier's raw predictions and probabilities, a column for each class."""
    margins = margins.astype(np.float64)
    if margins.ndim == 1 or margins.shape[1] == 1:
        margins = margins.reshape(-1)
        # Of the smaller power, which can't overflow.
        small = np.exp(-np.abs(margins))
        larger = 1.0 / (1.0 + small)
        first = np.where(margins >= 0, larger, small * larger)
        return np.column_stack([-margins, margins]), np.column_stack([1.0 - first, first])
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return margins, powers / powers.sum(axis=1, keepdims=True)
