"""`pandas_udf` and `arrow_udf`: Spark's own, with the return type inferred and mistakes named."""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from hydrofoil.decorators.checks import (
    check_is_called,
    check_picklable,
    check_takes_columns,
    check_takes_one,
    is_function,
    positional,
    signature_of,
)
from hydrofoil.decorators.function import SparkFunction
from hydrofoil.decorators.kinds import Kind, kind_of, return_type
from hydrofoil.decorators.local import arguments, as_arrow, returned
from hydrofoil.decorators.paths import explain
from hydrofoil.decorators.spark_types import hints_of, name_of
from hydrofoil.errors import UsageError
from hydrofoil.reports.on_error import carrying
from hydrofoil.reports.policy import OnError, Policy, policy_of
from hydrofoil.values.arrow_types import arrow_type


def pandas_udf(
    f: Any = None,
    returnType: Any = None,
    *,
    on_error: OnError | None = None,
    quarantine: str | None = None,
    max_errors: int | str | None = None,
) -> Any:
    """Make a Spark function of a function of pandas Series (DataFrames for structs).

    Parameters
    ----------
    f : callable
        Its hints say its kind, as for PySpark's ``pandas_udf``: Series to Series, Iterator[Series]
        (or of a tuple of them) to Iterator[Series], Series to one value.
    returnType : DataType, DDL string or type hint, optional
        By default what ``Annotated[pd.Series, float]`` in the return hint says, where any hint, DDL
        or DataType may stand for ``float``; for an aggregate the return hint itself.
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
        If a hint is none of a column, there is no return type, the number of parameters does not
        fit the kind, the function can't be pickled, or the arguments about errors contradict each
        other or the kind.
    """
    policy = policy_of(on_error, quarantine, max_errors)
    if not is_function(f):
        return functools.partial(
            pandas_udf,
            returnType=returnType if f is None else f,
            on_error=on_error,
            quarantine=quarantine,
            max_errors=max_errors,
        )
    import pandas as pd
    from pyspark.sql.pandas.functions import pandas_udf as spark_udf

    plan = Plan(f, returnType, (pd.Series, pd.DataFrame), "a pandas_udf")

    def local(*data: Any) -> Any:
        values, pandas = arguments(data, plan.names, plan.name)
        columns = [
            v if isinstance(v, pd.Series | pd.DataFrame) else _as_pandas(as_arrow(v))
            for v in values
        ]
        result = plan.call(columns)
        if plan.kind.aggregate or pandas:
            return result
        return as_arrow(result, arrow_type(plan.return_type))

    sent = plan.carrying(f, policy)
    return plan.function(lambda: spark_udf(sent, plan.return_type), local)


def arrow_udf(
    f: Any = None,
    returnType: Any = None,
    *,
    on_error: OnError | None = None,
    quarantine: str | None = None,
    max_errors: int | str | None = None,
) -> Any:
    """Make a Spark function of a function of pyarrow Arrays.

    As `pandas_udf`, with ``pa.Array`` in place of Series. Before Spark 4.1, which has no such
    functions, it runs as a function of Series, with the conversions that this takes.
    """
    policy = policy_of(on_error, quarantine, max_errors)
    if not is_function(f):
        return functools.partial(
            arrow_udf,
            returnType=returnType if f is None else f,
            on_error=on_error,
            quarantine=quarantine,
            max_errors=max_errors,
        )
    import pyarrow as pa

    plan = Plan(f, returnType, (pa.Array,), "an arrow_udf")

    def local(*data: Any) -> Any:
        values, pandas = arguments(data, plan.names, plan.name)
        result = plan.call([as_arrow(v) for v in values])
        if plan.kind.aggregate:
            return result.as_py() if isinstance(result, pa.Scalar) else result
        return returned(as_arrow(result, arrow_type(plan.return_type)), pandas)

    sent = plan.carrying(f, policy)
    return plan.function(
        lambda: spark_arrow_udf(sent, plan.return_type, plan.kind, plain=True), local
    )


class Plan:
    """What a decorator found out about a function of whole columns."""

    def __init__(
        self,
        f: Any,
        declared: Any,
        columns: tuple[Any, ...],
        what: str,
        *,
        any_is_column: bool = False,
    ) -> None:
        self.f = f
        self.name = name_of(f)
        check_is_called(f)
        self.signature = signature_of(f)
        self.column = columns[0].__name__
        check_takes_columns(f, self.signature, what)
        self.kind = kind_of(f, self.signature, hints_of(f), columns, any_is_column=any_is_column)
        if self.kind.iterator:
            check_takes_one(f, self.signature, f"Iterator[tuple[{self.column}, ...]]")
        self.return_type = return_type(f, self.signature, declared, self.kind, columns)
        check_picklable(f)

    def carrying(self, function: Any, policy: Policy | None) -> Any:
        """What is sent of a function, with what becomes of its errors.

        Raises
        ------
        UsageError
            It is of a kind that can't go on without a row.
        """
        if policy is not None and (self.kind.iterator or self.kind.aggregate):
            takes = "iterators" if self.kind.iterator else "one value of many rows"
            raise UsageError(
                f"on_error= is for functions that return a row for each row, and {self.name}() "
                f"{'takes' if self.kind.iterator else 'returns'} {takes}",
                hint="leave it out, or write a function of whole columns",
            )
        return carrying(function, policy, "columns", self.return_type)

    @property
    def names(self) -> list[str]:
        """Of the parameters, where each is a column."""
        return [] if self.kind.iterator else [p.name for p in positional(self.signature)]

    def call(self, columns: list[Any]) -> Any:
        """The result for whole columns, which are one batch for a function of iterators."""
        if not self.kind.iterator:
            return self.f(*columns)
        result = self.f(iter([columns[0] if len(columns) == 1 else tuple(columns)]))
        return result if self.kind.aggregate else only(result, self.name)

    def function(
        self, make: Callable[[], Any], local: Callable[..., Any], *notes: str
    ) -> SparkFunction:
        """What the decorator returns."""
        given = f"batches, each a {self.column}" if self.kind.iterator else self.column
        one = "one value for many rows" if self.kind.aggregate else given
        parameters = ", ".join(self.names) or "..."
        return SparkFunction(
            make,
            self.f,
            signature=None if self.kind.iterator else self.signature,
            explain=functools.partial(
                explain,
                f"{self.name}({parameters}) -> {self.return_type.simpleString()}",
                [f"arguments: {given}", f"result: {one}", *notes],
            ),
            local=local,
        )


