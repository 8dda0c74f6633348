"""Reading what the JVM sends without the waits of TCP."""

import io
import os
import socket
import threading

import pytest

from hydrofoil.process.prompt import prompt, prompt_socket


@pytest.fixture
def ends() -> tuple[socket.socket, socket.socket]:
    """Two connected ends, as those of the JVM and of a worker."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        jvm = socket.create_connection(server.getsockname())
        worker, _ = server.accept()
    with jvm, worker:
        yield jvm, worker


def opened(connection: socket.socket) -> io.BufferedReader:
    """A file as stock's daemon opens it."""
    return os.fdopen(os.dup(connection.fileno()), "rb", 65536)


def test_reads_to_the_end(ends: tuple[socket.socket, socket.socket]) -> None:
    jvm, worker = ends
    jvm.sendall(b"0123456789")
    jvm.shutdown(socket.SHUT_WR)
    with opened(worker) as file:
        assert file.read(2) == b"01"
        # What the file has in its buffer, and what comes behind it.
        with prompt(file) as infile:
            assert infile.read() == b"23456789"


def test_reads_what_the_file_would(ends: tuple[socket.socket, socket.socket]) -> None:
    jvm, worker = ends
    sent = os.urandom(3_000_000)

    def send() -> None:
        jvm.sendall(sent)
        jvm.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    with opened(worker) as file:
        # Stock's daemon reads a secret before the task; what came behind it is in the buffer.
        head = file.read(7)
        with prompt(file) as reader:
            assert reader is not file
            parts = [head, reader.read(1), reader.read(100_000), reader.read()]
    sender.join()
    assert b"".join(parts) == sent


def test_asks_for_acknowledgements(ends: tuple[socket.socket, socket.socket]) -> None:
    jvm, worker = ends
    quickack = (socket.IPPROTO_TCP, socket.TCP_QUICKACK)
    jvm.sendall(b"task")
    with opened(worker) as file, prompt(file) as reader:
        assert reader.read(4) == b"task"
        # An answer makes a connection an interactive one, whose acknowledgements the kernel delays.
        worker.setsockopt(*quickack, 0)
        jvm.sendall(b"batch")
        assert reader.read(5) == b"batch"
        assert worker.getsockopt(*quickack)
        assert worker.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_asks_for_the_acknowledgement_of_the_first_message(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    jvm, worker = ends
    quickack = (socket.IPPROTO_TCP, socket.TCP_QUICKACK)
    worker.setsockopt(*quickack, 0)
    jvm.sendall(b"task")
    # The batch waits in the JVM's kernel while the worker unpickles what it has read of the task.
    with opened(worker) as file, prompt(file):
        assert worker.getsockopt(*quickack)


def test_a_socket_of_ones_own(ends: tuple[socket.socket, socket.socket]) -> None:
    jvm, worker = ends
    quickack = (socket.IPPROTO_TCP, socket.TCP_QUICKACK)
    # Stock's has one, which makes its descriptor one that never blocks.
    worker.settimeout(15)
    with worker.makefile("rwb", 65536) as file, prompt_socket(worker, file) as reader:
        assert reader is not file
        sender = threading.Timer(0.05, jvm.sendall, [b"task"])
        sender.start()
        assert reader.read(4) == b"task"
        sender.join()
        worker.setsockopt(*quickack, 0)
        jvm.sendall(b"batch")
        assert reader.read(5) == b"batch"
        assert worker.getsockopt(*quickack)
        file.write(b"answer")
        file.flush()
        assert jvm.recv(6, socket.MSG_WAITALL) == b"answer"
        jvm.shutdown(socket.SHUT_WR)
        assert reader.read() == b""


def test_a_unix_socket_of_ones_own() -> None:
    jvm, worker = socket.socketpair()
    with jvm, worker, worker.makefile("rwb") as file:
        assert prompt_socket(worker, file) is file


def test_leaves_other_files_alone() -> None:
    jvm, worker = socket.socketpair()
    with jvm, worker, opened(worker) as file:
        assert prompt(file) is file
    stream = io.BytesIO(b"recorded")
    assert prompt(stream) is stream


def test_no_descriptor_stays(ends: tuple[socket.socket, socket.socket]) -> None:
    jvm, worker = ends

    def task() -> None:
        jvm.sendall(b"task")
        with opened(worker) as file:
            assert prompt(file).read(4) == b"task"

    task()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        task()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_default_timeout_is_not_for_the_connection(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """Its descriptors share a flag, so that all of the worker's reads would stop waiting."""
    jvm, worker = ends
    jvm.sendall(b"task")
    socket.setdefaulttimeout(1.0)
    try:
        with opened(worker) as file, prompt(file):
            assert os.get_blocking(file.fileno())
    finally:
        socket.setdefaulttimeout(None)


def test_takes_the_place_of_no_standard_stream(ends: tuple[socket.socket, socket.socket]) -> None:
    jvm, worker = ends
    jvm.sendall(b"task")
    with opened(worker) as file:
        standard = os.dup(0)
        os.close(0)
        try:
            with prompt(file) as reader:
                assert reader.read(4) == b"task"
                with pytest.raises(OSError, match="Bad file descriptor"):
                    os.fstat(0)
        finally:
            os.dup2(standard, 0)
            os.close(standard)
