"""Users' functions of the recorded tasks: pickled by name, so that recordings hold no bytecode."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def shout(text: str | None) -> str | None:
    return None if text is None else text.upper()


def pair(text: str | None, items: list[Any] | None) -> tuple[Any, ...]:
    return text, None if items is None else len(items)


def doubled(series: pd.Series) -> pd.Series:
    return series * 2


def total(series: pd.Series) -> float:
    return float(series.sum())


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


class Repeat:
    """A table function."""

    def eval(self, k: int, text: str) -> Iterator[tuple[Any, ...]]:
        for _ in range(min(k or 0, 3)):
            yield k, text
