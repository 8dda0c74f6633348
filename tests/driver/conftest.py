"""Stock beside Hydrofoil in one session: each call with the fast paths and without."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pyspark.sql import SparkSession

import hydrofoil
from driver.exactly import exactly
from hydrofoil.driver import paths
from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import use_conf
from hydrofoil.tools.parity.harness import normalized


@dataclass(frozen=True)
class Compare:
    """Makes a call both ways.

    Attributes
    ----------
    spark : SparkSession
    writer : bool
        Whether the JVM's half writes the record batches, where this Spark has it; else Spark does.
    """

    spark: SparkSession
    writer: bool = True

    def __call__(self, call: Callable[[], Any], fast: bool | None = True) -> Any:
        """What the call gives by Hydrofoil, after it is found to be what it gives by stock.

        Parameters
        ----------
        fast : bool or None
            Whether a fast path has to be taken, or must not be; None if that does not matter.
        """
        hydrofoil.disable(self.spark)
        stock, stocks_warnings = warned(call)
        hydrofoil.enable(self.spark)
        paths.forget()
        try:
            with use_conf(self.spark, {ENABLED_KEY: str(self.writer).lower()}):
                ours, our_warnings = warned(call)
        finally:
            hydrofoil.disable(self.spark)
        assert exactly(ours) == exactly(stock)
        assert our_warnings == stocks_warnings
        if fast is not None:
            taken = {one["path"] for one in paths.taken()}
            assert (taken == {paths.FAST}) == fast, paths.taken()
        return ours


# Python shows users no others, unless they ask.
SHOWN = (UserWarning, FutureWarning, RuntimeWarning, SyntaxWarning, UnicodeWarning, BytesWarning)


def warned(call: Callable[[], Any]) -> tuple[Any, list[tuple[str, str]]]:
    """What comes of a call, and the warnings that a user is shown."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        came = outcome(call)
    shown = [one for one in caught if issubclass(one.category, SHOWN)]
    return came, [(one.category.__name__, normalized(str(one.message))) for one in shown]


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or the class and the message of what it raises."""
    try:
        return call()
    except Exception as error:
        return type(error), normalized(str(error))


@pytest.fixture
def compare(spark: SparkSession) -> Iterator[Compare]:
    yield Compare(spark)
    hydrofoil.disable(spark)
