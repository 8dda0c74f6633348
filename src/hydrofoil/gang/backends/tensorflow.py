"""``ctx.tensorflow``: the ``TF_CONFIG`` that TensorFlow's multi-worker strategies read."""

import json
from typing import Any

from hydrofoil.gang.backends.environment import Environment
from hydrofoil.gang.backends.network import ReservedPort
from hydrofoil.gang.backends.packages import load
from hydrofoil.gang.group import Group


class TensorFlowBackend:
    """Sets ``TF_CONFIG`` for as long as the function runs."""

    def __init__(self) -> None:
        self._environment = Environment()
        self._port: ReservedPort | None = None

    def start(self, group: Group) -> "TensorFlow":
        load("tensorflow")
        return self.configure(group)

    def configure(self, group: Group) -> "TensorFlow":
        """Set the variable; TensorFlow itself is not needed for it. A collective."""
        # gRPC listens on the port while it is held.
        self._port = ReservedPort(shared=True)
        addresses = group.all_gather((group.local_address(), self._port.number))
        config = {
            "cluster": {"worker": [f"{host}:{port}" for host, port in addresses]},
            "task": {"type": "worker", "index": group.rank},
        }
        self._environment.set("TF_CONFIG", json.dumps(config))
        return TensorFlow(config)

    def stop(self, failed: bool) -> None:
        if self._port is not None:
            self._port.release()
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
