"""Pages and charts: what stands in the file."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from hydrofoil.errors import InternalError, UsageError
from hydrofoil.tools.page import Bars, Lines, Page, save
from hydrofoil.tools.page.charts import draw
from hydrofoil.tools.page.palette import COLORS, COSTS, colors_of, rounds_of
from hydrofoil.tools.page.svg import inline

BARS = Bars(
    "Speed & <more>",
    ["stock", "Hydrofoil"],
    {"rows": [1.0, None], "costs $5 or $6": [2.0, 30.0]},
    unit="M rows/s",
    spread={"rows": [(0.5, 1.5), None]},
    strong=("rows",),
    mark=(1.0, "as fast"),
)
LINES = Lines("Growth", [1, 10, 100], {"a": [1.0, None, 3.0], "b": [2.0, 2.0, 2.0]}, strong=("a",))


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_colors_stand_out_from_their_ground(side: int) -> None:
    ground = luminance(COLORS["ground"][side])
    for name, pair in COLORS.items():
        if name in ("ground", "raised", "rule"):
            continue
        light, dark = sorted((ground, luminance(pair[side])), reverse=True)
        least = 4.5 if name in ("text", "quiet") else 3.0
        assert (light + 0.05) / (dark + 0.05) >= least, name


def test_a_color_means_one_thing() -> None:
    assert len({pair for pair in COLORS.values()}) == len(COLORS)
    assert len(set(COSTS.values())) == len(COSTS) - 1  # "function" and "user code" are the same.
    made = colors_of(["row pickled (stock)", "stock", "Hydrofoil", "exchange", "DuckDB", "in"])
    assert made == {
        "row pickled (stock)": "stock",
        "stock": "stock-2",
        "Hydrofoil": "ours",
        "exchange": "exchange",
        "DuckDB": "other",
        "in": "other-2",
    }
    # The way that a suite is about has the first colour, wherever it comes.
    assert colors_of(["NumPy (Hydrofoil)", "best"], ["best"]) == {
        "NumPy (Hydrofoil)": "ours-2",
        "best": "ours",
    }


def test_any_number_of_series_is_drawn_and_no_two_look_the_same() -> None:
    names = [f"way {n}" for n in range(7)]
    colors = colors_of(names)
    assert [colors[name] for name in names[:4]] == ["other", "other-2", "other-3", "other"]
    assert len(set(zip(colors.values(), rounds_of(colors).values(), strict=True))) == len(names)
    page = Page("Many", "Seven ways.")
    page.chart(Bars("Bars", ["x", "y"], {name: [1.0, None] for name in names}))
    page.chart(Lines("Lines", [1, 2], {name: [1.0, 2.0] for name in names}))
    html = page.html()
    assert all(html.count(name) >= 2 for name in names)  # In each legend.
    assert "<pattern" in html


def test_text_is_escaped_and_nothing_may_be_fetched() -> None:
    page = Page("A <title>", "One & all.")
    page.section("Part <1>", "First.\n\nSecond.")
    page.table("T <t>", ["what", "x"], [["<b>", None], ["c", 2]], note="n < m", strong=[1])
    page.pre("a < b")
    page.details("More <>", "text & text")
    html = page.html()
    assert "<b>" not in html and "<title>A &lt;title&gt;</title>" in html
    assert "default-src 'none'" in html
    strong = '<tr class="strong"><th scope="row" class="text">c</th>'
    assert f'{strong}<td class="number" data-label="x">2</td></tr>' in html
    assert '<caption><span class="title">T &lt;t&gt;</span>' in html
    assert "<script" not in html


def test_a_row_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError):
        Page("t").table("T", ["a", "b"], [["1"]])


@pytest.mark.parametrize(
    "drawing",
    [
        "<svg><script>1</script></svg>",
        '<svg><image href="https://example.org/x.png"/></svg>',
        "<svg><style>@import 'x.css'</style></svg>",
        "<p>no drawing</p>",
    ],
)
def test_a_drawing_that_reaches_outside_is_refused(drawing: str) -> None:
    with pytest.raises(InternalError):
        inline(drawing, "d1", "label")


def test_drawings_on_a_page_share_no_ids() -> None:
    drawing = '<svg viewBox="0 0 9 9"><path id="p"/><use href="#p" clip-path="url(#p)"/></svg>'
    made = inline(drawing, "d7", 'a "label"')
    assert 'id="d7-p"' in made and 'href="#d7-p"' in made and "url(#d7-p)" in made
    assert 'role="img" aria-label="a &quot;label&quot;"' in made


@pytest.mark.parametrize("chart", [BARS, LINES], ids=["bars", "lines"])
@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_charts_say_what_they_show(chart: Bars | Lines, narrow: bool) -> None:
    texts = [
        "".join(element.itertext())
        for element in ElementTree.fromstring(draw(chart, narrow)).iter()
        if element.tag.endswith("}text")
    ]
    assert set(chart.series) <= set(texts)
    if isinstance(chart, Bars):
        assert {*chart.labels, "M rows/s", "as fast", "30"} <= set(texts)


def test_a_chart_on_a_page_has_no_color_of_its_own() -> None:
    page = Page("t")
    page.chart(BARS)
    body = page.html().partition("<body>")[2]
    assert body.count("<svg") == 2 and "var(--ours)" in body
    assert not [light for light, _ in COLORS.values() if light in body]


def test_saved_charts_follow_the_reader_s_colors(tmp_path: Path) -> None:
    save([BARS, LINES], tmp_path / "charts.svg")
    text = (tmp_path / "charts.svg").read_text()
    ElementTree.fromstring(text)
    assert "prefers-color-scheme:dark" in text and COLORS["ours"][0] in text
    assert "Speed &amp; &lt;more&gt;" in text and "Growth" in text
    save([LINES], tmp_path / "charts.png")
    assert (tmp_path / "charts.png").read_bytes().startswith(b"\x89PNG")


def test_other_files_and_no_charts_are_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can't be written to charts\.pdf"):
        save([BARS], tmp_path / "charts.pdf")
    with pytest.raises(UsageError, match="no chart"):
        save([], tmp_path / "charts.svg")
