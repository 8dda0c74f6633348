"""What the hints of a function that waits say of its columns and its result."""

import collections.abc
import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from hydrofoil.decorators.checks import positional
from hydrofoil.decorators.kinds import container
from hydrofoil.decorators.spark_types import (
    as_spark_type,
    describe,
    name_of,
    parameter_type,
    plain,
    spark_type,
)
from hydrofoil.decorators.structs import Converter, argument_converter, result_converter
from hydrofoil.errors import UsageError

_ITERATORS = (
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
)


@dataclass
class Shape:
    """Columns in, a column out.

    Attributes
    ----------
    names : list of str
        Of the parameters; empty for functions of batches.
    types : list of DataType or None
        Of the columns, where hints say so.
    result : DataType
    converters, convert_result
        Of each column's values, and of results.
    further : tuple
        The type and the converter of the columns that ``*args`` gets.
    over_batches, of_arrays, several : bool
        It gets batches; these are Arrow's arrays; they have several columns.
    """

    name: str
    names: list[str]
    types: list[Any]
    result: Any
    converters: list[Converter | None] = field(default_factory=list)
    convert_result: Converter | None = None
    further: tuple[Any, Converter | None] = (None, None)
    over_batches: bool = False
    of_arrays: bool = False
    several: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        """The function with its types."""
        if self.over_batches:
            return f"{self.name}(batches) -> {self.result.simpleString()}"
        parameters = ", ".join(
            name if kind is None else f"{name}: {kind.simpleString()}"
            for name, kind in zip(self.names, self.types, strict=True)
        )
        return f"{self.name}({parameters}) -> {self.result.simpleString()}"


def shape_of(
    function: Any,
    signature: inspect.Signature,
    hints: dict[str, Any],
    declared: Any,
    *,
    over_batches: bool,
) -> Shape:
    """What a function's hints say.

    Raises
    ------
    UsageError
        They say too little, or what can't be.
    """
    if over_batches:
        return _of_batches(function, signature, hints, declared)
    name = name_of(function)
    where = f"the result of {name}()"
    if declared is None and "return" not in hints:
        raise UsageError(
            f"{name}() has no return type",
            hint=f'write "async def {name}{signature} -> str:", or @hydrofoil.async_udf("string")',
        )
    names = [p.name for p in positional(signature)]
    result = (
        spark_type(hints["return"], where) if declared is None else as_spark_type(declared, where)
    )

    def read(parameter: str) -> tuple[Any, Converter | None]:
        if parameter not in hints:
            return None, None
        hint = hints[parameter]
        where = f"parameter {parameter!r} of {name}()"
        return parameter_type(hint, where), argument_converter(hint)

    found = [read(parameter) for parameter in names]
    shape = Shape(name, names, [one for one, _ in found], result, [one for _, one in found])
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            shape.further = read(parameter.name)
    if "return" in hints:
        shape.convert_result = result_converter(hints["return"], _struct(result), where)
    return shape


def _struct(result: Any) -> Any:
    return result if hasattr(result, "names") else None


def _of_batches(
    function: Any, signature: inspect.Signature, hints: dict[str, Any], declared: Any
) -> Shape:
    import pyarrow as pa

    name = name_of(function)
    parameters = positional(signature)
    item, returned = _item(hints, parameters), _unwrapped(hints.get("return"))
    if len(parameters) != 1 or item is None:
        raise UsageError(
            f"{name}{signature} is an async generator, and should have one parameter, an async "
            "iterator of batches",
            hint="write batches: AsyncIterator[list[str]], or AsyncIterator[tuple[list[str], "
            "list[int]]] for several columns; or AsyncIterator[pa.Array]",
        )
    several = container(item) is tuple
    columns = [one for one in typing.get_args(plain(item)) if one is not ...] if several else [item]
    kinds = {container(one) for one in columns}
    where = f"the result of {name}()"
    result = None if declared is None else as_spark_type(declared, where)
    if kinds == {pa.Array}:
        if result is None and typing.get_origin(returned) is Annotated:
            result = as_spark_type(typing.get_args(returned)[1], where)
        shape = Shape(name, [], [], result, over_batches=True, of_arrays=True, several=several)
    elif kinds == {list}:
        elements = [(typing.get_args(plain(one)) or (Any,))[0] for one in columns]
        element = (typing.get_args(plain(returned)) or (None,))[0]
        if result is None and element is not None:
            result = spark_type(element, where)
        shape = Shape(
            name,
            [],
            [parameter_type(one, f"a column of {name}()") for one in elements],
            result,
            [argument_converter(one) for one in elements],
            over_batches=True,
            several=several,
        )
        if element is not None:
            shape.convert_result = result_converter(element, _struct(result), where)
    else:
        raise UsageError(
            f"{name}() gets batches of {describe(item)}, which are none",
            hint="write AsyncIterator[list[str]], with lists of values, or AsyncIterator[pa.Array]",
        )
    if result is None:
        raise UsageError(
            f"{name}() has no return type",
            hint='write -> AsyncIterator[list[str]], or @hydrofoil.async_udf("string")',
        )
    shape.notes.append(f"arguments: batches, each {describe(item)}")
    return shape


def _item(hints: Mapping[str, Any], parameters: list[inspect.Parameter]) -> Any:
    return _unwrapped(hints.get(parameters[0].name)) if parameters else None


def _unwrapped(hint: Any) -> Any:
    if hint is None or container(hint) not in _ITERATORS:
        return None
    return (typing.get_args(plain(hint)) or (None,))[0]
