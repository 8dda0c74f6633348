"""A function of a batch's columns that goes on where it raises: the rows at fault are null.

A batch that raises is halved, and the function called again for each half, until the rows at fault
are alone. So it is called more than once for a row, but only in batches with such rows.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hydrofoil.reports.policy import Policy
from hydrofoil.reports.skipping import NOT_TAKEN, Failures, failures_of


def skipping_columns(
    function: Callable[..., Any], policy: Policy | None, result: Any
) -> Callable[..., Any]:
    """A function that gives null for the rows for which the user's raises, for the task that runs.

    Parameters
    ----------
    result : pyspark.sql.types.DataType or None
        Of its results.

    Raises
    ------
    UsageError
        As for `hydrofoil.reports.skipping.skipping`.
    """
    failures = failures_of(function, policy)
    if failures is None:
        return function
    found = failures

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        rows = len((*args, *kwargs.values())[0])
        first = found.rows
        found.rows += rows
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if isinstance(error, NOT_TAKEN) or not rows:
                raise
            failed = error
        return _Halves(function, found, result).run(failed, args, kwargs, first, rows)

    # PySpark's own kinds are read from it, where a decorator has put one there.
    if hasattr(function, "__signature__"):
        vars(call)["__signature__"] = function.__signature__
    return call


class _Halves:
    """One batch that has raised."""

    def __init__(self, function: Callable[..., Any], failures: Failures, result: Any) -> None:
        self.function = function
        self.failures = failures
        self.result = result
        # Results, and for rows without one their number.
        self.parts: list[Any] = []

    def run(
        self,
        error: Exception,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        first: int,
        rows: int,
    ) -> Any:
        """The results of a batch that begins with row ``first`` of its partition."""
        like = (*args, *kwargs.values())[0]
        self._split(error, args, kwargs, first, rows)
        if type(like).__module__.partition(".")[0] == "pandas":
            return _joined_pandas(self.parts, self.result)
        return _joined_arrow(self.parts)

    def _split(
        self,
        error: Exception,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        first: int,
        rows: int,
    ) -> None:
        if rows == 1:
            values = [_value(one) for one in args]
            named = {name: _value(one) for name, one in kwargs.items()}
            if not self.failures.take(error, first, values, named):
                raise error
            self.parts.append(1)
            return
        half = rows // 2
        for start, stop in ((0, half), (half, rows)):
            some = [_slice(one, start, stop) for one in args]
            named = {name: _slice(one, start, stop) for name, one in kwargs.items()}
            try:
                part = self.function(*some, **named)
            except Exception as again:
                if isinstance(again, NOT_TAKEN):
                    raise
                self._split(again, some, named, first + start, stop - start)
                continue
            if len(part) != stop - start:
                raise ValueError(
                    f"{len(part)} results for {stop - start} rows of a batch whose other rows raise"
                )
            self.parts.append(part)


def _slice(column: Any, start: int, stop: int) -> Any:
    if hasattr(column, "iloc"):
        return column.iloc[start:stop].reset_index(drop=True)
    return column.slice(start, stop - start)


def _value(column: Any) -> Any:
    """The value of a column of one row, for those who read what has failed."""
    if hasattr(column, "iloc"):
        value = column.iloc[0]
        return value.to_dict() if hasattr(value, "to_dict") else value
    try:
        return column[0].as_py()
    except Exception as error:
        # Python has no dates of year 0, for example, which may be why the function has failed.
        return f"<{column.type}: {error}>"


def _joined_pandas(parts: list[Any], result: Any) -> Any:
    import pandas as pd

    names = getattr(result, "names", None)
    if names is not None:
        # Of a struct: a data frame has no null rows, but rows of nulls. They have the function's
        # names, which stock does not look at where none is a string.
        made = next((part.columns for part in parts if not isinstance(part, int)), names)
        frames = [
            pd.DataFrame([[None] * len(made)] * part, columns=made, dtype=object)
            if isinstance(part, int)
            else part.astype(object).where(part.notna(), None)
            for part in parts
        ]
        return pd.concat(frames, ignore_index=True)
    series = [
        pd.Series([None] * part, dtype=object) if isinstance(part, int) else pd.Series(part)
        for part in parts
    ]
    known = [
        one.dtype for one, part in zip(series, parts, strict=True) if not isinstance(part, int)
    ]
    joined = pd.concat([one.astype(object) for one in series], ignore_index=True)
    # Numbers beside nulls stay what they are as objects; all else has a null of its own.
    if known and not any(dtype.kind in "biuOf" for dtype in known):
        return joined.astype(known[0])
    return joined


def _joined_arrow(parts: list[Any]) -> Any:
    import pyarrow as pa

    arrays = [
        part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part for part in parts
    ]
    kind = _common([part.type for part in arrays if not isinstance(part, int)])
    return pa.concat_arrays(
        [pa.nulls(part, kind) if isinstance(part, int) else _cast(part, kind) for part in arrays]
    )


def _common(types: list[Any]) -> Any:
    """The type of all results: pyarrow makes whole numbers of some rows, and floats of others."""
    import pyarrow as pa

    if all(kind == types[0] for kind in types[1:]):
        return types[0] if types else pa.null()
    schemas = [pa.schema([("_0", kind)]) for kind in types]
    return pa.unify_schemas(schemas, promote_options="permissive").field(0).type


def _cast(array: Any, kind: Any) -> Any:
    return array if array.type == kind else array.cast(kind)
