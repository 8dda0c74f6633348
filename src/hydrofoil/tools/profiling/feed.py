"""Recordings, fed to the workers of a real daemon as a JVM would feed them."""

import os
import secrets
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hydrofoil.errors import UsageError
from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.profiling.run import Sampling, variables_of, wait_for
from hydrofoil.tools.replay.answer import AnswerError, read_answer
from hydrofoil.tools.replay.player import _host_environment

_END_OF_STREAM = struct.pack(">i", -4)
# Seconds without a byte after which an answer that does not end is looked at.
_PAUSE = 2.0
_PATIENCE = 300


def feed(
    recordings: Sequence[Recording], tasks: int, engine: str, folder: Path, sampling: Sampling
) -> None:
    """Have one worker for each recording run its task, ``tasks`` times.

    Raises
    ------
    UsageError
        The daemon does not start, or a worker does not answer.
    """
    for recording in recordings:
        with (
            _daemon(recording, variables_of(engine, folder, sampling)) as (port, secret),
            socket.create_connection(("127.0.0.1", port)) as connection,
        ):
            _greet(connection, secret)
            for _ in range(tasks):
                if not _run_task(connection, recording):
                    break
            _dismiss(connection)
    wait_for(folder)


@contextmanager
def _daemon(recording: Recording, variables: dict[str, str]) -> Iterator[tuple[int, str]]:
    """A daemon as executors start it; gives its port and the secret for it."""
    secret = secrets.token_hex(16)
    environ = {
        **_host_environment(recording.environment),
        **variables,
        "PYTHON_WORKER_FACTORY_SECRET": secret,
        "SPARK_REUSE_WORKER": "1",
    }
    # The daemon keeps pyarrow from starting threads itself.
    environ.pop("JE_ARROW_MALLOC_CONF", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "hydrofoil.daemon", "pyspark.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environ,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        port = process.stdout.read(4)
        if len(port) < 4:
            raise UsageError(
                f"the daemon ended (exit code {process.wait()}) instead of naming its port; its "
                "last words are above"
            )
        yield struct.unpack(">i", port)[0], secret
    finally:
        # That is how the JVM tells it to end, and its workers with it.
        with suppress(OSError):
            process.stdin.close()
        process.wait()
        process.stdout.close()


def _greet(connection: socket.socket, secret: str) -> None:
    connection.settimeout(_PATIENCE)
    _exactly(connection, 4)  # The worker's process id.
    connection.sendall(struct.pack(">i", len(secret)) + secret.encode())
    if _exactly(connection, 6)[4:] != b"ok":
        raise UsageError("the worker refused the secret that its daemon was started with")


def _dismiss(connection: socket.socket) -> None:
    """Have no further task for the worker, and see it end."""
    connection.settimeout(_PATIENCE)
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 18):
            pass


def _run_task(connection: socket.socket, recording: Recording) -> bool:
    """Send the task and take its answer; whether the worker can have another one."""
    sender = threading.Thread(target=_send, args=(connection, recording.data))
    sender.start()
    answer = bytearray()
    connection.settimeout(_PAUSE)
    waited = 0.0
    reusable: bool | None = None
    while reusable is None and waited < _PATIENCE:
        try:
            chunk = connection.recv(1 << 18)
        except TimeoutError:
            waited += _PAUSE
            reusable = _ended(bytes(answer), recording)
            continue
        waited = 0.0
        if not chunk:
            reusable = False
        answer += chunk
        if answer.endswith(_END_OF_STREAM):
            reusable = _ended(bytes(answer), recording)
    if reusable is not True:
        # What the sender has left can't be sent any more.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
    sender.join()
    if reusable is None:
        raise UsageError(f"the worker has not answered for {_PATIENCE} s")
    return reusable


def _send(connection: socket.socket, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[connection.send(rest) :]
        except TimeoutError:
            continue
        except OSError:
            return  # A task that fails leaves input unread.


def _ended(answer: bytes, recording: Recording) -> bool | None:
    """None while the answer is not whole, then whether the worker is ready for another task."""
    try:
        return read_answer(answer, recording).reusable
    except (AnswerError, ValueError, OSError):
        return None


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        chunk = connection.recv(count - len(found))
        if not chunk:
            raise UsageError("the worker closed its connection")
        found += chunk
    return found


def load(paths: Sequence[Path]) -> list[Recording]:
    """Read recordings.

    Raises
    ------
    UsageError
        One was made with another Spark than the one installed here.
    """
    import pyspark

    found = [Recording.load(path) for path in paths]
    for path, recording in zip(paths, found, strict=True):
        if recording.spark.split(".")[:2] != pyspark.__version__.split(".")[:2]:
            raise UsageError(
                f"{os.fspath(path)} was recorded on Spark {recording.spark}, and "
                f"{pyspark.__version__} is installed here",
                hint="record it again, or profile it where that Spark is installed",
            )
    return found
