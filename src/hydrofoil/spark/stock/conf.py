"""A task's configuration under the same names, whatever form a version's worker has it in."""

from abc import ABC, abstractmethod
from copy import copy
from functools import cached_property
from types import ModuleType
from typing import Any

from pyspark.sql.types import StructField, StructType

from hydrofoil.spark.versions import SparkVersion

THREADS = "spark.sql.execution.pythonUDF.arrow.concurrency.level"


class Conf(ABC):
    """What families ask of a task's configuration.

    Attributes
    ----------
    runner : object
        What stock's functions are given for it: an object, or a dict of strings.
    """

    runner: Any

    @property
    @abstractmethod
    def wide_offsets(self) -> bool:
        """Strings and binary are to have 64-bit offsets."""

    @property
    @abstractmethod
    def binary_as_bytes(self) -> bool:
        """Binary is ``bytes`` for users' functions, not ``bytearray``."""

    @property
    @abstractmethod
    def by_name(self) -> bool:
        """Columns of results are chosen by their names."""

    @property
    @abstractmethod
    def zone(self) -> str:
        """The session's time zone."""

    @property
    @abstractmethod
    def threads(self) -> int:
        """How many threads call row functions; 0 or less for none."""

    @property
    @abstractmethod
    def legacy_rows(self) -> bool:
        """Row functions on Arrow are to be converted by pandas."""

    @property
    @abstractmethod
    def input_type(self) -> Any:
        """The Spark types of the input's columns as a struct; None where they are not sent."""

    @abstractmethod
    def get(self, key: str) -> str:
        """A configuration's value as it was sent."""

    def windows(self, version: SparkVersion) -> list[str]:
        """The kind of each function's windows: "bounded" or "unbounded"."""
        listed = self.get(version.window_bounds_key)
        return [bound.strip().lower() for bound in listed.split(",")]


class ConfObjects(Conf):
    """For versions whose worker has objects for it.

    Parameters
    ----------
    runner, evaluation : RunnerConf, EvalConf
        Stock's.
    """

    def __init__(self, runner: Any, evaluation: Any) -> None:
        self.runner = runner
        self.evaluation = evaluation

    @property
    def wide_offsets(self) -> bool:
        wide: bool = self.runner.use_large_var_types
        return wide

    @property
    def binary_as_bytes(self) -> bool:
        as_bytes: bool = self.runner.binary_as_bytes
        return as_bytes

    @property
    def by_name(self) -> bool:
        by_name: bool = self.runner.assign_cols_by_name
        return by_name

    @property
    def zone(self) -> str:
        zone: str = self.runner.timezone
        return zone

    @property
    def threads(self) -> int:
        threads: int = self.runner.arrow_concurrency_level
        return threads

    @property
    def legacy_rows(self) -> bool:
        legacy: bool = self.runner.use_legacy_pandas_udf_conversion
        return legacy

    @property
    def input_type(self) -> Any:
        return self.evaluation.input_type

    def get(self, key: str) -> str:
        value: str = self.runner.get(key)
        return value

    def unthreaded(self) -> Any:
        """The same object for stock's functions, but that it has no threads."""
        other = copy(self.runner)
        other._conf = {**self.runner._conf, THREADS: "-1"}
        return other


def once_parsed(eval_conf: type[Any]) -> type[Any]:
    """Stock's class for the plan's configuration, but that a task's input types are parsed once.

    Stock parses them for whoever asks.
    """

    class EvalConf(eval_conf):  # type: ignore[misc]
        @cached_property
        def input_type(self) -> Any:
            return super().input_type

    return EvalConf


class ConfStrings(Conf):
    """For versions whose worker has a dict of it, and passes parts of it on to the serializer.

    Parameters
    ----------
    runner : dict of str to str
        As far as stock passes it on to where functions are read.
    serializer : object
        Stock's for the input.
    """

    def __init__(
        self, version: SparkVersion, worker: ModuleType, runner: dict[str, str], serializer: Any
    ) -> None:
        self._version = version
        self._worker = worker
        self.runner = runner
        self._serializer = serializer

    @property
    def wide_offsets(self) -> bool:
        return self._version.wide_offsets and bool(self._worker.use_large_var_types(self.runner))

    @property
    def binary_as_bytes(self) -> bool:
        as_bytes: bool = self._serializer._binary_as_bytes
        return as_bytes

    @property
    def by_name(self) -> bool:
        by_name: bool = self._serializer._assign_cols_by_name
        return by_name

    @property
    def zone(self) -> str:
        zone: str = self._serializer._timezone
        return zone

    @property
    def threads(self) -> int:
        # Spark sends it where it is set.
        return int(THREADS in self.runner)

    @property
    def legacy_rows(self) -> bool:
        return bool(self._worker.use_legacy_pandas_udf_conversion(self.runner))

    @property
    def input_type(self) -> Any:
        if not self._version.input_type_is_sent:
            return None
        types = self._serializer._input_types
        return StructType([StructField(f"_{i}", kind) for i, kind in enumerate(types)])

    def get(self, key: str) -> str:
        value: str = self.runner[key]
        return value
