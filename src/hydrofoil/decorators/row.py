"""`udf`: a function that is called once for each row."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, overload

from hydrofoil.compiling.asked import ask
from hydrofoil.decorators.checks import (
    check_is_called,
    check_picklable,
    is_function,
    positional,
    signature_of,
)
from hydrofoil.decorators.function import SparkFunction, is_connect
from hydrofoil.decorators.local import arguments, as_arrow, returned
from hydrofoil.decorators.paths import explain
from hydrofoil.decorators.spark_types import (
    as_spark_type,
    describe,
    hints_of,
    name_of,
    parameter_type,
    plain,
    spark_type,
)
from hydrofoil.decorators.structs import Converter, argument_converter, result_converter
from hydrofoil.decorators.waits import BLOCKING, waiting_function
from hydrofoil.errors import UsageError
from hydrofoil.reports.on_error import carrying
from hydrofoil.reports.policy import OnError, Policy, policy_of
from hydrofoil.spark.row_functions import RowTransport
from hydrofoil.values.arrow_types import arrow_type
from hydrofoil.waiting.options import count_of


@overload
def udf(f: Callable[..., Any]) -> SparkFunction: ...
@overload
def udf(
    f: Callable[..., Any],
    returnType: Any = ...,
    *,
    useArrow: bool | None = ...,
    on_error: OnError | None = ...,
    quarantine: str | None = ...,
    max_errors: int | str | None = ...,
    compile: bool | None = ...,
    concurrency: int | None = ...,
) -> SparkFunction: ...
@overload
def udf(
    f: Any = ...,
    returnType: Any = ...,
    *,
    useArrow: bool | None = ...,
    on_error: OnError | None = ...,
    quarantine: str | None = ...,
    max_errors: int | str | None = ...,
    compile: bool | None = ...,
    concurrency: int | None = ...,
) -> Callable[[Callable[..., Any]], SparkFunction]: ...
def udf(
    f: Any = None,
    returnType: Any = None,
    *,
    useArrow: bool | None = None,
    on_error: OnError | None = None,
    quarantine: str | None = None,
    max_errors: int | str | None = None,
    compile: bool | None = None,
    concurrency: int | None = None,
) -> Any:
    """Make a Spark function of a Python function that is called once for each row.

    Parameters
    ----------
    f : callable
        Its hints may be any that `hydrofoil.decorators.spark_types.spark_type` knows. A struct
        arrives as the dataclass, NamedTuple or TypedDict that a parameter is annotated with, else
        as Row. Null arrives as None.
    returnType : DataType, DDL string or type hint, optional
        By default what the return hint says.
    useArrow : bool, optional
        Whether rows travel as Arrow record batches. By default PySpark decides, as for its own
        ``udf``: by the session's settings when this one is made, or where there is no session yet,
        when it is first used with one.
    on_error : {"raise", "null", "quarantine"}, optional
        What becomes of a row for which it raises: the query fails; the row's result is null; or
        that, and the row goes to a table with error and arguments. By default what
        ``spark.hydrofoil.onError`` says, and without it the query fails.
    quarantine : str, optional
        The folder of that table; by default ``spark.hydrofoil.quarantine.path``.
    max_errors : int or str, optional
        How many rows of a query may fail, as a number or a share such as ``"1%"``, before the query
        fails; by default ``spark.hydrofoil.maxErrors``, and without it 10,000 for "quarantine" and
        any number for "null".
    compile : bool, optional
        Whether the JVM may compute it, row by row, where that gives the very same: whatever the
        session's ``spark.hydrofoil.compile.enabled`` says, which decides by default.
    concurrency : int, optional
        Call it in so many threads at once, because it blocks; results keep the order of rows. Equal
        arguments are asked each time. `hydrofoil.async_udf` has more of this.

    Returns
    -------
    SparkFunction
        Or a decorator that makes one, where ``f`` is not a function.

    Raises
    ------
    UsageError
        If a hint has no Spark type, there is no return type, the function can't be pickled, or
        the arguments about errors contradict each other.
    """
    policy = policy_of(on_error, quarantine, max_errors)
    if not is_function(f):
        return functools.partial(
            udf,
            returnType=returnType if f is None else f,
            useArrow=useArrow,
            on_error=on_error,
            quarantine=quarantine,
            max_errors=max_errors,
            compile=compile,
            concurrency=concurrency,
        )
    if concurrency is not None:
        if useArrow is not None:
            raise UsageError(
                "useArrow= has no meaning with concurrency=: rows travel as Arrow record batches",
                hint="leave useArrow= out",
            )
        count_of(concurrency, "concurrency", 1)
        options = replace(BLOCKING, concurrency=concurrency)
        return waiting_function(f, returnType, options, policy)
    return _make(f, returnType, useArrow, policy, compile)


def _make(
    function: Callable[..., Any],
    declared: Any,
    use_arrow: bool | None,
    policy: Policy | None,
    compiled: bool | None,
) -> SparkFunction:
    from pyspark.sql.functions import udf as spark_udf

    name = name_of(function)
    check_is_called(function)
    if inspect.isgeneratorfunction(function):
        raise UsageError(
            f"{name}() yields, and the result of a row is one value",
            hint="return a list of what it yields, with array<...> as the type",
        )
    signature = signature_of(function)
    hints = hints_of(function)
    result_where = f"the result of {name}()"
    if declared is None and "return" not in hints:
        raise UsageError(
            f"{name}() has no return type",
            hint=f'write "def {name}{signature} -> str:", or @hydrofoil.udf("string")',
        )
    if declared is None:
        return_type = spark_type(hints["return"], result_where)
    else:
        return_type = as_spark_type(declared, result_where)
    types = {
        parameter: parameter_type(hints[parameter], f"parameter {parameter!r} of {name}()")
        for parameter in signature.parameters
        if parameter in hints
    }
    convert = {p: argument_converter(hints[p]) for p in types}
    convert_result = None
    if "return" in hints:
        struct = return_type if hasattr(return_type, "names") else None
        convert_result = result_converter(hints["return"], struct, result_where)
    check_picklable(function)
    sent: Callable[..., Any] = function
    if convert_result is not None or any(convert.values()):
        sent = RowCall(function, signature, convert, convert_result)
    if sent is function:
        ask(function, compiled)

    transport = RowTransport(use_arrow)
    parameters = ", ".join(
        f"{p}: {types[p].simpleString()}" if types.get(p) is not None else p
        for p in signature.parameters
    )
    arrives = [f"{p} arrives as {describe(plain(hints[p]))}" for p, one in convert.items() if one]
    if convert_result is not None:
        arrives.append(f"the result may be {describe(plain(hints['return']))}")
    names = [p.name for p in positional(signature)]

    def local(*data: Any) -> Any:
        values, pandas = arguments(data, names, name)
        columns = [
            _rows(as_arrow(v, _arrow_of(types.get(p), v)))
            for v, p in zip(values, [*names, *[""] * len(values)], strict=False)
        ]
        results = [sent(*row) for row in zip(*columns, strict=True)]
        import pyarrow as pa

        return returned(pa.array(results, arrow_type(return_type)), pandas)

    return SparkFunction(
        lambda: spark_udf(
            carrying(sent, policy, "row", return_type), return_type, useArrow=transport.is_arrow()
        ),
        function,
        signature=signature,
        explain=functools.partial(
            explain, f"{name}({parameters}) -> {return_type.simpleString()}", arrives
        ),
        local=local,
        session_kind=lambda: (is_connect(), transport.is_arrow()),
    )


class RowCall:
    """The user's function with its arguments and result converted; what is sent to workers."""

    def __init__(
        self,
        function: Callable[..., Any],
        signature: inspect.Signature,
        arguments: dict[str, Converter | None],
        result: Converter | None,
    ) -> None:
        self.function = function
        self.positional = [arguments.get(p.name) for p in positional(signature)]
        # Those of *args and of **kwargs.
        self.further: Converter | None = None
        self.others: Converter | None = None
        self.named: dict[str, Converter | None] = {}
        for name, parameter in signature.parameters.items():
            if parameter.kind is parameter.VAR_POSITIONAL:
                self.further = arguments.get(name)
            elif parameter.kind is parameter.VAR_KEYWORD:
                self.others = arguments.get(name)
            else:
                self.named[name] = arguments.get(name)
        self.result = result
        # Where it is written, for what is said of errors.
        self.__wrapped__ = function
        self.__name__ = name_of(function)
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    def __call__(self, *values: Any, **named: Any) -> Any:
        converted = [
            value if convert is None else convert(value)
            for value, convert in zip(values, self.positional, strict=False)
        ]
        further = values[len(converted) :]
        converted.extend(further if self.further is None else map(self.further, further))
        if named:
            for name, value in named.items():
                convert = self.named.get(name, self.others)
                if convert is not None:
                    named[name] = convert(value)
        result = self.function(*converted, **named)
        return result if self.result is None else self.result(result)


