"""What a page says of places, also when what died has written over it."""

import os

from hydrofoil._cext import rows
from hydrofoil.deaths import page


def test_places() -> None:
    shared = page.shared()
    shared.begin_task()
    assert str(shared.place()) == "before it ran functions of its task"
    shared.begin_functions(("f", "g"), 2)
    assert str(shared.place()) == "in f or g, partition 2"
    shared.fields[page.ITEM] = 4
    assert str(shared.place()) == "in f or g, partition 2, group 4"
    shared.fields[page.BEFORE], shared.fields[page.ROWS] = 40, 10
    assert str(shared.place()) == "in f or g, partition 2, batch 4 (rows 40 to 49)"
    shared.fields[page.ROWS] = 1
    assert str(shared.place()) == "in f or g, partition 2, near row 40"
    shared.fields[page.ROW], shared.fields[page.FUNCTION] = 3, 0
    assert str(shared.place()) == "in f, partition 2, near row 43"
    shared.begin_functions(("h",), 0)
    assert str(shared.place()) == "in h, partition 0"


def test_long_names_are_cut() -> None:
    shared = page.shared()
    shared.begin_functions(("é" * 10_000,), 0)
    assert set(shared.place().functions[0]) <= {"é", "\ufffd"}


def test_a_page_of_garbage_is_read() -> None:
    garbage = page.Page(bytearray(os.urandom(4096)))
    assert str(garbage.place())


def test_the_core_notes_rows_there() -> None:
    memory = bytearray(16)
    rows.note_rows_in(memory)
    loop = rows.PickledLoop([rows.Call((len,), (0,)), rows.Call((str,), (0,))], [None, None])
    try:
        loop.evaluate([("a",), ("b",), ("c",)], [])
        assert list(memoryview(memory).cast("q")) == [2, 1]
    finally:
        page.mine().have_core_note_rows()
