"""What user code forks from a worker can't speak in the worker's place."""

import os
import socket

from hydrofoil.process.forked import Connection


def test_a_child_leaves_the_connection() -> None:
    jvm, worker = socket.socketpair()
    other, theirs = socket.socketpair()
    with jvm, worker, other, theirs, os.fdopen(os.dup(worker.fileno()), "wb") as answers:
        connection = Connection()
        connection.use(worker)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                connection.leave()
                answers.write(b"the child's")
                answers.flush()
                ended = os.read(worker.fileno(), 1) == b""  # At once.
                other.sendall(b"x")
                status = 0 if ended else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert theirs.recv(10) == b"x"
        answers.write(b"the worker's")
        answers.flush()
        assert jvm.recv(100) == b"the worker's"


def test_what_is_no_socket_is_left() -> None:
    import io

    connection = Connection()
    connection.use(io.BytesIO())
    connection.leave()
    read, write = os.pipe()
    os.write(write, b"x")
    assert os.read(read, 1) == b"x"
    os.close(read)
    os.close(write)
