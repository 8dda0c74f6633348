"""A service on the loopback for functions that wait, in a process of its own.

``/ask`` answers with what it was asked for, after a while. How it misbehaves is in the query. It
keeps a log: of each request when it came, what was asked, and how it ended.

    GET /ask?x=7&ms=100            200 "answer to 7" after 100 ms
        &fail=429,500,hang,reset   these in turn, before the first answer for this x
        &random=0.3                500 so often
    GET /log                       JSON: [[seconds, x, status], ...]; status 0 where the caller left
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

RETRY_AFTER_S = 0.2


class Service:
    """What the process runs."""

    def __init__(self) -> None:
        self.log: list[list[Any]] = []
        self.asked: Counter[str] = Counter()
        self.chance = random.Random(7)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                target = head.split(b" ", 2)[1].decode()
                url = urlsplit(target)
                query = {k: v[0] for k, v in parse_qs(url.query).items()}
                if url.path == "/log":
                    self._write(writer, 200, json.dumps(self.log))
                elif not await self._ask(reader, writer, query):
                    return
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, query: dict[str, str]
    ) -> bool:
        x = query["x"]
        entry: list[Any] = [time.time(), x, 0, None]
        self.log.append(entry)
        turn, self.asked[x] = self.asked[x], self.asked[x] + 1
        fails = query["fail"].split(",") if "fail" in query else []
        how = fails[turn] if turn < len(fails) else "200"
        if how == "200" and self.chance.random() < float(query.get("random", 0)):
            how = "500"
        if how == "reset":
            entry[2] = "reset"
            writer.transport.abort()
            return False
        left = asyncio.ensure_future(reader.read(1))
        seconds = 600.0 if how == "hang" else float(query.get("ms", 0)) / 1000
        done, _ = await asyncio.wait({left}, timeout=seconds)
        if done:  # The caller has closed the connection.
            entry[3] = time.time()
            return False
        left.cancel()
        with suppress(asyncio.CancelledError):
            await left
        entry[2] = int(how)
        self._write(writer, int(how), f"answer to {x}")
        return True

    def _write(self, writer: asyncio.StreamWriter, status: int, body: str) -> None:
        after = f"Retry-After: {RETRY_AFTER_S}\r\n" if status == 429 else ""
        data = body.encode()
        head = f"HTTP/1.1 {status} Status\r\n{after}Content-Length: {len(data)}\r\n\r\n"
        writer.write(head.encode() + data)


async def main() -> None:
    """Serve, and print the port."""
    service = Service()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def running() -> Iterator[str]:
    """Start the service; its address, such as ``127.0.0.1:4711``."""
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()


def log_of(address: str) -> list[list[Any]]:
    """What it was asked: when, what, and the status, 0 while it is not answered; when it ended."""
    with urllib.request.urlopen(f"http://{address}/log") as answer:
        return json.loads(answer.read())  # type: ignore[no-any-return]


if __name__ == "__main__":
    with suppress(OSError):
        os.nice(-15)  # It measures: its own delays are to be none of what it says.
    asyncio.run(main())
