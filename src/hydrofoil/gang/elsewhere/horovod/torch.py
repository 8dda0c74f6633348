"""In place of ``horovod.torch``: ``import hydrofoil.gang.elsewhere.horovod.torch as hvd``.

Collectives are torch.distributed's: gloo on CPUs, NCCL where every rank has a GPU of its own. They
are matched by the order of calls, which has to be the same in all ranks; Horovod matches them by
name. Tensors are left as they are, except by functions whose names end with an underscore and by
``broadcast_parameters``.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import torch

from hydrofoil.errors import UsageError
from hydrofoil.gang import pickling
from hydrofoil.gang.elsewhere.horovod import place
from hydrofoil.gang.elsewhere.horovod.compression import Compression
from hydrofoil.gang.elsewhere.horovod.optimizer import distributed

__all__ = [
    "Average",
    "Compression",
    "DistributedOptimizer",
    "Max",
    "Min",
    "Product",
    "Sum",
    "allgather",
    "allgather_object",
    "allreduce",
    "allreduce_",
    "barrier",
    "broadcast",
    "broadcast_",
    "broadcast_object",
    "broadcast_optimizer_state",
    "broadcast_parameters",
    "cross_rank",
    "cross_size",
    "init",
    "is_initialized",
    "local_rank",
    "local_size",
    "rank",
    "shutdown",
    "size",
]


class _Op(Enum):
    AVERAGE = "AVERAGE"
    SUM = "SUM"
    MIN = "MIN"
    MAX = "MAX"
    PRODUCT = "PRODUCT"


Average, Sum, Min, Max, Product = _Op.AVERAGE, _Op.SUM, _Op.MIN, _Op.MAX, _Op.PRODUCT


# --- Who and where --------------------------------------------------------------------------------


def init() -> None:
    """Join the other ranks. A collective.

    Raises
    ------
    UsageError
        Outside of ``horovod.spark.run``.
    """
    place.initialize().torch  # noqa: B018 - brings the process group up.


def shutdown() -> None:
    """Leave; the process group itself is taken down when the rank's function ends."""
    place.leave()


def is_initialized() -> bool:
    """Whether `init` was called."""
    return place.is_initialized()


def rank() -> int:
    """This rank's number."""
    return place.current().rank


def size() -> int:
    """How many ranks there are."""
    return place.current().world_size


def local_rank() -> int:
    """This rank's number among those of its host.

    No number of a device: a rank sees its own GPUs alone, and the first of them is ``cuda:0``.
    """
    return place.current().local_rank


def local_size() -> int:
    """How many ranks this rank's host has."""
    hosts = place.current().hosts
    return hosts.count(hosts[rank()])


def cross_rank() -> int:
    """The number of this rank's host among those that have a rank of this `local_rank`."""
    return _with_my_local_rank().index(rank())


def cross_size() -> int:
    """How many hosts have a rank of this `local_rank`."""
    return len(_with_my_local_rank())


def _with_my_local_rank() -> list[int]:
    hosts = place.current().hosts
    return [
        other
        for other, host in enumerate(hosts)
        if hosts[:other].count(host) == place.current().local_rank
    ]


# --- Tensors --------------------------------------------------------------------------------------


def allreduce(
    tensor: torch.Tensor,
    average: bool | None = None,
    name: str | None = None,
    compression: Any = Compression.none,
    op: _Op | None = None,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
) -> torch.Tensor:
    """Return the element-wise mean (or what ``op`` says) over ranks. Gradients go through it.

    Parameters
    ----------
    tensor : torch.Tensor
        The same shape and type in all ranks.
    average : bool, optional
        Horovod's older form of ``op``: True is ``Average``, False is ``Sum``.
    name : str, optional
        Not needed here.
    compression : Compression.none or Compression.fp16
    op : Average, Sum, Min, Max or Product
        ``Average`` unless given. Integers' averages are cut off to integers.
    prescale_factor, postscale_factor : float
        The tensor is multiplied by them before and afterwards.
    """
    chosen = _chosen(op, average)
    packed, how = compression.compress(tensor)
    apply: Any = _AllReduce.apply
    total = apply(packed, chosen, prescale_factor, postscale_factor)
    unpacked: torch.Tensor = compression.decompress(total, how)
    return unpacked


