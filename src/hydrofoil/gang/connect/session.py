"""A session of a Spark Connect client: what its server tells of itself, and what runs there."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hydrofoil.errors import UnsupportedError, UsageError
from hydrofoil.gang.asked import Settings, check_settings
from hydrofoil.gang.connect.hub import RemoteHub
from hydrofoil.gang.connect.job import ConnectJob
from hydrofoil.gang.data.staging import given_back
from hydrofoil.gang.seams import Resources, Slots

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LEASE = "spark.hydrofoil.gang.lease"
_LEASE_S = "30"
# Each takes the place of the number of cores that Spark cuts a range for.
_HIDING = ("spark.sql.leafNodeDefaultParallelism", "spark.default.parallelism")
_FEWEST = 2  # Spark cuts for no fewer, unless it is local.


class OverConnect:
    """Implements ``session.Session``."""

    def __init__(self, spark: Any) -> None:
        self.spark = spark
        self._settings = Settings(lambda key: spark.conf.get(key, None))
        self._master = self._settings.get("spark.master") or ""
        self.is_local = self._settings.is_local(self._master)

    def check(self) -> None:
        import pyspark

        server, client = str(self.spark.version), pyspark.__version__
        if server.startswith("3.") or client.startswith("3."):
            raise UnsupportedError(
                "gangs over Spark Connect need Spark 4.0 or newer, whose server runs Python beside "
                f"its driver when it analyzes; the server is {server}, the client {client}",
                hint="run the driver on the cluster: spark-submit, or a session that is not remote",
            )
        check_settings(self.spark, self._settings, self.is_local)

    def count(self, resources: Resources) -> Slots | None:
        """Count by the number of cores, for which Spark cuts ranges; nothing is run for that."""
        if any(self._settings.get(key) is not None for key in _HIDING):
            return None
        cores = self._cores()
        if cores is None:
            return None
        cpus = resources.cpus or self._settings.cpus
        each = self._settings.get("spark.executor.cores")
        if each is None or self.is_local:
            total, text = cores // cpus, f"{cores} core(s) in all, {cpus} a rank"
        else:
            total = cores // int(each) * (int(each) // cpus)
            text = f"{cores} core(s) in all, {each} an executor, {cpus} a rank"
        if not self.is_local and cores == _FEWEST:
            text += " (a Spark Connect server says 2 also of fewer)"
        gpus, of_executor = resources.gpus, self._settings.get("spark.executor.resource.gpu.amount")
        if gpus and each is not None and of_executor is not None:
            total = min(total, cores // int(each) * (int(float(of_executor)) // gpus))
            text += f", and {gpus} GPU(s) a rank of {of_executor} an executor"
        return Slots(total, {}, f"{total} slot(s): {text}")

    def _cores(self) -> int | None:
        found = re.search(r"splits=(\d+)", self.spark.range(1)._explain_string())
        return None if found is None else int(found[1])

    def profile(self, resources: Resources) -> Any:
        return self._settings.profile(resources, self.is_local)

    def hub(self) -> RemoteHub:
        place = self._settings.place()
        text = self._settings.get(LEASE) or _LEASE_S
        try:
            lease = float(text)
        except ValueError:
            raise UsageError(f"{LEASE}={text} is not a number of seconds") from None
        with place.listening("the gang's hub, beside the server's driver,"):
            return RemoteHub(
                self.spark, place.bind, place.host, place.port, place.encrypt, place.strict, lease
            )

    def computed_once(self, df: "DataFrame", again: bool) -> "tuple[DataFrame, Callable[[], None]]":
        """Keep the rows on disk if they may be wanted again: a client can't name shuffle files."""
        if not again:
            return df, lambda: None
        from pyspark import StorageLevel

        kept = df.persist(StorageLevel.DISK_ONLY)
        return kept, lambda: given_back(kept)

    def job(
        self,
        ranks: "Callable[[int], DataFrame]",
        world_size: int,
        tag: str,
        description: str,
        hub: RemoteHub,
    ) -> ConnectJob:
        return ConnectJob(self.spark, ranks, world_size, tag, hub)
