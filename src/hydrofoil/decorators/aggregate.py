"""`aggregate` and `group_by`: grouped aggregates of NumPy arrays, in part before the shuffle."""

import functools
import inspect
from typing import Any, Literal

from pyspark.sql.pandas import functions

from hydrofoil.decorators.checks import (
    check_call,
    check_picklable,
    is_hint,
    positional,
    signature_of,
)
from hydrofoil.decorators.function import SparkFunction
from hydrofoil.decorators.groups import Call, Final, Groups, Partial, Results
from hydrofoil.decorators.kinds import Kind, container
from hydrofoil.decorators.local import arguments, as_arrow
from hydrofoil.decorators.numpy import check_choice
from hydrofoil.decorators.paths import path
from hydrofoil.decorators.spark_types import as_spark_type, hints_of, spark_type
from hydrofoil.decorators.structs import result_converter
from hydrofoil.decorators.vectorized import spark_arrow_udf
from hydrofoil.errors import UsageError
from hydrofoil.evals.eval_types import EvalType
from hydrofoil.values.arrays import Argument, Ragged
from hydrofoil.values.arrow_types import arrow_type

AggregateNulls = Literal["skip", "mask", "nan", "error"]

# Method -> its parameters, for messages; of `update` at least these.
_METHODS = {
    "init": (),
    "update": ("state", "x"),
    "merge": ("state", "other"),
    "finish": ("state",),
}


def aggregate(cls: Any = None, returnType: Any = None, *, nulls: AggregateNulls = "skip") -> Any:
    """Make a Spark aggregate of a class of NumPy arrays.

    `group_by` runs it with partial aggregation: each task makes one state a key, and only these are
    shuffled. Called with columns it is an aggregate function as `arrow_udf` makes them, for
    ``DataFrame.groupBy``, windows and SQL, where Spark collects each group first.

    Parameters
    ----------
    cls : class or object
        A class that needs no arguments, or an object, such as ``Largest(5)``, with the methods

        ``init()``
            The state of no rows: anything that can be pickled.
        ``update(state, x, ...)``
            The state with further rows, an array for each column as in `numpy_udf`: a new object,
            or the one that it was given.
        ``merge(state, other)``
            The state of the rows of both; it may change the first.
        ``finish(state)``
            The result: a value, None, an array for array<...>, or for a struct a dict, tuple,
            dataclass or NamedTuple.
    returnType : DataType, DDL string or type hint, optional
        By default what the return hint of ``finish`` says.
    nulls : {"skip", "mask", "nan", "error"}
        "skip": rows with a null argument are left out. The others are those of `numpy_udf`.

    Returns
    -------
    Aggregate
        Or a decorator that makes one, where ``cls`` has none of the methods.

    Raises
    ------
    UsageError
        If a method is missing or has other parameters, there is no return type, or the object can't
        be pickled.
    """
    check_choice("nulls", nulls, AggregateNulls)
    if cls is None or is_hint(cls) or not any(hasattr(cls, method) for method in _METHODS):
        return functools.partial(
            aggregate, returnType=returnType if cls is None else cls, nulls=nulls
        )
    user = cls
    if isinstance(cls, type):
        try:
            user = cls()
        except TypeError as error:
            raise UsageError(
                f"{cls.__name__} can't be made without arguments: {error}",
                hint=f"give an object: hydrofoil.aggregate({cls.__name__}(...))",
            ) from None
    return Aggregate(user, returnType, nulls)


