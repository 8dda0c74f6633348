"""Gangs of real processes that start at once: forked off one that has imported all they need."""

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hydrofoil.gang import local, pickling
from hydrofoil.gang.attempts import Options, arguments, run_attempts
from hydrofoil.gang.errors import GangError
from hydrofoil.gang.hub.meeting import Timeouts
from hydrofoil.gang.hub.server import Hub
from hydrofoil.gang.rank import Place, RankSpec, live

PRELOADED = ("numpy", "pyarrow.dataset", "pyarrow.parquet", "pyspark.cloudpickle")
PRELOADED += ("hydrofoil.gang.data.reader", "hydrofoil.gang.checkpoint")


class Forks:
    """The process that forks."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def ask(self, *request: Any) -> Any:
        """Fork a rank, or say how one ended."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        pickle.dump(request, process.stdin)
        process.stdin.flush()
        return pickle.load(process.stdout)

    def run(self, ranks: int, function: Callable[..., Any], **options: Any) -> Any:
        """As ``gang.run_locally``."""
        args, source = options.pop("args", None), options.pop("source")
        checkpoint, order = options.pop("checkpoint"), options.pop("order")
        told = Options(timeouts=Timeouts(60), **options)
        with Hub() as hub:
            spec = RankSpec(
                hub.address,
                hub.secret,
                told.run_id,
                pickling.dumps((function, *arguments(args))),
                checkpoint=checkpoint,
                source=source.pin(),
                order=order,
            )
            return run_attempts(
                hub,
                told,
                lambda attempt: ranks,
                lambda attempt, size: Job(self, spec, attempt, size),
            )

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


class Rank:
    """A forked process, with as much of ``Popen`` as a job asks for."""

    def __init__(self, forks: Forks, pid: int) -> None:
        self.forks, self.pid = forks, pid

    def poll(self) -> int | None:
        code: int | None = self.forks.ask("poll", self.pid)
        return code

    def wait(self, timeout: float) -> None:
        """Ranks end before their gang does."""

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Job(local.LocalJob):
    """The processes of one attempt."""

    def __init__(self, forks: Forks, spec: RankSpec, attempt: int, world_size: int) -> None:
        super().__init__(spec, attempt, world_size)
        self._forks = forks

    def start(self) -> None:
        for rank in range(self._world_size):
            place = Place(rank, self._attempt, socket.gethostname())
            blob = pickling.dumps((self._spec, place))
            pid = self._forks.ask("fork", blob, str(self._result(rank)))
            self._processes.append(Rank(self._forks, pid))  # type: ignore[arg-type]


@contextmanager
def forking() -> Iterator[Forks]:
    forks = Forks()
    try:
        yield forks
    finally:
        forks.end()


def _main() -> None:
    for name in PRELOADED:
        __import__(name)
    ended: dict[int, int] = {}
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What ranks print is no answer.
    while True:
        try:
            what, *request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if what == "fork":
            answer: Any = os.fork()
            if answer == 0:
                _live(*request)
        else:
            with suppress(ChildProcessError):
                while (found := os.waitpid(-1, os.WNOHANG))[0]:
                    ended[found[0]] = os.waitstatus_to_exitcode(found[1])
            answer = ended.get(request[0])
        pickle.dump(answer, out)
        out.flush()


def _live(blob: bytes, path: str) -> None:
    try:
        result = live(*pickling.loads(blob))
        with open(path, "wb") as file:
            file.write(result)
        os._exit(0)
    except GangError:
        os._exit(1)
    except BaseException:
        os._exit(2)


if __name__ == "__main__":
    _main()
