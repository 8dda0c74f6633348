"""Replay recordings to workers and compare what the workers cost.

The figure is the CPU time of the process that runs a worker's ``main``, alone: a separate process
feeds it and takes its answer. Every run has a fresh process, forked from one in which all workers
are imported. Spark reuses its workers, so the process has run the task once before it is timed;
``cold`` measures a worker's first task instead, with everything that it does only once.
"""

import os
import pickle
import socket
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Literal

from hydrofoil.evals.eval_types import EVAL_TYPES
from hydrofoil.recordings.recording import ENVIRONMENT, Recording
from hydrofoil.tools.replay.answer import Answer, read_answer
from hydrofoil.tools.replay.host import FloorRequest, Measured, RunRequest
from hydrofoil.tools.replay.stream import eval_type, input_rows

# Short names for workers; anything else is "module:function".
ENGINES = {
    "stock": "pyspark.worker:main",
    "hydrofoil": "hydrofoil.worker:main",
}

# Of these Spark takes one row from each batch for a group, or joins a batch with an input row.
_ONE_BATCH_EACH = ("grouped aggregate", "table function")

Transport = Literal["socket", "memory"]


class UnequalAnswersError(RuntimeError):
    """Two workers answered the same task differently, so their times can't be compared."""


@dataclass(frozen=True)
class Run:
    """One worker's run on one recording.

    Attributes
    ----------
    engine : str
        A key of ``ENGINES`` or "module:function".
    cpu, wall : float
        Seconds between the call of ``main`` and the flush of its last byte.
    exit_code : int
        0, or what the worker passed to ``sys.exit``; a negative signal number if it was killed.
    output : bytes
        Everything that it answered.
    """

    engine: str
    cpu: float
    wall: float
    exit_code: int
    output: bytes


@dataclass(frozen=True)
class Comparison:
    """Runs of several engines on one recording, all with the same answer.

    Attributes
    ----------
    rows : int
        Rows that the JVM sent; where that can't be told, rows of the answer.
    runs : dict of list of Run
        The timed runs of each engine, in order. Their outputs are dropped.
    answer : Answer
        What all of them answered.
    """

    rows: int
    runs: dict[str, list[Run]]
    answer: Answer

    def cpu_ns_per_row(self, engine: str) -> float:
        """Median CPU time of an engine's runs, in ns a row."""
        return statistics.median(run.cpu for run in self.runs[engine]) / max(self.rows, 1) * 1e9

    def ratio(self, engine: str = "hydrofoil", against: str = "stock") -> float:
        """How many times the CPU time of ``engine`` the other one takes."""
        return self.cpu_ns_per_row(against) / self.cpu_ns_per_row(engine)


