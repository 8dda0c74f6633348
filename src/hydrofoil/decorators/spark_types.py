"""Type hints to Spark types.

Everything is nullable, as in DDL: a hint that excludes None is a promise to the type checker and
not a constraint of the schema.
"""

import dataclasses
import datetime
import decimal
import functools
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NewType, Union

from hydrofoil.decorators.ddl import parse_ddl
from hydrofoil.errors import UsageError
from hydrofoil.values.dtypes import DDL_OF_DTYPE

# Python type -> DDL.
SCALARS: dict[Any, str] = {
    bool: "boolean",
    int: "bigint",
    float: "double",
    str: "string",
    bytes: "binary",
    bytearray: "binary",
    datetime.date: "date",
    datetime.datetime: "timestamp",
    datetime.timedelta: "interval day to second",
    decimal.Decimal: "decimal(38, 18)",
    type(None): "void",
}

# What functools.cache and lru_cache return: they call the function as it is called.
_CACHED = type(functools.cache(lambda: None))

# Hints of parameters that say nothing about a Spark type, and need not.
_ANYTHING: tuple[Any, ...] = (Any, object, list, dict, tuple)

# NumPy scalar type, by name -> DDL. By name, because plain functions do without NumPy.
NUMPY = {
    **DDL_OF_DTYPE,
    "bool_": "boolean",
    "str_": "string",
    "bytes_": "binary",
}

# Types that would be a guess -> what to write instead.
_INSTEAD: dict[Any, str] = {
    list: "list[int], with the type of its elements",
    dict: "dict[str, int], with the types of its keys and values",
    tuple: "a NamedTuple for a struct, or list[int] for an array",
    set: "list[int], and return a list",
    frozenset: "list[int], and return a list",
    complex: "a dataclass with two floats",
    datetime.time: "datetime.datetime or datetime.timedelta",
    object: "the type of the values, or returnType=",
    Any: "the type of the values, or returnType=",
}


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The evaluated type hints of a function or callable object, with what `Annotated` adds.

    Raises
    ------
    UsageError
        If a hint names what is not defined where the function is.
    """
    plain: Any = function
    while True:
        if isinstance(plain, functools.partial) or _is_of_spark(plain):
            plain = plain.func
        elif isinstance(plain, _CACHED):
            plain = plain.__wrapped__
        else:
            break
    if not isinstance(plain, types.FunctionType | types.MethodType | type):
        plain = type(plain).__call__
    try:
        return typing.get_type_hints(plain, include_extras=True)
    except NameError as error:
        raise UsageError(
            f"a type hint of {name_of(function)}() can't be evaluated: {error}",
            hint="define or import that name at the top of the module, before the function",
        ) from None
    except (AttributeError, SyntaxError, TypeError) as error:
        raise UsageError(
            f"a type hint of {name_of(function)}() can't be evaluated: {error}",
            hint="write a type there, or no hint",
        ) from None


def _is_of_spark(function: Any) -> bool:
    """Whether it is what a decorator has returned, PySpark's or one of these."""
    made = hasattr(function, "func") and hasattr(function, "returnType")
    return made and not isinstance(function, types.FunctionType)


def name_of(function: Any) -> str:
    """What to call a function in messages."""
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


def plain(hint: Any) -> Any:
    """A hint without what says nothing about its Spark type: None as an alternative, NewType.

    `Annotated` stays.
    """
    while True:
        if isinstance(hint, NewType):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        elif type(typing.get_origin(hint)).__name__ == "TypeAliasType":
            # With arguments, as NDArray[...] is from NumPy 2.5 on.
            hint = typing.get_origin(hint).__value__[typing.get_args(hint)]
        elif typing.get_origin(hint) in (Union, types.UnionType):
            left = [one for one in typing.get_args(hint) if one is not type(None)]
            if len(left) != 1:
                return hint
            hint = left[0]
        else:
            return hint


def struct_fields(hint: Any) -> dict[str, Any] | None:
    """The fields of a dataclass, NamedTuple or TypedDict with their hints; None for other types."""
    if not isinstance(hint, type) and not is_typed_dict(hint):
        return None
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint, include_extras=True)
        return {field.name: hints[field.name] for field in dataclasses.fields(hint) if field.init}
    if is_typed_dict(hint):
        hints = typing.get_type_hints(hint, include_extras=True)
        return {name: _without_qualifiers(one) for name, one in hints.items()}
    if issubclass(hint, tuple) and hasattr(hint, "_fields"):
        hints = typing.get_type_hints(hint, include_extras=True)
        return {name: hints.get(name, Any) for name in hint._fields}
    return None


