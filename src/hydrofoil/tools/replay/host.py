"""The measuring host: a clean process that imports the workers and forks one child for each run.

A process of its own because the caller may run a JVM gateway's threads and because the import state
of the caller would otherwise be part of the figure. The host feeds and drains the child's socket,
so the child's CPU time is the worker's alone.

Started by `player` as ``python -m hydrofoil.tools.replay.host DESCRIPTOR WORKER...``; requests and
replies are pickled objects on the socket ``DESCRIPTOR``.
"""

import contextlib
import gc
import importlib
import io
import os
import pickle
import select
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, BinaryIO

Main = Callable[[BinaryIO, BinaryIO], None]

_CHUNK = 1 << 18


@dataclass(frozen=True)
class RunRequest:
    """Run ``worker`` ("module:function") on ``data``, over a socket pair or in memory.

    ``cold`` leaves out the untimed run before: the process is then like a new worker on its first
    task, otherwise like a reused one.
    """

    worker: str
    data: bytes
    in_memory: bool
    cold: bool


@dataclass(frozen=True)
class FloorRequest:
    """Call a function (by cloudpickle) for each row of the pickled columns."""

    function: bytes
    columns: bytes


@dataclass(frozen=True)
class Measured:
    """Times in seconds; ``output`` holds what the worker answered."""

    cpu: float
    wall: float
    exit_code: int
    output: bytes


def resolve(worker: str) -> Main:
    """Find a worker's main by "module:function"."""
    module, _, function = worker.partition(":")
    main: Main = getattr(importlib.import_module(module), function or "main")
    return main


def serve(requests: Connection) -> None:
    """Answer requests until the other side closes the connection."""
    while True:
        try:
            request = requests.recv()
        except EOFError:
            return
        if isinstance(request, RunRequest):
            requests.send(_run(request))
        else:
            requests.send(_floor(request))


def _run(request: RunRequest) -> Measured:
    main = resolve(request.worker)
    ours, theirs = socket.socketpair()

    def work() -> Measured:
        ours.close()
        if not request.cold:
            _work_in_memory(main, request.data)
            gc.collect()
        if request.in_memory:
            return _work_in_memory(main, request.data)
        return _work_on_socket(main, theirs)

    child, results = _fork(work)
    theirs.close()
    with ours:
        output = b"" if request.in_memory else _exchange(ours, request.data)
    measured = _collect(child, results)
    if request.in_memory:
        return measured
    return Measured(measured.cpu, measured.wall, measured.exit_code, output)


def _work_on_socket(main: Main, sock: socket.socket) -> Measured:
    size = int(os.environ.get("SPARK_BUFFER_SIZE", 65536))
    # The same file objects that stock's daemon gives its workers.
    infile = os.fdopen(os.dup(sock.fileno()), "rb", size)
    outfile = os.fdopen(os.dup(sock.fileno()), "wb", size)
    sock.close()
    measured = _time(main, infile, outfile)
    outfile.close()
    infile.close()
    return measured


def _work_in_memory(main: Main, data: bytes) -> Measured:
    outfile = io.BytesIO()
    measured = _time(main, io.BytesIO(data), outfile)
    return Measured(measured.cpu, measured.wall, measured.exit_code, outfile.getvalue())


def _time(main: Main, infile: BinaryIO, outfile: BinaryIO) -> Measured:
    code: Any = 0
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        main(infile, outfile)
    except SystemExit as end:
        code = end.code
    # Stock's daemon flushes once the worker is done, so that is part of the work.
    outfile.flush()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Measured(cpu, wall, code if isinstance(code, int) else 1, b"")


def _floor(request: FloorRequest) -> Measured:
    def work() -> Measured:
        # Unpickled in the child: pages shared with the host would be copied inside the timed loop.
        function = pickle.loads(request.function)
        columns = pickle.loads(request.columns)
        gc.collect()
        gc.freeze()
        wall, cpu = time.perf_counter(), time.process_time()
        _call_for_each(function, columns)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return Measured(cpu, wall, 0, b"")

    return _collect(*_fork(work))


def _call_for_each(function: Callable[..., Any], columns: list[list[Any]]) -> None:
    """The bare loop, written out for one and two columns as anyone would write it."""
    if len(columns) == 1:
        for x in columns[0]:
            function(x)
    elif len(columns) == 2:
        for x, y in zip(*columns, strict=True):
            function(x, y)
    else:
        for row in zip(*columns, strict=True):
            function(*row)


def _fork(work: Callable[[], Measured]) -> tuple[int, BinaryIO]:
    """Run ``work`` in a child; its result comes back, pickled, on the file."""
    gc.collect()
    gc.freeze()
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, os.fdopen(read, "rb")
    code = 1
    try:
        os.close(read)
        # Spark shows what workers print as log output, too.
        os.dup2(2, 1)
        with os.fdopen(write, "wb") as results:
            pickle.dump(work(), results)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _collect(child: int, results: BinaryIO) -> Measured:
    with results:
        content = results.read()
    _, status = os.waitpid(child, 0)
    if not content:
        return Measured(0.0, 0.0, os.waitstatus_to_exitcode(status) or 1, b"")
    measured: Measured = pickle.loads(content)
    return measured


def _exchange(sock: socket.socket, data: bytes) -> bytes:
    """Send ``data`` and receive at the same time, until the worker closes its side."""
    sock.setblocking(False)
    rest = memoryview(data)
    output = bytearray()
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLOUT)
    while True:
        ((_, events),) = poll.poll()
        if events & select.POLLOUT:
            try:
                rest = rest[sock.send(rest[:_CHUNK]) :]
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                rest = rest[:0]
            if not rest:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_WR)
                poll.modify(sock, select.POLLIN)
        if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
            try:
                chunk = sock.recv(_CHUNK)
            except BlockingIOError:
                continue
            except ConnectionResetError:  # The worker left input unread.
                break
            if not chunk:
                break
            output += chunk
    return bytes(output)


def _main() -> None:
    descriptor, *workers = sys.argv[1:]
    for worker in workers:
        resolve(worker)
    # What either worker may import while it runs; a module that isn't installed can't be measured.
    for module in ("numpy", "pandas", "pyarrow", "pyspark.worker"):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    serve(Connection(int(descriptor)))


if __name__ == "__main__":
    # Pickled requests name their classes by the module's real name, not by `__main__`.
    from hydrofoil.tools.replay import host

    host._main()