class Player:
    """A measuring process in which workers run, for recordings of one environment.

    Use it as a context manager.

    Parameters
    ----------
    environment : dict of str
        The environment of the recordings; variables of ``ENVIRONMENT`` that it lacks are unset.
    engines : sequence of str
        The workers to have imported; others are imported when they are first played.
    """

    def __init__(
        self, environment: dict[str, str], engines: Sequence[str] = ("stock", "hydrofoil")
    ) -> None:
        self.environment = environment
        ours, theirs = socket.socketpair()
        with theirs:
            self._host = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "hydrofoil.tools.replay.host",
                    str(theirs.fileno()),
                    *map(_worker, engines),
                ],
                pass_fds=[theirs.fileno()],
                env=_host_environment(environment),
            )
        self._requests = Connection(ours.detach())

    def __enter__(self) -> "Player":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the measuring process."""
        self._requests.close()
        self._host.wait()

    def play(
        self,
        recording: Recording,
        engine: str,
        transport: Transport = "socket",
        cold: bool = False,
    ) -> Run:
        """Run one engine on one recording in a fresh process.

        Raises
        ------
        ValueError
            The recording was made in another environment than the player's.
        """
        if recording.environment != self.environment:
            raise ValueError(
                f"the recording's environment {recording.environment} is not the player's "
                f"{self.environment}; use one player for each environment"
            )
        request = RunRequest(_worker(engine), recording.data, transport == "memory", cold)
        measured = self._ask(request)
        return Run(engine, measured.cpu, measured.wall, measured.exit_code, measured.output)

    def floor(self, function: Callable[..., Any], columns: Sequence[list[Any]]) -> float:
        """CPU seconds of a bare loop that calls ``function`` with each row of the columns.

        For one column ``for x in values: function(x)``, in a fresh process like a worker's run.
        """
        from pyspark import cloudpickle

        request = FloorRequest(
            cloudpickle.dumps(function),  # type: ignore[no-untyped-call]
            pickle.dumps(list(columns), pickle.HIGHEST_PROTOCOL),
        )
        measured = self._ask(request)
        if measured.exit_code:
            raise RuntimeError(f"the bare loop over {function!r} failed; its error is on stderr")
        return measured.cpu

    def _ask(self, request: RunRequest | FloorRequest) -> Measured:
        try:
            self._requests.send(request)
            measured: Measured = self._requests.recv()
        except (EOFError, ConnectionError) as error:
            raise RuntimeError(
                f"the measuring process ended (exit code {self._host.wait()}); its last words are "
                "on stderr"
            ) from error
        return measured


def floor(function: Callable[..., Any], *columns: list[Any], runs: int = 5) -> float:
    """CPU ns/row of ``for x in values: function(x)``: the median of ``runs`` fresh processes."""
    with Player({}, engines=()) as player:
        seconds = statistics.median(player.floor(function, columns) for _ in range(runs))
    return seconds / max(len(columns[0]), 1) * 1e9


def compare(
    recording: Recording,
    engines: Sequence[str] = ("stock", "hydrofoil"),
    runs: int = 5,
    transport: Transport = "socket",
    player: Player | None = None,
    cold: bool = False,
) -> Comparison:
    """Replay one recording to several engines in turn.

    Parameters
    ----------
    recording : Recording
    engines : sequence of str
        Keys of ``ENGINES`` or "module:function".
    runs : int
        Timed runs of each engine; engines alternate.
    transport : "socket" or "memory"
        Over a socket pair, as executors do, or from and to memory.
    player : Player, optional
        One of the recording's environment; without it, a new one is started.
    cold : bool
        Measure a worker's first task instead of a later one.

    Raises
    ------
    UnequalAnswersError
        The answer of any run is not that of the first.
    """
    if player is None:
        with Player(recording.environment, engines) as player:
            return compare(recording, engines, runs, transport, player, cold)
    expected: Answer | None = None
    by_batch = _answers_by_batch(recording)
    timed: dict[str, list[Run]] = {engine: [] for engine in engines}
    for turn in range(runs):
        for engine in engines:
            run = player.play(recording, engine, transport, cold)
            answer = read_answer(run.output, recording)
            expected = expected or answer
            difference = expected.difference(answer, by_batch)
            if difference:
                raise UnequalAnswersError(
                    f"{engines[0]} and {engine} (run {turn + 1}) answer differently: {difference}"
                )
            timed[engine].append(replace(run, output=b""))
    assert expected is not None
    rows = input_rows(recording)
    return Comparison(expected.rows if rows is None else rows, timed, expected)


def _answers_by_batch(recording: Recording) -> bool:
    """Whether Spark would mind if the result's rows were cut into other batches."""
    code = eval_type(recording)
    return code in EVAL_TYPES and EVAL_TYPES[code].family in _ONE_BATCH_EACH


def _worker(engine: str) -> str:
    worker = ENGINES.get(engine, engine)
    if ":" not in worker:
        raise ValueError(
            f"unknown engine {engine!r}; use one of {', '.join(ENGINES)}, or module:function"
        )
    return worker


def _host_environment(recorded: dict[str, str]) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    environment.update(recorded)
    # Functions may come from modules that only the caller can find.
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    # pyarrow's allocator would otherwise start a thread, and a process with threads must not fork.
    environment["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    return environment
