"""A task as stock's worker has made it out, whatever the version: what the families plan by."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from hydrofoil._cext.rows import Replay
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.stock.conf import Conf
from hydrofoil.spark.stock.pipeline import Pipeline
from hydrofoil.spark.versions import SparkVersion

Call = Callable[[], Any]

# The reason for most of what stays stock's.
NOT_HERE = "no fast path for this eval type on this version of Spark"


class StaysStock(Exception):
    """Stock's code runs the task; ``str()`` is the reason that is shown."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task of functions.

    Attributes
    ----------
    worker : module
        The private copy of stock's worker.
    udfs : list of Udf
        In the order of the output's columns.
    prepared : list of tuples
        What stock has made of each UDF.
    replays : list of Replay
        What stock's function calls in the place of the users', for the eval types that need it.
    stock : Pipeline
        Stock's own way to run the task.
    wrapped : callable or None
        Stock's function around the last user's function, with another in its place; None where
        stock has none around it.
    run : callable
        Calls what it is given, turning StopIteration into what stock makes of it.
    without_threads : callable
        Makes stock's function for the task once more, without threads.
    """

    version: SparkVersion
    worker: ModuleType
    eval_type: int
    udfs: list[Udf]
    prepared: list[Any]
    replays: list[Replay]
    stock: Pipeline
    conf: Conf
    wrapped: Callable[[Callable[..., Any]], Any] | None
    run: Callable[[Call], Any]
    without_threads: Callable[[], Callable[..., Any]]

    def arrow_type(self, spark_type: Any, *, wide: bool = False, zone: str = "UTC") -> Any:
        """Stock's Arrow type of a declared type.

        Parameters
        ----------
        wide : bool
            Strings and binary have 64-bit offsets.
        zone : str
            The time zone of timestamps.
        """
        options: dict[str, Any] = {}
        if self.version.arrow_types_take_zone:
            options["timezone"] = zone
        if self.version.wide_offsets:
            options["prefers_large_types"] = wide
        return self.worker.to_arrow_type(spark_type, **options)


@dataclass(frozen=True, kw_only=True)
class TableTask:
    """One task of a table function.

    Attributes
    ----------
    name : str
        The function's.
    return_type : str
        The declared type as JSON; empty where the worker's message is not parsed.
    conf : Conf or None
        None where stock's code has read it and keeps it to itself.
    """

    version: SparkVersion
    worker: ModuleType
    eval_type: int
    name: str
    return_type: str
    stock: Pipeline
    conf: Conf | None
