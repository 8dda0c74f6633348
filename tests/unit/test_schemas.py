"""Schemas that are parsed and written once."""

import pyarrow as pa
import pytest

from hydrofoil.stream import schemas


def plainly(types: list[pa.DataType]) -> bytes:
    return pa.schema([(f"_{i}", kind) for i, kind in enumerate(types)]).serialize().to_pybytes()


@pytest.mark.parametrize("again", range(2))
@pytest.mark.parametrize(
    "types",
    [
        [],
        [pa.int64(), pa.string()],
        [pa.string(), pa.int64()],
        [pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.decimal128(10, 2), pa.decimal128(10, 3)],
        # pyarrow holds these for equal.
        [pa.list_(pa.field("element", pa.int64()))],
        [pa.list_(pa.field("item", pa.int64()))],
        [pa.struct([pa.field("a", pa.int64(), nullable=False)])],
        [pa.struct([pa.field("a", pa.int64())])],
    ],
)
def test_messages_are_those_of_these_very_types(types: list[pa.DataType], again: int) -> None:
    message = schemas.message_of(types)
    assert message == plainly(types)
    assert schemas.parsed(message).serialize().to_pybytes() == message


def test_an_invalid_message_fails_each_time() -> None:
    for _ in range(2):
        with pytest.raises(pa.ArrowInvalid):
            schemas.parsed(b"no schema")
