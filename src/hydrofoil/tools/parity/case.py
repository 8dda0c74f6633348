"""One comparison: a query, the settings that it runs under, and what stands on either side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame, SparkSession

Build = Callable[[SparkSession], DataFrame]

ARROW = "spark.sql.execution.pythonUDF.arrow.enabled"

# One partition, so that which row or group comes first is certain.
COMMON_CONF = {"spark.sql.shuffle.partitions": "1"}


@dataclass(frozen=True)
class Side:
    """What one side of a comparison sets, besides the case's own settings."""

    conf: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mode:
    """What is compared: the stock worker's side and Hydrofoil's.

    Attributes
    ----------
    left, right : Side
    refusal : str
        The error by which Hydrofoil's worker refuses values on which the left side fails later, in
        the JVM: the two count as equal.
    """

    left: Side = Side()
    right: Side = Side()
    refusal: str = ""


STOCK = Mode()
"""The same query under the same settings."""

ROWS_ARROW = Mode(
    left=Side(conf={ARROW: "false"}),
    right=Side(conf={ARROW: "true"}, environment={"HYDROFOIL_ROWS": "arrow"}),
    refusal="NotForJava",
)
"""Pickled rows on the left; on the right Arrow transport that keeps to pickle's semantics."""


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes
    ----------
    id : str
        A path such as ``applyInPandas/timestamp/nulls``; its first part is the family.
    build : function of a session
        Makes the query, its functions included; called once for each side.
    conf : mapping
        SQL configurations.
    core : mapping
        Settings of the Spark context, of those that are looked up for each query.
    mode : Mode
    last_line_only : bool
        Compare only class and message of a Python error, where settings show workers' own frames.
    """

    id: str
    build: Build
    conf: Mapping[str, str] = field(default_factory=dict)
    core: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = STOCK
    last_line_only: bool = False

    @property
    def family(self) -> str:
        return self.id.partition("/")[0]

    def __str__(self) -> str:
        return self.id


def case(*path: Any, build: Build, **settings: Any) -> Case:
    """A case whose id is made of the parts of ``path``."""
    return Case("/".join(str(part).replace(" ", "-") for part in path), build, **settings)
