"""`numpy_udf`: a function of NumPy arrays, one for each column of a batch."""

import functools
import typing
from collections import deque
from collections.abc import Iterator
from typing import Any

from hydrofoil.decorators.checks import is_function, positional
from hydrofoil.decorators.function import SparkFunction
from hydrofoil.decorators.kinds import ITERATORS, container
from hydrofoil.decorators.local import arguments, as_arrow, returned
from hydrofoil.decorators.spark_types import describe, hints_of, name_of, plain
from hydrofoil.decorators.vectorized import Plan, spark_arrow_udf
from hydrofoil.errors import UsageError
from hydrofoil.reports.policy import OnError, Policy, policy_of
from hydrofoil.values.arrays import Argument, Masked, Nulls, Ragged, Result, Strings, validity


def numpy_udf(
    f: Any = None,
    returnType: Any = None,
    *,
    nulls: Nulls = "propagate",
    strings: Strings = "object",
    on_error: OnError | None = None,
    quarantine: str | None = None,
    max_errors: int | str | None = None,
) -> Any:
    """Make a Spark function of a function of NumPy arrays.

    Arguments are read-only views of Spark's Arrow buffers where type and nulls allow: numbers,
    timestamps (``datetime64[us]``: instants in UTC for timestamp, local for timestamp_ntz) and
    intervals. Lists of one length are rows of a two-dimensional array; those of several are
    `Ragged` for a parameter with that hint. Structs are dicts of arrays. Booleans, dates
    (``datetime64[D]``), strings, binary (objects) and decimals (objects) are copies.

    Parameters
    ----------
    f : callable
        Takes an array for each column, or one iterator of them (of tuples, for several columns) and
        returns one. A result is an array with as many rows; a scalar, which is repeated; a
        two-dimensional array or `Ragged` for array<...>; a dict of arrays for a struct; or
        `Masked`.
        It is sent without a copy where its dtype is the declared one.
    returnType : DataType, DDL string or type hint, optional
        By default what ``NDArray[np.float64]`` or ``Annotated[np.ndarray, "double"]`` in the return
        hint says.
    nulls : {"propagate", "mask", "nan", "error"}
        "propagate": values at nulls are arbitrary, and the result is null where any argument is.
        "mask": each argument is a `Masked` pair. "nan": NaN, NaT or None stand for null, integers
        and booleans with nulls are float64, and NaN and NaT in the result become null. "error": a
        null raises ValueError.
    strings : {"object", "stringdtype"}
        Strings as objects, or as NumPy's StringDType (NumPy 2).
    on_error, quarantine, max_errors : optional
        As for `hydrofoil.udf`. A batch that raises is halved, and the function called again for
        each half, until the rows at fault are alone. Not for functions of iterators or aggregates.

    Returns
    -------
    SparkFunction
        Or a decorator that makes one, where ``f`` is not a function.

    Raises
    ------
    UsageError
        As for `pandas_udf`; or if ``nulls`` or ``strings`` is none of the above.
    """
    check_choice("nulls", nulls, Nulls)
    check_choice("strings", strings, Strings)
    policy = policy_of(on_error, quarantine, max_errors)
    if not is_function(f):
        return functools.partial(
            numpy_udf,
            returnType=returnType if f is None else f,
            nulls=nulls,
            strings=strings,
            on_error=on_error,
            quarantine=quarantine,
            max_errors=max_errors,
        )
    import numpy as np

    if strings == "stringdtype" and not hasattr(np.dtypes, "StringDType"):
        raise UsageError(
            f"NumPy {np.__version__} has no StringDType", hint='use strings="object", or NumPy 2'
        )
    plan = Plan(
        f, returnType, (np.ndarray, Ragged, Masked, dict), "a numpy_udf", any_is_column=True
    )
    if plan.kind.aggregate:
        raise UsageError(
            f"{plan.name}() returns {describe(plan.kind.result)}, and a numpy_udf returns an array",
            hint="write NDArray[np.float64]; for aggregates use @hydrofoil.aggregate",
        )
    return over_arrays(plan, f, nulls, strings, policy)


