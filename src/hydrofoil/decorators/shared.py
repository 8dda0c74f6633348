"""`batch_udf` with ``share="host"``: arrays go to the model that a host's workers share."""

import hashlib
import pickle
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from hydrofoil.deaths.limits import seconds
from hydrofoil.decorators.batches import Batches, Predictions
from hydrofoil.decorators.devices import addresses
from hydrofoil.decorators.spark_types import name_of
from hydrofoil.errors import UsageError
from hydrofoil.holders.asked import Asked
from hydrofoil.holders.client import Remote
from hydrofoil.holders.linux import IS_LINUX
from hydrofoil.holders.packets import AREAS

Share = Literal["host"]

# Batches that a task sends as one request, where a batch is filled from several tasks: so that a
# task with many rows does not wait for each.
_AT_ONCE = 8


@dataclass(frozen=True)
class Sharing:
    """How a host shares a model; the arguments of `batch_udf`."""

    batching: bool
    max_wait_ms: float
    device: str | None
    keep_s: float
    threads: int

    def __str__(self) -> str:
        how = "one process runs the batches of all tasks" if self.batching else "forked for workers"
        where = f", on {self.device}" if self.device else ""
        long = f"{self.keep_s:g} s without use" if self.keep_s else "as long as the application"
        return f"once a host, kept {long}; {how}{where}"


def sharing(
    share: Any, batching: Any, max_wait_ms: Any, device: Any, keep: Any, threads: Any
) -> Sharing | None:
    """The arguments of `batch_udf`, checked; None where a model is not shared.

    Raises
    ------
    UsageError
        If one of them is none that can be, or needs ``share="host"``.
    """
    if share not in (None, "host"):
        raise UsageError(f"share={share!r} is neither 'host' nor None")
    if share is None:
        needing = {"batching": batching, "device": device, "keep": keep, "threads": threads}
        for name, value in needing.items():
            if value is not None:
                raise UsageError(
                    f"{name}={value!r} is for models that a host shares", hint='write share="host"'
                )
        return None
    if batching not in (None, True, False):
        raise UsageError(f"batching={batching!r} is neither True nor False")
    if device is not None and batching is False:
        raise UsageError(
            f"device={device!r} with batching=False: one process alone owns a device",
            hint="leave batching out",
        )
    if not isinstance(max_wait_ms, int | float) or max_wait_ms < 0:
        raise UsageError(f"max_wait_ms={max_wait_ms!r} is no number of milliseconds")
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise UsageError(f"threads={threads!r} is no positive number")
    if device not in (None, "cuda"):
        raise UsageError(f"device={device!r} is neither 'cuda' nor None")
    return Sharing(
        bool(device) if batching is None else batching,
        float(max_wait_ms),
        device,
        _seconds(keep),
        threads or 0,
    )


def _seconds(keep: Any) -> float:
    if keep is None:
        return 0.0
    try:
        found = seconds(str(keep))
    except ValueError:
        found = 0.0
    if found <= 0:
        raise UsageError(
            f"keep={keep!r} is no time", hint='write keep="10min", or a number of seconds'
        )
    return found


class SharedBatches(Batches):
    """The same as `Batches`, with the model in a process that the host's workers share.

    Workers get ``load`` and the function pickled. What they hand on is not unpickled there, so they
    need none of its libraries.
    """

    def __init__(self, sharing: Sharing, *batches: Any) -> None:
        super().__init__(*batches)
        self.sharing = sharing
        self.pickled: tuple[bytes, bytes] | None = None

    def __getstate__(self) -> dict[str, Any]:
        from pyspark import cloudpickle

        if self.pickled is None:
            dumps = cloudpickle.dumps
            predict = b"" if self.predict is None else dumps(self.predict)  # type: ignore[no-untyped-call]
            self.pickled = dumps(self.load), predict  # type: ignore[no-untyped-call]
        named = {"loader": name_of(self.load), "load": None, "predict": None}
        return {**self.__dict__, **named}

    def __call__(self, batches: Any) -> Iterator[pa.Array]:
        if not self.sharing.batching or not IS_LINUX:
            yield from super().__call__(batches)
            return
        remote = self._remote()
        try:
            yield from self._each(batches, remote, remote.takes())
        finally:
            remote.abandon()

    def _function(self) -> tuple[Callable[..., Any], int | None]:
        if not IS_LINUX:
            # Each process has its own.
            assert self.pickled is not None
            load, predict = self.pickled
            self.load, self.predict = pickle.loads(load), pickle.loads(predict) if predict else None
            return super()._function()
        remote = self._remote()
        return remote.call, remote.takes()

    def _remote(self) -> Remote:
        assert self.pickled is not None
        load, function = self.pickled
        asked = Asked(
            self.__dict__["loader"],
            _hash(load),
            self.sharing.batching,
            self.batch_size,
            self.sharing.max_wait_ms,
            self.sharing.threads,
            self.sharing.keep_s,
            addresses() if self.sharing.device else (),
        )
        return Remote(asked, load, _hash(function), function)

    def _each(self, batches: Any, remote: Remote, expected: int | None) -> Iterator[pa.Array]:
        """Send rows as they come; the next are on their way while the model has these."""
        step = self.batch_size * _AT_ONCE
        # What is on its way: the column that it is for, and whether it is the last of that.
        waiting: deque[tuple[Predictions, bool]] = deque()

        def take() -> Iterator[pa.Array]:
            predictions, is_last = waiting.popleft()
            predictions.add(*remote.result())
            if is_last:
                yield predictions.column()

        for batch in batches:
            arrays = batch if isinstance(batch, tuple) else (batch,)
            inputs = self._inputs(arrays, expected)
            rows = len(arrays[0])
            predictions = Predictions(self.result)
            for start in range(0, rows, step):
                if len(waiting) == AREAS:
                    yield from take()
                end = min(rows, start + step)
                remote.send([one[start:end] for one in inputs], end - start)
                waiting.append((predictions, end == rows))
        while waiting:
            yield from take()


def _hash(pickled: bytes) -> str:
    return hashlib.sha256(pickled).hexdigest()
