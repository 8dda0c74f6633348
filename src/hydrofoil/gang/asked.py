"""What Spark's settings ask of a gang, of whichever kind the session is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydrofoil.errors import UnsupportedError, UsageError
from hydrofoil.gang.channel.encryption import encryption
from hydrofoil.gang.errors import GangError
from hydrofoil.gang.seams import Resources
from hydrofoil.settings.sessions import sql_setting

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PORT = "spark.hydrofoil.gang.port"
# Settings of the context, whose defaults it does not tell; no version has changed them.
CPUS = "spark.task.cpus"
GPUS = "spark.task.resource.gpu.amount"
# Each encrypts Spark's RPC by itself; the last one is Spark 4's.
_ENCRYPTING = (
    "spark.network.crypto.enabled",
    "spark.authenticate.enableSaslEncryption",
    "spark.ssl.rpc.enabled",
)


@dataclass(frozen=True)
class Place:
    """Where a hub listens, what ranks connect to, and what `Secret` has to be."""

    bind: str
    host: str
    port: int
    encrypt: bool
    strict: bool

    @contextmanager
    def listening(self, who: str) -> Iterator[None]:
        """Say what to do where the hub can't listen."""
        try:
            yield
        except OSError as error:
            raise self.cannot_listen(who, error) from error

    def cannot_listen(self, who: str, error: object) -> GangError:
        return GangError(
            f"{who} can't listen on {self.bind}:{self.port}: {error}",
            hint=f"set spark.driver.bindAddress, and {PORT} to a free port or 0",
        )


class Settings:
    """Spark's, as far as a session tells them.

    Parameters
    ----------
    get : callable
        The value of a key, or ``None`` where it isn't set.
    """

    def __init__(self, get: Callable[[str], str | None]) -> None:
        self.get = get

    def is_on(self, key: str) -> bool:
        return str(self.get(key) or "false").strip().lower() == "true"

    @property
    def cpus(self) -> int:
        """Cores of a task that asks for nothing."""
        return int(self.get(CPUS) or "1")

    def is_local(self, master: str) -> bool:
        return master.startswith("local") and not master.startswith("local-cluster")

    def profile(self, resources: Resources, local: bool) -> Any:
        """Return Spark's resource profile for a rank; ``None`` if the default does."""
        cpus, gpus = resources.cpus or self.cpus, resources.gpus
        if cpus < 1 or gpus < 0:
            raise UsageError(f"{resources}: cpus has to be 1 or more, gpus 0 or more")
        # Local Spark knows no GPUs; the ranks deal out the host's own.
        asks_spark = gpus and not local
        if cpus == self.cpus and (not asks_spark or float(self.get(GPUS) or "0") == gpus):
            return None
        from pyspark.resource import ResourceProfileBuilder, TaskResourceRequests

        requests = TaskResourceRequests().cpus(cpus)
        if asks_spark:
            requests = requests.resource("gpu", gpus)
        return ResourceProfileBuilder().require(requests).build

    def place(self) -> Place:
        """Where the hub listens. What its connections have to be follows from Spark's own."""
        encrypt = any(map(self.is_on, _ENCRYPTING))
        if encrypt:
            encryption()  # Before anything is computed for ranks that could not connect.
        host = self.get("spark.driver.host") or "127.0.0.1"
        bind = self.get("spark.driver.bindAddress") or host
        port = int(self.get(PORT) or "0")
        return Place(bind, host, port, encrypt, encrypt or self.is_on("spark.authenticate"))


def check_settings(spark: "SparkSession", settings: Settings, local: bool) -> None:
    """Refuse what Spark refuses for barrier stages, and what would kill ranks."""
    if settings.is_on("spark.dynamicAllocation.enabled") and not local:
        raise UnsupportedError(
            "Spark refuses barrier stages under dynamic allocation (SPARK-24942)",
            hint="set spark.dynamicAllocation.enabled=false and spark.executor.instances to what "
            "the gang needs",
        )
    # Before Spark 4.1 there is no such setting.
    kills = sql_setting(spark, "spark.sql.execution.pyspark.udf.killOnIdleTimeout")
    seconds = sql_setting(spark, "spark.sql.execution.pyspark.udf.idleTimeoutSeconds")
    if kills == "true" and seconds not in (None, "0", "0s"):
        raise UsageError(
            "spark.sql.execution.pyspark.udf.killOnIdleTimeout=true would kill ranks: they say "
            "nothing to Spark while they train",
            hint="set it to false",
        )
