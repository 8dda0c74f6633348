"""Functions of pandas and Arrow: what they are given of each type, and what becomes of it again."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from hydrofoil.tools.parity.case import Case, case
from hydrofoil.tools.parity.catalogue.data_types import FEW, TYPES
from hydrofoil.tools.parity.catalogue.shapes import SHAPES, settings, shaped
from hydrofoil.tools.parity.data import near
from hydrofoil.tools.parity.families import FAMILIES, Family
from hydrofoil.tools.parity.samples import TIME_CONF, Sample

# Those that run with every type; the others share what these convert with.
CORE = (
    "scalar pandas",
    "mapInPandas",
    "applyInPandas",
    "grouped agg pandas",
    "mapInArrow",
    "scalar arrow",
    "applyInArrow",
)


def cases() -> Iterator[Case]:
    """Each type, then each shape, seen and given back."""
    for family in FAMILIES:
        core = family.name in CORE
        for sample in TYPES if core else FEW:
            conf = TIME_CONF if sample.name == "time" else {}
            yield case(
                family,
                sample.name,
                "seen",
                build=partial(_seen, family, sample, "nulls"),
                conf=conf,
            )
            if core:
                yield case(
                    family,
                    sample.name,
                    "nulls",
                    build=partial(_back, family, sample, "nulls"),
                    conf=conf,
                )
        for number, sample in enumerate(FEW):
            for shape in SHAPES[1:] if core else (SHAPES[1 + number % (len(SHAPES) - 1)],):
                build = partial(_back, family, sample, shape)
                yield case(family, sample.name, shape, build=build, conf=settings(shape))
            if core and family.result != "scalar":
                yield case(family, sample.name, "sliced", build=partial(_sliced, family, sample))


def _of(family: Family, sample: Sample) -> Sample:
    """Pandas counts nanoseconds, and can't count to all times."""
    return sample if family.arrow else near(sample)


def _seen(family: Family, sample: Sample, shape: str, spark: SparkSession) -> DataFrame:
    return family.observed(shaped(spark, _of(family, sample), shape))


def _back(family: Family, sample: Sample, shape: str, spark: SparkSession) -> DataFrame:
    return family.query(
        shaped(spark, _of(family, sample), shape), partial(last, family), sample.type
    )


def _sliced(family: Family, sample: Sample, spark: SparkSession) -> DataFrame:
    def unit(*values: Any) -> Any:
        return sliced(last(family, *values))

    return family.query(shaped(spark, _of(family, sample)), unit, sample.type)


def last(family: Family, *values: Any) -> Any:
    """The column ``v`` of a unit, as the family's result."""
    value = values[-1]
    if family.result == "scalar":
        while isinstance(value, tuple):
            value = value[-1]
        return value[0] if family.arrow else value.iloc[0]
    if family.result == "column":
        return value[-1] if isinstance(value, tuple) else value
    if isinstance(value, pd.DataFrame):
        return value[["v"]].rename(columns={"v": "made"})
    made = pa.table({"made": value.column("v")})
    return made if family.result == "table" else made.combine_chunks().to_batches()[0]


def sliced(value: Any) -> Any:
    """The same rows, the first of which is not the first of its memory."""
    if isinstance(value, pd.DataFrame | pd.Series):
        return pd.concat([value.iloc[:1], value]).iloc[1:]
    if isinstance(value, pa.Array):
        return pa.concat_arrays([value[:1], value])[1:]
    return value.slice(1)