def _arrow_of(declared: Any, value: Any) -> Any:
    if declared is not None and declared.typeName() == "map" and isinstance(value, list):
        # Dicts would otherwise be structs.
        return arrow_type(declared)
    # Structs stay what they are: their fields are found by name.
    nested = ("struct", "array", "map")
    if declared is None or declared.typeName() in nested:
        return None
    return arrow_type(declared)


def _rows(array: Any) -> list[Any]:
    """The values as a worker would pass them: structs as Row, timestamps without a zone."""
    import pyarrow as pa

    if pa.types.is_timestamp(array.type) and array.type.tz is not None:
        array = array.cast(pa.timestamp("us", array.type.tz)).cast(pa.timestamp("us"))
    return [_as_row(value, array.type) for value in array.to_pylist()]


def _as_row(value: Any, kind: Any) -> Any:
    import pyarrow as pa
    from pyspark.sql import Row

    if value is None:
        return None
    if pa.types.is_struct(kind):
        names = [kind.field(i).name for i in range(kind.num_fields)]
        row = Row(*[_as_row(value[n], kind.field(i).type) for i, n in enumerate(names)])
        row.__fields__ = names
        return row
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_as_row(one, kind.value_type) for one in value]
    if pa.types.is_map(kind):
        return {_as_row(k, kind.key_type): _as_row(v, kind.item_type) for k, v in value}
    return value