def over_arrays(
    plan: Plan, f: Any, nulls: Nulls, strings: Strings, policy: Policy | None = None
) -> SparkFunction:
    """Spark's function of ``f``, which takes and returns NumPy arrays as ``plan`` says."""
    result = Result(plan.name, plan.return_type, nan_is_null=nulls == "nan")
    named = [Argument(name, nulls, strings, ragged) for name, ragged in _parameters(plan).items()]
    call: Any
    if plan.kind.iterator:
        call = EachBatch(f, named, Argument("...", nulls, strings, False), result)
    else:
        call = Call(f, named, Argument("...", nulls, strings, False), result)

    def local(*data: Any) -> Any:
        import pyarrow as pa

        values, pandas = arguments(data, plan.names, plan.name)
        columns = [as_arrow(value) for value in values]
        if not plan.kind.iterator:
            return returned(call(*columns), pandas)
        batch = columns[0] if len(columns) == 1 else tuple(columns)
        return returned(pa.concat_arrays(list(call(iter([batch])))), pandas)

    sent = plan.carrying(call, policy)
    return plan.function(
        lambda: spark_arrow_udf(sent, plan.return_type, plan.kind), local, f"nulls: {nulls}"
    )


def check_choice(name: str, value: Any, choices: Any) -> None:
    """Raise `UsageError` if an argument is none of the choices of a Literal."""
    allowed = typing.get_args(choices)
    if value not in allowed:
        raise UsageError(f"{name}={value!r} is none of {', '.join(map(repr, allowed))}")


def _parameters(plan: Plan) -> dict[str, bool]:
    """By parameter, or column of an iterator: whether it is `Ragged`."""
    hints = hints_of(plan.f)
    if not plan.kind.iterator:
        return {p.name: container(hints.get(p.name)) is Ragged for p in positional(plan.signature)}
    hint = plain(next((h for n, h in hints.items() if n != "return"), None))
    items: tuple[Any, ...] = ()
    if container(hint) in ITERATORS:
        items = typing.get_args(hint)
        if items and container(items[0]) is tuple:
            items = tuple(one for one in typing.get_args(plain(items[0])) if one is not Ellipsis)
    return {f"column {i}": container(one) is Ragged for i, one in enumerate(items)}


class Call:
    """The user's function as one of Arrow arrays; what is sent to workers."""

    def __init__(
        self, function: Any, named: list[Argument], further: Argument, result: Result
    ) -> None:
        self.function = function
        self.named = named
        self.further = further
        self.result = result
        self.propagate = further.nulls == "propagate"
        # Hydrofoil's worker then passes arrays made of the frames, where there are no nulls.
        self.takes_numpy = further.nulls != "mask"
        # Where it is written, for what is said of errors.
        self.__wrapped__ = function
        self.__name__ = name_of(function)
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    def arguments(self, arrays: Any) -> list[Any]:
        """The arrays as the user's function gets them."""
        values = [make(array) for make, array in zip(self.named, arrays, strict=False)]
        if len(values) < len(arrays):
            values.extend(map(self.further, arrays[len(values) :]))
        return values

    def __call__(self, *arrays: Any, **keywords: Any) -> Any:
        every = (*arrays, *keywords.values()) if keywords else arrays
        rows = len(every[0])
        valid = validity(every) if self.propagate else None
        if keywords:
            by_name = {make.name: make for make in self.named}
            found = {k: by_name.get(k, self.further)(a) for k, a in keywords.items()}
            return self.result(self.function(*self.arguments(arrays), **found), rows, valid)
        return self.result(self.function(*self.arguments(arrays)), rows, valid)


class EachBatch(Call):
    """The same for functions of iterators, which return a batch for each batch."""

    def __call__(self, batches: Any) -> Iterator[Any]:
        seen: deque[tuple[int, Any]] = deque()

        def values() -> Iterator[Any]:
            for batch in batches:
                arrays = batch if isinstance(batch, tuple) else (batch,)
                seen.append((len(arrays[0]), validity(arrays) if self.propagate else None))
                found = self.arguments(arrays)
                yield found[0] if len(found) == 1 else tuple(found)

        for result in self.function(values()):
            if not seen:
                raise ValueError(f"{self.__name__}() returned more batches than it was given")
            yield self.result(result, *seen.popleft())
        if seen:
            raise ValueError(f"{self.__name__}() returned fewer batches than it was given")
