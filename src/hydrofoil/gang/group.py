"""What a part of the gang (data, checkpoints, backends) may ask of the gang itself.

``Context`` implements this in a Spark task, ``local.run_locally`` in processes without Spark; both
through the same hub.
"""

from contextlib import AbstractContextManager
from typing import Any, Protocol

from hydrofoil.gang.channel.secret import Secret


class Group(Protocol):
    """The ranks of one attempt, seen from one of them. Collectives: every rank, the same order."""

    @property
    def rank(self) -> int: ...

    @property
    def world_size(self) -> int: ...

    @property
    def local_rank(self) -> int:
        """This rank's number among those of its host, from 0."""
        ...

    @property
    def attempt(self) -> int:
        """0 for the first, one more for each restart."""
        ...

    @property
    def run_id(self) -> str:
        """The same in all ranks and attempts of one ``gang.run``; fit for a file's name."""
        ...

    @property
    def hosts(self) -> list[str]:
        """The host of each rank."""
        ...

    @property
    def device(self) -> str:
        """``cpu``, or ``cuda:N`` as torch numbers what ``CUDA_VISIBLE_DEVICES`` leaves."""
        ...

    @property
    def secret(self) -> Secret:
        """What ranks of this attempt prove to each other; comes with the function."""
        ...

    def barrier(self, timeout: float | None = None) -> None:
        """Wait until every rank is here; ``timeout`` seconds in place of the run's."""
        ...

    def all_gather(self, value: Any) -> list[Any]:
        """Give every rank the values of all, in rank order: picklable, best under 64 kB each."""
        ...

    def broadcast(self, value: Any, src: int = 0) -> Any:
        """Return the value that rank ``src`` passed; what the others pass is ignored."""
        ...

    def check_current(self) -> None:
        """Raise ``StaleAttempt`` if a newer attempt has begun: the fence before a write.

        Also when the hub can't be asked, since then a newer attempt may have begun.
        """
        ...

    def local_address(self) -> str:
        """An address of this host that the other ranks can connect to."""
        ...

    def note(self, where: str) -> AbstractContextManager[None]:
        """Name what this rank's main thread does inside, such as ``collective torch.init``.

        Names that begin with ``collective `` are meetings of all ranks outside the hub's own: the
        watchdog ends the attempt when ranks stay in one for the run's ``timeout``, and the error
        names it and who is not in it. Other names only tell where a rank is.
        """
        ...
