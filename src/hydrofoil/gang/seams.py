"""What the parts of a gang hand to each other: values, and interfaces that parts implement."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from hydrofoil.errors import UsageError
from hydrofoil.gang.group import Group

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

# Of a rank's rows: as they come, or the same in each run.
Order = Literal["arrival", "stable"]


def checked_order(order: Order) -> Order:
    """Raise for anything that isn't an order of rows."""
    if order not in ("arrival", "stable"):
        raise UsageError(f"order={order!r} is not known", hint='use "arrival" or "stable"')
    return order


@dataclass(frozen=True)
class Resources:
    """What each rank gets, by stage-level scheduling unless it is the application's default.

    Parameters
    ----------
    cpus : int, optional
        Cores a rank (``spark.task.cpus`` unless given).
    gpus : int
        GPUs a rank: whole ones, addresses as Spark assigns them.
    """

    cpus: int | None = None
    gpus: int = 0


@dataclass(frozen=True)
class Slots:
    """What the cluster can run at once of one kind of rank."""

    total: int
    per_executor: dict[str, int]  # Executor's id@host -> slots; empty where Spark doesn't tell.
    reason: str  # How the number comes about, for messages.

    def __int__(self) -> int:
        return self.total


@dataclass(frozen=True)
class Spool:
    """Where and how a rank keeps its part of the data after the first pass.

    Parameters
    ----------
    dir : str, optional
        A folder on the executors' hosts; Spark's local folder unless given.
    max_bytes : int, optional
        Most bytes a rank; ``SpoolError`` beyond.
    memory : bool
        Keep it in shared memory (``memfd``) instead of on disk.
    nulls : {"error", "fill", "mask"}
        What nulls of fixed-width columns become.
    fill : value, optional
        What ``nulls="fill"`` writes; 0 unless given.
    """

    dir: str | None = None
    max_bytes: int | None = None
    memory: bool = False
    nulls: Literal["error", "fill", "mask"] = "error"
    fill: Any = None


class Staged(Protocol):
    """A DataFrame made ready for ranks: exactly one partition each, whatever Spark's AQE does."""

    @property
    def df(self) -> "DataFrame": ...

    @property
    def counts(self) -> list[int] | None:
        """Rows of each rank where they are known before the job."""
        ...

    def release(self) -> None:
        """Give back what staging keeps on the cluster."""
        ...


class Source(Protocol):
    """A table that ranks read themselves, in place of a DataFrame. Has to pickle."""

    def pin(self) -> "Source":
        """On the driver, once a run: fix version and files, so that every attempt sees the same."""
        ...

    def counts(self, world_size: int) -> list[int] | None:
        """Once pinned: the rows of each rank, where they are known."""
        ...

    def read(self, rank: int, world_size: int) -> "tuple[pa.Schema, Iterator[pa.RecordBatch]]":
        """On the executor: this rank's share, balanced by rows."""
        ...

    # A source may also have ``identity() -> str``: shares are rows in a row, ``counts`` of them,
    # and equal strings say that the rows are the same in another run.


class Resumable(Protocol):
    """Data whose position a checkpoint holds."""

    def state(self) -> dict[str, Any]:
        """Where the consumer is, for JSON."""
        ...

    def restored(self, state: dict[str, Any] | None) -> None:
        """Go on from there, if this run does; None if the checkpoint holds no position."""
        ...


class Backend(Protocol):
    """The three-function interface of a framework's collectives."""

    def start(self, group: Group) -> Any:
        """Bring the collectives up in every rank; return what ``ctx.<name>`` is."""
        ...

    def stop(self, failed: bool) -> None:
        """Take them down; ``failed`` says that peers may be gone, so don't wait for them."""
        ...
