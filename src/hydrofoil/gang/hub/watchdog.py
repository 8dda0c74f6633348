"""Which ranks keep the others waiting. Looks at a meeting; changes nothing."""

from collections.abc import Iterator

from hydrofoil.gang.hub.events import Hung
from hydrofoil.gang.hub.meeting import Meeting

_HEARTBEATS = 3.0  # Seconds without a word before a rank counts as silent, at the least.
WATCHED = "collective "  # Notes that start so are meetings of all ranks.


def check(meeting: Meeting) -> Hung | None:
    """Return the first of what is wrong, or ``None``."""
    if meeting.ended is not None or len(meeting.seats) < meeting.world_size:
        return None
    return next(_findings(meeting), None)


def _findings(meeting: Meeting) -> Iterator[Hung]:
    yield from _returned_early(meeting)
    yield from _silent(meeting)
    yield from _missing(meeting)
    yield from _in_notes(meeting)
    yield from _no_progress(meeting)


def _returned_early(meeting: Meeting) -> Iterator[Hung]:
    returned = [rank for rank, seat in meeting.seats.items() if seat.returned]
    for collective in meeting.collectives.values():
        missing = [rank for rank in returned if rank not in collective.blobs]
        if missing:
            yield _hung(
                meeting, "returned", collective.name, collective.blobs, missing, collective.since
            )


def _silent(meeting: Meeting) -> Iterator[Hung]:
    limit = max(_HEARTBEATS, meeting.timeouts.timeout)
    now = meeting.clock()
    silent = [
        rank
        for rank, seat in meeting.seats.items()
        if not (seat.returned or seat.raised or seat.gone) and now - seat.beat_at > limit
    ]
    if silent:
        since = min(meeting.seats[rank].beat_at for rank in silent)
        others = [rank for rank in meeting.seats if rank not in silent]
        yield _hung(meeting, "silent", "", others, silent, since)


def _missing(meeting: Meeting) -> Iterator[Hung]:
    for collective in meeting.collectives.values():
        if meeting.clock() - collective.since > collective.timeout:
            missing = [rank for rank in meeting.seats if rank not in collective.blobs]
            yield _hung(
                meeting, "missing", collective.name, collective.blobs, missing, collective.since
            )


def _in_notes(meeting: Meeting) -> Iterator[Hung]:
    """Ranks inside a framework's own collective, which the hub only knows by name."""
    now, timeout = meeting.clock(), meeting.timeouts.timeout
    for seat in meeting.seats.values():
        where = seat.inside
        if where is None or not where.startswith(WATCHED) or now - seat.inside_since <= timeout:
            continue
        op, count = where.removeprefix(WATCHED), seat.notes[where]
        # A rank that is past it, or in it for as many times, has come.
        missing = [rank for rank, other in meeting.seats.items() if other.notes[where] < count]
        inside = [
            rank
            for rank, other in meeting.seats.items()
            if other.inside == where and other.notes[where] == count
        ]
        if missing:
            yield _hung(meeting, "missing", op, inside, missing, seat.inside_since)
        elif all(now - meeting.seats[rank].inside_since > timeout for rank in inside):
            yield _hung(meeting, "stalled", op, inside, [], seat.inside_since)


def _no_progress(meeting: Meeting) -> Iterator[Hung]:
    limit, since = meeting.timeouts.progress, meeting.progress_at
    if limit is not None and since is not None and meeting.clock() - since > limit:
        running = [rank for rank, seat in meeting.seats.items() if not seat.returned]
        if running:
            yield _hung(meeting, "idle", "", [], running, since)


def _hung(
    meeting: Meeting,
    how: str,
    op: str,
    entered: "list[int] | dict[int, bytes]",
    missing: list[int],
    since: float,
) -> Hung:
    now = meeting.clock()
    return Hung(how, op, sorted(entered), sorted(missing), now - since, {}, at=now)
