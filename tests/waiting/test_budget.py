"""The driver's side without connections: moments, shares, and who makes which call."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from hydrofoil.waiting.answers.kept import Kept
from hydrofoil.waiting.hub.budget import AHEAD_S, Budget
from hydrofoil.waiting.hub.claims import Claims
from hydrofoil.waiting.hub.pace import PLANNED, Pace, shares
from hydrofoil.waiting.hub.seat import Seat
from hydrofoil.waiting.options import Options


class Peer:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], bytes]] = []

    def send(self, header: dict[str, Any], blob: bytes = b"") -> None:
        self.sent.append((header, blob))

    def take(self, kind: str) -> list[Any]:
        found = [(h, b) for h, b in self.sent if h["kind"] == kind]
        self.sent = [one for one in self.sent if one[0]["kind"] != kind]
        return found


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def seat(execution: int | None = 1) -> tuple[Seat, Peer]:
    peer = Peer()
    return Seat(peer, 0, execution), peer


def test_moments_are_evenly_apart() -> None:
    pace = Pace(10.0, None)
    moments = [pace.take(5.0, 1.0) for _ in range(50)]
    assert moments[0] == 5.0
    for one, next_one in pairwise(moments):
        assert next_one - one == pytest.approx(0.1 / PLANNED)
    # What has passed without a call does not come back as a burst.
    assert pace.take(100.0, 1.0) == 100.0
    assert pace.next(100.0) == pytest.approx(100.0 + 0.1 / PLANNED)


def test_moments_by_cost() -> None:
    pace = Pace(100.0, 1000.0)
    at = [pace.take(0.0, cost) for cost in (500.0, 1.0, 1.0)]
    assert at[1] == pytest.approx(0.5 / PLANNED)
    assert at[2] - at[1] == pytest.approx(0.01 / PLANNED)


@pytest.mark.parametrize(
    ("wants", "most", "given"),
    [
        ([5, 5], 20, [5, 5]),
        ([100, 100], 20, [10, 10]),
        ([3, 100, 100], 21, [3, 9, 9]),
        ([100, 100, 100], 20, [6, 7, 7]),
        ([0, 50], 20, [0, 20]),
        ([9, 9, 9], 2, [0, 1, 1]),
    ],
)
def test_shares(wants: list[int], most: int, given: list[int]) -> None:
    assert list(shares(dict(enumerate(wants)), most).values()) == given


def test_what_is_taken_back_is_given_on_when_it_is_over() -> None:
    budget = Budget(Options(max_in_flight=10), Clock())
    (one, of_one), (two, of_two) = seat(), seat()
    budget.join(one)
    budget.join(two)
    budget.wants(one, 50)
    assert of_one.take("share") == [({"kind": "share", "n": 10}, b"")]
    budget.wants(two, 50)
    assert [h["n"] for h, _ in of_one.take("share")] == [5]
    assert of_two.take("share") == []
    budget.holds(one, 8)
    assert [h["n"] for h, _ in of_two.take("share")] == [2]
    budget.holds(one, 5)
    assert [h["n"] for h, _ in of_two.take("share")] == [5]
    # A task that is gone holds nothing.
    budget.leave(two)
    assert [h["n"] for h, _ in of_one.take("share")] == [10]


def test_tasks_have_their_moments_in_turns() -> None:
    clock = Clock()
    budget = Budget(Options(rate=100.0), clock)
    seats = [seat() for _ in range(4)]
    for one, _ in seats:
        budget.join(one)
        budget.asks(one, [1.0] * 1000)
    given: Counter[int] = Counter()
    moments = []
    for _ in range(40):
        seconds = budget.give_moments()
        assert seconds is not None
        for i, (_, peer) in enumerate(seats):
            for header, _ in peer.take("moments"):
                assert max(header["in"]) <= AHEAD_S
                given[i] += len(header["in"])
                moments += [clock.now + one for one in header["in"]]
        clock.now += seconds
    assert max(given.values()) - min(given.values()) <= 1
    ordered = sorted(moments)
    apart = [b - a for a, b in pairwise(ordered)]
    assert min(apart) == pytest.approx(0.01 / PLANNED) == pytest.approx(max(apart))


def test_rare_moments() -> None:
    clock = Clock()
    budget = Budget(Options(rate=0.1), clock)
    one, peer = seat()
    budget.join(one)
    budget.asks(one, [1.0, 1.0])
    seconds = budget.give_moments()
    assert len(peer.take("moments")) == 1
    assert seconds == pytest.approx(10 / PLANNED - AHEAD_S)
    clock.now += seconds or 0
    assert budget.give_moments() is None
    assert len(peer.take("moments")) == 1


def test_equal_calls_are_one_tasks() -> None:
    claims = Claims(Kept(1 << 20), None, "f")
    (one, of_one), (two, of_two) = seat(), seat()
    claims.ask(one, [b"a", b"b"])
    assert [h["keys"] for h, _ in of_one.take("yours")] == [[b"a".hex(), b"b".hex()]]
    claims.ask(two, [b"a", b"b", b"c"])
    assert [h["keys"] for h, _ in of_two.take("yours")] == [[b"c".hex()]]
    claims.answer(one, b"a", b"of a")
    assert of_two.take("answer") == [({"kind": "answer", "key": b"a".hex()}, b"of a")]
    # One that dies leaves its calls to those who wait.
    claims.leave(one)
    assert [h["keys"] for h, _ in of_two.take("yours")] == [[b"b".hex()]]
    claims.give_up(two, b"b")
    other, of_other = seat(execution=2)
    claims.ask(other, [b"a"])
    assert len(of_other.take("yours")) == 1, "another query asks anew"
    third, of_third = seat()
    claims.ask(third, [b"a", b"b"])
    assert [b for _, b in of_third.take("answer")] == [b"of a"]
    assert [h["keys"] for h, _ in of_third.take("yours")] == [[b"b".hex()]]
