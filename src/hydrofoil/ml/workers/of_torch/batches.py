"""A rank's rows as batches: equal steps for all ranks, and how much each row counts.

In: ``ctx.data``, with the columns that `Fed` names. Out: arrays of the rows of a batch, and the
weight of each row. Rows that a rank repeats, so that it makes as many steps as the others, weigh
nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError

_NO_NUMBER = np.iinfo(np.int64).min
LABEL, WEIGHT, VALID = "label", "weight", "valid"


@dataclass(frozen=True)
class Fed:
    """What ranks are fed with.

    Parameters
    ----------
    inputs : tuple of (str, str)
        Of each of the module's arguments: what it is, for messages; and its kind, ``float``,
        ``double`` or ``long``. Their columns are called as `name_of` says.
    label : str
        Its kind.
    weight, valid : bool
        Whether there are such columns.
    keep_invalid : bool
        Whether features may be null or NaN, and are NaN.
    """

    inputs: tuple[tuple[str, str], ...]
    label: str
    weight: bool
    valid: bool
    keep_invalid: bool

    @property
    def fill(self) -> dict[str, Any]:
        """What nulls become, by column: values that rows with a value do not have."""
        kinds = {name_of(place): kind for place, (_, kind) in enumerate(self.inputs)}
        kinds |= {LABEL: self.label, WEIGHT: "double"}
        marks: dict[str, Any] = {
            name: _NO_NUMBER if kind == "long" else np.nan for name, kind in kinds.items()
        }
        return {**marks, VALID: -1}


def name_of(place: int) -> str:
    """The name of the column of one of the module's arguments."""
    return f"input_{place}"


@dataclass
class Rows:
    """All rows of a rank.

    Attributes
    ----------
    inputs : list of numpy.ndarray
        Over the rank's map of its rows.
    label : numpy.ndarray
    weight : numpy.ndarray, optional
        Float64.
    train, held_out : numpy.ndarray
        Which rows are for training, and for validation; ``held_out`` is None without an indicator.
    """

    inputs: list[Any]
    label: Any
    weight: Any
    train: Any
    held_out: Any = None


def taken(ctx: Any, fed: Fed) -> Rows:
    """This rank's rows. A collective.

    Raises
    ------
    UsageError
        Something is null; a weight is negative; arrays differ in length.
    """
    try:
        [found] = ctx.data.numpy(steps="uneven")
    except UsageError as error:
        if "no two-dimensional array" not in error.message:
            raise
        raise UsageError(
            f"rows differ in how many numbers their arrays have: {error.message}",
            hint="pad them to one length before",
        ) from None
    inputs = [found[name_of(place)] for place in range(len(fed.inputs))]
    for (what, _), values in zip(fed.inputs, inputs, strict=True):
        if not fed.keep_invalid or values.dtype.kind != "f":
            _check(values, what, "handleInvalid='keep' passes NaN on to the module")
    _check(found[LABEL], "the label")
    weight = found.get(WEIGHT)
    if weight is not None:
        _check(weight, "the weight")
        if len(weight) and weight.min() < 0:
            raise UsageError(f"a weight is {weight.min():g}", hint="weights are 0 or more")
    rows = Rows(inputs, found[LABEL], weight, np.arange(len(found[LABEL])))
    _agree(ctx, [*inputs, rows.label])
    if fed.valid:
        valid = found[VALID]
        if (valid == -1).any():
            raise UsageError(
                f"the validation indicator is null in {(valid == -1).sum()} rows",
                hint="make it true or false: coalesce(col, lit(False))",
            )
        rows.train, rows.held_out = np.flatnonzero(valid == 0), np.flatnonzero(valid)
    return rows


def _check(values: Any, what: str, remedy: str | None = None) -> None:
    if not values.size:
        return
    if values.dtype.kind == "f":
        if not np.isnan(values.min()):  # Of NaN and other numbers, NaN; nothing is copied for it.
            return
        missing = np.isnan(values)
    else:
        missing = values == _NO_NUMBER
        if not missing.any():
            return
    rows = int(missing.reshape(len(values), -1).any(axis=1).sum())
    raise UsageError(
        f"{what} is null or NaN in {rows} of {len(values)} rows",
        hint="filter such rows out: df.dropna(subset=[...])" + (f"; {remedy}" if remedy else ""),
    )


def _agree(ctx: Any, arrays: list[Any]) -> None:
    shapes = ctx.all_gather([array.shape[1:] for array in arrays])
    if any(other != shapes[0] for other in shapes):
        raise UsageError(
            f"rows differ in how many numbers their arrays have: {shapes}",
            hint="pad them to one length before",
        )


@dataclass(frozen=True)
class Step:
    """A batch.

    Attributes
    ----------
    rows : numpy.ndarray
        Which rows.
    weights : numpy.ndarray
        Of each of them; 0 for those that are seen again only for the sake of equal steps.
    total : float
        The weights of this step's rows in all ranks together.
    """

    rows: Any
    weights: Any
    total: float


class Plan:
    """The batches of each epoch, as many in every rank.

    Parameters
    ----------
    ctx : Context
    rows : Rows
    weights : numpy.ndarray or None
        How much each row of the rank counts; all the same unless given.
    batch_size : int
        Rows of a rank in a step; 0: all that it has.
    shuffle, drop_last : bool
    seed : int

    Raises
    ------
    UsageError
        There are no rows to train on.
    """

    def __init__(
        self,
        ctx: Any,
        rows: Rows,
        weights: Any,
        batch_size: int,
        shuffle: bool,
        drop_last: bool,
        seed: int,
    ) -> None:
        self._ctx, self._rows, self._weights = ctx, rows, weights
        self._shuffle, self._seed = shuffle and batch_size > 0, seed & (2**63 - 1)
        self._most = max(ctx.all_gather(len(rows.train)))
        if not self._most:
            raise UsageError("the DataFrame has no rows to train on")
        self._size = min(batch_size or self._most, self._most)
        whole, rest = divmod(self._most, self._size)
        self.steps = whole + (1 if rest and not drop_last else 0)

    def epoch(self, number: int) -> Iterator[Step]:
        """The batches of an epoch. A collective at its beginning."""
        train = self._rows.train
        order = train if len(train) else np.zeros(1, np.int64)  # Any row, as it weighs nothing.
        if self._shuffle:
            order = np.random.default_rng([self._seed, number, self._ctx.rank]).permutation(order)
        order = np.resize(order, self._most)
        weights = np.ones(self._most) if self._weights is None else self._weights[order]
        weights = np.where(np.arange(self._most) < len(train), weights, 0.0)
        starts = range(0, self.steps * self._size, self._size)
        sums = np.array([weights[start : start + self._size].sum() for start in starts])
        for start, total in zip(starts, self._ctx.all_reduce(sums), strict=True):
            stop = start + self._size
            yield Step(order[start:stop], weights[start:stop], float(total))
