"""What the driver's scheduler knows of a stage, while it waits for a report to be taken.

Spark adds an update of an accumulator in the thread of its scheduler, which so stands still
meanwhile: what is asked here is what it held when the task ended. It has no public call for that.
Where something has a different form, less is known: see `Stage`.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

# In the names of operators that run functions, Spark's and those of the JVM's half; and how far
# behind a stage's end one is looked for.
_RUN_FUNCTIONS = (
    *("Python", "InPandas", "InArrow"),
    *("HydrofoilGrouped", "HydrofoilCogrouped", "HydrofoilMapInBatch", "CompiledUdf"),
)
_MOST_STEPS = 64


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
    computed : str
        The same for all stages of a query that run the same functions on the same rows: to sort by
        their results, Spark runs them for a sample first. Empty where it is not known.
    """

    identity: str
    is_last: bool = False
    computed: str = ""


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
        rdd = stage.rdd()
        identity = f"rdd{rdd.id()}"
        computed = _computed(identity, rdd)
        if hasattr_java(stage, "pendingPartitions"):
            pending = stage.pendingPartitions()
            is_last = pending.size() == 1 and pending.contains(partition)
            return Stage(identity, is_last, computed)
        job = stage.activeJob()
        if job.isEmpty():
            return Stage(identity, computed=computed)
        left = job.get().numPartitions() - job.get().numFinished()
        return Stage(identity, left <= 1, computed)
    except Exception:
        return Stage(f"stage{number}")


# By the identities of the stages that were asked for last, in this application.
_known: OrderedDict[tuple[str, str], str] = OrderedDict()
_MOST_KNOWN = 64


def _computed(identity: str, rdd: Any) -> str:
    """What functions of SQL the stage of an RDD runs; empty where that is not known."""
    key = (spark_context().applicationId(), identity)
    if key not in _known:
        _known[key] = _of_functions(rdd)
        while len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    return _known[key]


def _of_functions(rdd: Any) -> str:
    """The last RDD of an operator that runs functions, where its partitions are the stage's."""
    for _ in range(_MOST_STEPS):
        scope = rdd.scope()
        if scope.isDefined() and any(part in scope.get().name() for part in _RUN_FUNCTIONS):
            return f"functions{rdd.id()}"
        dependencies = rdd.dependencies()
        if dependencies.size() != 1:
            return ""
        dependency = dependencies.apply(0)
        if dependency.getClass().getSimpleName() != "OneToOneDependency":
            return ""
        rdd = dependency.rdd()
    return ""


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
