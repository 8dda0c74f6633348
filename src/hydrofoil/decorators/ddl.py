"""Spark's DDL for types, read without a JVM: decorators run before there is a session."""

import re
from typing import Any

from hydrofoil.errors import UsageError

_TOKEN = re.compile(r"\s*(`(?:[^`]|``)+`|'[^']*'|[A-Za-z_0-9]+|[<>(),:])")

# By name: the class in pyspark.sql.types. What takes parameters is read by `_Reader`.
_SIMPLE = {
    "boolean": "BooleanType",
    "byte": "ByteType",
    "tinyint": "ByteType",
    "short": "ShortType",
    "smallint": "ShortType",
    "int": "IntegerType",
    "integer": "IntegerType",
    "long": "LongType",
    "bigint": "LongType",
    "float": "FloatType",
    "real": "FloatType",
    "double": "DoubleType",
    "string": "StringType",
    "binary": "BinaryType",
    "date": "DateType",
    "timestamp": "TimestampType",
    "timestamp_ltz": "TimestampType",
    "timestamp_ntz": "TimestampNTZType",
    "void": "NullType",
}


class _Unknown(Exception):
    """Not a type that is read here; ``str()`` says what."""


def parse_ddl(text: str) -> Any:
    """The Spark type that a DDL string stands for, such as "bigint" or "a int, b array<string>".

    Types that only Spark knows are left to the active session's parser, if there is one.

    Returns
    -------
    pyspark.sql.types.DataType

    Raises
    ------
    UsageError
        If the text is no type.
    """
    try:
        return _Reader(text).whole()
    except _Unknown as unknown:
        reason = str(unknown)
    from pyspark.sql import SparkSession
    from pyspark.sql.types import DataType

    if (
        text.strip()
        and hasattr(DataType, "fromDDL")
        and SparkSession.getActiveSession() is not None
    ):
        try:
            return DataType.fromDDL(text)
        except Exception as error:
            reason = str(error).splitlines()[0]
    raise UsageError(
        f"{text!r} is no Spark type: {reason}",
        hint='write DDL such as "double", "array<string>" or "a int, b date", or give a DataType',
    )


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise _Unknown(f"unexpected {text[at:].strip()[:20]!r}")
            self.tokens.append(match[1])
            at = match.end()
        self.at = 0

    def whole(self) -> Any:
        if not self.tokens:
            raise _Unknown("it is empty")
        try:
            found = self.type()
            if self.at == len(self.tokens):
                return found
        except _Unknown:
            if len(self.tokens) == 1:
                raise
        # Fields without "struct<>" around them; their error says more than that of the type.
        bare = self.at
        self.at = 0
        try:
            found = self.fields(end=None)
        except _Unknown:
            self.at = bare
            raise
        return found

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            wanted = f", expected {expected!r}" if expected else ""
            raise _Unknown(f"unexpected {token!r}{wanted}" if token else f"it ends early{wanted}")
        self.at += 1
        return token

    def type(self) -> Any:
        from pyspark.sql import types

        word = self.next()
        name = word.lower()
        if name in _SIMPLE:
            return getattr(types, _SIMPLE[name])()
        if name in ("decimal", "dec", "numeric"):
            return types.DecimalType(*(self.numbers() if self.peek() == "(" else (10, 0)))
        if name in ("char", "varchar"):
            kind = types.CharType if name == "char" else types.VarcharType
            return kind(*self.numbers())
        if name == "interval":
            return self.interval()
        if name == "array":
            self.next("<")
            element = self.type()
            self.next(">")
            return types.ArrayType(element)
        if name == "map":
            self.next("<")
            key = self.type()
            self.next(",")
            value = self.type()
            self.next(">")
            return types.MapType(key, value)
        if name == "struct":
            self.next("<")
            struct = self.fields(end=">")
            self.next(">")
            return struct
        raise _Unknown(f"no type is called {word!r}")

    def numbers(self) -> list[int]:
        self.next("(")
        found = []
        while True:
            word = self.next()
            if not word.isdigit():
                raise _Unknown(f"unexpected {word!r}, expected a number")
            found.append(int(word))
            if self.peek() != ",":
                break
            self.next(",")
        self.next(")")
        return found

    def interval(self) -> Any:
        from pyspark.sql.types import DayTimeIntervalType

        units = {"day": 0, "hour": 1, "minute": 2, "second": 3}
        first = self.next().lower()
        last = first
        if self.peek().lower() == "to":
            self.next()
            last = self.next().lower()
        if first not in units or last not in units:
            raise _Unknown(f"no interval is from {first} to {last}")
        return DayTimeIntervalType(units[first], units[last])

    def fields(self, end: str | None) -> Any:
        from pyspark.sql.types import StructField, StructType

        found: list[Any] = []
        while self.peek() and self.peek() != end:
            if found:
                self.next(",")
            name = self.next()
            if name.startswith("`"):
                name = name[1:-1].replace("``", "`")
            if self.peek() == ":":
                self.next()
            kind, nullable = self.type(), True
            if self.peek().lower() == "not":
                self.next()
                if self.next().lower() != "null":
                    raise _Unknown("'not' without 'null'")
                nullable = False
            if self.peek().lower() == "comment":
                self.next()
                self.next()
            found.append(StructField(name, kind, nullable))
        return StructType(found)
