"""Which columns a rank gets, and of what types: everything as numbers, by the JVM.

Their names are fixed: `workers.rows` finds them by these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydrofoil.errors import UsageError

_NUMBERS = {
    "ByteType": "byte",
    "ShortType": "short",
    "IntegerType": "int",
    "LongType": "long",
    "FloatType": "float",
    "DoubleType": "double",
    "BooleanType": "boolean",
    "DecimalType": "decimal",
}
# What float32 has all values of.
_SMALL = ("ByteType", "ShortType", "FloatType", "BooleanType")


@dataclass(frozen=True)
class Asked:
    """Columns by what they are for.

    Parameters
    ----------
    features : str or list of str
        One of vectors or arrays, or several of numbers.
    label, weight, valid, margin, group : str, optional
        ``valid`` is boolean and true for rows that are for validation; ``margin`` is a number or,
        with several classes, an array; rows of one ``group`` are one query.
    exact : bool
        Features are double where float would not have all of their values.
    sparse : bool
        Vectors come as what they hold, without zeros.
    """

    features: str | Sequence[str]
    label: str | None = None
    weight: str | None = None
    valid: str | None = None
    margin: str | None = None
    group: str | None = None
    exact: bool = False
    sparse: bool = False


def quoted(name: str) -> str:
    """A column's name as `col` takes it, dots and all."""
    return "`" + name.replace("`", "``") + "`"


def selected(df: Any, asked: Asked) -> Any:
    """The columns that ranks are fed with.

    Parameters
    ----------
    df : DataFrame
    asked : Asked

    Returns
    -------
    DataFrame
        ``features`` (array<float> or array<double>), or ``indices``, ``values`` and ``size``;
        ``label``, ``weight`` and ``margin`` (double), ``valid`` (byte) and ``group`` (long), as far
        as they are asked for.

    Raises
    ------
    UsageError
        A column is not there, or is of a type that can't be what it is for.
    """
    if asked.sparse:
        chosen = _sparse(df, asked.features, asked.exact)
    else:
        chosen = [features(df, asked.features, asked.exact).alias("features")]
    for role in ("label", "weight"):
        name = getattr(asked, role)
        if name is not None:
            chosen.append(_number(df, name, role).cast("double").alias(role))
    if asked.margin is not None:
        chosen.append(margin(df, asked.margin).alias("margin"))
    if asked.valid is not None:
        chosen.append(_valid(df, asked.valid).alias("valid"))
    if asked.group is not None:
        chosen.append(_group(df, asked.group).alias("group"))
    return df.select(*chosen)


def field_of(df: Any, name: str, role: str) -> Any:
    """A column's field of the schema."""
    for field in df.schema.fields:
        if field.name == name:
            return field
    raise UsageError(
        f"the DataFrame has no column {name!r}, which is to be the {role}",
        hint=f"it has {', '.join(df.columns)}",
    )


def element_type(df: Any, name: str) -> str | None:
    """The class of the numbers in a column of vectors or arrays; None if it is no such column.

    Raises
    ------
    UsageError
        It is an array of what are no numbers, or is not there.
    """
    kind = field_of(df, name, "features").dataType
    if type(kind).__name__ == "VectorUDT":
        return "DoubleType"
    if type(kind).__name__ != "ArrayType":
        return None
    element = type(kind.elementType).__name__
    if element not in _NUMBERS:
        raise UsageError(
            f"column {name!r} is of type {kind.simpleString()}, whose elements are no numbers",
            hint="features are vectors, arrays of numbers, or several columns of numbers",
        )
    return element


def features(df: Any, names: str | Sequence[str], exact: bool = False) -> Any:
    """The features as one column of arrays.

    A null array or vector makes the query fail: nobody knows how long it would be. Null elements
    stay null.

    Raises
    ------
    UsageError
        As `selected`.
    """
    from pyspark.sql import functions

    if isinstance(names, str):
        element = element_type(df, names)
        if element is None:
            raise _no_vector(df, names)
        to = "double" if exact and element not in _SMALL else "float"
        column = functions.col(quoted(names))
        field = field_of(df, names, "features")
        if type(field.dataType).__name__ == "VectorUDT":
            from pyspark.ml.functions import vector_to_array

            column = vector_to_array(column, "float32" if to == "float" else "float64")
        elif field.dataType.elementType.simpleString() != to:
            column = column.cast(f"array<{to}>")
        if not field.nullable:
            return column
        # Asked before: what makes arrays of vectors fails at a null with words of its own.
        is_there = functions.col(quoted(names)).isNotNull()
        return functions.when(is_there, column).otherwise(_raised(names))
    numbers, to = scalars(df, names, exact)
    return functions.array(*numbers).cast(f"array<{to}>")


