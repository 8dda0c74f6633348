"""Sizes, and limits as settings write them."""

import os

import pytest

from hydrofoil.deaths import limits
from hydrofoil.deaths.memory import Kills, anonymous, size, sizes


def test_sizes() -> None:
    assert size(3 << 20) == "3 MiB"
    assert sizes(int(11.8 * 2**30), 12 << 30) == "11.8 of 12 GiB"


def test_what_a_process_has_for_itself() -> None:
    before = anonymous(os.getpid())
    kept = bytearray(b"x") * (64 << 20)
    assert anonymous(os.getpid()) - before > 60 << 20
    del kept
    # There is none with this number.
    assert anonymous(1 << 30) == 0


def test_no_kill_without_one() -> None:
    assert Kills().one_more() == ""


def test_settings() -> None:
    assert (limits.seconds("30s"), limits.seconds("1.5min"), limits.seconds("5")) == (30, 90, 5)
    assert (limits.byte_count("2g"), limits.byte_count("10 KB")) == (2 << 30, 10 << 10)
    for text in ("", "x", "0s", "5q", "-1s"):
        with pytest.raises(ValueError, match="is not a time such as 30s"):
            limits.seconds(text)


def test_a_setting_that_is_none_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setenv(limits.MEMORY, "lots")
    assert limits.asked(limits.MEMORY, limits.byte_count, said.append) is None
    assert said == ["HYDROFOIL_WORKER_MEMORY is left out: 'lots' is not a size such as 512m or 2g"]
