"""Keys of calls, and what keeps their answers."""

import datetime
import decimal
import os
import pickle
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row

from hydrofoil.errors import UsageError
from hydrofoil.waiting.answers.encoding import NotPlain, decoded, encoded
from hydrofoil.waiting.answers.kept import Kept
from hydrofoil.waiting.answers.keys import key_of
from hydrofoil.waiting.answers.memory import Memory


@dataclass
class Item:
    name: str
    tags: list[str]


DIFFERENT: list[tuple[Any, ...]] = [
    (),
    (None,),
    ("",),
    ("a",),
    ("a", "b"),
    ("ab",),
    (b"a",),
    (1,),
    (1.0,),
    (True,),
    (decimal.Decimal(1),),
    (["a"],),
    (["a", "b"],),
    ([["a"], "b"],),
    ([["a", "b"]],),
    ({"a": "b"},),
    ({"a": None},),
    (Row(a=1),),
    (Row(b=1),),
    (datetime.date(2026, 1, 2),),
    (datetime.datetime(2026, 1, 2),),
    (datetime.timedelta(1),),
    (Item("a", ["b"]),),
    (Item("a", []),),
]


def test_keys_tell_arguments_apart() -> None:
    keys = [key_of("f", one) for one in DIFFERENT]
    assert None not in keys
    assert len(set(keys)) == len(DIFFERENT)
    assert key_of("g", ("a",)) != key_of("f", ("a",))


def test_equal_arguments_have_equal_keys() -> None:
    text = "".join(["a", "b"])
    assert key_of("f", (["ab", text],)) == key_of("f", (["ab", "ab"],))
    assert key_of("f", ({"a": 1, "b": 2},)) == key_of("f", ({"b": 2, "a": 1},))
    # The same tomorrow, on any host.
    assert key_of("f", ("x", 7, None)) == bytes.fromhex(FIXED)
    assert key_of("f", (object(),)) is None


FIXED = "0e6ae568b027222df7c87dab1fc1ebdf"


@pytest.mark.parametrize(
    "value", [None, "a", 1, 2.5, b"x", [1, ["a"]], {"a": (1, None)}, decimal.Decimal("1.5")]
)
def test_answers_as_bytes(value: Any) -> None:
    made = encoded(value)
    assert made is not None and decoded(made) == value


def test_what_would_run_code_is_no_answer() -> None:
    assert encoded(Item("a", [])) is None
    with pytest.raises(NotPlain):
        decoded(pickle.dumps(print))


def test_the_newest_answers_are_kept() -> None:
    kept = Kept(3 * 300)
    for name in "abc":
        kept.put(name, bytes(100))
    assert kept.get("a") is not None
    kept.put("d", bytes(100))
    assert [kept.get(name) is not None for name in "abcd"] == [True, False, True, True]
    kept.put("large", bytes(10_000))
    assert kept.get("large") is None and len(kept) == 3
    for _ in range(100):
        kept.put("a", bytes(100))
    assert len(kept) == 3


def test_answers_are_there_at_once_and_tomorrow(tmp_path: Path) -> None:
    path = str(tmp_path / "new" / "answers.db")
    memory, other = Memory(path), Memory(path)
    for i in range(1200):
        memory.put(b"key %d" % i, b"answer %d" % i)
    other.put(b"key 0", b"another")
    other.put(b"more", b"of the other")
    wanted = [b"key %d" % i for i in range(0, 1200, 7)] + [b"none"]
    found = memory.get(wanted)
    assert len(found) == len(wanted) - 1 and found[b"key 7"] == b"answer 7"
    memory.close()
    other.close()
    again = Memory(path)
    assert again.get([b"key 1199", b"more"]) == {
        b"key 1199": b"answer 1199",
        b"more": b"of the other",
    }
    again.close()
    with sqlite3.connect(path) as opened:
        assert opened.execute("select count(*) from answers").fetchone() == (1201,)


def test_no_file_of_answers(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no database, but long enough to be one " * 50)
    with pytest.raises(UsageError, match="can't be opened"):
        Memory(str(path))


def test_what_is_remembered_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        memory = Memory(str(tmp_path / "kept" / "answers.db"))
        memory.put(b"k" * 16, b"an answer")
        beside = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "kept").iterdir()}
        memory.close()
    finally:
        os.umask(before)
    assert set(beside.values()) == {0o600} and "answers.db" in beside
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700
