"""A debugger's side of the Debug Adapter Protocol, as far as it takes to stop at a line."""

import json
import socket
import time
from typing import Any, BinaryIO, cast

SECONDS = 60


class Debugger:
    """A connection to what ``debugpy.listen`` has started."""

    def __init__(self, port: int) -> None:
        self._socket = _connected(port)
        self._file = cast(BinaryIO, self._socket.makefile("rb"))
        self._requests = 0
        self._seen: list[dict[str, Any]] = []

    def send(self, command: str, **arguments: Any) -> int:
        """Send a request; return its number."""
        self._requests += 1
        request = {"seq": self._requests, "type": "request", "command": command}
        body = json.dumps(request | {"arguments": arguments}).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return self._requests

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request; return the body of its answer."""
        return self.answer(self.send(command, **arguments))

    def answer(self, request: int) -> dict[str, Any]:
        """The body of the answer to a request."""
        answer = self._find(type="response", request_seq=request)
        body: dict[str, Any] = answer.get("body", {})
        return body

    def event(self, name: str) -> dict[str, Any]:
        """The body of the next event of a name."""
        body: dict[str, Any] = self._find(type="event", event=name).get("body", {})
        return body

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _find(self, **wanted: Any) -> dict[str, Any]:
        while True:
            for message in self._seen:
                if wanted.items() <= message.items():
                    self._seen.remove(message)
                    return message
            self._seen.append(self._read())

    def _read(self) -> dict[str, Any]:
        length = 0
        while (line := self._file.readline().strip()) or not length:
            name, _, value = line.partition(b":")
            if name == b"Content-Length":
                length = int(value)
            assert line or length, "the debugger's other side has gone"
        message: dict[str, Any] = json.loads(self._file.read(length))
        assert message.get("success", True), message
        return message


def _connected(port: int) -> socket.socket:
    end = time.monotonic() + SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        except ConnectionRefusedError:  # The worker has not started yet.
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
