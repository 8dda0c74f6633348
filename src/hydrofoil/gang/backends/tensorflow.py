"""``ctx.tensorflow``: the ``TF_CONFIG`` that TensorFlow's multi-worker strategies read."""

import json
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.gang.backends.environment import Environment
from hydrofoil.gang.backends.network import ReservedPort
from hydrofoil.gang.backends.packages import load
from hydrofoil.gang.group import Group


class TensorFlowBackend:
    """Sets ``TF_CONFIG`` for as long as the function runs."""

    def __init__(self) -> None:
        self._environment = Environment()

    def start(self, group: Group) -> "TensorFlow":
        load("tensorflow")
        _check_unused(group)
        return self.configure(group)

    def configure(self, group: Group) -> "TensorFlow":
        """Set the variable; TensorFlow itself is not needed for it. A collective."""
        port = ReservedPort(group.local_address())
        addresses = group.all_gather((group.local_address(), port.number))
        # Held until each rank has one; TensorFlow's server, unlike other gRPC ones, doesn't listen
        # on a port that is held.
        port.release()
        config = {
            "cluster": {"worker": [f"{host}:{port}" for host, port in addresses]},
            "task": {"type": "worker", "index": group.rank},
        }
        self._environment.set("TF_CONFIG", json.dumps(config))
        return TensorFlow(config)

    def stop(self, failed: bool) -> None:
        self._environment.restore()


class TensorFlow:
    """What ``ctx.tensorflow`` is.

    Attributes
    ----------
    config : dict
        What ``TF_CONFIG`` says.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    def strategy(self, **options: Any) -> Any:
        """Return a new ``tf.distribute.MultiWorkerMirroredStrategy`` of all ranks.

        A collective. Call it before any other operation of TensorFlow.
        """
        return load("tensorflow").distribute.MultiWorkerMirroredStrategy(**options)


def _check_unused(group: Group) -> None:
    context = load("tensorflow.python.eager.context")
    if context.context()._initialized:
        raise UsageError(
            f"rank {group.rank}: TensorFlow has computed something in this Python worker already, "
            "and can't be joined with other ranks any more",
            hint="use ctx.tensorflow before any tensor is made, and set "
            "spark.python.worker.reuse=false, so that each gang has new processes",
        )
