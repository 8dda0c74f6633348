"""Ways between the JVM and a Python worker: engines, each over TCP and over Unix sockets."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hydrofoil.settings.sockets import UNIX_SOCKETS_KEY, has_unix_sockets
from hydrofoil.tools.bench.contest import HYDROFOIL
from hydrofoil.tools.parity import engines
from hydrofoil.tools.parity.engines import STOCK, Engine, use_core_conf, use_environment

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Spark pools workers by environment: those of one kind of socket have a pool of their own.
_POOL = "BENCH_SOCKETS"


@dataclass(frozen=True)
class Route:
    """An engine and the sockets between it and the JVM, or Spark's own expressions."""

    engine: Engine
    unix: bool = False
    python: bool = True

    @property
    def is_ours(self) -> bool:
        return self.python and self.engine is not STOCK

    @contextmanager
    def using(self, spark: "SparkSession") -> Iterator[None]:
        """Make and run queries inside the block by this route."""
        with ExitStack() as stack:
            stack.enter_context(engines.use_engine(spark, self.engine))
            if has_unix_sockets(spark.version):
                unix = str(self.unix).lower()
                stack.enter_context(use_core_conf(spark, {UNIX_SOCKETS_KEY: unix}))
                stack.enter_context(use_environment(spark, {_POOL: unix}))
            yield


_ENGINES = {"stock": STOCK, "Hydrofoil, worker alone": engines.HYDROFOIL, "Hydrofoil": HYDROFOIL}
FIRST = "stock, TCP"
NO_PYTHON = "no Python"


def routes(spark: "SparkSession") -> dict[str, Route]:
    """All engines on TCP, on Unix sockets where this Spark has them, and Spark by itself."""
    from hydrofoil.settings import jvm_operators

    engines = dict(_ENGINES)
    extensions = spark.sparkContext.getConf().get(jvm_operators.EXTENSIONS_KEY, "") or ""
    if jvm_operators.EXTENSION not in extensions:
        del engines["Hydrofoil"]
    kinds = {"TCP": False} | ({"Unix": True} if has_unix_sockets(spark.version) else {})
    found = {
        f"{name}, {kind}": Route(engine, unix)
        for kind, unix in kinds.items()
        for name, engine in engines.items()
    }
    return {**found, NO_PYTHON: Route(STOCK, python=False)}
