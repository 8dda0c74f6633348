"""``ctx.torch``: torch.distributed between the ranks: NCCL on GPUs, gloo on CPUs."""

from datetime import timedelta
from typing import Any, Literal

from hydrofoil.errors import UsageError
from hydrofoil.gang.backends.environment import Environment
from hydrofoil.gang.backends.network import interface_of
from hydrofoil.gang.backends.packages import load
from hydrofoil.gang.group import Group

Reduction = Literal["sum", "mean", "min", "max", "prod"]

# Longer than the gang's own watchdog waits by default: it can name the ranks that are missing.
TIMEOUT = timedelta(minutes=30)


class TorchBackend:
    """The default process group. Rank 0 has the store by which the others find each other."""

    def __init__(self) -> None:
        self._environment = Environment()
        self._torch: Any = None
        self._store: Any = None

    def start(self, group: Group) -> "Torch":
        torch = self._torch = load("torch")
        distributed = torch.distributed
        if distributed.is_initialized():
            raise UsageError(
                f"rank {group.rank} has a process group already, and ctx.torch brings up its own",
                hint="leave init_process_group out of the function: ctx.torch does it",
            )
        device = torch.device(group.device)
        if device.type == "cuda":
            torch.cuda.set_device(device)
        kind = _backend(torch, group, device)
        self._environment = on_interface(group.local_address())
        try:
            self._store = new_store(distributed, group)
            distributed.init_process_group(
                kind,
                store=self._store,
                rank=group.rank,
                world_size=group.world_size,
                timeout=TIMEOUT,
            )
        except BaseException:
            self._environment.restore()
            raise
        return Torch(torch, device, kind)

    def stop(self, failed: bool) -> None:
        try:
            if self._torch is not None:
                leave(self._torch, failed)
        finally:
            self._store = None
            self._environment.restore()


class Torch:
    """What ``ctx.torch`` is. The default process group is up: torch.distributed works as it is.

    Attributes
    ----------
    device : torch.device
        This rank's: ``cuda:0``, or ``cpu``.
    backend : str
        What the process group uses: ``gloo``, or ``cpu:gloo,cuda:nccl``.
    """

    def __init__(self, torch: Any, device: Any, backend: str) -> None:
        self.device = device
        self.backend = backend
        self._torch = torch

    def ddp(self, module: Any, **options: Any) -> Any:
        """Move a module to this rank's device and have its gradients averaged over ranks.

        Parameters
        ----------
        module : torch.nn.Module
            All ranks start from rank 0's weights.
        **options
            For ``DistributedDataParallel``.

        Returns
        -------
        torch.nn.parallel.DistributedDataParallel
            The module itself is its ``.module``; save the state of that.
        """
        if self.device.type == "cuda":
            options.setdefault("device_ids", [self.device])
        wrapped = self._torch.nn.parallel.DistributedDataParallel
        return wrapped(module.to(self.device), **options)

    def all_reduce(self, value: Any, op: Reduction = "sum") -> Any:
        """Return the element-wise sum (or mean, min, max, prod) over ranks.

        Parameters
        ----------
        value : torch.Tensor or number
            The same shape and type in all ranks. It is left as it is.
        op : {"sum", "mean", "min", "max", "prod"}

        Returns
        -------
        torch.Tensor or float
            On the device that it came from. A number for a number. Of the same type; the mean of
            integers is float64.
        """
        torch = self._torch
        if op not in ("sum", "mean", "min", "max", "prod"):
            raise UsageError(f"all_reduce(op={op!r}): there are sum, mean, min, max and prod")
        if not isinstance(value, torch.Tensor):
            number = torch.tensor(float(value), dtype=torch.float64, device=self._for_numbers())
            return float(self.all_reduce(number, op))
        total = value.detach().clone()
        if op == "mean" and not (value.is_floating_point() or value.is_complex()):
            total = total.double()  # Which their sum does not overflow.
        torch.distributed.all_reduce(total, reduce_op(torch.distributed, op))
        return total / torch.distributed.get_world_size() if op == "mean" else total

    def _for_numbers(self) -> Any:
        return self._torch.device("cpu") if "gloo" in self.backend else self.device


def new_store(distributed: Any, group: Group) -> Any:
    """Return torch's key-value store on rank 0, or a connection to it. A collective."""
    store = serve_store(distributed, group) if group.rank == 0 else None
    host, port = group.broadcast((group.local_address(), store.port) if store else None)
    if store is not None:
        return store
    return distributed.TCPStore(host, port, is_master=False, timeout=TIMEOUT)


def serve_store(distributed: Any, group: Group) -> Any:
    """Return a new store that serves as long as it is referred to."""
    # On a port that the kernel gives it: no other process can come between.
    return distributed.TCPStore(
        group.local_address(), 0, is_master=True, wait_for_workers=False, timeout=TIMEOUT
    )


def reduce_op(distributed: Any, op: Reduction) -> Any:
    """Return torch's name of a reduction; a sum for a mean, which gloo doesn't have."""
    names = {"sum": "SUM", "mean": "SUM", "min": "MIN", "max": "MAX", "prod": "PRODUCT"}
    return getattr(distributed.ReduceOp, names[op])


def on_interface(address: str) -> Environment:
    """Have gloo and NCCL use the interface that has an address, unless the user has chosen.

    Left alone, they take the one that the host's name stands for, which often is loopback.
    """
    environment = Environment()
    interface = interface_of(address)
    if interface is not None:
        environment.set_default("GLOO_SOCKET_IFNAME", interface)
        environment.set_default("NCCL_SOCKET_IFNAME", interface)
    return environment


def _backend(torch: Any, group: Group, device: Any) -> str:
    """NCCL where every rank has a GPU of its own, and gloo otherwise."""
    mine = None
    if device.type == "cuda":
        mine = str(torch.cuda.get_device_properties(device).uuid)
    devices = group.all_gather(mine)
    alone = None not in devices and len(set(devices)) == len(devices)
    # Without NCCL for what is on the CPU, gloo is needed beside it.
    return "cpu:gloo,cuda:nccl" if alone and torch.distributed.is_nccl_available() else "gloo"


def leave(torch: Any, failed: bool) -> None:
    """End the default process group, if there is one; without waiting for peers, if it failed."""
    if not torch.distributed.is_initialized():
        return
    if not failed:
        torch.distributed.destroy_process_group()
        return
    try:
        if "nccl" in torch.distributed.get_backend_config():
            torch.distributed.distributed_c10d._abort_process_group()
        else:
            torch.distributed.destroy_process_group()
    except Exception:
        # The attempt has failed for a better reason, and the process is about to end.
        return
