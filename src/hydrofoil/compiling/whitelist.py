"""What is pure: THE tables of functions, methods and fields that a translated function may use.

A row says that what it names has no effect and depends on its arguments alone. Whether the JVM can
do it exactly for the types of the columns is the JVM's to say.
"""

import builtins
import datetime
import decimal
import math
import re
import types
from typing import Any

# Name in the tree: its parameters' names, by which keywords are put in place; those after "|" may
# be left out. "*" for any number.
BUILTINS = {
    "abs": "x",
    "ascii": "x",
    "bin": "x",
    "bool": "| x",
    "chr": "i",
    "divmod": "a b",
    "float": "| x",
    "hash": "",
    "hex": "x",
    "int": "| x base",
    "len": "x",
    "max": "*",
    "min": "*",
    "oct": "x",
    "ord": "c",
    "pow": "base exp | mod",
    "repr": "x",
    "round": "number | ndigits",
    "str": "| object",
}
del BUILTINS["hash"]  # It differs by process.

# Of math, those whose results are numbers; their parameters have no names.
MATH = (
    "acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist erf erfc "
    "exp exp2 expm1 fabs factorial floor fmod gamma gcd hypot isclose isfinite isinf isnan isqrt "
    "lcm ldexp lgamma log log10 log1p log2 perm pow radians remainder sin sinh sqrt tan tanh trunc"
)

# Methods of str, bytes, numbers, dates and times, by name: their parameters as above.
METHODS = {
    # str
    "capitalize": "",
    "casefold": "",
    "center": "width | fillchar",
    "count": "sub | start end",
    "endswith": "suffix | start end",
    "expandtabs": "| tabsize",
    "find": "sub | start end",
    "index": "sub | start end",
    "isalnum": "",
    "isalpha": "",
    "isascii": "",
    "isdecimal": "",
    "isdigit": "",
    "isidentifier": "",
    "islower": "",
    "isnumeric": "",
    "isprintable": "",
    "isspace": "",
    "istitle": "",
    "isupper": "",
    "join": "iterable",
    "ljust": "width | fillchar",
    "lower": "",
    "lstrip": "| chars",
    "partition": "sep",
    "removeprefix": "prefix",
    "removesuffix": "suffix",
    "replace": "old new | count",
    "rfind": "sub | start end",
    "rindex": "sub | start end",
    "rjust": "width | fillchar",
    "rpartition": "sep",
    "rsplit": "| sep maxsplit",
    "rstrip": "| chars",
    "split": "| sep maxsplit",
    "splitlines": "| keepends",
    "startswith": "prefix | start end",
    "strip": "| chars",
    "swapcase": "",
    "title": "",
    "upper": "",
    "zfill": "width",
    # float, int, Decimal
    "bit_length": "",
    "is_integer": "",
    "quantize": "exp | rounding",
    # date, datetime, timedelta
    "date": "",
    "isocalendar": "",
    "isoformat": "| sep timespec",
    "isoweekday": "",
    "strftime": "format",
    "timestamp": "",
    "toordinal": "",
    "total_seconds": "",
    "weekday": "",
}
# Parameters that may be given by name; for all others a keyword is an error of Python's.
_KEYWORDS = {
    "int": ("base",),
    "pow": ("base", "exp", "mod"),
    "round": ("number", "ndigits"),
    "str": ("object",),
    "date": ("year", "month", "day"),
    "datetime": ("year", "month", "day", "hour", "minute", "second", "microsecond"),
    "timedelta": ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"),
    "Decimal": ("value",),
    "split": ("sep", "maxsplit"),
    "rsplit": ("sep", "maxsplit"),
    "splitlines": ("keepends",),
    "expandtabs": ("tabsize",),
    "isoformat": ("sep", "timespec"),
    "strftime": ("format",),
    "quantize": ("exp", "rounding"),
}

# Constants of modules.
MODULE_CONSTANTS: dict[str, tuple[str, ...]] = {
    "math": ("pi", "e", "tau", "inf", "nan"),
    "string": (
        "ascii_letters",
        "ascii_lowercase",
        "ascii_uppercase",
        "digits",
        "hexdigits",
        "octdigits",
        "punctuation",
        "whitespace",
        "printable",
    ),
    "re": ("I", "IGNORECASE", "A", "ASCII", "M", "MULTILINE", "S", "DOTALL", "X", "VERBOSE"),
    "decimal": ("ROUND_HALF_UP", "ROUND_HALF_EVEN", "ROUND_DOWN", "ROUND_UP", "ROUND_FLOOR"),
}
MODULES = ("math", "string", "re", "datetime", "decimal")

# Types that isinstance may be asked for.
TYPES: dict[type, str] = {
    str: "str",
    int: "int",
    float: "float",
    bool: "bool",
    bytes: "bytes",
    bytearray: "bytearray",
    list: "list",
    tuple: "tuple",
    dict: "dict",
    type(None): "NoneType",
    datetime.date: "date",
    datetime.datetime: "datetime",
    datetime.timedelta: "timedelta",
    decimal.Decimal: "Decimal",
}

# Functions of re: pattern first; flags last.
REGEX = {
    "search": "pattern string | flags",
    "match": "pattern string | flags",
    "fullmatch": "pattern string | flags",
    "sub": "pattern repl string | count flags",
    "split": "pattern string | maxsplit flags",
    "findall": "pattern string | flags",
}
PATTERN_METHODS = {
    name: parameters.removeprefix("pattern ").removesuffix(" flags").removesuffix(" |")
    for name, parameters in REGEX.items()
}


# Builtins as they are when this module is imported, to notice those that are replaced later.
_ORIGINAL = {name: getattr(builtins, name) for name in [*BUILTINS, "isinstance", "any", "all"]}
_ORIGINAL |= {name: getattr(builtins, name) for name in ("format", "sum", "tuple", "list", "range")}
_ORIGINAL |= {name: getattr(builtins, name) for name in ("set", "frozenset", "type", "reversed")}


def builtin_name(value: Any) -> str | None:
    """The name of a builtin function or type, if the value is that very one."""
    name = getattr(value, "__name__", None)
    if not isinstance(name, str) or _ORIGINAL.get(name) is not value:
        return None
    own = type(value) is types.BuiltinFunctionType or type(value) is type
    return name if own and value.__module__ == "builtins" else None


def math_name(value: Any) -> str | None:
    """The name of a function of math's, if the value is that very one."""
    if type(value) is not types.BuiltinFunctionType or value.__module__ != "math":
        return None
    return value.__name__ if value.__name__ in MATH.split() else None


def regex_name(value: Any) -> str | None:
    """The name of a function of re's, if the value is that very one."""
    if type(value) is not types.FunctionType or value.__module__ != "re":
        return None
    name = value.__name__
    return name if name in REGEX and getattr(re, name) is value else None


def is_module(value: Any) -> str | None:
    """The name of a module in the table, if the value is that very one."""
    known = {"math": math, "re": re, "datetime": datetime, "decimal": decimal}
    if not isinstance(value, types.ModuleType):
        return None
    if value.__name__ == "string":
        import string

        return "string" if value is string else None
    return value.__name__ if known.get(value.__name__) is value else None


def keywords_of(name: str) -> tuple[str, ...]:
    """The parameters of a builtin, class or method that may be given by name."""
    return _KEYWORDS.get(name, ())
