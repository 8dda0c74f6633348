"""A session whose driver is this process: slots, hub and job through its JVM."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hydrofoil.errors import UnsupportedError
from hydrofoil.gang.asked import Settings, check_settings
from hydrofoil.gang.hub.server import Hub
from hydrofoil.gang.seams import Resources, Slots
from hydrofoil.gang.spark_job import SparkJob

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Classic:
    """Implements ``session.Session``."""

    def __init__(self, spark: "SparkSession") -> None:
        self.spark = spark
        conf = spark.sparkContext.getConf()
        self._settings = Settings(lambda key: conf.get(key, None))
        self.is_local = self._settings.is_local(str(spark.sparkContext.master))

    def check(self) -> None:
        check_settings(self.spark, self._settings, self.is_local)

    def count(self, resources: Resources) -> Slots:
        context = self.spark.sparkContext._jsc.sc()
        profile = self.profile(resources)
        if profile is None:
            java_profile = context.resourceProfileManager().defaultResourceProfile()
        else:
            java_profile = profile._java_resource_profile
            _check_supported(context, java_profile, resources)
        total = int(context.maxNumConcurrentTasks(java_profile))
        executors = _executors(context)
        cpus = resources.cpus or self._settings.cpus
        per_executor = {name: cores // cpus for name, (cores, _) in executors.items()}
        return Slots(total, per_executor, _reason(total, executors, cpus, resources.gpus))

    def profile(self, resources: Resources) -> Any:
        return self._settings.profile(resources, self.is_local)

    def hub(self) -> Hub:
        place = self._settings.place()
        with place.listening("the driver"):
            return Hub(place.bind, place.host, place.port, place.encrypt, place.strict)

    def computed_once(self, df: "DataFrame", again: bool) -> "tuple[DataFrame, Callable[[], None]]":
        """Plan the rows: what is made of them uses the same shuffle files.

        Collecting one DataFrame again would do so, too, but Spark's AQE keeps the failure of the
        first time, and a new one made of ``df`` would be planned, and computed, anew. Files that
        were lost with an executor are computed again.
        """
        from pyspark.sql import DataFrame

        spark: Any = self.spark
        java: Any = df
        rows = java._jdf.queryExecution().toRdd()
        planned = spark._jsparkSession.internalCreateDataFrame(rows, java._jdf.schema(), False)
        return DataFrame(planned, spark), lambda: None

    def job(
        self,
        ranks: "Callable[[int], DataFrame]",
        world_size: int,
        tag: str,
        description: str,
        hub: Any,
    ) -> SparkJob:
        return SparkJob(self.spark, ranks, world_size, tag, description)


def _check_supported(context: Any, profile: Any, resources: Resources) -> None:
    try:
        context.resourceProfileManager().isSupported(profile)
    except Exception as error:
        why = str(getattr(error, "java_exception", error)).splitlines()[0]
        raise UnsupportedError(
            f"{resources}: this cluster can't give stages resources of their own: {why}",
            hint="leave resources out, and set spark.task.cpus and spark.task.resource.gpu.amount "
            "for the application",
        ) from error


def _executors(context: Any) -> dict[str, tuple[int, int]]:
    """Return each live executor's cores and running tasks, by ``id@host``."""
    found = {}
    infos = context.statusStore().executorList(True).iterator()
    while infos.hasNext():
        info = infos.next()
        if info.totalCores():  # The driver has none, but where it is the executor.
            name = f"{info.id()}@{info.hostPort().rpartition(':')[0]}"
            found[name] = (int(info.totalCores()), int(info.activeTasks()))
    return found


def _reason(total: int, executors: dict[str, tuple[int, int]], cpus: int, gpus: int) -> str:
    if not executors:
        return f"{total} slots, as no executor has registered yet"
    cores = sum(cores for cores, _ in executors.values())
    busy = sum(tasks for _, tasks in executors.values())
    text = f"{total} slot(s): {len(executors)} executor(s), {cores} core(s) in all, {cpus} a rank"
    if gpus:
        text += f", and {gpus} GPU(s) a rank"
    return text + (f"; {busy} task(s) of other jobs run in them now" if busy else "")
