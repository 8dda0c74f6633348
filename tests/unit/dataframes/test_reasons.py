"""Why stock converts results of pandas: the words name both types, and what to declare."""

import pandas as pd
from pyspark.sql.types import DoubleType, IntegerType, LongType, StructType

from hydrofoil.counts.task_trace import FAST, PARTLY, UdfTrace, path_taken
from hydrofoil.gang.data.steps import padding_of
from hydrofoil.values.dataframes.reasons import why_stock


def test_both_types_and_what_to_declare() -> None:
    lengths = pd.Series(["a", "bc"]).str.len()
    cast = "int64 returned for int, so PySpark casts it: declare bigint, or return int32"
    assert why_stock([lengths], [IntegerType()]) == cast
    # Of several functions, the one that is to blame.
    assert why_stock([lengths, lengths], [LongType(), IntegerType()]) == cast
    assert why_stock([3], [DoubleType()]).startswith("int64 returned for double")
    fields = StructType().add("x", LongType()).add("y", IntegerType())
    frame = pd.DataFrame({"y": [1], "x": [2]})
    assert why_stock([frame], [fields]) == f"column y: {cast}"
    assert why_stock([lengths], [LongType()]) == "results converted by stock"


def test_a_function_without_fast_batches_is_not_called_fast() -> None:
    planned = UdfTrace("f", " -> int", FAST)
    assert path_taken(planned, {"cast": 2}) == PARTLY
    assert path_taken(planned, {"cast": 2, FAST: 1}) == FAST
    assert path_taken(planned, {}) == FAST


def test_which_rank_sees_how_many_rows_again() -> None:
    assert padding_of([500, 500]) == ""
    assert "rank 1: 1; sums" in padding_of([501, 500])