def is_typed_dict(hint: Any) -> bool:
    """Whether it is a TypedDict, of `typing` or of `typing_extensions`."""
    return typing.is_typeddict(hint) or (
        isinstance(hint, type) and issubclass(hint, dict) and hasattr(hint, "__required_keys__")
    )


def _without_qualifiers(hint: Any) -> Any:
    # By name: `typing` has them from Python 3.11 and 3.13 on, `typing_extensions` its own.
    qualifiers = ("Required", "NotRequired", "ReadOnly")
    while getattr(typing.get_origin(hint), "_name", None) in qualifiers:
        (hint,) = typing.get_args(hint)
    return hint


def as_spark_type(given: Any, where: str) -> Any:
    """The Spark type of what a user gave for one: a DataType, its class, DDL, or a type hint."""
    from pyspark.sql.types import DataType

    if isinstance(given, DataType):
        return given
    if isinstance(given, str):
        try:
            return parse_ddl(given)
        except UsageError as error:
            raise UsageError(f"{where}: {error.message}", error.hint) from None
    if isinstance(given, type) and issubclass(given, DataType):
        return given()
    return spark_type(given, where)


def spark_type(hint: Any, where: str, _inside: tuple[Any, ...] = ()) -> Any:
    """The Spark type of a type hint.

    Parameters
    ----------
    hint : type hint
        See `SCALARS`; lists, dicts, dataclasses, NamedTuples and TypedDicts of those; any of them
        with ``| None``; or ``Annotated[anything, DDL or DataType]`` for exactly that Spark type.
    where : str
        What the hint belongs to, for messages: "parameter 'x' of f()".

    Returns
    -------
    pyspark.sql.types.DataType

    Raises
    ------
    UsageError
        If the hint has no Spark type; the hint of the error says what to write instead.
    """
    from pyspark.sql.types import ArrayType, DataType, MapType, StructField, StructType

    hint = plain(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        for extra in arguments[1:]:
            if isinstance(extra, str | DataType) or (
                isinstance(extra, type) and issubclass(extra, DataType)
            ):
                return as_spark_type(extra, where)
        return spark_type(arguments[0], where, _inside)
    if hint is None:
        hint = type(None)
    if isinstance(hint, type) and hint in SCALARS:
        return parse_ddl(SCALARS[hint])
    if isinstance(hint, type) and hint.__module__ == "numpy" and hint.__name__ in NUMPY:
        return parse_ddl(NUMPY[hint.__name__])
    if origin in (list, Sequence) and arguments:
        return ArrayType(spark_type(arguments[0], f"{where}, its elements", _inside))
    if origin in (dict, Mapping) and arguments:
        return MapType(
            spark_type(arguments[0], f"{where}, its keys", _inside),
            spark_type(arguments[1], f"{where}, its values", _inside),
        )
    fields = struct_fields(hint)
    if fields is not None:
        if hint in _inside:
            raise UsageError(
                f"{where}: {describe(hint)} contains itself, and Spark's structs can't",
                hint="give the inner one as a string or as a list of keys",
            )
        return StructType(
            [
                StructField(name, spark_type(one, f"{where}, field {name!r}", (*_inside, hint)))
                for name, one in fields.items()
            ]
        )
    raise UsageError(
        f"{where}: the type hint {describe(hint)} has no Spark type", hint=_instead(hint, origin)
    )


def parameter_type(hint: Any, where: str) -> Any:
    """The Spark type of a parameter's hint, or None if the hint leaves it open."""
    stripped = plain(hint)
    if stripped in _ANYTHING or getattr(stripped, "__module__", "").startswith("pyspark."):
        return None
    return spark_type(hint, where)


def describe(hint: Any) -> str:
    """A hint as a user would write it."""
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def _instead(hint: Any, origin: Any) -> str:
    for known in (hint, origin):
        try:
            if known in _INSTEAD:
                return f"write {_INSTEAD[known]}"
        except TypeError:
            continue
    if origin in (Union, types.UnionType):
        return "write one type, or one type | None"
    name = describe(hint).rpartition(".")[2]
    if getattr(hint, "__module__", "").partition(".")[0] in ("pandas", "pyarrow", "numpy"):
        return (
            f"for whole columns use @hydrofoil.pandas_udf, arrow_udf or numpy_udf, and name the "
            f'Spark type: Annotated[{name}, "double"]'
        )
    return f'name the Spark type: Annotated[{name}, "string"], or make {name} a dataclass'
