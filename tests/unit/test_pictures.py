"""The picture of docs/how-it-works.md is what its command draws, and the text goes with it."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"


@pytest.fixture(scope="module")
def batch_way() -> dict[str, Any]:
    return runpy.run_path(str(PICTURES / "batch_way.py"))


def test_the_picture_is_drawn_anew_after_a_change(batch_way: dict[str, Any]) -> None:
    committed = (PICTURES / "batch_way.svg").read_text(encoding="utf-8")
    assert committed == batch_way["picture"](), "run python docs/pictures/batch_way.py"
    assert "prefers-color-scheme: dark" in committed


def test_every_room_of_the_picture_is_in_the_tree(batch_way: dict[str, Any]) -> None:
    stops = [stop for row in (*batch_way["JVM"], *batch_way["WORKER"]) for stop in row]
    rooms = {room for stop in (*stops, *batch_way["AROUND"]) for room in stop.rooms}
    for room in sorted(rooms - {"Spark's own"}):
        first, *others = room.split(", ")
        folder = Path(first).parent
        for name in (first, *(str(folder / other) for other in others)):
            places = [ROOT, ROOT / "src/hydrofoil", ROOT / "cext/hydrofoil"]
            found = [path for place in places for path in place.glob(f"{name}*")]
            names = {path.name.partition(".")[0] for path in found}
            assert Path(name).name in names, f"{name} is drawn, and there is no such room"


def test_the_text_names_each_stop_of_the_picture(batch_way: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    told = re.findall(r"^(\d+)\. \*\*(.*)\.\*\*", page, re.M)
    stops = [stop.title for row in (*batch_way["JVM"], *batch_way["WORKER"]) for stop in row]
    assert [f"{number} {title}" for number, title in told] == sorted(
        stops, key=lambda title: int(title.split()[0])
    )
