"""What a worker asks of its keeper: a model, and how it is to be kept and run."""

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A model, as far as its keeper has to know it.

    Attributes
    ----------
    name : str
        Of the function that loads it, for messages.
    model : str
        A hash of that function, pickled.
    batching : bool
        Whether one process runs the batches of all tasks, and fills them from several.
    batch_size : int
        Rows of such a batch. This and the next are a function's own: functions of different ones
        share a model.
    max_wait_ms : float
        How long one that is not full waits for more.
    threads : int
        For computing; 0 is the number that the mode has by default.
    keep_s : float
        For how long it stays when nobody uses it; 0 is for as long as the application.
    devices : tuple of str
        The addresses of the devices that it sees; empty where it sees what the worker would.
    """

    name: str
    model: str
    batching: bool
    batch_size: int
    max_wait_ms: float
    threads: int = 0
    keep_s: float = 0.0
    devices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The same for tasks that share a holder."""
        apart = {"name", "keep_s", "batch_size", "max_wait_ms"}
        named = {name: value for name, value in asdict(self).items() if name not in apart}
        return hashlib.sha256(repr(sorted(named.items())).encode()).hexdigest()[:32]

    def on(self, devices: tuple[str, ...]) -> "Asked":
        """The same on these devices."""
        return replace(self, devices=devices)

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Asked":
        """From what JSON makes of its fields."""
        return cls(**{**values, "devices": tuple(values["devices"])})