class Aggregate(SparkFunction):
    """An aggregate for Spark's columns. See `aggregate`."""

    def __init__(self, user: Any, declared: Any, nulls: AggregateNulls) -> None:
        self.user = user
        self.name = type(user).__name__
        self.nulls = nulls
        signatures = {method: self._method(method) for method in _METHODS}
        self.columns = self._of_columns(signatures["update"])
        self.result_type, convert = self._result(declared)
        check_picklable(user)
        self.results = Results(self.name, arrow_type(self.result_type), convert)
        whole = Whole(self.call, list(self.columns.parameters), type(user))
        super().__init__(
            lambda: self._collecting(whole),
            whole,
            signature=self.columns,
            explain=lambda _: self.explain(),
            local=self._run_locally,
            at_once=False,
        )

    @property
    def call(self) -> Call:
        """The aggregate as it is sent to workers."""
        hints = hints_of(self.user.update)
        # A skipped row's values are never looked at.
        nulls: Any = "error" if self.nulls == "skip" else self.nulls
        made = [
            Argument(name, nulls, "object", container(hints.get(name)) is Ragged)
            for name in self.columns.parameters
        ]
        return Call(self.user, self.name, made, self.nulls == "skip", self.results)

    def _collecting(self, whole: "Whole") -> Any:
        """PySpark's aggregate function, which is given whole groups."""
        if hasattr(self.result_type, "names") and not hasattr(functions, "arrow_udf"):
            raise UsageError(
                f"{self.name} returns a struct, and aggregates of this Spark can't",
                hint=f"use hydrofoil.group_by(data, key).agg(name=({self.name}, column))",
            )
        kind = Kind(iterator=False, aggregate=True)
        return spark_arrow_udf(whole, self.result_type, kind)

    def explain(self) -> str:
        """Its types, and how Spark calls it by `group_by` and elsewhere, as text."""
        parameters = ", ".join(self.columns.parameters)
        arrow = hasattr(functions, "arrow_udf")
        return "\n".join(
            [
                f"{self.name}({parameters}) -> {self.result_type.simpleString()}",
                "arguments: arrays of many rows of one group",
                "result: one value a group",
                f"nulls: {self.nulls}",
                "by hydrofoil.group_by: SQL_MAP_ARROW_ITER_UDF on both sides of a shuffle of one "
                "state a key and task",
                f"elsewhere: SQL_GROUPED_AGG_{'ARROW' if arrow else 'PANDAS'}_UDF, after a shuffle "
                "of all rows",
                *path(EvalType.SQL_MAP_ARROW_ITER_UDF),
            ]
        )

    def _method(self, method: str) -> inspect.Signature:
        found = getattr(self.user, method, None)
        expected = f"def {method}({', '.join(('self', *_METHODS[method]))})"
        if not callable(found):
            raise UsageError(f"{self.name} has no method {method}()", hint=f"write {expected}: ...")
        signature = signature_of(found)
        given = _METHODS[method]
        if method == "update":
            # As many columns as it has parameters for.
            given = max(given, tuple(p.name for p in positional(signature)), key=len)
        try:
            signature.bind(*given)
        except TypeError as error:
            columns = ", with a parameter for each column" if method == "update" else ""
            raise UsageError(
                f"{method}{signature} of {self.name} can't be called: {error}",
                hint=f"write {expected}{columns}",
            ) from None
        return signature

    def _of_columns(self, update: inspect.Signature) -> inspect.Signature:
        """The signature of ``update`` without the state."""
        parameters = list(update.parameters.values())
        if parameters[0].kind is not parameters[0].VAR_POSITIONAL:
            parameters = parameters[1:]
        return update.replace(parameters=parameters, return_annotation=inspect.Signature.empty)

    def _result(self, declared: Any) -> tuple[Any, Any]:
        where = f"the result of {self.name}.finish()"
        hint = hints_of(self.user.finish).get("return")
        if declared is None and hint is None:
            raise UsageError(
                f"{self.name} has no return type",
                hint='write "def finish(self, state) -> float", or '
                '@hydrofoil.aggregate(returnType="double")',
            )
        kind = spark_type(hint, where) if declared is None else as_spark_type(declared, where)
        if hint is None:
            return kind, None
        struct = kind if hasattr(kind, "names") else None
        return kind, result_converter(hint, struct, where)

    def _run_locally(self, *data: Any) -> Any:
        names = [p.name for p in positional(self.columns)]
        values, _ = arguments(data, names, self.name)
        return self._function(*map(as_arrow, values)).as_py()


class Whole:
    """An aggregate as a function of a group's whole columns; sent to workers."""

    def __init__(self, call: Call, names: list[str], user: type) -> None:
        self.call = call
        self.names = names
        self.__name__ = user.__name__
        self.__doc__ = user.__doc__
        self.__module__ = user.__module__

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        columns = [*arrays, *(named[name] for name in self.names if name in named)]
        groups = Groups(0, [self.call.over(list(range(len(columns))))])
        groups.add([], columns)
        [(_, [result])] = groups.finished()
        return result[0]


