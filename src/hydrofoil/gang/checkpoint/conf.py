"""Where and how to keep checkpoints, and what a kept one is called."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hydrofoil.errors import UsageError

# (states of all old ranks in rank order, this rank, the new world size) -> this rank's state.
Reshard = Callable[[list[Any], int, int], Any]


@dataclass(frozen=True)
class Checkpoint:
    """Where a gang keeps the state that a restarted one goes on from.

    Parameters
    ----------
    uri : str
        A folder that all ranks reach: a path, or a URI of a filesystem that pyarrow knows
        (``s3://``, ``gs://``, ``abfs://``, ``hdfs://``, ``file://``). It is made if need be.
    keep : int
        How many checkpoints to keep, newest first; at least 1. With 2 or more, one that turns out
        to be corrupt has another behind it.
    per_rank : bool
        Each rank has state of its own (shards, say). Otherwise all ranks have the same, as in DDP,
        and rank 0 alone writes it.
    reshard : callable, optional
        For per-rank state when the gang's size has changed: ``reshard(states, rank, world_size)``
        gets the states of all old ranks and returns this rank's. Without it such a checkpoint is
        refused.
    resume : bool
        Go on from what earlier runs left in the folder. If false, only from earlier attempts of the
        same run.
    filesystem : pyarrow.fs.FileSystem, optional
        To be used instead of what ``uri`` says; ``uri`` is then a path in it. Has to pickle.

    Raises
    ------
    UsageError
        If an argument can't be.
    """

    uri: str
    keep: int = 3
    per_rank: bool = False
    reshard: Reshard | None = None
    resume: bool = True
    filesystem: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.keep, int) or self.keep < 1:
            raise UsageError(
                f"Checkpoint(keep={self.keep!r}) has to be 1 or more",
                hint="keep=1 keeps the newest checkpoint alone",
            )
        if self.reshard is not None and not self.per_rank:
            raise UsageError(
                "Checkpoint(reshard=) is for per-rank state",
                hint="pass per_rank=True; state that all ranks share is kept at any size",
            )
        if not os.fspath(self.uri):
            raise UsageError("Checkpoint(uri='') names no folder", hint="pass a path or a URI")
        uri = os.fspath(self.uri)
        if self.filesystem is None and "://" not in uri:
            # Executors have a different working directory, and maybe a different home.
            uri = os.path.abspath(os.path.expanduser(uri))
        object.__setattr__(self, "uri", uri)


@dataclass(frozen=True)
class Saved:
    """One checkpoint.

    Attributes
    ----------
    step : int
        The step after which it was taken.
    generation : int
        The attempt that took it, counted over all runs in this folder, from 1.
    parts : int
        Files that make it up: one for each rank, or one for all.
    uri : str
        The folder.
    """

    step: int
    generation: int
    parts: int
    uri: str
