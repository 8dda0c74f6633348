"""What a task has done so far, by the names of `WaitingCalls`' fields."""

from dataclasses import asdict, dataclass


@dataclass
class Counts:
    """See `hydrofoil.waiting.hub.tally.WaitingCalls`."""

    rows: int = 0
    calls: int = 0
    retries: int = 0
    saved: int = 0
    failed: int = 0
    waited_s: float = 0.0
    cost: float = 0.0

    def as_dict(self) -> dict[str, float]:
        """For the driver."""
        return asdict(self)
