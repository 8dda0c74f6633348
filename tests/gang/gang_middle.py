"""Somebody between two processes of a gang: passes on, keeps, and changes what they send."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# What is made of bytes that are passed on, given how many of the same direction came before.
Change = Callable[[bytes, int], bytes]
Address = tuple[str, int]


class Middle:
    """What went to whom.

    Attributes
    ----------
    to_listener, to_caller : bytearray
        As they were sent, of all connections.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.address: Address = listener.getsockname()[:2]
        self.to_listener = bytearray()
        self.to_caller = bytearray()


@contextmanager
def in_the_middle(
    address: Address,
    host: str = "127.0.0.1",
    port: int = 0,
    to_listener: Change = lambda data, before: data,
    to_caller: Change = lambda data, before: data,
) -> Iterator[Middle]:
    """Listen in front of an address; a change that returns less ends both connections."""
    with socket.create_server((host, port)) as listener:
        middle = Middle(listener)
        ends: list[socket.socket] = []
        threads: list[threading.Thread] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    caller = listener.accept()[0]
                    behind = socket.create_connection(address)
                    ends.extend((caller, behind))
                    for arguments in (
                        (caller, behind, middle.to_listener, to_listener),
                        (behind, caller, middle.to_caller, to_caller),
                    ):
                        threads.append(threading.Thread(target=_pass, args=arguments))
                        threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield middle
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for end in ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
            for end in ends:
                end.close()


def _pass(source: socket.socket, to: socket.socket, seen: bytearray, change: Change) -> None:
    before = 0
    with suppress(OSError):
        while data := source.recv(1 << 16):
            seen += data
            passed = change(data, before)
            before += len(data)
            to.sendall(passed)
            if len(passed) < len(data):
                break
    for each in (source, to):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def flip(at: int) -> Change:
    """Change one bit of the byte that is the ``at``-th of its direction."""

    def change(data: bytes, before: int) -> bytes:
        if before <= at < before + len(data):
            changed = bytearray(data)
            changed[at - before] ^= 0x10
            return bytes(changed)
        return data

    return change


def cut(at: int) -> Change:
    """End the connection when so many bytes have come."""
    return lambda data, before: data[: max(at - before, 0)]
