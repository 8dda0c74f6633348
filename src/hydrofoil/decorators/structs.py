"""Structs as the user's classes: Row to dataclass for arguments, dataclass to tuple for results.

Converters are made once, on the driver, and travel with the function. None in place of a converter
means that the value already is what it should be.
"""

import dataclasses
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from hydrofoil.decorators.spark_types import describe, is_typed_dict, plain, struct_fields
from hydrofoil.errors import UsageError

Converter = Callable[[Any], Any]


def argument_converter(hint: Any) -> Converter | None:
    """What makes an argument of the hinted type of what Spark passes."""
    hint = _stripped(hint)
    fields = struct_fields(hint)
    if fields is not None:
        return FromRow(hint, {name: argument_converter(one) for name, one in fields.items()})
    return _nested(hint, argument_converter)


def result_converter(hint: Any, spark_type: Any, where: str) -> Converter | None:
    """What makes a result that Spark takes of an object of the hinted type.

    Raises
    ------
    UsageError
        If a struct's declared fields are not all in the class.
    """
    hint = _stripped(hint)
    fields = struct_fields(hint)
    if fields is None:
        return _nested(hint, lambda one: result_converter(one, None, where))
    names = list(fields) if spark_type is None else list(getattr(spark_type, "names", ()))
    missing = [name for name in names if name not in fields]
    if missing or not names:
        raise UsageError(
            f"{where}: {describe(hint)} has the fields {list(fields)}, and not {missing or 'those'}"
            f" of {spark_type.simpleString()}",
            hint="leave the return type out, so that it follows from the class",
        )
    types = {} if spark_type is None else {f.name: f.dataType for f in spark_type.fields}
    inner = [_field_converter(fields[name], types.get(name), where) for name in names]
    if isinstance(hint, type) and issubclass(hint, tuple) and names == list(fields):
        return None if not any(inner) else ToTuple(names, inner, by_key=False)
    if is_typed_dict(hint):
        return None if not any(inner) else ToTuple(names, inner, by_key=True)
    return ToTuple(names, inner, by_key=False)


def _field_converter(hint: Any, spark_type: Any, where: str) -> Converter | None:
    declared = spark_type if hasattr(spark_type, "names") else None
    return result_converter(hint, declared, where)


def _stripped(hint: Any) -> Any:
    hint = plain(hint)
    while typing.get_origin(hint) is Annotated:
        hint = plain(typing.get_args(hint)[0])
    return hint


def _nested(hint: Any, make: Callable[[Any], Converter | None]) -> Converter | None:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (list, Sequence) and arguments:
        element = make(arguments[0])
        return None if element is None else EachElement(element)
    if origin in (dict, Mapping) and arguments:
        key, value = make(arguments[0]), make(arguments[1])
        return None if key is None and value is None else EachItem(key, value)
    return None


class FromRow:
    """Row to an object of a class with the same field names; other fields are left out.

    Raises
    ------
    UsageError
        When called, if the struct lacks a field that the class needs.
    """

    def __init__(self, cls: Any, converters: Mapping[str, Converter | None]) -> None:
        self.cls = cls
        self.names = tuple(converters)
        self.converters = tuple(converters.values())
        self.by_name = is_typed_dict(cls)
        # Some of a dataclass's fields may be given by name alone, and all of them may be.
        self.by_keyword = dataclasses.is_dataclass(cls) and any(
            field.kw_only for field in dataclasses.fields(cls)
        )
        self.as_it_is = not (any(self.converters) or self.by_name or self.by_keyword)
        self._seen: Any = None
        self._take: tuple[int, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_seen": None, "_take": ()}

    def __call__(self, row: Any) -> Any:
        if row is None:
            return None
        fields = row.__fields__
        if fields is not self._seen:
            if fields != self._seen:
                self._prepare(fields)
            self._seen = fields
        if self._take:
            values = [row[i] for i in self._take]
        elif self.as_it_is:
            return self.cls(*row)
        else:
            values = list(row)
        for i, convert in enumerate(self.converters):
            if convert is not None:
                values[i] = convert(values[i])
        if self.by_name:
            return dict(zip(self.names, values, strict=True))
        if self.by_keyword:
            return self.cls(**dict(zip(self.names, values, strict=True)))
        return self.cls(*values)

    def _prepare(self, fields: Any) -> None:
        missing = [name for name in self.names if name not in fields]
        if missing:
            raise UsageError(
                f"a struct with the fields {list(fields)} can't become {self.cls.__name__}: "
                f"it lacks {missing}",
                hint="select a struct with those fields, or take them out of the class",
            )
        same = tuple(fields) == self.names
        self._take = () if same else tuple(fields.index(name) for name in self.names)


class ToTuple:
    """An object's fields as a tuple, in the order of the struct."""

    def __init__(
        self, names: Sequence[str], converters: Sequence[Converter | None], *, by_key: bool
    ) -> None:
        self.names = tuple(names)
        self.converters = tuple(converters)
        self.by_key = by_key
        self.as_it_is = not any(converters)

    def __call__(self, value: Any) -> Any:
        if value is None:
            return None
        if self.by_key:
            found = [value.get(name) for name in self.names]
        else:
            found = [getattr(value, name) for name in self.names]
        if not self.as_it_is:
            for i, convert in enumerate(self.converters):
                if convert is not None:
                    found[i] = convert(found[i])
        return tuple(found)


class EachElement:
    """A converter for the elements of a list."""

    def __init__(self, element: Converter) -> None:
        self.element = element

    def __call__(self, values: Any) -> Any:
        return None if values is None else [self.element(value) for value in values]


class EachItem:
    """Converters for the keys and values of a dict."""

    def __init__(self, key: Converter | None, value: Converter | None) -> None:
        self.key = key
        self.value = value

    def __call__(self, values: Any) -> Any:
        if values is None:
            return None
        key, value = self.key, self.value
        return {
            (k if key is None else key(k)): (v if value is None else value(v))
            for k, v in values.items()
        }
