"""Which task this is, and how a function reaches the driver's hub from it."""

from dataclasses import dataclass
from typing import Any

from hydrofoil.gang.channel.secret import Secret

_EXECUTION_KEY = "spark.sql.execution.id"


@dataclass(frozen=True)
class HubPlace:
    """Where the hub listens, and the function's key there. It is sent with the function.

    Attributes
    ----------
    address : (str, int)
    secret : Secret
    key : str
    """

    address: tuple[str, int]
    secret: Secret
    key: str


@dataclass(frozen=True)
class TaskPlace:
    """The task that runs in this process.

    Attributes
    ----------
    stage, partition : int
    execution : str or None
        Spark's id of the query.
    """

    stage: int = -1
    partition: int = 0
    execution: str | None = None

    @classmethod
    def here(cls) -> "TaskPlace":
        """That of `TaskContext`; of no stage where there is none."""
        from pyspark import TaskContext

        context: Any = TaskContext.get()
        if context is None:
            return cls()
        execution = context.getLocalProperty(_EXECUTION_KEY)
        return cls(context.stageId(), context.partitionId(), execution)
