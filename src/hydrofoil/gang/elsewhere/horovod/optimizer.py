"""An optimizer of any class whose steps first reduce gradients over ranks."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hydrofoil.errors import UsageError

Reduce = Callable[[Any], Any]


class _Reducing:
    """What is put before an optimizer's class."""

    param_groups: Any
    _reduce: Reduce
    _due: bool

    def synchronize(self) -> None:
        """Reduce the gradients now. A collective; `step` then reduces them again, unless told."""
        import torch

        by_kind: dict[Any, list[Any]] = {}
        for group in self.param_groups:
            for param in group["params"]:
                if not param.requires_grad:
                    continue
                if param.grad is None:
                    # Another rank's may have one: all ranks have to send as much.
                    param.grad = torch.zeros_like(param)
                if param.grad.is_sparse:
                    raise UsageError(
                        "DistributedOptimizer takes no sparse gradients",
                        hint="make the embedding with sparse=False",
                    )
                by_kind.setdefault((param.grad.dtype, param.grad.device), []).append(param.grad)
        for gradients in by_kind.values():
            reduced = self._reduce(torch.cat([gradient.flatten() for gradient in gradients]))
            parts = reduced.split([gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))

    @contextmanager
    def skip_synchronize(self) -> Iterator[None]:
        """Steps inside of it reduce nothing: `synchronize` has done it."""
        self._due = False
        try:
            yield
        finally:
            self._due = True

    def step(self, closure: Any = None) -> Any:
        """Reduce the gradients, and take the optimizer's own step."""
        if closure is not None:
            raise UsageError(
                "step(closure): gradients of the closure can't be reduced in between",
                hint="call backward() before step()",
            )
        if self._due:
            self.synchronize()
        return super().step()  # type: ignore[misc]


def distributed(optimizer: Any, reduce: Reduce) -> Any:
    """The optimizer over the same parameters and state, whose steps reduce gradients first.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    reduce : function
        Gives all ranks the same tensor, of a one-dimensional one of each.
    """
    kind = type(optimizer)
    made = copy.copy(optimizer)
    made.__class__ = type(kind.__name__, (_Reducing, kind), {"__module__": kind.__module__})
    made._reduce, made._due = reduce, True
    return made
