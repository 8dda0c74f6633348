"""Native expressions as they are written, where what seems right equals no function."""

from collections.abc import Callable
from typing import Any

import pytest

from hydrofoil.compiling.translate import translate
from hydrofoil.tools.advice.value import NoExpression
from hydrofoil.tools.advice.writer import Column, Written, written

TYPES = {"s": "string", "t": "string", "n": "bigint", "m": "bigint", "b": "boolean", "c": "boolean"}
NOTHING = ""
FIRST, SECOND = {"a": "1", "b": "2"}, {"k": "v"}
DIVISOR = "no zero in the divisor, m"


def advice(function: Callable[..., Any], declared: str) -> Written:
    document = translate(function).document
    assert document is not None
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    columns = [Column(f"F.col({name!r})", name, TYPES[name], True) for name in names]
    return written(document, columns, [None] * len(names), declared)


def formatted(s):
    return f"{s}{NOTHING}!"


def added(s):
    return s + str(NOTHING)


def test_an_empty_constant_is_no_text_of_two_quotes() -> None:
    assert advice(formatted, "string").code == (
        "F.concat(F.coalesce(F.col('s'), F.lit(\"None\")), F.lit('!'))"
    )
    assert advice(added, "string").code == "F.col('s')"


def found_in_both(s, t):
    if FIRST.get(s) is not None:
        return SECOND.get(t) is None
    return False


def of_the_text(s, n, m):
    if len(s) != 0:
        return n / (m - 1)
    return 0.0


def of_the_difference(n, m):
    if n - m > 0:
        return n / (m + 1)
    return 0.0


def of_itself(n, m):
    if m != 0:
        return n / m
    return 0.0


def test_what_is_known_of_one_expression_is_not_known_of_others() -> None:
    # That one look-up has found something says nothing of the other.
    assert "F.col('t').eqNullSafe('k'), 'v').otherwise(None).isNull()" in (
        advice(found_in_both, "boolean").code
    )
    assert DIVISOR in advice(of_the_text, "double").conditions
    assert DIVISOR in advice(of_the_difference, "double").conditions
    assert DIVISOR not in advice(of_itself, "double").conditions


def exclusive(b, c):
    return f"{b ^ c}"


def largest(b, c):
    return str(max(b, c))


def largest_of_two_types(b, n):
    return max(b, n)


def begins(s):
    return s.startswith(("a", "b"), 1)


def test_bools_stay_bools() -> None:
    assert advice(exclusive, "string").code.startswith(
        "F.when((F.col('b') != F.col('c')), \"True\")"
    )
    assert advice(largest, "string").code.startswith(
        "F.when(F.greatest(F.col('b'), F.col('c')), \"True\")"
    )
    # PySpark's result for a bool that is declared to be a number is null.
    for function in (lambda b, c: b ^ c, lambda b, c: max(b, c), largest_of_two_types):
        with pytest.raises(NoExpression):
            advice(function, "bigint")


def test_where_a_text_begins_to_be_looked_at() -> None:
    with pytest.raises(NoExpression, match="startswith of a part of it"):
        advice(begins, "boolean")


def without_zeros(s):
    return s.lstrip("0") + s.rstrip()


def repeated(s, n):
    return s * 3 + s * n


def as_number(s):
    return int(s) % 10


def test_what_pyspark_takes_since_4_0_is_not_written() -> None:
    code = advice(without_zeros, "string").code
    assert "F.call_function(\"ltrim\", F.lit('0'), F.col('s'))" in code
    assert 'F.call_function("rtrim", F.lit("' in code
    made = advice(repeated, "string")
    assert "F.repeat(F.col('s'), 3)" in made.code
    assert "F.call_function(\"repeat\", F.col('s'), F.col('n').cast(\"int\"))" in made.code
    assert "no whole number beyond 32 bits in n" in made.conditions


def test_text_of_a_large_number() -> None:
    [_, condition] = advice(as_number, "bigint").conditions
    assert condition.endswith("within 64 bits")