class GroupBy:
    """The rows of a data frame by key. See `group_by`."""

    def __init__(self, data: Any, keys: tuple[Any, ...]) -> None:
        self.data = data
        self.keys = keys
        self.fields = list(data.select(*keys).schema.fields) if keys else []
        for field in self.fields:
            _check_key(field)

    def agg(self, **results: Any) -> Any:
        """A data frame with the keys and the results, a row for each group.

        Parameters
        ----------
        results : tuple
            By name of the result's column: an aggregate, and the columns or names of columns that
            it gets: ``spread=(variance, "x")``.

        Returns
        -------
        DataFrame
            Without keys it has one row, also where there are no rows.

        Raises
        ------
        UsageError
            If something else is given, a name is a key's too, or the number of columns does not fit
            the aggregate's ``update``.
        """
        from pyspark.sql.types import BinaryType, StructField, StructType

        if not results:
            raise UsageError("agg() got no aggregate", hint='write agg(spread=(variance, "x"))')
        columns: list[Any] = []
        calls, made = [], []
        for name, given in results.items():
            found, wanted = self._read(name, given)
            places = [_place(column, columns) for column in wanted]
            calls.append(found.call.over(places))
            made.append(found.result_type)
        keys, count = [field.dataType for field in self.fields], len(self.fields)

        def schema(types: list[Any]) -> StructType:
            return StructType([StructField(f"_{i}", one) for i, one in enumerate(types)])

        selected = self.data.select(*self.keys, *columns)
        # A column may be there twice, and Arrow's fields have names of their own.
        numbered = selected.toDF(*(f"_{i}" for i in range(count + len(columns))))
        states = numbered.mapInArrow(
            Partial(count, calls), schema([*keys, *(BinaryType() for _ in calls)])
        )
        shuffled = states.repartition(*(f"_{i}" for i in range(count)) if count else (1,))
        return shuffled.mapInArrow(Final(count, calls), schema([*keys, *made])).toDF(
            *(field.name for field in self.fields), *results
        )

    def _read(self, name: str, given: Any) -> tuple[Aggregate, tuple[Any, ...]]:
        if not isinstance(given, tuple) or not given or not isinstance(given[0], Aggregate):
            raise UsageError(
                f"agg() got {name}={given!r}, which is no aggregate with its columns",
                hint=f'write {name}=(variance, "x"), where variance is made by hydrofoil.aggregate',
            )
        if name in {field.name for field in self.fields}:
            raise UsageError(
                f"agg() got a result called {name!r}, which is a key", hint="call it otherwise"
            )
        found, *columns = given
        check_call(found, found.columns, columns, {})
        return found, tuple(columns)


def group_by(data: Any, *keys: Any) -> GroupBy:
    """Group a data frame's rows for aggregates made by `aggregate`, with partial aggregation.

    Each task makes one state a key of its rows (more only beyond half a million keys), the states
    are shuffled by key, merged and finished. Null, NaN and zero keys group as Spark groups them.

    Parameters
    ----------
    data : DataFrame
    keys : str or Column
        None of them makes one group of all rows.

    Raises
    ------
    UsageError
        If a key is nested or a string with a collation.
    """
    if not hasattr(data, "mapInArrow"):
        raise UsageError(
            f"group_by() got {data!r} and needs a DataFrame",
            hint='write hydrofoil.group_by(data, "key")',
        )
    return GroupBy(data, keys)


def _check_key(field: Any) -> None:
    kind = field.dataType
    text = kind.simpleString()
    if text.partition("<")[0] in ("struct", "array", "map") or "collate" in text:
        raise UsageError(
            f"the key {field.name!r} is {text}, by which group_by() can't group",
            hint="group by its parts, or by lower() of a string",
        )
    try:
        arrow_type(kind)
    except UsageError:
        raise UsageError(
            f"the key {field.name!r} is {text}, which has no Arrow type here",
            hint="cast it to a number or a string",
        ) from None


def _place(column: Any, columns: list[Any]) -> int:
    """Where a column stands among those that are selected, of which it becomes one."""
    for i, one in enumerate(columns):
        # Columns compare to columns.
        if one is column or (isinstance(one, str) and isinstance(column, str) and one == column):
            return i
    columns.append(column)
    return len(columns) - 1
