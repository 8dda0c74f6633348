"""A contest: one query in several ways, and what is known of each after it was timed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hydrofoil.tools.bench.figures import Factor, Spread
from hydrofoil.tools.bench.stopwatch import Sample
from hydrofoil.tools.parity.engines import STOCK, Engine

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

# What hydrofoil.session gives: the worker, and the JVM's half where there is one.
HYDROFOIL = Engine("Hydrofoil", "hydrofoil.daemon", columnar=True)
BOTH = (STOCK, HYDROFOIL)


@dataclass(frozen=True)
class Alone:
    """The user's function by itself: what a bare loop calls, and with what.

    ``arguments`` makes lists of arguments, one for each parameter, of the first rows of the data.
    """

    function: Callable[..., Any]
    arguments: "Callable[[pa.Table], list[list[Any]]]"


@dataclass(frozen=True)
class Contestant:
    """One way to run the query.

    Attributes
    ----------
    name : str
        Another one for each of a contest.
    engine : Engine
    query : callable (DataFrame) -> DataFrame
        Also makes its UDFs, which take the engine's environment along.
    alone : str
        Which of the contest's functions it calls, if that can be measured by itself.
    conf : mapping
        Spark's SQL settings for it.
    share : float
        Of the contest's rows: slower ways get fewer, and are compared by time a row.
    """

    name: str
    engine: Engine
    query: "Callable[[DataFrame], DataFrame]"
    alone: str = ""
    conf: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0


@dataclass(frozen=True)
class Contest:
    """Ways to run the same query.

    Attributes
    ----------
    name : str
    data : callable (SparkSession, rows) -> DataFrame
    rows : int
    contestants : sequence of Contestant
        Each is compared with the first.
    unit : str
        What times are divided by, in words: "row", or "group".
    unit_rows : int
        How many rows a unit has.
    functions : mapping of str to Alone
    tolerance : float
        How far doubles of two answers may be apart, relatively.
    """

    name: str
    data: "Callable[[SparkSession, int], DataFrame]"
    rows: int
    contestants: Sequence[Contestant]
    unit: str = "row"
    unit_rows: int = 1
    functions: Mapping[str, Alone] = field(default_factory=dict)
    tolerance: float = 0.0

    def rows_of(self, contestant: Contestant) -> int:
        """How many rows a contestant is timed on: whole units, and one at least."""
        units = max(1, round(self.rows * contestant.share / self.unit_rows))
        return units * self.unit_rows


@dataclass(frozen=True)
class Measured:
    """All runs of a contest.

    Attributes
    ----------
    contest : Contest
    bytes_per_row : float or None
        Of the data and the answer together, as Arrow holds them; None where nobody looked.
    samples : dict of str to list of Sample
        By contestant.
    functions : dict of str to float
        CPU ns a row of each function alone.
    """

    contest: Contest
    bytes_per_row: float | None
    samples: dict[str, list[Sample]]
    functions: dict[str, float]

    @property
    def name(self) -> str:
        return self.contest.name

    @property
    def names(self) -> list[str]:
        return list(self.samples)

    def _contestant(self, name: str) -> Contestant:
        return next(each for each in self.contest.contestants if each.name == name)

    def is_ours(self, name: str) -> bool:
        """Whether a contestant runs on Hydrofoil."""
        return self._contestant(name).engine.daemon == HYDROFOIL.daemon

    def rows(self, name: str) -> int:
        """How many rows a contestant was timed on."""
        return self.contest.rows_of(self._contestant(name))

    def wall(self, name: str) -> Spread:
        """Seconds of wall clock of a whole run."""
        return Spread.of([sample.wall for sample in self.samples[name]])

    def wall_per_row(self, name: str) -> Spread:
        """Seconds a row."""
        return self.wall(name).scaled(1 / self.rows(name))

    def rows_per_s(self, name: str) -> Spread:
        return self.wall(name).inverse(self.rows(name))

    def mb_per_s(self, name: str) -> float | None:
        """The median; None where it is not known how large a row is."""
        size = self.bytes_per_row
        return None if size is None else self.rows_per_s(name).median * size / 1e6

    def units_per_s(self, name: str) -> Spread:
        return self.rows_per_s(name).scaled(1 / self.contest.unit_rows)

    def factor(self, name: str, over: str) -> Factor:
        """How many times faster a contestant is than another."""
        return Factor.of(self.wall_per_row(name), self.wall_per_row(over))

    def jvm_ns(self, name: str) -> float:
        """CPU ns a unit of the JVM."""
        return self._ns(name, [sample.jvm for sample in self.samples[name]])

    def python_ns(self, name: str) -> float:
        """CPU ns a unit of the daemon and the workers."""
        return self._ns(name, [sample.python for sample in self.samples[name]])

    def function_ns(self, name: str) -> float | None:
        """CPU ns a unit of the user's function alone, None where it can't be told."""
        found = self.functions.get(self._contestant(name).alone)
        # No more than there was: the loop that measures it is a process of its own.
        made = None if found is None else found * self.contest.unit_rows
        return None if made is None else min(made, self.python_ns(name))

    def exchange_ns(self, name: str) -> float | None:
        """CPU ns a unit of Python that are not the user's function."""
        function = self.function_ns(name)
        return None if function is None else self.python_ns(name) - function

    def _ns(self, name: str, seconds: Sequence[float]) -> float:
        return Spread.of(seconds).median / self.rows(name) * self.contest.unit_rows * 1e9

    def records(self, suite: str, over: str | None = None, **more: Any) -> list[dict[str, Any]]:
        """For JSON and CSV, one of each contestant; ``over`` is what factors are over."""
        base = over or self.names[0]
        made = []
        for name in self.names:
            wall, rate, factor = self.wall(name), self.rows_per_s(name), self.factor(name, base)
            made.append(
                {
                    "suite": suite,
                    "workload": self.name,
                    "engine": name,
                    **more,
                    "rows": self.rows(name),
                    "unit": self.contest.unit,
                    "wall_s": wall.median,
                    "wall_s_low": wall.low,
                    "wall_s_high": wall.high,
                    "rows_per_s": rate.median,
                    "mb_per_s": self.mb_per_s(name),
                    "jvm_cpu_ns_per_unit": self.jvm_ns(name),
                    "python_cpu_ns_per_unit": self.python_ns(name),
                    "function_cpu_ns_per_unit": self.function_ns(name),
                    "exchange_cpu_ns_per_unit": self.exchange_ns(name),
                    "factor": factor.value,
                    "factor_over": base,
                    "factor_is_noise": factor.noise,
                    "runs": [vars(sample) for sample in self.samples[name]],
                }
            )
        return made
