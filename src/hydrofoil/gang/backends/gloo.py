"""NumPy arrays over torch's gloo, in a group of its own beside torch's default process group."""

from typing import TYPE_CHECKING, Any

from hydrofoil.gang.backends.torch import TIMEOUT, Reduction, new_store, on_interface, reduce_op
from hydrofoil.gang.group import Group

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TYPES = ("float16", "float32", "float64", "int8", "uint8", "int32", "int64")


class Gloo:
    """A gloo group of all ranks."""

    def __init__(self, group: Group) -> None:
        import torch
        from torch import distributed

        self._torch = torch
        self._environment = on_interface(group.local_address())
        self._store = new_store(distributed, group)
        self._group: Any = distributed.ProcessGroupGloo(
            self._store, group.rank, group.world_size, TIMEOUT
        )

    @staticmethod
    def takes(dtype: Any) -> bool:
        """Whether gloo can add this type up."""
        return dtype.name in _TYPES and dtype.isnative

    def reduce(self, array: "NDArray[Any]", op: Reduction) -> None:
        """Put what all ranks' arrays make into the array."""
        options = self._torch.distributed.AllreduceOptions()
        options.reduceOp = reduce_op(self._torch.distributed, op)
        self._group.allreduce([self._torch.from_numpy(array)], options).wait()

    def close(self) -> None:
        """End the connections."""
        self._group = self._store = None
        self._environment.restore()
