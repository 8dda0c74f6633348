"""What a chart shows, and its drawing by matplotlib: for a page, or as a file of its own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.tools.page.style import SERIES, light
from hydrofoil.tools.page.svg import with_dark_mode

# Pixels of CSS, which are matplotlib's points: for a desk and for a phone.
WIDE, NARROW = 880, 340
_TEXT, _SMALL, _TITLE = 12.5, 11.5, 50


@dataclass(frozen=True)
class Bars:
    """Horizontal bars: a group for each label, and in it a bar for each series.

    Attributes
    ----------
    title : str
    labels : sequence of str
        From top to bottom.
    series : mapping of str to sequence of float or None
        A value for each label; None leaves the bar out.
    unit : str
        What the axis shows, with its unit.
    stacked : bool
        The series' bars stand behind each other in one.
    log : bool
    spread : mapping of str to sequence of (low, high) or None
        The ends of a whisker, by series; not for stacked bars.
    strong : collection of str
        Labels, or series, in the colour of Hydrofoil's.
    style : str
        How a value is written at the end of its bar; "" writes none.
    mark : (float, str), optional
        A line across all bars, and what it means.
    note : str
        A further line under the title.
    """

    title: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    unit: str = ""
    stacked: bool = False
    log: bool = False
    spread: Mapping[str, Sequence[tuple[float, float] | None]] = field(default_factory=dict)
    strong: Sequence[str] = ()
    style: str = "{:,.3g}"
    mark: tuple[float, str] | None = None
    note: str = ""


@dataclass(frozen=True)
class Lines:
    """Lines over one axis.

    Attributes
    ----------
    title : str
    x : sequence of float
    series : mapping of str to sequence of float or None
        A value for each of ``x``; None leaves a gap.
    x_label, y_label : str
        With their units.
    log_x, log_y : bool
    spread : mapping of str to sequence of (low, high) or None
        A band around the line, by series.
    strong : collection of str
        Series in the colour of Hydrofoil's, and thicker.
    note : str
        A further line under the title.
    """

    title: str
    x: Sequence[float]
    series: Mapping[str, Sequence[float | None]]
    x_label: str = ""
    y_label: str = ""
    log_x: bool = True
    log_y: bool = True
    spread: Mapping[str, Sequence[tuple[float, float] | None]] = field(default_factory=dict)
    strong: Sequence[str] = ()
    note: str = ""


Chart = Bars | Lines


def draw(chart: Chart, narrow: bool = False) -> str:
    """The chart as an SVG document, in the light colours and without its title.

    Raises
    ------
    UsageError
        matplotlib is not installed.
    """
    with _matplotlib() as figure_of:
        figure = figure_of(NARROW if narrow else WIDE, _height(chart, narrow))
        _place(figure, chart, narrow)
        return _svg(figure)


def save(charts: Sequence[Chart], path: Path) -> None:
    """Write charts, one below the other, into an .svg file (light and dark) or a .png file.

    Raises
    ------
    UsageError
        The file is named otherwise, there is no chart to save, or matplotlib is not installed.
    """
    if path.suffix not in (".svg", ".png"):
        raise UsageError(
            f"a chart can't be written to {path.name}", hint="name a file that ends in .svg or .png"
        )
    if not charts:
        raise UsageError("there is no chart to write: nothing was measured that one would show")
    with _matplotlib() as figure_of:
        heights = [_height(chart, False) + _TITLE for chart in charts]
        figure = figure_of(WIDE, sum(heights))
        parts = figure.subfigures(len(charts), 1, height_ratios=heights, squeeze=False)[:, 0]
        for part, chart in zip(parts, charts, strict=True):
            head, body = part.subfigures(2, 1, height_ratios=(_TITLE, _height(chart, False)))
            head.text(0.01, 0.25, chart.title, size=15, weight="bold")
            _place(body, chart, False)
        if path.suffix == ".svg":
            path.write_text(with_dark_mode(_svg(figure)), encoding="utf-8")
        else:
            figure.savefig(path, dpi=2 * 72)


@contextmanager
def _matplotlib() -> Iterator[Any]:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "charts are drawn by matplotlib, which is not installed",
            hint="pip install matplotlib",
        ) from error
    settings: Any = {
        "svg.fonttype": "none",
        "text.parse_math": False,
        # The same chart makes the same file.
        "svg.hashsalt": "hydrofoil",
        "font.family": "sans-serif",
        "font.size": _TEXT,
        "text.color": light("text"),
        "axes.edgecolor": light("rule"),
        "axes.labelcolor": light("quiet"),
        "axes.labelsize": _SMALL,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": light("rule"),
        "grid.linewidth": 0.8,
        "xtick.color": light("quiet"),
        "ytick.color": light("quiet"),
        "xtick.labelsize": _SMALL,
        "ytick.labelsize": _SMALL,
        "lines.markersize": 5,
        "figure.facecolor": light("ground"),
        "axes.facecolor": "none",
    }
    with matplotlib.rc_context(settings):
        yield lambda width, height: Figure((width / 72, height / 72), dpi=72, layout="constrained")


def _svg(figure: Any) -> str:
    made = BytesIO()
    figure.savefig(made, format="svg", metadata={"Date": None, "Creator": None})
    return made.getvalue().decode()


def _height(chart: Chart, narrow: bool) -> float:
    if isinstance(chart, Lines):
        return 300 if narrow else 360
    bars = 1 if chart.stacked else len(chart.series)
    group = max(bars * 19, 22) + (24 if narrow else 10)
    return group * len(chart.labels) + 62 + 26 * _legend_rows(chart, narrow)


def _colors(chart: Chart) -> dict[str, str]:
    others = [name for name in chart.series if name not in chart.strong]
    if len(others) > len(SERIES):
        raise ValueError(f"{len(others)} series are more than there are colours: {len(SERIES)}")
    made = dict(zip(others, SERIES, strict=False))
    return {name: light(made.get(name, "ours")) for name in chart.series}


def _legend_rows(chart: Chart, narrow: bool) -> int:
    if len(chart.series) < 2:
        return 0
    return -(-len(chart.series) // _legend_columns(chart, narrow))


def _legend_columns(chart: Chart, narrow: bool) -> int:
    width = max(map(len, chart.series)) * 7.5 + 45
    return max(1, min(len(chart.series), int((NARROW if narrow else WIDE) // width)))


def _place(figure: Any, chart: Chart, narrow: bool) -> None:
    axes = figure.subplots()
    if isinstance(chart, Bars):
        _place_bars(axes, chart, narrow)
    else:
        _place_lines(axes, chart)
    if len(chart.series) > 1:
        figure.legend(
            loc="outside upper left",
            ncols=_legend_columns(chart, narrow),
            frameon=False,
            handlelength=1.2,
            columnspacing=1.4,
            borderpad=0,
        )


def _place_bars(axes: Any, chart: Bars, narrow: bool) -> None:
    count = 1 if chart.stacked else len(chart.series)
    room = 0.58 if narrow else 0.78
    thick = room / count
    base = [0.0] * len(chart.labels)
    single = len(chart.series) == 1
    shift = 0.12 if narrow else 0.0
    for index, (name, color) in enumerate(_colors(chart).items()):
        values = chart.series[name]
        widths = [0.0 if value is None else value for value in values]
        offset = 0.0 if chart.stacked else (index - (count - 1) / 2) * thick
        places = [row + offset + shift for row in range(len(chart.labels))]
        axes.barh(
            places,
            widths,
            thick * 0.9,
            left=list(base) if chart.stacked else 0,
            color=[
                light("ours") if single and label in chart.strong else color
                for label in chart.labels
            ],
            label=name,
        )
        if chart.stacked:
            base = [sum(pair) for pair in zip(base, widths, strict=True)]
            continue
        ends = _whiskers(axes, places, widths, chart.spread.get(name))
        for place, value, end in zip(places, values, ends, strict=True):
            if value is not None and chart.style:
                _write_at(axes, end, place, chart.style.format(value))
    if chart.stacked and chart.style:
        for row, total in enumerate(base):
            _write_at(axes, total, row + shift, chart.style.format(total))
    if chart.log:
        axes.set_xscale("log")
    _name_bars(axes, chart, narrow)
    if chart.mark is not None:
        place, meaning = chart.mark
        axes.axvline(place, color=light("quiet"), linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            meaning,
            (place, 1),
            (3, 1),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            size=_SMALL,
            color=light("quiet"),
        )


def _name_bars(axes: Any, chart: Bars, narrow: bool) -> None:
    rows = range(len(chart.labels))
    axes.set_ylim(len(chart.labels) - 0.45, -0.7 if narrow else -0.55)
    if narrow:
        axes.set_yticks([])
        for row, label in zip(rows, chart.labels, strict=True):
            axes.text(0, row - 0.24, label, transform=axes.get_yaxis_transform(), va="bottom")
    else:
        axes.set_yticks(rows, chart.labels, color=light("text"), size=_TEXT)
        axes.tick_params(axis="y", length=0)
    axes.set_xlabel(chart.unit, loc="left")
    axes.xaxis.set_major_formatter(_short)
    if not chart.log:
        axes.xaxis.set_major_locator(_few(4 if narrow else 7))
    axes.grid(axis="x")
    axes.spines["left"].set_visible(chart.log is False)
    axes.margins(x=0.2 if narrow else 0.1)


def _whiskers(
    axes: Any,
    places: Sequence[float],
    values: Sequence[float],
    spread: Sequence[tuple[float, float] | None] | None,
) -> list[float]:
    """Draw the spread of each bar; where its label may begin."""
    ends = list(values)
    for index, pair in enumerate(spread or ()):
        if pair is not None:
            ends[index] = max(values[index], pair[1])
            axes.plot(pair, [places[index]] * 2, color=light("text"), linewidth=1.2, alpha=0.8)
    return ends


def _write_at(axes: Any, x: float, y: float, text: str) -> None:
    axes.annotate(
        text, (x, y), (4, 0), textcoords="offset points", va="center", ha="left", size=_SMALL
    )


def _place_lines(axes: Any, chart: Lines) -> None:
    for name, color in _colors(chart).items():
        values = [float("nan") if value is None else value for value in chart.series[name]]
        strong = name in chart.strong
        axes.plot(
            chart.x,
            values,
            color=color,
            marker="o",
            linewidth=2.6 if strong else 1.8,
            label=name,
            zorder=3 if strong else 2,
        )
        pairs = chart.spread.get(name)
        if pairs is not None:
            low = [float("nan") if pair is None else pair[0] for pair in pairs]
            high = [float("nan") if pair is None else pair[1] for pair in pairs]
            axes.fill_between(chart.x, low, high, color=color, alpha=0.15, linewidth=0)
    axes.set_xlabel(chart.x_label, loc="right")
    # Above the axis, where it can be read without turning one's head.
    axes.set_title(chart.y_label, loc="left", size=_SMALL, color=light("quiet"))
    if chart.log_x:
        axes.set_xscale("log")
    if chart.log_y:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(_short)
    axes.yaxis.set_major_formatter(_short)
    for axis, log in ((axes.xaxis, chart.log_x), (axes.yaxis, chart.log_y)):
        if log:
            axis.set_minor_formatter(lambda value, _: "")
    axes.grid(axis="both")


def _few(count: int) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(count, steps=[1, 2, 5, 10])


def _short(value: float, _: Any = None) -> str:
    """A number for an axis: 20k, 1.5M, 0.01."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
