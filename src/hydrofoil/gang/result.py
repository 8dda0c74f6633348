"""What ``gang.run`` returns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from hydrofoil.gang.errors import GangError


@dataclass(frozen=True)
class GangResult(Sequence[Any]):
    """What the ranks returned, in rank order; a sequence of it.

    Attributes
    ----------
    values : list
        Each rank's value.
    attempts : list of GangError
        What ended the attempts before the last; empty if the first one went through.
    metrics : list of list of dict
        What each rank reported in the last attempt, oldest first.
    timings : dict of str to float
        Seconds: ``total_s``, and of the last attempt ``start_s`` (from the job's start until all
        ranks had met; with what Spark computed for them) and ``run_s``.
    checkpoint : Saved or None
        The newest checkpoint, where the function saved or restored one.
    """

    values: list[Any]
    attempts: list[GangError] = field(default_factory=list)
    metrics: list[list[dict[str, Any]]] = field(default_factory=list, repr=False)
    timings: dict[str, float] = field(default_factory=dict)
    checkpoint: Any = None

    @property
    def value(self) -> Any:
        """What rank 0 returned."""
        return self.values[0]

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        return self.values[index]
