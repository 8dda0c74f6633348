"""What the driver's scheduler knows of a stage, while it waits for a report to be taken.

Spark adds an update of an accumulator in the thread of its scheduler, which so stands still
meanwhile: what is asked here is what it held when the task ended. It has no public call for that.
Where something has a different form, less is known: see `Stage`.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Stage:
    """A stage.

    Attributes
    ----------
    identity : str
        The same for all stages that compute the same data: a shuffle whose files were lost is
        written again by a stage of a different number. Otherwise the stage's number.
    is_last : bool
        Whether the task was the last that the stage waited for; False where it is not known.
    """

    identity: str
    is_last: bool = False


def spark_context() -> Any:
    """The JVM's SparkContext of this process; None without one."""
    from pyspark import SparkContext

    running = SparkContext._active_spark_context
    return None if running is None else running._jsc.sc()


def stage_of(number: int, partition: int) -> Stage:
    """The stage of a number, one of whose partitions has just been computed."""
    try:
        found = spark_context().dagScheduler().stageIdToStage().get(number)
        if found.isEmpty():
            return Stage(f"stage{number}")
        stage = found.get()
        identity = f"rdd{stage.rdd().id()}"
        if hasattr_java(stage, "pendingPartitions"):
            pending = stage.pendingPartitions()
            return Stage(identity, pending.size() == 1 and pending.contains(partition))
        job = stage.activeJob()
        if job.isEmpty():
            return Stage(identity)
        left = job.get().numPartitions() - job.get().numFinished()
        return Stage(identity, left <= 1)
    except Exception:
        return Stage(f"stage{number}")


def is_running(number: int) -> bool:
    """Whether the scheduler still has a stage."""
    try:
        return bool(spark_context().dagScheduler().stageIdToStage().contains(number))
    except Exception:
        return False


def fail(number: int, reason: str) -> bool:
    """Have the queries of a stage fail, even if its last task has just ended; whether that worked.

    ``cancelStage`` is what the scheduler does next: after it has called a job done whose last task
    this is. So it is told at once, as if it had come to that already; it stands still for us.
    """
    context = spark_context()
    if context is None:
        return False
    try:
        option = context.getClass().getClassLoader().loadClass("scala.Some")
        some = option.getConstructors()[0].newInstance(_array(context, reason))
        context.dagScheduler().handleStageCancellation(number, some)
        return True
    except Exception:
        pass
    try:
        context.cancelStage(number, reason)
        return True
    except Exception:
        return False


def _array(context: Any, value: Any) -> Any:
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    assert gateway is not None
    made = gateway.new_array(gateway.jvm.java.lang.Object, 1)
    made[0] = value
    return made


def hasattr_java(instance: Any, name: str) -> bool:
    """Whether a JVM object has a method of a name."""
    methods = instance.getClass().getMethods()
    return any(method.getName() == name for method in methods)