def allreduce_(
    tensor: torch.Tensor,
    average: bool | None = None,
    name: str | None = None,
    op: _Op | None = None,
    prescale_factor: float = 1.0,
    postscale_factor: float = 1.0,
) -> torch.Tensor:
    """`allreduce` in place; returns the tensor."""
    with torch.no_grad():
        tensor.copy_(_reduced(tensor, _chosen(op, average), prescale_factor, postscale_factor))
    return tensor


def allgather(tensor: torch.Tensor, name: str | None = None) -> torch.Tensor:
    """Return the tensors of all ranks, one after the other along their first dimension.

    Parameters
    ----------
    tensor : torch.Tensor
        All ranks' have the same type, and the same shape but for the first dimension.
    name : str, optional
        Not needed here.

    Raises
    ------
    UsageError
        If it has no dimension, or needs a gradient, which doesn't go through this.
    """
    _check_no_gradient(tensor, "allgather")
    if not tensor.dim():
        raise UsageError("allgather takes tensors with a dimension", hint="tensor.reshape(1)")
    lengths = place.current().all_gather(len(tensor))
    mine = tensor.new_zeros((max(lengths), *tensor.shape[1:]))
    mine[: len(tensor)] = tensor
    parts = [torch.empty_like(mine) for _ in lengths]
    torch.distributed.all_gather(parts, mine)
    return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])


def broadcast(tensor: torch.Tensor, root_rank: int, name: str | None = None) -> torch.Tensor:
    """Return the tensor of ``root_rank``; the same shape and type in all ranks.

    Raises
    ------
    UsageError
        If it needs a gradient, which doesn't go through this.
    """
    _check_no_gradient(tensor, "broadcast")
    return broadcast_(tensor.clone(), root_rank)


def broadcast_(tensor: torch.Tensor, root_rank: int, name: str | None = None) -> torch.Tensor:
    """`broadcast` in place; returns the tensor."""
    with torch.no_grad():
        whole = tensor.detach().contiguous()
        torch.distributed.broadcast(whole, root_rank)
        if whole.data_ptr() != tensor.data_ptr():
            tensor.copy_(whole)
    return tensor


def barrier() -> None:
    """Wait for all ranks."""
    place.current().barrier()


class _AllReduce(torch.autograd.Function):  # type: ignore[misc, unused-ignore]
    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor, op: _Op, before: float, after: float) -> Any:
        ctx.how = op, before, after
        return _reduced(tensor, op, before, after)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # type: ignore[override, unused-ignore]
        op, before, after = ctx.how
        if op not in (Average, Sum):
            raise UsageError(f"no gradient goes through allreduce(op={op.name})")
        return _reduced(gradients[0], op, before, after), None, None, None


def _reduced(tensor: torch.Tensor, op: _Op, before: float, after: float) -> torch.Tensor:
    place.current()
    total = tensor.detach().clone(memory_format=torch.contiguous_format)
    if before != 1.0:
        total = (total * before).to(tensor.dtype)
    name = "SUM" if op is Average else op.name
    torch.distributed.all_reduce(total, getattr(torch.distributed.ReduceOp, name))
    if op is Average:
        whole = not (total.is_floating_point() or total.is_complex())
        total = torch.div(total, size(), rounding_mode="trunc" if whole else None)
    return (total * after).to(tensor.dtype) if after != 1.0 else total


def _chosen(op: _Op | None, average: bool | None) -> _Op:
    if op is not None and average is not None:
        raise UsageError("allreduce got both op= and average=", hint="pass op= alone")
    if op is None:
        return Sum if average is False else Average
    if not isinstance(op, _Op):
        raise UsageError(
            f"op={op!r} is not known",
            hint="use hvd.Average, Sum, Min, Max or Product of this module",
        )
    return op


