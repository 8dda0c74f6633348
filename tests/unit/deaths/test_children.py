"""A daemon's workers die, and whoever talks to them as the JVM does finds out why."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from hydrofoil.deaths.verdict import FAULTHANDLER, MARK

SECRET = b"secret"
# Stock's daemon, with workers that do what they read a line of. Settings are in the environment.
DAEMON = """
import os, signal, sys, time
sys.argv = ["daemon", "pyspark.worker"]
from hydrofoil import daemon
from hydrofoil.deaths import page
from hydrofoil.deaths.children import Children

def main(infile, outfile):
    daemon.begun(infile)
    mine = page.mine()
    try:
        mine.begin_functions(("f (x.py:1)",), 3)
        mine.fields[page.ROW] = 7
        line = infile.readline()
        if not line:
            sys.exit(1)
        exec(line)
        outfile.write(b"done")
    finally:
        mine.end_task()

daemon.serve(main, children=Children(daemon.warn))
"""


class Jvm:
    """What a JVM does with a daemon and its workers."""

    def __init__(self, process: subprocess.Popen[bytes], logs: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self.logs = logs
        (self.port,) = struct.unpack("!i", process.stdout.read(4))

    def worker(self) -> tuple[socket.socket, int]:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        (number,) = struct.unpack("!i", connection.recv(4))
        connection.sendall(struct.pack("!i", len(SECRET)) + SECRET)
        assert connection.recv(6) == struct.pack("!i", 2) + b"ok"
        return connection, number

    def why(self, code: str, more: bytes = b"") -> str:
        """What there is to be read when a worker that runs some code has ended."""
        connection, number = self.worker()
        with connection:
            connection.sendall(code.encode() + b"\n" + more)
            while connection.recv(1000):
                pass
            log = self.logs / str(number)
            text = log.read_text() if log.exists() else ""
        assert text.count(MARK) == 1 and f"{MARK}{number} died: " in text
        return text

    def kill(self, number: int) -> None:
        """As the JVM asks for it."""
        assert self.process.stdin is not None
        self.process.stdin.write(struct.pack("!i", number))
        self.process.stdin.flush()

    def log(self) -> str:
        """All that the daemon has said, which ends for that."""
        return self.process.communicate(timeout=30)[1].decode()


@contextmanager
def started(logs: Path, **environment: str) -> Iterator[Jvm]:
    process = subprocess.Popen(
        [sys.executable, "-c", DAEMON],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ
        | {
            "PYTHON_WORKER_FACTORY_SECRET": SECRET.decode(),
            "SPARK_REUSE_WORKER": "1",
            FAULTHANDLER: str(logs),
        }
        | environment,
    )
    try:
        yield Jvm(process, logs)
    finally:
        process.kill()
        process.wait()


WHERE = ", in f (x.py:1), partition 3, near row 7\n"


def test_why_they_died(tmp_path: Path) -> None:
    with started(tmp_path) as jvm:
        exited = jvm.why("os._exit(3)")
        assert exited.endswith(
            f"died: code of the task ended it with exit status 3 (os._exit){WHERE}"
        )
        # Data that nobody reads is no reason to lose what it says.
        killed = jvm.why("os.kill(os.getpid(), signal.SIGKILL)", more=b"x" * (1 << 20))
        assert "died: killed by SIGKILL from outside" in killed and killed.endswith(WHERE)
        ended = jvm.why("time.sleep(0.1); os.kill(os.getpid(), signal.SIGTERM)")
        assert "died: ended by SIGTERM, by Spark's idle timeout or" in ended
        # They stand in the log as well.
        assert jvm.log().count(MARK) == 3


def test_told_to_end_while_it_forks() -> None:
    """By a JVM that replaces its daemon, just when a worker of the old one has begun its task."""
    code = """
import os, signal, sys
from hydrofoil.deaths.children import Children

children, known = Children(print), []
signal.signal(signal.SIGTERM, lambda *_: known.append(len(children._workers)))
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM))
if children.fork() == 0:
    os._exit(0)
print(known, signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[1] set()\n", done.stderr


def test_a_worker_that_lives(tmp_path: Path) -> None:
    """Others that die leave it alone, and so does the JVM's end of it."""
    with started(tmp_path) as jvm:
        connection, number = jvm.worker()
        with connection:
            for _ in range(2):
                jvm.why("os._exit(1)")
                connection.sendall(b"pass\n")
                assert connection.recv(4) == b"done"
            # Two ends of it: the worker's, and the one that the daemon holds.
            daemon = psutil.Process(jvm.process.pid)
            assert len(daemon.net_connections("tcp")) == 2
        gone(number)
        assert len(awaited_connections(daemon, 1)) == 1
        assert jvm.log().count(MARK) == 2


def gone(number: int) -> None:
    end = time.monotonic() + 30
    while psutil.pid_exists(number) and time.monotonic() < end:
        time.sleep(0.02)
    assert not psutil.pid_exists(number), "it has not been waited for"


def awaited_connections(process: psutil.Process, count: int) -> list[object]:
    end = time.monotonic() + 30
    while len(found := process.net_connections("tcp")) != count and time.monotonic() < end:
        time.sleep(0.02)
    return [*found]


def test_what_the_jvm_kills_is_no_death(tmp_path: Path) -> None:
    with started(tmp_path) as jvm:
        connection, number = jvm.worker()
        with connection:
            connection.sendall(b"time.sleep(60)\n")
            jvm.kill(number)
            assert connection.recv(1) == b""
        assert not any(file.read_text() for file in tmp_path.iterdir())
        assert MARK not in jvm.log()


def test_an_idle_worker_that_is_killed(tmp_path: Path) -> None:
    with started(tmp_path) as jvm:
        connection, number = jvm.worker()
        with connection:
            connection.sendall(b"pass\n")
            assert connection.recv(4) == b"done"
            os.kill(number, signal.SIGKILL)
            assert connection.recv(1) == b""
        assert ", while it had no task" in jvm.log()


def test_memory_over_the_limit(tmp_path: Path) -> None:
    with started(tmp_path, HYDROFOIL_WORKER_MEMORY="300m") as jvm:
        said = jvm.why("kept = [b'x' * (1 << 20) for _ in range(1 << 20)]")
    assert "died: over spark.hydrofoil.worker.memory: " in said
    assert " of 300 MiB" in said and said.endswith(WHERE)


def test_a_slow_row_and_its_stack(tmp_path: Path) -> None:
    with started(tmp_path, HYDROFOIL_SLOW_ROW="300ms") as jvm:
        connection, number = jvm.worker()
        with connection:
            connection.sendall(b"time.sleep(1.5)\n")
            assert connection.recv(4) == b"done"
            # A worker that waits for a task is not slow.
            time.sleep(1)
            assert psutil.pid_exists(number)
        log = jvm.log()
    assert log.count(f"{MARK}{number} is slow: for ") == 1, log
    assert "it has been in f (x.py:1), partition 3, near row 7; its stack:\n" in log
    assert 'File "<string>", line 1 in <module>' in log


@pytest.mark.parametrize("name", ["HYDROFOIL_SLOW_ROW", "HYDROFOIL_WORKER_MEMORY"])
def test_settings_that_are_none(tmp_path: Path, name: str) -> None:
    with started(tmp_path, **{name: "much"}) as jvm:
        assert f"{name} is left out: 'much' is not a " in jvm.log()
