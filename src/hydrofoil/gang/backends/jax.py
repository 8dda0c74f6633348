"""``ctx.jax``: jax.distributed; its coordinator runs on rank 0."""

from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.gang.backends.network import ReservedPort
from hydrofoil.gang.backends.packages import load
from hydrofoil.gang.group import Group


class JaxBackend:
    """All ranks' devices in each rank's ``jax.devices()``."""

    def __init__(self) -> None:
        self._jax: Any = None
        self._collectives: Any = None
        self._port: ReservedPort | None = None

    def start(self, group: Group) -> "Jax":
        jax = load("jax")
        if _used(jax):
            raise UsageError(
                f"rank {group.rank}: JAX has computed something in this Python worker already, and "
                "can't be joined with other ranks any more",
                hint="use ctx.jax before any array is made, and set "
                "spark.python.worker.reuse=false, so that each gang has new processes",
            )
        if group.rank == 0:
            # gRPC listens on the port while it is held.
            self._port = ReservedPort(group.local_address(), shared=True)
        port = group.broadcast(self._port.number if self._port else None)
        host = group.broadcast(group.local_address())
        # Between CPUs there are no collectives but these.
        self._collectives = getattr(jax.config, _COLLECTIVES)
        jax.config.update(_COLLECTIVES, "gloo")
        jax.distributed.initialize(
            coordinator_address=f"{host}:{port}",
            num_processes=group.world_size,
            process_id=group.rank,
            local_device_ids=[0] if group.device != "cpu" else None,
        )
        self._jax = jax
        return Jax(jax)

    def stop(self, failed: bool) -> None:
        try:
            # It waits for the others, and ends the process if they don't come.
            if self._jax is not None and not failed:
                self._jax.distributed.shutdown()
                self._forget_devices()
        finally:
            if self._port is not None:
                self._port.release()
            self._jax = self._port = None

    def _forget_devices(self) -> None:
        """Let the process, which Spark gives to other tasks, open its own, or other ranks'."""
        self._jax.config.update(_COLLECTIVES, self._collectives)
        self._jax.clear_caches()
        load("jax.extend.backend").clear_backends()


_COLLECTIVES = "jax_cpu_collectives_implementation"


class Jax:
    """What ``ctx.jax`` is. ``jax`` itself works on the devices of all ranks.

    Attributes
    ----------
    mesh : jax.sharding.Mesh
        All devices, along one axis called ``ranks``.
    """

    def __init__(self, jax: Any) -> None:
        self._jax = jax

    @property
    def mesh(self) -> Any:
        import numpy as np

        return self._jax.sharding.Mesh(np.array(self._jax.devices()), ("ranks",))

    def global_array(self, part: Any) -> Any:
        """Return one array of all ranks' parts, along their first axis.

        Parameters
        ----------
        part : numpy.ndarray
            This rank's; the same shape in all ranks.

        Returns
        -------
        jax.Array
            Sharded over `mesh`.
        """
        spec = self._jax.sharding.PartitionSpec("ranks")
        sharding = self._jax.sharding.NamedSharding(self.mesh, spec)
        return self._jax.make_array_from_process_local_data(sharding, part)


def _used(jax: Any) -> bool:
    """Whether JAX has opened its devices."""
    bridge = getattr(jax, "_src", None)
    bridge = getattr(bridge, "xla_bridge", None)
    initialized = getattr(bridge, "backends_are_initialized", None)
    return bool(initialized()) if initialized is not None else False
