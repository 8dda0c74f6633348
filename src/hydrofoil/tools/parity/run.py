"""Run cases, one after the other, on one session."""

import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from pyspark import cloudpickle
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from hydrofoil.errors import UsageError
from hydrofoil.tools.parity.case import COMMON_CONF, Case, Side
from hydrofoil.tools.parity.engines import (
    HYDROFOIL,
    WARM_STOCK,
    Engine,
    use_conf,
    use_core_conf,
    use_engine,
    use_environment,
)
from hydrofoil.tools.parity.harness import Outcome, Raised, difference, outcome_of


@dataclass(frozen=True)
class Result:
    """What became of a case.

    Attributes
    ----------
    case : Case
    difference : str or None
        What differs, in words; None if nothing does.
    raised : bool
        Whether stock raised an error.
    seconds : float
        For both sides together.
    """

    case: Case
    difference: str | None
    raised: bool
    seconds: float

    @property
    def equal(self) -> bool:
        return self.difference is None


def require_hydrofoil(spark: SparkSession) -> None:
    """Find out whether this session's workers can load Hydrofoil: if not, they run stock's code.

    Raises
    ------
    UsageError
        If they can't; they have said why on standard error.
    """
    with tempfile.TemporaryDirectory(prefix="hydrofoil-parity-") as folder:
        with use_engine(spark, HYDROFOIL), use_environment(spark, {"HYDROFOIL_TRACE": folder}):
            spark.range(1).select(udf(abs, "bigint")("id")).collect()
        if not any(Path(folder).iterdir()):
            raise UsageError(
                "this session's workers can't load Hydrofoil: stock would be compared with stock",
                hint="see their messages above; `hydrofoil doctor` shows more",
            )


def run(
    spark: SparkSession,
    cases: Iterable[Case],
    left: Engine = WARM_STOCK,
    right: Engine = HYDROFOIL,
) -> Iterator[Result]:
    """Give each case's result as soon as there is one."""
    with as_users_functions():
        for case in cases:
            yield run_case(spark, case, left, right)


def run_case(
    spark: SparkSession, case: Case, left: Engine = WARM_STOCK, right: Engine = HYDROFOIL
) -> Result:
    """Run one case on both sides and compare."""
    start = time.perf_counter()
    expected = _outcome(spark, case, left, case.mode.left)
    actual = _outcome(spark, case, right, case.mode.right)
    found = difference(expected, actual, last_line_only=case.last_line_only)
    if _refused(case.mode.refusal, expected, actual):
        found = None
    seconds = time.perf_counter() - start
    return Result(case, found, isinstance(expected, Raised), seconds)


def _refused(refusal: str, expected: Outcome, actual: Outcome) -> bool:
    return (
        refusal != ""
        and isinstance(expected, Raised)
        and isinstance(actual, Raised)
        and refusal in actual.last_line
    )


def _outcome(spark: SparkSession, case: Case, engine: Engine, side: Side) -> Outcome:
    with (
        use_conf(spark, {**COMMON_CONF, **case.conf, **side.conf}),
        use_core_conf(spark, case.core),
        use_environment(spark, side.environment),
        use_engine(spark, engine),
        warnings.catch_warnings(),
    ):
        # Advice on how to write functions; the catalogue writes them in every way there is.
        warnings.simplefilter("ignore")
        return outcome_of(spark, case.build)


@contextmanager
def as_users_functions() -> Iterator[None]:
    """Send the functions of cases to workers as those of a user's script, by value.

    By reference a worker would import their modules, and with them most of PySpark.
    """
    modules = [
        import_module(f"hydrofoil.tools.parity.{name}")
        for name in ("families", "catalogue", "drawn")
    ]
    for module in modules:
        cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)  # type: ignore[no-untyped-call]
