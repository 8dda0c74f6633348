"""The devices of a task, by Spark's resources."""

import os
import re
from itertools import takewhile
from pathlib import Path

from hydrofoil.errors import UsageError

# Spark's name for them, in spark.task.resource.gpu.amount.
_RESOURCE = "gpu"
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def addresses() -> tuple[str, ...]:
    """The addresses of this task's GPUs; where Spark assigns none, one of the host's, in turn.

    Raises
    ------
    UsageError
        There is none.
    """
    from pyspark import TaskContext

    context = TaskContext.get()
    if context is not None and _RESOURCE in (resources := context.resources()):
        return tuple(resources[_RESOURCE].addresses)
    present = _present()
    if not present:
        raise UsageError(
            'device="cuda", and Spark has assigned no GPU to the task, nor is there one to see',
            hint="set spark.task.resource.gpu.amount, or leave device out",
        )
    return (present[(context.partitionId() if context else 0) % len(present)],)


def _present() -> list[str]:
    visible = os.environ.get(_VISIBLE)
    if visible is not None:
        listed = [address.strip() for address in visible.split(",") if address.strip()]
        # CUDA stops at the first that is none: -1 alone hides them all.
        return list(takewhile(lambda address: not address.startswith("-"), listed))
    # CUDA counts those that are there, whatever numbers a container's have on its host.
    found = [path for path in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name)]
    return [str(number) for number in range(len(found))]
