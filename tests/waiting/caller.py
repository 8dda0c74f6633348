"""A client of HTTP services, on the standard library's streams: what tests' functions call by."""

import asyncio
from collections.abc import Mapping


class StatusError(Exception):
    """An answer that is none, with the attributes that clients' errors have."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers


class Caller:
    """Keeps connections open, as many as there are calls at once."""

    def __init__(self, address: str) -> None:
        self.host, _, port = address.partition(":")
        self.port = int(port)
        self.free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get(self, target: str) -> str:
        """The body of an answer."""
        if self.free:
            reader, writer = self.free.pop()
        else:
            reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(f"GET {target} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines if line)
            body = await reader.readexactly(int(headers["content-length"]))
        except BaseException:
            writer.close()
            raise
        self.free.append((reader, writer))
        status = int(first.split()[1])
        if status != 200:
            raise StatusError(status, headers)
        return body.decode()

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self.free:
            writer.close()
