"""What a stream between the JVM and a worker is refused for, by each version's own serializers."""

import io
import struct
from typing import Any

import pytest
from pyspark.sql.pandas import serializers

from hydrofoil.spark.stock.streams import ArrowStream
from hydrofoil.spark.versions import installed_minor

# Those of two data frames a group, the newest version's first.
NAMES = ("ArrowStreamCoGroupSerializer", "CogroupPandasUDFSerializer", "CogroupUDFSerializer")


def refusal(serializer: Any, count: int) -> tuple[type, str]:
    with pytest.raises(ValueError) as raised:
        next(serializer.load_stream(io.BytesIO(struct.pack("!ii", count, 0))))
    return type(raised.value), str(raised.value)


@pytest.mark.parametrize("count", [1, 3, 2**31 - 1, -1, -(2**31)])
def test_groups_of_other_numbers_of_data_frames(count: int) -> None:
    ours = refusal(ArrowStream(b"", 2), count)
    assert str(count) in ours[1]
    # From 4.2 on stock passes over negative numbers, and over what they may have counted.
    if count > 0 or installed_minor() in ("3.5", "4.0", "4.1"):
        stock = next(getattr(serializers, name) for name in NAMES if hasattr(serializers, name))
        assert ours == refusal(stock.__new__(stock), count)
