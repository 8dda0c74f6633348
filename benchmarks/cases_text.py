"""Cases of text: languages, sizes, and what functions do with it.

The language cases give their text back as it is, so that nothing is measured but getting a string
to a function and back. Each has a partner of ASCII text of as many bytes, row for row.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql.functions import udf
from pyspark.sql.pandas.functions import pandas_udf

from benchmarks.case import Case, columns

# ruff: noqa: RUF001 - letters that look like others are what this is about.
# Each is at least 60 characters long; a row's text is some of it, over and over, from a place on
# that is different in neighbouring rows.
TEXTS = {
    "ascii": "The ferry to the island leaves at a quarter past nine on Mondays, Box 42. ",
    "latin": "Après l'été, où les fenêtres étaient fermées, le garçon révèle l'âge du chêne. ",
    "greek": "Το καράβι για το νησί φεύγει στις εννιά και τέταρτο κάθε Δευτέρα πρωί. ",
    "cjk": "月曜日の朝九時十五分に島へ渡る船が出ます切符は港の窓口で買えます"
    "荷物は一人二個まで無料ですから早めに来てください。",
    "emoji": "🚢🌊🌍🎫🧳🌤🐟🐙🦀🌙🔥🍵🍣🏝🧭🚦📦📫🕘🗺" * 3,
    "mixed": "Ticket №42: Île de Ré → 東京 🚢, départ 9h15; Δευτέρα, 5 € (Zoë & René), ok? ",
}
LENGTHS = (10, 100, 1000)
# As much work for a worker, and no more than a batch where texts are long.
_ROWS = {10: 300_000, 100: 100_000, 1000: 10_000}


def _text(language: str, length: int) -> str:
    """Spark's expression for a row's text."""
    text = TEXTS[language]
    quoted = text.replace("'", "\\'")
    return f"substr(repeat('{quoted}', {(length + 60) // len(text) + 2}), 1 + id % 59, {length})"


def _ascii_like(language: str, length: int) -> str:
    """The same for ASCII text of as many bytes."""
    bytes_of = f"octet_length({_text(language, length)})"
    quoted = TEXTS["ascii"]
    times = (4 * length + 60) // len(quoted) + 2
    return f"substr(repeat('{quoted}', {times}), 1 + id % 59, {bytes_of})"


def _same(text: Any) -> Any:
    return text


def _same_series(series: pd.Series) -> pd.Series:
    return series


def _lengths(series: pd.Series) -> pd.Series:
    return series.str.len()


def language_case(language: str, length: int, *, ascii_partner: bool = False) -> str:
    """The name of a case below."""
    return f"text-{language}-{length}" + "-as-ascii" * ascii_partner


def _language(language: str, length: int, ascii_partner: bool) -> Case:
    expression = (_ascii_like if ascii_partner else _text)(language, length)
    return _row(
        language_case(language, length, ascii_partner=ascii_partner),
        expression,
        _same,
        "string",
        rows=_ROWS[length],
    )


def _row(
    name: str,
    argument: str,
    function: Callable[..., Any],
    returns: str,
    target: float | None = None,
    rows: int = 300_000,
    arrow: bool = True,
) -> Case:
    def query(data: DataFrame) -> DataFrame:
        call: Callable[..., Column] = udf(function, returns, useArrow=arrow)
        return data.select(call("c"))

    return Case(name, columns(c=argument), query, rows, target=target, function=function)


def _pandas(name: str, argument: str, function: Callable[..., Any], returns: str) -> Case:
    def query(data: DataFrame) -> DataFrame:
        call: Callable[..., Column] = pandas_udf(function, returns)
        return data.select(call("c"))

    return Case(name, columns(c=argument), query, 1_000_000, "batch of 10,000", 10_000, target=1.3)


# Short values as names and codes are, all different.
_SHORT = {
    "ascii": "concat('name ', id)",
    "latin": "concat('roéw-', id)",
    "greek": "concat('Αθήνα-', id)",
    "cjk": "concat('東京都-', id)",
    "emoji": "concat('ship 🚢-', id)",
    "mixed": "concat(elt(1 + id % 4, 'name', 'roéw', '東京都', '🚢'), '-', id)",
}
_COUNTRIES = "elt(1 + id % 7, 'España', 'Perú', 'Türkiye', 'Österreich', '日本', 'Ελλάδα', 'Chile')"
_FUNCTIONS: tuple[tuple[str, Callable[..., Any], str, float], ...] = (
    ("upper", lambda s: s.upper(), "string", 2.5),
    ("len", lambda s: len(s), "int", 3.0),
    ("slice", lambda s: s[2:], "string", 2.5),
)
_BEYOND_ASCII = ("latin", "greek", "cjk", "emoji", "mixed")

LANGUAGES = tuple(
    _language(language, length, ascii_partner)
    for length in LENGTHS
    for language in TEXTS
    for ascii_partner in (False, True)
    if language != "ascii" or not ascii_partner
)
TEXT = (
    *(
        _row(f"text-{name}-{language}", _SHORT[language], function, returns, target)
        for name, function, returns, target in _FUNCTIONS
        for language in _BEYOND_ASCII
    ),
    _row("text-endswith-latin", _SHORT["latin"], lambda s: s.endswith("7"), "boolean", 2.2),
    _row("text-countries", _COUNTRIES, lambda s: len(s), "int", 3.0),
    *(
        _row(
            f"text-array-{language}",
            f"array({_SHORT[language]}, {_SHORT[language]}, {_SHORT[language]})",
            lambda xs: xs[::-1],
            "array<string>",
            3.0,
            rows=100_000,
        )
        for language in ("latin", "cjk")
    ),
    *(
        _row(
            f"text-struct-{language}",
            f"named_struct('a', {_SHORT[language]}, 'b', {_SHORT[language]})",
            lambda r: (r.b, r.a),
            "a string, b string",
            3.0,
            rows=100_000,
        )
        for language in ("latin", "cjk")
    ),
    *(
        _pandas(f"text-pandas-{name}-{language}", _SHORT[language], function, returns)
        for name, function, returns in (
            ("same", _same_series, "string"),
            ("len", _lengths, "long"),
        )
        for language in ("latin", "cjk", "mixed")
    ),
    _row("text-pickled-cjk", _SHORT["cjk"], lambda s: len(s), "int", rows=200_000, arrow=False),
)
