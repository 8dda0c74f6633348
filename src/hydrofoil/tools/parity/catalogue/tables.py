"""Table functions."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.tools.parity.case import Case, case
from hydrofoil.tools.parity.catalogue.data_types import FEW, TYPES
from hydrofoil.tools.parity.catalogue.shapes import SHAPES, settings, shaped
from hydrofoil.tools.parity.harness import numbers
from hydrofoil.tools.parity.probes import describe
from hydrofoil.tools.parity.samples import TIME_CONF, Sample

_TRANSPORTS = {"pickled": False, "arrow": True}


def cases() -> Iterator[Case]:
    """Each type, then each shape and each mistake, with either transport."""
    for transport, arrow in _TRANSPORTS.items():
        family = f"udtf-{transport}"
        for sample in TYPES:
            conf = TIME_CONF if sample.name == "time" else {}
            # Rows that come back pickled have maps in the order of their hashes.
            back = "keyed" not in sample.name
            build = partial(_typed, arrow, sample, "nulls", back)
            yield case(family, sample.name, "nulls", build=build, conf=conf)
        for number, sample in enumerate(FEW):
            shape = SHAPES[1 + number % (len(SHAPES) - 1)]
            build = partial(_typed, arrow, sample, shape, True)
            yield case(family, sample.name, shape, build=build, conf=settings(shape))
        for name, (declared, make) in _MISTAKES.items():
            build = partial(_made, arrow, declared, make)
            yield case(family, "wrong", name, build=build)


def _typed(arrow: bool, sample: Sample, shape: str, back: bool, spark: SparkSession) -> DataFrame:
    class Handler:
        def eval(self, value: Any) -> Iterator[Any]:
            yield (describe(value), value) if back else (describe(value),)

    declared = f"seen string, back {sample.type}" if back else "seen string"
    return _lateral(spark, shaped(spark, sample, shape), Handler, declared, arrow)


def _lateral(
    spark: SparkSession, frame: DataFrame, handler: Any, declared: str, arrow: bool
) -> DataFrame:
    table = F.udtf(handler, returnType=declared, useArrow=arrow)
    spark.udtf.register("parity_function", table)  # type: ignore[arg-type]
    frame.createOrReplaceTempView("parity_rows")
    return spark.sql(
        "SELECT r.n, f.* FROM parity_rows r, LATERAL parity_function(r.v) f ORDER BY r.n"
    )


def _made(arrow: bool, declared: str, make: Callable[[], Any], spark: SparkSession) -> DataFrame:
    frame = numbers(spark, 4).selectExpr("id AS n", "id AS v")
    return _lateral(spark, frame, make(), declared, arrow)


def _evaluating(function: Callable[[int], Any]) -> Callable[[], Any]:
    """The third of four calls does as ``function``, the others are right."""

    def make() -> Any:
        class Handler:
            def eval(self, value: int) -> Any:
                return function(value) if value == 2 else [(value,)]

        return Handler

    return make


def _raise(value: int) -> Any:
    raise ValueError(f"no {value}")


def _stop(value: int) -> Any:
    return next(iter(()))


def _yield_and_raise(value: int) -> Any:
    yield (1,)
    raise ValueError("after a row")


def _terminating() -> Any:
    class Handler:
        def __init__(self) -> None:
            self.total = 0

        def eval(self, value: int) -> Any:
            self.total += value
            yield (value,)

        def terminate(self) -> Any:
            yield (self.total,)

    return Handler


def _terminate_raises() -> Any:
    class Handler:
        def eval(self, value: int) -> Any:
            yield (value,)

        def terminate(self) -> Any:
            raise ValueError("at the end")

    return Handler


def _init_raises() -> Any:
    class Handler:
        def __init__(self) -> None:
            raise ValueError("at the start")

        def eval(self, value: int) -> Any:
            yield (value,)

    return Handler


def _no_arguments() -> Any:
    class Handler:
        def eval(self) -> Any:
            yield (1,)

    return Handler


_MISTAKES: dict[str, tuple[str, Callable[[], Any]]] = {
    "none": ("a bigint", _evaluating(lambda value: None)),
    "no-rows": ("a bigint", _evaluating(lambda value: [])),
    "many-rows": ("a bigint", _evaluating(lambda value: [(value,)] * 3)),
    "scalar": ("a bigint", _evaluating(lambda value: 7)),
    "text": ("a bigint", _evaluating(lambda value: "text")),
    "row-is-scalar": ("a bigint", _evaluating(lambda value: [7])),
    "row-is-text": ("a string", _evaluating(lambda value: ["text"])),
    "row-is-none": ("a bigint", _evaluating(lambda value: [None])),
    "row-is-list": ("a bigint", _evaluating(lambda value: [[7]])),
    "row-is-dict": ("a bigint", _evaluating(lambda value: [{"a": 7}])),
    "too-short": ("a bigint, b bigint", _evaluating(lambda value: [(7,)])),
    "too-long": ("a bigint", _evaluating(lambda value: [(7, 8)])),
    "text-for-bigint": ("a bigint", _evaluating(lambda value: [("x",)])),
    "digits-for-bigint": ("a bigint", _evaluating(lambda value: [("12",)])),
    "number-for-string": ("a string", _evaluating(lambda value: [(12,)])),
    "float-for-bigint": ("a bigint", _evaluating(lambda value: [(1.5,)])),
    "overflow": ("a tinyint", _evaluating(lambda value: [(300,)])),
    "null": ("a bigint", _evaluating(lambda value: [(None,)])),
    "raises": ("a bigint", _evaluating(_raise)),
    "raises-after-a-row": ("a bigint", _evaluating(_yield_and_raise)),
    "stop-iteration": ("a bigint", _evaluating(_stop)),
    "terminate": ("a bigint", _terminating),
    "terminate-raises": ("a bigint", _terminate_raises),
    "init-raises": ("a bigint", _init_raises),
    "no-arguments": ("a bigint", _no_arguments),
}
