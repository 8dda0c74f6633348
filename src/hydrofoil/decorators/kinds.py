"""Kinds of vectorized functions, read from their hints as Spark reads them."""

import collections.abc
import inspect
import typing
from dataclasses import dataclass
from typing import Annotated, Any

from hydrofoil.decorators.spark_types import as_spark_type, describe, name_of, plain, spark_type
from hydrofoil.errors import UsageError

ITERATORS = (
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
)


@dataclass(frozen=True)
class Kind:
    """What a function is given and returns.

    Attributes
    ----------
    iterator : bool
        It takes an iterator of batches.
    aggregate : bool
        It returns one value for all rows.
    result : type hint
        Of the result, of one batch where there are several; None if there is none.
    """

    iterator: bool
    aggregate: bool
    result: Any = None


def container(hint: Any) -> Any:
    """The class that a hint is about: ``np.ndarray`` for ``NDArray[np.float64]``."""
    hint = plain(hint)
    while typing.get_origin(hint) is Annotated:
        hint = plain(typing.get_args(hint)[0])
    return typing.get_origin(hint) or hint


def kind_of(
    function: Any,
    signature: inspect.Signature,
    hints: dict[str, Any],
    columns: tuple[Any, ...],
    *,
    any_is_column: bool = False,
) -> Kind:
    """The kind of a function of whole columns.

    Parameters
    ----------
    columns : tuple of type
        The classes of columns: ``(pd.Series, pd.DataFrame)``, ``(pa.Array,)`` or ``(np.ndarray,)``.
    any_is_column : bool
        ``Any`` may stand for a column. PySpark, which reads the hints of pandas and Arrow functions
        itself, does not take it for one.

    Raises
    ------
    UsageError
        If some parameters have hints and others none, or a hint is about something else.
    """
    if any_is_column:
        columns = (*columns, Any)
    if not any(parameter in hints for parameter in signature.parameters):
        returned = hints.get("return")
        over = returned is not None and container(returned) in ITERATORS
        scalar = returned is None or container(returned) in columns
        return Kind(over, not over and not scalar, _unwrapped(returned))
    wanted = columns[0].__name__
    iterator = False
    for name, parameter in signature.parameters.items():
        where = f"parameter {name!r} of {name_of(function)}()"
        if name not in hints:
            raise UsageError(
                f"{where} has no type hint, and others have one",
                hint=f'write "{parameter.name}: {wanted}"',
            )
        hint = hints[name]
        if container(hint) in ITERATORS:
            iterator = True
            [item] = typing.get_args(plain(hint))[:1] or [Any]
            items = typing.get_args(plain(item)) if container(item) is tuple else (item,)
            found = [one for one in items if one is not Ellipsis]
        else:
            found = [hint]
        for one in found:
            _check_column(one, columns, where)
    returned = hints.get("return")
    aggregate = (
        returned is not None
        and container(returned) not in columns
        and container(returned) not in ITERATORS
    )
    if returned is not None and not aggregate and iterator != (container(returned) in ITERATORS):
        raise UsageError(
            f"the result of {name_of(function)}() is {describe(returned)}, and its argument "
            f"{'an iterator' if iterator else 'no iterator'}",
            hint=f"write Iterator[{wanted}] for both, or {wanted} for both",
        )
    return Kind(iterator, aggregate, _unwrapped(returned))


def _check_column(hint: Any, columns: tuple[Any, ...], where: str) -> None:
    hint = plain(hint)
    alternatives = typing.get_args(hint) if _is_union(hint) else (hint,)
    for one in alternatives:
        if container(one) not in columns:
            names = " or ".join(column.__name__ for column in columns if column is not Any)
            raise UsageError(
                f"{where}: the type hint {describe(hint)} is no column",
                hint=f"write {names}, or Iterator[{columns[0].__name__}]; for one value at a time "
                "use @hydrofoil.udf",
            )


def _is_union(hint: Any) -> bool:
    import types

    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _unwrapped(returned: Any) -> Any:
    if returned is not None and container(returned) in ITERATORS:
        return (typing.get_args(plain(returned)) or (None,))[0]
    return returned


def return_type(
    function: Any, signature: inspect.Signature, declared: Any, kind: Kind, columns: tuple[Any, ...]
) -> Any:
    """The Spark type of the values that a function returns.

    It is what the user declared; or ``Annotated[pd.Series, float]``, with any hint, DDL or DataType
    in it; or what the dtype of ``NDArray[np.float64]`` is; or the hint of an aggregate's value.

    Raises
    ------
    UsageError
        If nothing says it.
    """
    name = name_of(function)
    where = f"the result of {name}()"
    if declared is not None:
        return as_spark_type(declared, where)
    hint = None if kind.result is Any else plain(kind.result)
    if kind.aggregate and kind.result is not None:
        return spark_type(hint, where)
    if typing.get_origin(hint) is Annotated:
        extras = typing.get_args(hint)[1:]
        if extras:
            return as_spark_type(extras[0], where)
    if typing.get_origin(hint) is not None and container(hint).__name__ == "ndarray":
        dtypes = [typing.get_args(a) for a in typing.get_args(hint)][-1]
        if dtypes and isinstance(dtypes[0], type):
            return spark_type(dtypes[0], where)
    column = columns[0].__name__ if hint is None else describe(container(hint))
    raise UsageError(
        f"{name}() has no return type: {'no hint' if hint is None else describe(hint)} does not "
        "say what values the column has",
        hint=f'write "-> Annotated[{column}, float]" (or "double"), or give returnType="double"',
    )
