"""What the hub tells the driver's loop, in the order in which it learned of it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Member:
    """A rank as it registered."""

    rank: int
    host: str
    pid: int
    address: str
    devices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Registered:
    member: Member


@dataclass(frozen=True)
class Logged:
    rank: int
    text: str


@dataclass(frozen=True)
class Reported:
    rank: int
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Returned:
    """The rank's function returned, and its result is on its way."""

    rank: int


@dataclass(frozen=True)
class Raised:
    """A rank raised: ``blob`` is the pickled exception, empty where it doesn't pickle."""

    rank: int
    host: str
    type_name: str
    text: str
    traceback: str
    blob: bytes
    at: float


@dataclass(frozen=True)
class Vanished:
    """A rank's connection ended without a goodbye or an error.

    ``rejected`` says what came over it, if that was not what the rank has sent.
    """

    rank: int
    host: str
    pid: int
    stack: str
    rss: int
    at: float
    rejected: str = ""


@dataclass(frozen=True)
class Hung:
    """The watchdog's finding. ``how`` is mismatch, missing, returned, stalled, silent or idle."""

    how: str
    op: str
    entered: list[int]
    missing: list[int]
    seconds: float
    stacks: dict[int, str]
    at: float
    detail: str = ""


Event = Registered | Logged | Reported | Returned | Raised | Vanished | Hung
