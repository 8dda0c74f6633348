"""What the driver shows of a running gang: a bar for each rank, its metrics and its lines."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hydrofoil.gang.errors import GangError
from hydrofoil.gang.hub.events import Event, Logged, Registered, Reported, Returned

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


@dataclass(frozen=True)
class Update:
    """What ``on_progress`` gets.

    Attributes
    ----------
    kind : {"start", "log", "report", "return", "restart", "wait"}
    rank : int or None
    attempt : int
    text : str
        The line of a log; of a restart, what ended the attempt.
    metrics : dict of str to value
        Of a report.
    """

    kind: Literal["start", "log", "report", "return", "restart", "wait"]
    rank: int | None
    attempt: int
    text: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)


class Progress:
    """Shows updates on standard error, and hands them to the caller's function."""

    def __init__(self, bars: bool | None, on_progress: Callable[[Update], None] | None) -> None:
        self._wanted = sys.stderr.isatty() if bars is None else bars
        self._on_progress = on_progress
        self._bars: Bars | None = None
        self._tasks: dict[int, TaskID] = {}

    def __enter__(self) -> "Progress":
        if self._wanted:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bars

            self._bars = Bars(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[metrics]}"),
                console=Console(stderr=True),
            )
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def say(self, text: str) -> None:
        """Show a line of the driver's own, such as that it waits."""
        self._line(text)
        self._tell(Update("wait", None, 0, text))

    def hear(self, attempt: int, event: Event | GangError) -> None:
        """Take what happened."""
        if isinstance(event, Logged):
            self._line(f"rank {event.rank}: {event.text}")
            self._tell(Update("log", event.rank, attempt, event.text))
        elif isinstance(event, Reported):
            self._move(event.rank, event.metrics)
            self._tell(Update("report", event.rank, attempt, metrics=event.metrics))
        elif isinstance(event, Registered):
            self._tell(Update("start", event.member.rank, attempt, event.member.host))
        elif isinstance(event, Returned):
            self._tell(Update("return", event.rank, attempt))
        elif isinstance(event, GangError):
            text = event.message.splitlines()[0]
            self._line(f"attempt {attempt} failed, starting again: {text}")
            self._forget()
            self._tell(Update("restart", event.rank, attempt, text))

    def _tell(self, update: Update) -> None:
        if self._on_progress is not None:
            self._on_progress(update)

    def _line(self, text: str) -> None:
        if self._bars is not None:
            self._bars.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def _move(self, rank: int, metrics: dict[str, Any]) -> None:
        if self._bars is None:
            return
        if rank not in self._tasks:
            self._tasks[rank] = self._bars.add_task(f"rank {rank}", total=None, metrics="")
        shown = {name: value for name, value in metrics.items() if name not in ("step", "total")}
        self._bars.update(
            self._tasks[rank],
            completed=_number(metrics.get("step")),
            total=_number(metrics.get("total")),
            metrics="  ".join(f"{name}={_short(value)}" for name, value in shown.items()),
        )

    def _forget(self) -> None:
        if self._bars is not None:
            for task in self._tasks.values():
                self._bars.remove_task(task)
        self._tasks.clear()


def _number(value: Any) -> float | None:
    """How far a bar is; None leaves it as it is, for ranks may say anything else."""
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
