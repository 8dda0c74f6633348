"""Who makes a call for all, and who waits for its answer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from hydrofoil.waiting.answers.kept import Kept
from hydrofoil.waiting.answers.memory import Memory
from hydrofoil.waiting.hub.seat import Seat

# Of all functions that have no file for their answers.
KEPT_BYTES = 64 << 20

Scoped = tuple[Any, bytes]


@dataclass
class _Claim:
    owner: Seat
    waiting: list[Seat] = field(default_factory=list)


class Claims:
    """The calls of one function: equal ones are made by one task.

    Parameters
    ----------
    memory : Memory or None
        What keeps answers for ever; without it they are kept for the query.
    """

    def __init__(self, kept: Kept, memory: Memory | None, name: str) -> None:
        self._kept = kept
        self._memory = memory
        self._name = name
        self._claims: dict[Scoped, _Claim] = {}

    def ask(self, seat: Seat, keys: Iterable[bytes]) -> None:
        """Tell a task the answers that there are, and which calls are its own to make."""
        keys = list(keys)
        known = {} if self._memory is None else self._memory.get(keys)
        mine, answered = [], []
        for key in keys:
            scoped = self._scoped(seat, key)
            answer = known.get(key)
            if answer is None:
                answer = self._kept.get(scoped)
            if answer is not None:
                answered.append((key, answer))
            elif scoped in self._claims:
                self._claims[scoped].waiting.append(seat)
            else:
                self._claims[scoped] = _Claim(seat)
                seat.owns.add(scoped)
                mine.append(key)
        if mine:
            seat.peer.send({"kind": "yours", "keys": [key.hex() for key in mine]})
        for key, answer in answered:
            seat.peer.send({"kind": "answer", "key": key.hex()}, answer)

    def answer(self, seat: Seat, key: bytes, answer: bytes) -> None:
        """Take an answer, and tell those who wait for it."""
        scoped = self._scoped(seat, key)
        if self._memory is not None:
            self._memory.put(key, answer)
        else:
            self._kept.put(scoped, answer)
        seat.owns.discard(scoped)
        claim = self._claims.pop(scoped, None)
        if claim is None:
            return
        for other in claim.waiting:
            other.peer.send({"kind": "answer", "key": key.hex()}, answer)

    def give_up(self, seat: Seat, key: bytes) -> None:
        """A call has failed: the next one who waits makes it."""
        self._pass_on(seat, self._scoped(seat, key))

    def leave(self, seat: Seat) -> None:
        """A task is gone."""
        for claim in self._claims.values():
            claim.waiting = [one for one in claim.waiting if one is not seat]
        for scoped in list(seat.owns):
            self._pass_on(seat, scoped)

    def _pass_on(self, seat: Seat, scoped: Scoped) -> None:
        seat.owns.discard(scoped)
        claim = self._claims.get(scoped)
        if claim is None or claim.owner is not seat:
            return
        if not claim.waiting:
            del self._claims[scoped]
            return
        claim.owner = claim.waiting.pop(0)
        claim.owner.owns.add(scoped)
        claim.owner.peer.send({"kind": "yours", "keys": [scoped[1].hex()]})

    def _scoped(self, seat: Seat, key: bytes) -> Scoped:
        # Within a query, where nothing is remembered.
        within = None if self._memory is not None else (self._name, seat.execution)
        return within, key


NewClaims = Callable[[], Claims]
