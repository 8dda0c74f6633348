"""What suites run on: a local session, the options of the command line, and progress."""

import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hydrofoil.errors import UsageError
from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.bench.contest import Alone, Contest, Contestant, Measured
from hydrofoil.tools.bench.spark_log import SparkLog
from hydrofoil.tools.bench.stopwatch import Sample, Stopwatch
from hydrofoil.tools.parity.engines import use_conf, use_engine
from hydrofoil.tools.replay.answer import same_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from hydrofoil.tools.replay.player import Player

# Rows on which answers are compared, and on which functions are measured alone.
_SAMPLE = 100_000
# The part of a run that is enough of a warm-up.
_WARM_UP = 4


T = TypeVar("T")


def in_order(contestants: Iterable[T], turn: int) -> list[T]:
    """Who comes after whom in a turn, counted from 0.

    Not always the same first: a JVM that still gets faster would favour those behind it.
    """
    return list(contestants)[:: -1 if turn % 2 else 1]


class UnequalResultsError(RuntimeError):
    """Two engines computed different results, so their times can't be compared."""


@dataclass(frozen=True)
class Options:
    """What the user has asked for.

    Attributes
    ----------
    rows : int or None
        In place of a workload's own number.
    repeat : int
        Timed runs of each engine.
    workloads : tuple of str
        Only these; all of a suite without any.
    master : str
        A local one.
    module, data : Path or None
        The user's own functions, and a sample of data for them.
    binds : dict of str to list of str
        Columns for those functions.
    """

    rows: int | None = None
    repeat: int = 3
    workloads: tuple[str, ...] = ()
    master: str = "local[2]"
    module: Path | None = None
    data: Path | None = None
    binds: dict[str, list[str]] | None = None


def check_workloads(wanted: Sequence[str], suite: str, there: Sequence[str]) -> None:
    """Refuse names that a suite does not have.

    Raises
    ------
    UsageError
        One of them is not in it.
    """
    for name in wanted:
        if name not in there:
            has = f"has {', '.join(there)}" if there else "takes no --workload"
            raise UsageError(f"--workload {name}: it is not in suite {suite}, which {has}")


