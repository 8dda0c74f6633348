"""Gangs of processes on this host, without Spark: for debugging and for tests. The same hub."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydrofoil import private
from hydrofoil.gang import pickling
from hydrofoil.gang.attempts import Options, arguments, run_attempts
from hydrofoil.gang.errors import GangError
from hydrofoil.gang.hub.meeting import Timeouts
from hydrofoil.gang.hub.server import Hub
from hydrofoil.gang.rank import Place, RankSpec, live
from hydrofoil.gang.result import GangResult
from hydrofoil.gang.seams import Order, Resources, Source, checked_order

_GRACE_S = 2.0  # As Spark gives its workers.


def run_locally(
    world_size: int,
    function: Callable[..., Any],
    *,
    args: Mapping[str, Any] | Sequence[Any] | None = None,
    checkpoint: Any = None,
    source: Source | None = None,
    order: Order = "arrival",
    resources: Resources | None = None,
    share_devices: bool = False,
    timeout: float = 300.0,
    progress_timeout: float | None = None,
    start_timeout: float = 60.0,
    max_restarts: int = 0,
    backoff: float = 0.0,
    retry_on: Sequence[str] = ("lost", "crash", "hang"),
    env: dict[str, str] | None = None,
) -> GangResult:
    """Run ``function(ctx, ...)`` in ``world_size`` new processes of this host, joined by a hub.

    Arguments, results, errors and restarts are those of ``gang.run``. There is no DataFrame;
    ``ctx.data`` works with a ``source``.

    Raises
    ------
    GangError
        As ``gang.run`` does.
    """
    options = Options(
        timeouts=Timeouts(timeout, progress_timeout),
        start_timeout=start_timeout,
        max_restarts=max_restarts,
        backoff=backoff,
        retry_on=tuple(retry_on),
    )
    with Hub() as hub:
        spec = RankSpec(
            hub.address,
            hub.secret,
            options.run_id,
            pickling.dumps((function, *arguments(args))),
            checkpoint=checkpoint,
            source=None if source is None else source.pin(),
            resources=resources or Resources(),
            share_devices=share_devices,
            env=env or {},
            order=checked_order(order),
        )
        return run_attempts(
            hub,
            options,
            lambda attempt: world_size,
            lambda attempt, size: LocalJob(spec, attempt, size),
        )


class LocalJob:
    """The processes of one attempt."""

    def __init__(self, spec: RankSpec, attempt: int, world_size: int) -> None:
        self._spec = spec
        self._attempt = attempt
        self._world_size = world_size
        self._processes: list[subprocess.Popen[bytes]] = []
        self._folder = tempfile.TemporaryDirectory(prefix="hydrofoil-gang-")
        self._cancelled = False

    def start(self) -> None:
        for rank in range(self._world_size):
            process = subprocess.Popen(
                [sys.executable, "-m", "hydrofoil.gang.local", str(self._result(rank))],
                stdin=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            self._processes.append(process)
            assert process.stdin is not None
            place = Place(rank, self._attempt, socket.gethostname())
            process.stdin.write(pickling.dumps((self._spec, place)))
            process.stdin.close()

    def done(self) -> bool:
        return all(process.poll() is not None for process in self._processes)

    def error(self) -> BaseException | None:
        codes = [process.poll() for process in self._processes]
        failed = [rank for rank, code in enumerate(codes) if code]
        if not failed or self._cancelled:
            return None
        return ChildProcessError(
            f"the process of rank {failed[0]} ended: {self.verdict(failed[0])}"
        )

    def results(self) -> list[bytes]:
        blobs = [self._result(rank).read_bytes() for rank in range(self._world_size)]
        self._folder.cleanup()
        return blobs

    def waits(self) -> bool:
        return True

    def verdict(self, rank: int) -> str | None:
        code = self._processes[rank].poll()
        if code is None:
            return None
        return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

    def cancel(self, why: str) -> None:
        self._cancelled = True
        until = time.monotonic() + _GRACE_S
        while not self.done() and time.monotonic() < until:
            time.sleep(0.02)
        for process in self._processes:
            if process.poll() is None:
                process.kill()

    def join(self, timeout: float) -> None:
        for process in self._processes:
            process.wait(timeout)
        self._folder.cleanup()

    def _result(self, rank: int) -> Path:
        return Path(self._folder.name) / f"rank-{rank}"


def _main() -> None:
    spec, place = pickling.loads(sys.stdin.buffer.read())
    try:
        result = live(spec, place)
    except GangError:
        sys.exit(1)  # Told already.
    with open(sys.argv[1], "wb", opener=private.opener) as file:
        file.write(result)


if __name__ == "__main__":
    _main()
