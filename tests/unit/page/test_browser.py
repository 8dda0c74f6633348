"""Pages as a browser shows them, on a phone and on a desk: charts, tables and flame graphs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from looks import SCHEMES, WIDTHS, check_looks, opened

from hydrofoil.tools.page import Bars, Lines, Page
from hydrofoil.tools.page.flame import Box

WAYS = ["row pickled (stock)", "row Arrow (stock)", "row (Hydrofoil)", "DuckDB, by its own UDFs"]
LONG = "applyInPandas of a function that has quite a long name, 10 rows a group, all columns"
COLORS = {"exchange": "exchange", "start-up": "start-up", "user code": "function"}

CHARTS = [
    Bars(
        "Groups of bars",
        ["x + 1", LONG],
        {name: [0.8, 1_234.5 * (i + 1)] for i, name in enumerate(WAYS[:3])},
        unit="times faster than row pickled (stock)",
        log=True,
        style="{:,.1f}x",
        mark=(1.0, "as fast"),
    ),
    Bars(
        "One series",
        WAYS,
        {"M rows/s": [1.234, 5.0, 9.87, None]},
        unit="M rows/s",
        spread={"M rows/s": [(1.0, 1.6), (2.0, 9.0), (9.8, 9.9), None]},
    ),
    Bars(
        "Parts",
        WAYS,
        {name: [1e3, 2e2, 30, 4e3] for name in ("JVM", "exchange", "function")},
        unit="ns of CPU time a row",
        stacked=True,
        style="{:,.0f}",
    ),
    Bars("A mark on the right", WAYS[2:], {"percent": [40, 7]}, unit="%", mark=(100, "stock")),
    Lines(
        "Lines",
        [1, 10, 100, 10_000],
        {name: [1.0, 3.0 + i, None, 1e6] for i, name in enumerate(WAYS)},
        "rows a group",
        "groups/s",
        spread={WAYS[0]: [(0.5, 2), (2, 4), None, (9e5, 2e6)]},
    ),
    Lines("Within a decade", [1, 2, 4], {"stock": [3, 4, 6], "Hydrofoil": [6, 7, 9]}, "slots", "s"),
]


def flame_tree() -> Box:
    """Seven of ten seconds are under f, two of them in json, which calls g."""
    root = Box("workers")
    stacks: list[tuple[float, str, list[str]]] = [
        (1.0, "start-up", ["main", "import pandas"]),
        (2.0, "exchange", ["main", "read"]),
        (2.0, "user code", ["main", "f", "json", "g"]),
        (4.9, "user code", ["main", "f"]),
        (0.1, "user code", ["main", "f", "</script><b>name", "json"]),
    ]
    for seconds, owner, names in stacks:
        root.add(seconds, owner)
        box = root
        for name in names:
            box = box.part(name, "app.py:1" if name == "f" else "")
            box.add(seconds, owner)
    return root


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = Page("A page with all there is", "Its first sentence says what to take away.")
    page.pre("hydrofoil bench --suite first --html " + "a-long-file-name" * 8)
    page.text("Words.")
    columns = ["function", "engine", *(f"figure {i}, ns" for i in range(8)), "why"]
    rows = [
        [name, way, *(f"{10**i:,}" for i in range(8)), "because of a reason in several words"]
        for name in ("x + 1", "a_function_whose_name_has_no_space_at_all_and_goes_on_and_on")
        for way in WAYS
    ]
    page.table("A wide table", columns, rows, note="What it means.", left=["engine", "why"])
    page.table("A narrow one", ["what", "value"], [["x", "y" * 90]], left=["value"])
    for chart in CHARTS:
        page.chart(chart)
    page.flame(flame_tree(), COLORS, "Hydrofoil, 10.00 s", "How to read it.")
    page.details("More", "text " * 60)
    file = tmp_path_factory.mktemp("page") / "page.html"
    page.write(file)
    return file


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_or_overlaps(made: Path, browser: Any, width: int, scheme: str) -> None:
    with opened(browser, made, width, scheme) as shown:
        shown.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        check_looks(shown, width, scheme)


@pytest.fixture(params=WIDTHS)
def flame(made: Path, browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    with opened(browser, made, request.param) as shown:
        yield shown.locator(".flame")


def names(flame: Any) -> list[str]:
    return flame.locator(".box").all_text_contents()  # type: ignore[no-any-return]


def box(flame: Any, name: str) -> Any:
    return flame.locator(".box", has_text=name).first


def described(flame: Any) -> str:
    return flame.locator(".described").text_content()  # type: ignore[no-any-return]


def width_of(flame: Any, name: str) -> float:
    whole = flame.locator(".boxes").bounding_box()["width"]
    return box(flame, name).bounding_box()["width"] / whole  # type: ignore[no-any-return]


def test_a_click_zooms_and_back_zooms_out(flame: Any) -> None:
    assert width_of(flame, "json") == pytest.approx(0.2, abs=0.01)
    assert flame.get_by_text("Back").is_disabled()
    box(flame, "f").click()
    assert width_of(flame, "json") == pytest.approx(2 / 7, abs=0.01)
    assert "read" not in names(flame) and "workers" in names(flame)
    box(flame, "json").click()
    assert "g" in names(flame) and width_of(flame, "g") == pytest.approx(1, abs=0.01)
    flame.get_by_text("Back").click()
    assert width_of(flame, "json") == pytest.approx(2 / 7, abs=0.01)
    flame.get_by_text("Show all").click()
    assert "read" in names(flame) and flame.get_by_text("Show all").is_disabled()


def test_boxes_stay_under_the_pointer(flame: Any) -> None:
    """What is said of a box may be longer than what was said before: it moves nothing."""
    box(flame, "f").hover()
    before = box(flame, "json").bounding_box()
    box(flame, "json").hover()
    assert box(flame, "json").bounding_box() == before
    assert described(flame).startswith("json: 2.000 s")


def test_the_keyboard_does_the_same(flame: Any) -> None:
    keyboard = flame.page.keyboard
    box(flame, "workers").focus()
    keyboard.press("ArrowDown")
    assert described(flame).startswith("main: 10.000 s, 100.0 % of all")
    keyboard.press("ArrowDown")
    assert described(flame) == "f (app.py:1): 7.000 s, 70.0 % of all; user code"
    keyboard.press("ArrowRight")
    assert described(flame) == "read: 2.000 s, 20.0 % of all; exchange"
    keyboard.press("ArrowLeft")
    keyboard.press("Enter")
    assert "read" not in names(flame)
    keyboard.press("ArrowDown")
    assert "28.6 % of the zoomed box" in described(flame)
    keyboard.press("Escape")
    assert "read" in names(flame)
    # Only one box of all is met on the way through the page.
    assert flame.locator(".box[tabindex='0']").count() == 1


def test_the_search_marks_boxes_and_says_their_share(flame: Any) -> None:
    search, told = flame.get_by_role("searchbox"), flame.locator(".matched")
    search.fill("JSON")
    assert told.text_content() == "Matched: 2.100 s, 21.0 % of the time shown (10.000 s)"
    assert flame.locator(".found").all_text_contents() == ["json", "json"]
    box(flame, "f").click()
    assert told.text_content() == "Matched: 2.100 s, 30.0 % of the time shown (7.000 s)"
    search.fill("app.py")
    assert told.text_content() == "Matched: 7.000 s, 100.0 % of the time shown (7.000 s)"
    search.fill("")
    assert told.text_content() == "" and flame.locator(".found").count() == 0