class Bench:
    """Measures contests in a session that is started when it is first needed.

    Parameters
    ----------
    options : Options
    step : callable (str) -> None
        Told what is done next, once for each step.
    expect : callable (int) -> None
        Told how many steps more there will be.
    spark : SparkSession, optional
        A running session, in place of one of its own.
    tell : callable (str) -> None
        Told a figure as soon as there is one.
    log : SparkLog, optional
        Where the log of a session of its own goes, in place of standard error.
    """

    def __init__(
        self,
        options: Options,
        step: Callable[[str], None] = lambda _: None,
        expect: Callable[[int], None] = lambda _: None,
        spark: "SparkSession | None" = None,
        tell: Callable[[str], None] = lambda _: None,
        log: SparkLog | None = None,
    ) -> None:
        self.options = options
        self.step = step
        self.expect = expect
        self.tell = tell
        self._log = log
        self._player: Player | None = None
        self._spark = spark
        self._master = options.master
        self._stopwatch = None if spark is None else Stopwatch(spark)

    def chosen(self, suite: str, names: Iterable[str]) -> list[str]:
        """The workloads of a suite that the user wants.

        Raises
        ------
        UsageError
            One of them is not in it.
        """
        there = list(names)
        check_workloads(self.options.workloads, suite, there)
        return [name for name in there if name in self.options.workloads] or there

    def rows(self, own: int) -> int:
        """How many rows a workload gets that would have ``own``."""
        return self.options.rows or own

    def session(self, master: str | None = None) -> "SparkSession":
        """The session, with Hydrofoil's operators loaded but off; for another master a new one."""
        master = master or self.options.master
        if self._spark is not None and master != self._master:
            self._spark.stop()
            self._spark = None
        if self._spark is None:
            with nullcontext() if self._log is None else self._log.taking():
                self._spark, self._master = _session(master), master
            self._stopwatch = Stopwatch(self._spark)
        return self._spark

    def stop(self) -> None:
        """End the session, and the process that functions are measured in."""
        if self._player is not None:
            self._player.close()
            self._player = None
        if self._spark is not None:
            self._spark.stop()
            self._spark = None

    def steps(self, contest: Contest) -> int:
        """How many steps `measure` takes."""
        return len(contest.contestants) * (2 + self.options.repeat)

    def measure_all(self, contests: Sequence[Contest]) -> "Iterator[Measured]":
        """Measure contests, one after the other."""
        self.expect(sum(map(self.steps, contests)))
        for contest in contests:
            yield self.measure(contest)

    def measure(self, contest: Contest) -> Measured:
        """Compare the answers, warm up, then time all contestants in turn.

        Raises
        ------
        UnequalResultsError
            A contestant's answer on the first rows is not that of the first.
        """
        units = max(1, min(contest.rows, _SAMPLE) // contest.unit_rows)
        sample = min(units * contest.unit_rows, min(map(contest.rows_of, contest.contestants)))
        functions = self._functions(contest, min(contest.rows, _SAMPLE))
        size = self._check(contest, sample)
        for each in contest.contestants:
            self.step(f"{contest.name}: warm-up, {each.name}")
            self.time(contest, each, max(contest.rows_of(each) // _WARM_UP, sample))
        samples: dict[str, list[Sample]] = {each.name: [] for each in contest.contestants}
        for turn in range(self.options.repeat):
            for each in in_order(contest.contestants, turn):
                self.step(f"{contest.name}: run {turn + 1} of {self.options.repeat}, {each.name}")
                samples[each.name].append(self.time(contest, each, contest.rows_of(each)))
        return Measured(contest, size, samples, functions)

    def time(self, contest: Contest, contestant: Contestant, rows: int) -> Sample:
        """Time one contestant once."""
        spark = self.session()
        assert self._stopwatch is not None
        with self.using(contestant):
            return self._stopwatch.time(
                lambda count: contestant.query(contest.data(spark, count)), rows
            )

    @contextmanager
    def using(self, contestant: Contestant) -> "Iterator[None]":
        """Make and run queries inside the block as a contestant does."""
        spark = self.session()
        with ExitStack() as stack:
            stack.enter_context(use_conf(spark, contestant.conf))
            stack.enter_context(use_engine(spark, contestant.engine))
            yield

    def _functions(self, contest: Contest, rows: int) -> dict[str, float]:
        """CPU ns a row of each function, called in a bare loop in a process of its own."""
        from hydrofoil.tools.replay.player import Player

        if not contest.functions:
            return {}
        units = max(1, rows // contest.unit_rows)
        table = _table(contest.data(self.session(), units * contest.unit_rows))
        self._player = self._player or Player({}, engines=())
        return {
            kind: _alone(self._player, alone, table) / table.num_rows * 1e9
            for kind, alone in contest.functions.items()
        }

    def _check(self, contest: Contest, rows: int) -> float:
        """Compare answers; return the bytes of a row and its answer, as Arrow holds them."""
        data = contest.data(self.session(), rows)
        first = contest.contestants[0]
        expected: pa.Table | None = None
        for each in contest.contestants:
            self.step(f"{contest.name}: result, {each.name}")
            with self.using(each):
                answer = _table(each.query(data))
            expected = answer if expected is None else expected
            if not same(expected, answer, contest.tolerance):
                raise UnequalResultsError(
                    f"workload {contest.name!r}: {each.name} and {first.name} differ on the first "
                    f"{rows} rows"
                )
        assert expected is not None
        return float(_table(data).nbytes + expected.nbytes) / rows


def same(expected: "pa.Table", answer: "pa.Table", tolerance: float = 0.0) -> bool:
    """Whether two tables have the same rows, in whatever order where values can be ordered."""
    import pyarrow as pa

    if expected.column_names != answer.column_names or expected.num_rows != answer.num_rows:
        return False
    if _same_in_order(expected, answer, tolerance):
        return True
    keys = [(name, "ascending") for name in expected.column_names]
    try:
        expected, answer = expected.sort_by(keys), answer.sort_by(keys)
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError):  # Nested, for instance.
        return False
    return _same_in_order(expected, answer, tolerance)


def _same_in_order(expected: "pa.Table", answer: "pa.Table", tolerance: float) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    for left, right in zip(expected.columns, answer.columns, strict=True):
        if tolerance and pa.types.is_floating(left.type):
            # A comparison with null says nothing.
            if left.is_null().to_pylist() != right.is_null().to_pylist():
                return False
            off = pc.abs(pc.subtract(left, right))
            allowed = pc.add(pc.multiply(pc.abs(left), tolerance), tolerance)
            if not pc.all(pc.less_equal(off, allowed)).as_py():
                return False
        # As text, in which NaN is NaN and -0.0 is not 0.0.
        elif not same_column(left, right) and repr(left.to_pylist()) != repr(right.to_pylist()):
            return False
    return True


def _table(query: "DataFrame") -> "pa.Table":
    if hasattr(query, "toArrow"):
        return query.toArrow()
    import pyarrow as pa

    # Spark 3.5 has a different name for it.
    internal: Any = query
    return pa.Table.from_batches(internal._collect_as_arrow())


def _alone(player: "Player", alone: Alone, table: "pa.Table") -> float:
    arguments = alone.arguments(table)
    return float(statistics.median(player.floor(alone.function, arguments) for _ in range(3)))


def by_value(*modules: str) -> None:
    """Send the functions of modules to workers as those of a user's script."""
    from pyspark import cloudpickle

    for module in modules:
        cloudpickle.register_pickle_by_value(sys.modules[module])  # type: ignore[no-untyped-call]


def _session(master: str) -> "SparkSession":
    """What hydrofoil.session makes, but with stock's daemon and worker: engines choose theirs."""
    from pyspark.sql import SparkSession

    from hydrofoil.settings import jvm_operators
    from hydrofoil.settings.launch import running_jvm

    jvm = running_jvm()
    if jvm is not None and jvm_operators.jar() is not None:  # Of a session before this one.
        jvm_operators.load_into(jvm)
    conf = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "3g",
        # Few groups would otherwise meet in one task, and one core run it.
        "spark.sql.adaptive.coalescePartitions.enabled": "false",
        **jvm_operators.settings(None, {}),
        # Engines turn it on.
        ENABLED_KEY: "false",
    }
    builder = SparkSession.builder.master(master).appName("hydrofoil bench")
    for key, value in conf.items():
        builder = builder.config(key, value)
    spark: SparkSession = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.conf.set("spark.sql.shuffle.partitions", spark.sparkContext.defaultParallelism)
    return spark
