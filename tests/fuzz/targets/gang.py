"""What ranks send the driver's hub: frames of bytes, and headers of any content after the proof.

An input is lines, each a header as JSON; what follows a tab is its blob. Lines are of rank 0 and
rank 1 in turn. A message that is wrong ends its rank's connection, and nothing else: the hub and
its watchdog go on.
"""

import json
from contextlib import suppress
from typing import Any

from hydrofoil.gang.hub import frames, watchdog
from hydrofoil.gang.hub.meeting import Meeting, Timeouts

RANKS = 2
# As `Hub` takes them: the connection ends.
WRONG = (KeyError, TypeError, ValueError)


class Peer:
    def send(self, header: frames.Header, blob: bytes = b"") -> None:
        frames.encode(header, blob)


class Clock:
    """Goes on by a second whenever somebody looks."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def one(data: bytes) -> None:
    meeting = Meeting(1, RANKS, Timeouts(timeout=60.0), Clock())
    places: dict[int, int] = {}
    for i, line in enumerate(data.split(b"\n")):
        text, _, blob = line.partition(b"\t")
        header = parsed(text)
        if header is not None:
            with suppress(*WRONG):
                take(meeting, places, i % RANKS, header, blob)
        found = watchdog.check(meeting)
        if found is not None:
            meeting.find(found)
        if meeting.hung is not None:
            meeting.tell_hung()
    meeting.ask_to_stop()
    meeting.end("the input has ended")
    json.dumps([repr(meeting.events.get()) for _ in range(meeting.events.qsize())])


def parsed(text: bytes) -> frames.Header | None:
    with suppress(ValueError, RecursionError):
        header: Any = json.loads(text)
        if isinstance(header, dict) and "kind" in header:
            return header
    return None


def take(
    meeting: Meeting, places: dict[int, int], i: int, header: frames.Header, blob: bytes
) -> None:
    if i in places:
        try:
            meeting.handle(places[i], header, blob)
        except WRONG:
            meeting.lose(places.pop(i))
            raise
    elif header["kind"] == "register":
        rank = meeting.register(Peer(), header)
        if rank is not None:
            places[i] = rank


def seeds() -> list[bytes]:
    """A run that goes well, one that hangs, and one that fails."""
    members = [{"rank": i, "host": "h", "pid": 7, "address": "a", "devices": []} for i in range(2)]
    begin = [{"kind": "register", "attempt": 1, "id": 0, "member": each} for each in members]
    meet = {"kind": "collective", "op": "all_gather", "seq": 1, "timeout": None, "id": 1}
    late = {"kind": "collective", "op": "barrier", "seq": 2, "timeout": 5, "id": 2}
    cast = {"kind": "collective", "op": "broadcast", "seq": 2, "src": 1, "timeout": 9.5, "id": 3}
    talk = [
        {"kind": "beat", "stack": "main", "rss": 1},
        {"kind": "enter", "where": "collective sum"},
        {"kind": "leave", "outer": None},
        {"kind": "log", "text": "hello"},
        {"kind": "report", "metrics": {"loss": 0.5}},
        {"kind": "fence", "id": 4},
    ]
    error = {"kind": "error", "type": "E", "text": "t", "traceback": "...", "id": 5}
    end = {"kind": "goodbye", "id": 6}
    runs = [
        [*begin, meet, meet, *(each for one in talk for each in (one, one)), cast, cast, end, end],
        [*begin, late, cast, *talk, *talk],
        [*begin, error, talk[1], talk[1], late],
    ]
    return [b"\n".join(json.dumps(line).encode() + b"\tblob" for line in run) for run in runs]
