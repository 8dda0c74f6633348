"""A task's connection, as the driver knows it."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Protocol


class Peer(Protocol):
    """A connection; ``send`` never waits."""

    def send(self, header: dict[str, Any], blob: bytes = b"") -> None: ...


@dataclass(eq=False)
class Seat:
    """One task's use of one function.

    Attributes
    ----------
    execution : int or None
        Spark's id of the query.
    want : int
        Calls that the task would have in flight.
    told, held : int
        Calls that it may have in flight; and what counts as taken, which is more until it has said
        that those are over.
    costs : deque of float
        Of calls that wait for their moment, in order.
    owns : set of bytes
        Keys of calls that it is to make for all.
    counts : Counter of str
        What it has done so far.
    """

    peer: Peer
    stage: int
    execution: int | None
    partition: int = 0
    want: int = 0
    told: int = 0
    held: int = 0
    costs: deque[float] = field(default_factory=deque)
    owns: set[Any] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
