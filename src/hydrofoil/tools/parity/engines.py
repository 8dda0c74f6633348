"""The engines under comparison, and how a running session is switched from one to another.

Spark looks up the daemon's module for each Python runner and pools workers by module and
environment, so one session can alternate between engines.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pyspark
from pyspark.sql import SparkSession

from hydrofoil.settings.jvm_operators import ENABLED_KEY

_DAEMON_MODULE = "spark.python.daemon.module"
# Spark 3.5 pools workers by environment only.
_POOL = "PARITY_DAEMON"
_POOLED_BY_MODULE = not pyspark.__version__.startswith("3.")


@dataclass(frozen=True)
class Engine:
    """A Python worker: its name and the module that executors start as its daemon.

    Attributes
    ----------
    columnar : bool
        Whether the JVM's half is turned on with it, in a session that has it; else it stays as it
        is.
    """

    name: str
    daemon: str
    columnar: bool = False


STOCK = Engine("stock", "pyspark.daemon")
# The same worker, forked from a process that has imported it: a query that fails ends its worker,
# and stock takes a second to make the next.
WARM_STOCK = Engine("warm-stock", "hydrofoil.tools.parity.warm_stock")
HYDROFOIL = Engine("hydrofoil", "hydrofoil.daemon")


@contextmanager
def use_engine(spark: SparkSession, engine: Engine) -> Iterator[None]:
    """Run the Python functions of queries executed inside the block with ``engine``."""
    with (
        use_core_conf(spark, {_DAEMON_MODULE: engine.daemon}),
        use_environment(spark, {} if _POOLED_BY_MODULE else {_POOL: engine.daemon}),
        use_conf(spark, {ENABLED_KEY: "true"} if engine.columnar else {}),
    ):
        yield


@contextmanager
def use_core_conf(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Set these of the Spark context's settings that Spark looks up for each query."""
    conf = spark.sparkContext._jsc.sc().conf()
    before = {key: conf.get(key, None) for key in settings}
    for key, value in settings.items():
        conf.set(key, value)
    try:
        yield
    finally:
        for key, old in before.items():
            if old is None:
                conf.remove(key)
            else:
                conf.set(key, old)


@contextmanager
def use_environment(spark: SparkSession, variables: Mapping[str, str]) -> Iterator[None]:
    """Give workers these environment variables, for UDFs made and run inside the block."""
    environment = spark.sparkContext.environment
    before = dict(environment)
    environment.update(variables)
    try:
        yield
    finally:
        environment.clear()
        environment.update(before)


@contextmanager
def use_conf(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Set these SQL configurations inside the block."""
    before = {key: spark.conf.get(key, None) for key in settings}
    for key, value in settings.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, old in before.items():
            if old is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, old)
