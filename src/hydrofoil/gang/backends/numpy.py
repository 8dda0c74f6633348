"""``ctx.backend("numpy")``: all_reduce of NumPy arrays, over torch's gloo or our own ring."""

from typing import TYPE_CHECKING, Any, Protocol

from hydrofoil.errors import UsageError
from hydrofoil.gang.backends.gloo import Gloo
from hydrofoil.gang.backends.packages import installed
from hydrofoil.gang.backends.ring import Ring
from hydrofoil.gang.backends.torch import Reduction
from hydrofoil.gang.group import Group
from hydrofoil.gang.means import addend, divided

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Transport(Protocol):
    """What adds arrays up; in place, in arrays that it may keep no hold of."""

    def takes(self, dtype: Any) -> bool: ...
    def reduce(self, array: "NDArray[Any]", op: Reduction) -> None: ...
    def close(self) -> None: ...


class NumpyBackend:
    """Connections between the ranks, made at the first call; gloo's where all ranks have torch."""

    def __init__(self) -> None:
        self._api: Numpy | None = None

    def start(self, group: Group) -> "Numpy":
        self._api = Numpy(group)
        return self._api

    def stop(self, failed: bool) -> None:
        if self._api is not None:
            self._api.close()


class Numpy:
    """Element-wise sums of arrays over ranks.

    Two transports: gloo for the types it knows, where torch is installed in all ranks, and a ring
    for all others; and for all, where Spark authenticates its connections, as gloo doesn't.
    """

    def __init__(self, group: Group) -> None:
        self._group = group
        self._transports: dict[type, Transport] = {}
        self._gloo = not group.secret.strict and all(group.all_gather(installed("torch")))

    def all_reduce(self, array: "NDArray[Any]", op: Reduction = "sum") -> "NDArray[Any]":
        """Return the element-wise sum (or mean, min, max, prod) of all ranks' arrays.

        A collective; of arrays that have the same shape, type and byte order in all ranks.

        Parameters
        ----------
        array : numpy.ndarray
            Of numbers. It is left as it is.
        op : {"sum", "mean", "min", "max", "prod"}

        Returns
        -------
        numpy.ndarray
            The same in all ranks, bit for bit. Of the array's type; a mean of integers is float64.

        Raises
        ------
        UsageError
            If ranks pass different shapes, types or ops, or something else than numbers.
        """
        import numpy as np

        array = np.asarray(array)
        if op not in ("sum", "mean", "min", "max", "prod"):
            raise UsageError(f"all_reduce(op={op!r}): there are sum, mean, min, max and prod")
        self._check_same(array, op)
        if array.dtype.kind not in "iufc":
            raise UsageError(
                f"all_reduce() takes arrays of numbers, and this one is of {array.dtype}",
                hint="gather other values by ctx.all_gather",
            )
        total = np.array(addend(array) if op == "mean" else array, order="C")
        with self._group.note("collective numpy.all_reduce"):
            self._transport(total).reduce(total.reshape(-1), "sum" if op == "mean" else op)
        return divided(total, self._group.world_size, array) if op == "mean" else total

    def close(self) -> None:
        """End the connections."""
        for transport in self._transports.values():
            transport.close()
        self._transports.clear()

    def _check_same(self, array: "NDArray[Any]", op: str) -> None:
        # Otherwise ranks would wait for bytes that never come, or take them for other numbers.
        mine = (array.shape, array.dtype.str, op)
        calls = self._group.all_gather(mine)
        for rank, call in enumerate(calls):
            if call != calls[0]:
                raise UsageError(
                    f"all_reduce({calls[0][2]!r}) of {calls[0][1]} {calls[0][0]} in rank 0, and of "
                    f"{call[1]} {call[0]} ({call[2]!r}) in rank {rank}",
                    hint="pass arrays of one shape and type in all ranks, padded if need be",
                )

    def _transport(self, array: "NDArray[Any]") -> Transport:
        kind = Gloo if self._gloo and Gloo.takes(array.dtype) else Ring
        if kind not in self._transports:
            self._transports[kind] = kind(self._group)
        return self._transports[kind]
