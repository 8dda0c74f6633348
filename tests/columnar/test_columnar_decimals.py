"""Decimals of more digits than their type, which Arrow lets a function return and Spark refuses."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from columnar_compare import Comparison

# See tests/conftest.py.
ONE_IN = 3

NARROW, LONG, WIDE, WIDEST = 5, 18, 19, 38


def decimals(rows: int, precision: int, large: int, null: bool = False) -> pa.Array:
    """Numbers from 0 on, of which the second is so large; or it is null, and that lies below it."""
    values = [large if row == 1 else row for row in range(rows)]
    data = b"".join(value.to_bytes(16, "little", signed=True) for value in values)
    bits = bytes(0xFD if at == 0 else 0xFF for at in range(rows // 8 + 1))
    validity = pa.py_buffer(bits) if null else None
    return pa.Array.from_buffers(pa.decimal128(precision, 1), rows, [validity, pa.py_buffer(data)])


def flat(values: pa.Array) -> pa.Array:
    return values


def listed(values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(list(range(len(values) + 1)), values)


def mapped(values: pa.Array) -> pa.Array:
    keys = pa.array(range(len(values)), pa.int32())
    return pa.MapArray.from_arrays(list(range(len(values) + 1)), keys, values)


def in_structs(values: pa.Array) -> pa.Array:
    return pa.StructArray.from_arrays([values], ["v"])


def below_nulls(values: pa.Array) -> pa.Array:
    """In structs of which the second is null: nobody reads what is in it."""
    mask = pa.array([row == 1 for row in range(len(values))])
    return pa.StructArray.from_arrays([values], ["v"], mask=mask)


NESTED = {
    flat: "decimal({},1)",
    listed: "array<decimal({},1)>",
    mapped: "map<int,decimal({},1)>",
    in_structs: "struct<v:decimal({},1)>",
    below_nulls: "struct<v:decimal({},1)>",
}

Nest = Callable[[pa.Array], pa.Array]


def returning(
    nest: Nest, *arguments: Any
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def function(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            values = nest(decimals(batch.num_rows, *arguments))
            yield pa.RecordBatch.from_arrays([values], ["d"])

    return function


@pytest.mark.parametrize("nest", NESTED, ids=lambda nest: nest.__name__)
@pytest.mark.parametrize(
    ("precision", "large"),
    [
        (NARROW, 10**5),
        (NARROW, -(10**5)),
        (NARROW, 10**5 - 1),
        (NARROW, 2**64),
        (LONG, 10**18),
        (WIDE, 10**19),
        (WIDEST, 10**38),
        (WIDEST, 1 - 10**38),
    ],
)
def test_too_many_digits(compare: Comparison, nest: Nest, precision: int, large: int) -> None:
    function, columns = returning(nest, precision, large), f"d {NESTED[nest].format(precision)}"
    fits = abs(large) < 10**precision or nest is below_nulls
    for shown in ("d", "cast(d AS string) AS s"):
        outcome = compare.same(
            lambda spark, shown=shown: (
                spark.range(0, 8, 1, 1).mapInArrow(function, columns).selectExpr(shown)
            )
        )
        assert (outcome.error is None) == fits


def test_below_a_null(compare: Comparison) -> None:
    function = returning(flat, NARROW, 2**64, True)
    outcome = compare.same(
        lambda spark: spark.range(0, 8, 1, 1).mapInArrow(function, "d decimal(5,1)")
    )
    assert outcome.error is None


def test_of_groups(compare: Comparison) -> None:
    def function(table: pa.Table) -> pa.Table:
        return pa.table({"d": decimals(table.num_rows, LONG, 10**18)})

    outcome = compare.same(
        lambda spark: (
            spark.range(0, 8, 1, 1)
            .selectExpr("0 AS k")
            .groupBy("k")
            .applyInArrow(function, "d decimal(18,1)")
            .groupBy("d")
            .count()
        ),
        # Stock's daemon is sent no groups together.
        ours=None,
    )
    assert outcome.error is not None and "18" in outcome.error[1]