def only(results: Iterator[Any], name: str) -> Any:
    """The one batch that a function of iterators returned for one batch, or several as one."""
    found = list(results)
    if not found:
        raise UsageError(f"{name}() returned no batch for one of arguments")
    if len(found) == 1:
        return found[0]
    if type(found[0]).__module__.partition(".")[0] == "pandas":
        import pandas as pd

        return pd.concat(found, ignore_index=True)
    import pyarrow as pa

    return pa.concat_arrays([as_arrow(one) for one in found])


def spark_arrow_udf(function: Any, declared: Any, kind: Kind, *, plain: bool = False) -> Any:
    """PySpark's function of Arrow arrays, or one of Series where PySpark has none of arrays.

    Parameters
    ----------
    plain : bool
        ``function`` is the user's own, whose hints tell PySpark its kind.
    """
    try:
        from pyspark.sql.pandas.functions import arrow_udf as spark_udf
    except ImportError:
        return _over_series(function, declared, kind)
    import pyarrow as pa

    if plain:
        return spark_udf(function, declared)
    hint_as(function, kind, pa.Array)
    return spark_udf(function, declared)


def hint_as(call: Any, kind: Kind, column: Any) -> None:
    """Give a callable object the hints by which PySpark tells its kind."""
    # Any hint that is no column stands for a value.
    result: Any = float if kind.aggregate else column
    if kind.iterator:
        argument: Any = Iterator[tuple[column, ...]]
        result = result if kind.aggregate else Iterator[column]
        parameters = [
            inspect.Parameter("batches", inspect.Parameter.POSITIONAL_ONLY, annotation=argument)
        ]
    else:
        parameters = [
            inspect.Parameter("columns", inspect.Parameter.VAR_POSITIONAL, annotation=column)
        ]
    call.__signature__ = inspect.Signature(parameters, return_annotation=result)
    call.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": result}


def _over_series(function: Any, declared: Any, kind: Kind) -> Any:
    import pandas as pd
    from pyspark.sql.pandas.functions import pandas_udf as spark_udf

    if kind.iterator and kind.aggregate:
        raise UsageError(
            f"{name_of(function)}() aggregates an iterator, which this Spark does not have",
            hint="take arrays instead of an iterator, or use Spark 4.2 or newer",
        )
    call = OverSeries(function, arrow_type(declared), kind)
    hint_as(call, kind, pd.Series)
    if kind.iterator:
        # Older PySparks want to see one hint a column or none at all, and call with a Series where
        # there is one column.
        call.__annotations__["batches"] = Iterator[pd.Series]
    return spark_udf(call, declared)  # type: ignore[call-overload]


class OverSeries:
    """A function of Arrow arrays as one of Series."""

    def __init__(self, function: Any, result: Any, kind: Kind) -> None:
        self.function = function
        self.result = result
        self.kind = kind
        # Hydrofoil's worker then calls the function itself: `hydrofoil.evals.arrays_iter`.
        self.over_arrays = getattr(function, "over_arrays", False)
        self.__name__ = name_of(function)
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    def __call__(self, *columns: Any, **named: Any) -> Any:
        import pyarrow as pa

        if self.kind.iterator:
            return map(self._series, self.function(map(_each_as_arrow, columns[0])))
        by_name = {name: as_arrow(column) for name, column in named.items()}
        result = self.function(*map(as_arrow, columns), **by_name)
        if self.kind.aggregate:
            return result.as_py() if isinstance(result, pa.Scalar) else result
        return self._series(result)

    def _series(self, result: Any) -> Any:
        return _as_pandas(as_arrow(result, self.result))


def _each_as_arrow(batch: Any) -> Any:
    return tuple(map(as_arrow, batch)) if isinstance(batch, tuple) else as_arrow(batch)


def _as_pandas(array: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_integer(array.type) and array.null_count:
        import pandas as pd

        # As pandas' nullable integers, because floats lose the last digits of large ones.
        return pd.Series(array.to_pylist(), dtype=f"Int{array.type.bit_width}")
    return returned(array, pandas=True)
