"""What a gang needs of the session that runs it, and which kind a session is."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from hydrofoil.gang.hub.seam import Meets
from hydrofoil.gang.seams import Resources, Slots
from hydrofoil.gang.supervise import Job

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Session(Protocol):
    """A session, classic or of a Spark Connect client."""

    @property
    def spark(self) -> "SparkSession": ...

    @property
    def is_local(self) -> bool:
        """Whether executors are threads of the driver: its slots are all there, and for ever."""
        ...

    def check(self) -> None:
        """Refuse sessions in which a gang can't run at all, or would be killed.

        Raises
        ------
        UnsupportedError, UsageError
        """
        ...

    def count(self, resources: Resources) -> Slots | None:
        """Count the slots of one kind of rank, busy or not; ``None`` where nobody tells."""
        ...

    def profile(self, resources: Resources) -> Any:
        """Return Spark's resource profile for a rank; ``None`` if the default does."""
        ...

    def hub(self) -> AbstractContextManager[Meets]:
        """Start the run's hub, beside the driver."""
        ...

    def computed_once(self, df: "DataFrame", again: bool) -> "tuple[DataFrame, Callable[[], None]]":
        """Return the same rows for every attempt, and what gives back what is kept of them.

        Parameters
        ----------
        df : DataFrame
            Staged: with one partition a rank.
        again : bool
            Whether there may be more than one attempt.
        """
        ...

    def job(
        self,
        ranks: "Callable[[int], DataFrame]",
        world_size: int,
        tag: str,
        description: str,
        hub: Any,
    ) -> Job:
        """Make the job of one attempt; ``hub`` is this session's."""
        ...


def session_of(spark: "SparkSession") -> Session:
    """Return what runs gangs in a session."""
    if type(spark).__module__.startswith("pyspark.sql.connect"):
        from hydrofoil.gang.connect.session import OverConnect

        return OverConnect(spark)
    from hydrofoil.gang.classic import Classic

    return Classic(spark)