def scalars(
    df: Any, names: Sequence[str], exact: bool = False, role: str = "features"
) -> tuple[list[Any], str]:
    """Several columns of numbers as features, and the type that all of them are cast to."""
    if not names:
        raise UsageError("there is no column of features", hint="name one")
    kinds = {type(field_of(df, name, role).dataType).__name__ for name in names}
    to = "double" if exact and kinds - set(_SMALL) else "float"
    return [_number(df, name, role).cast(to) for name in names], to


def _raised(name: str) -> Any:
    """What makes the query fail where features are null."""
    from pyspark.sql import functions

    why = f"column '{name}' is null in a row, and has the features: filter such rows out"
    return functions.raise_error(functions.lit(why))


def _no_vector(df: Any, name: str) -> UsageError:
    kind = field_of(df, name, "features").dataType
    hint = "features are vectors, arrays of numbers, or several columns of numbers"
    if type(kind).__name__ in _NUMBERS:
        hint = f"for one column of numbers give a list: [{name!r}]"
    return UsageError(f"column {name!r} is of type {kind.simpleString()}, not features", hint=hint)


def _number(df: Any, name: str, role: str) -> Any:
    from pyspark.sql import functions

    kind = field_of(df, name, role).dataType
    if type(kind).__name__ not in _NUMBERS:
        hint = "cast it, or encode it: StringIndexer makes numbers of strings"
        if role == "features" and type(kind).__name__ in ("VectorUDT", "ArrayType"):
            hint = f"name a vector or an array alone, not in a list: {name!r}"
        raise UsageError(
            f"column {name!r} is of type {kind.simpleString()}, and has to be a number: it is for "
            f"the {role}",
            hint=hint,
        )
    return functions.col(quoted(name))


def margin(df: Any, name: str) -> Any:
    """What predictions start from: a number, or an array of one for each class."""
    kind = type(field_of(df, name, "base margin").dataType).__name__
    if kind in ("VectorUDT", "ArrayType"):
        return features(df, name, exact=True).cast("array<double>")
    return _number(df, name, "base margin").cast("double")


def _valid(df: Any, name: str) -> Any:
    from pyspark.sql import functions

    kind = field_of(df, name, "validation indicator").dataType
    if type(kind).__name__ != "BooleanType":
        raise UsageError(
            f"column {name!r} is of type {kind.simpleString()}, and says which rows are for "
            "validation",
            hint=f"make it boolean: df.withColumn({name!r}, col({name!r}) == 1)",
        )
    return functions.col(quoted(name)).cast("byte")


def _group(df: Any, name: str) -> Any:
    from pyspark.sql import functions

    kind = type(field_of(df, name, "query").dataType).__name__
    column = functions.col(quoted(name))
    if kind in ("ByteType", "ShortType", "IntegerType", "LongType"):
        return column.cast("long")
    # Only which rows are of one query counts. A null stays one, to be refused.
    return functions.when(column.isNotNull(), functions.xxhash64(column))


def _sparse(df: Any, name: str | Sequence[str], exact: bool) -> list[Any]:
    from pyspark.sql import functions

    if not isinstance(name, str) or (
        type(field_of(df, name, "features").dataType).__name__ != "VectorUDT"
    ):
        raise UsageError(
            f"sparse features have to be one column of vectors, and they are {name!r}",
            hint="leave the parameter out that asks for it, or assemble them by VectorAssembler",
        )
    parts = functions.unwrap_udt(functions.col(quoted(name)))
    values = parts["values"].cast(f"array<{'double' if exact else 'float'}>")
    # A dense vector has no indices and no size.
    every = functions.sequence(functions.lit(0), functions.size(values) - 1)
    some = functions.when(functions.size(values) > 0, every).otherwise(
        functions.array().cast("array<int>")
    )
    return [
        functions.coalesce(parts["indices"], some).alias("indices"),
        functions.coalesce(values, _raised(name)).alias("values"),
        functions.coalesce(parts["size"], functions.size(values)).alias("size"),
    ]
