"""How many ranks the cluster can run at once, counted before anything is submitted."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hydrofoil.errors import UnsupportedError, UsageError
from hydrofoil.gang.errors import SlotError
from hydrofoil.gang.seams import Resources, Slots
from hydrofoil.settings.sessions import sql_setting

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Executors register one after another when an application starts; without waiting for slots, a
# gang still gives them this long.
_AT_LEAST_S = 1.0
_POLL_S = 0.1
# Settings of the context, whose defaults it does not tell; no version has changed them.
_CPUS = "spark.task.cpus"
_GPUS = "spark.task.resource.gpu.amount"


def preflight(
    spark: "SparkSession",
    num_tasks: int = 1,
    resources: Resources | None = None,
    *,
    wait: float = 0.0,
    tell: Callable[[str], None] | None = None,
) -> Slots:
    """Check that ``num_tasks`` ranks can run at once.

    Parameters
    ----------
    spark : SparkSession
    num_tasks : int
    resources : Resources, optional
        What each rank needs; the application's ``spark.task.cpus`` unless given.
    wait : float
        Seconds to wait for slots to appear.
    tell : callable, optional
        Is told every few seconds of waiting how many there are.

    Returns
    -------
    Slots

    Raises
    ------
    SlotError
        There are fewer slots; the message counts them and says what to change.
    UnsupportedError
        Over Spark Connect, under dynamic allocation, or resources that this cluster can't give.
    UsageError
        Python's idle timeout would kill ranks.
    """
    check_session(spark)
    resources = resources or Resources()
    # Local Spark has all of its slots at once, and for ever.
    until = time.monotonic() + (0.0 if _is_local(spark) else max(wait, _AT_LEAST_S))
    told = time.monotonic()
    while True:
        slots = count(spark, resources)
        now = time.monotonic()
        if slots.total >= num_tasks:
            return slots
        if now >= until:
            raise _too_few(slots, num_tasks, resources, wait)
        if tell is not None and now - told >= 2.0:
            told = now
            tell(f"waiting for {num_tasks} slots: {slots.reason}")
        time.sleep(_POLL_S)


def check_session(spark: "SparkSession") -> None:
    """Refuse sessions in which a gang can't run at all, or would be killed.

    Raises
    ------
    UnsupportedError, UsageError
        As ``preflight`` does.
    """
    if type(spark).__module__.startswith("pyspark.sql.connect"):
        raise UnsupportedError(
            "gangs don't run over Spark Connect: its client can't count slots, and executors can't "
            "reach it",
            hint="run the driver on the cluster: spark-submit, or a session that is not remote",
        )
    conf = spark.sparkContext.getConf()
    if conf.get("spark.dynamicAllocation.enabled", "false") == "true" and not _is_local(spark):
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


def count(spark: "SparkSession", resources: Resources) -> Slots:
    """Count the slots of one kind of rank, busy or not."""
    context = spark.sparkContext._jsc.sc()
    profile = profile_for(spark, resources)
    if profile is None:
        java_profile = context.resourceProfileManager().defaultResourceProfile()
    else:
        java_profile = profile._java_resource_profile
        _check_supported(context, java_profile, resources)
    total = int(context.maxNumConcurrentTasks(java_profile))
    executors = _executors(context)
    cpus = resources.cpus or int(spark.sparkContext.getConf().get(_CPUS, "1"))
    per_executor = {name: cores // cpus for name, (cores, _) in executors.items()}
    return Slots(total, per_executor, _reason(total, executors, cpus, resources.gpus))


def profile_for(spark: "SparkSession", resources: Resources) -> Any:
    """Return Spark's resource profile for a rank; ``None`` if the application's default does."""
    conf = spark.sparkContext.getConf()
    default_cpus = int(conf.get(_CPUS, "1"))
    cpus = resources.cpus or default_cpus
    gpus = resources.gpus
    if cpus < 1 or gpus < 0:
        raise UsageError(f"{resources}: cpus has to be 1 or more, gpus 0 or more")
    # Local Spark knows no GPUs; the ranks deal out the host's own.
    asks_spark = gpus and not _is_local(spark)
    if cpus == default_cpus and (not asks_spark or float(conf.get(_GPUS, "0")) == gpus):
        return None
    from pyspark.resource import ResourceProfileBuilder, TaskResourceRequests

    requests = TaskResourceRequests().cpus(cpus)
    if asks_spark:
        requests = requests.resource("gpu", gpus)
    return ResourceProfileBuilder().require(requests).build


def _check_supported(context: Any, profile: Any, resources: Resources) -> None:
    try:
        context.resourceProfileManager().isSupported(profile)
    except Exception as error:
        why = str(getattr(error, "java_exception", error)).splitlines()[0]
        raise UnsupportedError(
            f"{resources}: this cluster can't give stages resources of their own: {why}",
            hint=f"leave resources out, and set {_CPUS} and {_GPUS} for the application",
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


def _too_few(slots: Slots, needed: int, resources: Resources, wait: float) -> SlotError:
    after = f" after {wait:g} s" if wait else ""
    hints = [f"num_tasks={slots.total}"] if slots.total else []
    hints += ["more executors or cores (spark.executor.instances, spark.cores.max, local[N])"]
    if resources.cpus and resources.cpus > 1:
        hints.append("fewer Resources(cpus=)")
    hints.append("or wait_for_slots=seconds if executors are still to come")
    return SlotError(
        f"the gang needs {needed} slots at once, and there are {slots.total}{after}; "
        f"{slots.reason}",
        hint=", ".join(hints),
        needed=needed,
        slots=slots,
    )


def _is_local(spark: "SparkSession") -> bool:
    master = str(spark.sparkContext.master)
    return master.startswith("local") and not master.startswith("local-cluster")
