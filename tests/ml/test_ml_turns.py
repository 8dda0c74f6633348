"""Gangs of one process at the slots of one application."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from hydrofoil.ml.base.turns import Turns


def test_as_many_run_as_there_are_slots_for() -> None:
    turns = Turns()
    lock, running, most, ended = threading.Lock(), 0, 0, 0
    both = threading.Barrier(2, timeout=30)

    def gang(needed: int) -> None:
        nonlocal running, most, ended
        with turns.part("app", needed, 4):
            with lock:
                running += needed
                most = max(most, running)
            if needed == 2:
                both.wait()  # Two of two slots each run beside each other.
            with lock:
                running -= needed
                ended += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(gang, [2, 2, 3, 4, 2, 2, 1, 3]))
    assert (most, ended, running) == (4, 8, 0)


def test_first_come_first_served() -> None:
    """A large gang is not passed by small ones for ever."""
    turns = Turns()
    order: list[str] = []
    waits = threading.Event()

    def gang(name: str, needed: int) -> None:
        with turns.part("app", needed, 4):
            order.append(name)

    with ThreadPoolExecutor(2) as pool:
        with turns.part("app", 1, 4):
            large = pool.submit(gang, "large", 4)
            while not turns._waiting["app"]:
                waits.wait(0.01)
            small = pool.submit(gang, "small", 1)
            while len(turns._waiting["app"]) < 2:
                waits.wait(0.01)
            assert not order
        large.result(30)
        small.result(30)
    assert order == ["large", "small"]


def test_slots_come_back_from_a_gang_that_fails() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="no"), turns.part("app", 4, 4):
        raise ValueError("no")
    with turns.part("app", 4, 4), turns.part("another", 4, 4):
        pass


def test_parts_of_different_kinds_add_up() -> None:
    """Two of four cores and one of two GPUs are the whole."""
    turns = Turns()
    entered = threading.Event()

    def gang() -> None:
        with turns.part("app", 1, 4):
            entered.set()

    with ThreadPoolExecutor(1) as pool:
        with turns.part("app", 2, 4), turns.part("app", 1, 2):
            later = pool.submit(gang)
            assert not entered.wait(0.05)
        later.result(30)
    assert entered.is_set()
