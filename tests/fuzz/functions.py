"""Users' functions of the recorded tasks: pickled by name, so that recordings hold no bytecode."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def shout(text: str | None) -> str | None:
    return None if text is None else text.upper()


def pair(text: str | None, items: list[Any] | None) -> tuple[Any, ...]:
    return text, None if items is None else len(items)


def same(value: Any) -> Any:
    return value


def same_series(series: pd.Series) -> pd.Series:
    return series


def each_series(parts: Iterator[pd.Series]) -> Iterator[pd.Series]:
    yield from parts


def each_array(parts: Iterator[pa.Array]) -> Iterator[pa.Array]:
    yield from parts


def halved(array: np.ndarray) -> np.ndarray:
    return array * 0.5


def doubled(series: pd.Series) -> pd.Series:
    return series * 2


def total(series: pd.Series) -> float:
    return float(series.sum())


def sum_of_array(array: pa.Array) -> float:
    return float(pc.sum(array).as_py() or 0)


def same_frames(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    yield from frames


def same_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches


def added(array: pa.Array) -> pa.Array:
    return pc.add_checked(array, 1)


def same_frame(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def same_table(table: pa.Table) -> pa.Table:
    return table


def joined(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([left, right])


def both(left: pa.Table, right: pa.Table) -> pa.Table:
    return pa.concat_tables([left, right])


class Repeat:
    """A table function."""

    def eval(self, k: int, text: str) -> Iterator[tuple[Any, ...]]:
        for _ in range(min(k or 0, 3)):
            yield k, text