def _check_no_gradient(tensor: torch.Tensor, name: str) -> None:
    if tensor.requires_grad and torch.is_grad_enabled():
        raise UsageError(f"no gradient goes through {name}", hint="pass tensor.detach()")


# --- Objects and models ---------------------------------------------------------------------------


def broadcast_object(obj: Any, root_rank: int = 0, name: str | None = None) -> Any:
    """Return the object of ``root_rank``: whatever pickles, of any size."""
    blob = pickling.dumps(obj) if rank() == root_rank else b""
    length = place.current().broadcast(len(blob), root_rank)
    data = torch.empty(length, dtype=torch.uint8)
    if rank() == root_rank:
        data = torch.frombuffer(bytearray(blob), dtype=torch.uint8)
    data = data.to(place.current().torch.device)
    torch.distributed.broadcast(data, root_rank)
    return obj if rank() == root_rank else pickling.loads(data.cpu().numpy().tobytes())


def allgather_object(obj: Any, name: str | None = None) -> list[Any]:
    """Return the objects of all ranks, in the order of ranks."""
    blob = pickling.dumps(obj)
    lengths = place.current().all_gather(len(blob))
    data = torch.frombuffer(bytearray(blob), dtype=torch.uint8)
    whole = allgather(data.to(place.current().torch.device)).cpu().numpy().tobytes()
    ends = [sum(lengths[: n + 1]) for n in range(len(lengths))]
    return [
        pickling.loads(whole[end - length : end]) for end, length in zip(ends, lengths, strict=True)
    ]


def broadcast_parameters(params: Mapping[str, Any] | Iterable[Any], root_rank: int) -> None:
    """Give all ranks the parameters of ``root_rank``, in place.

    Parameters
    ----------
    params : dict or iterable
        ``model.state_dict()``, ``model.named_parameters()`` or ``model.parameters()``.
    root_rank : int
    """
    if isinstance(params, Mapping):
        found = [params[name] for name in sorted(params)]
    else:
        found = [param[1] if isinstance(param, tuple) else param for param in params]
    for tensor in found:
        if isinstance(tensor, torch.Tensor):
            broadcast_(tensor, root_rank)


def broadcast_optimizer_state(optimizer: Any, root_rank: int) -> None:
    """Give all ranks the optimizer state of ``root_rank``, options such as the rate included."""
    state = broadcast_object(optimizer.state_dict(), root_rank)
    if rank() != root_rank:
        optimizer.load_state_dict(state)


def DistributedOptimizer(
    optimizer: Any,
    named_parameters: Iterable[tuple[str, Any]] | None = None,
    compression: Any = Compression.none,
    backward_passes_per_step: int = 1,
    op: _Op = Average,
) -> Any:
    """Return the optimizer with steps that first reduce gradients over all ranks.

    The reduction is at `step`, not while gradients are computed; ``synchronize`` does it before,
    for a look at them, and ``skip_synchronize`` leaves it out of a step.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Its class is kept: schedulers take the result.
    named_parameters : iterable of (str, tensor), optional
        Not needed here.
    compression : Compression.none or Compression.fp16
    backward_passes_per_step : int
        Passes whose gradients add up before each step; the caller's loop says when that is.
    op : Average or Sum

    Raises
    ------
    UsageError
        At another ``op``; later, at sparse gradients.
    """
    if op not in (Average, Sum):
        raise UsageError(f"DistributedOptimizer(op={op!r}): there are Average and Sum")
    if backward_passes_per_step < 1:
        raise UsageError(
            f"backward_passes_per_step={backward_passes_per_step}: has to be 1 or more"
        )

    def reduce(gradients: torch.Tensor) -> torch.Tensor:
        packed, how = compression.compress(gradients)
        unpacked: torch.Tensor = compression.decompress(_reduced(packed, op, 1.0, 1.0), how)
        return unpacked

    return distributed(optimizer, reduce)
