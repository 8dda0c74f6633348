"""What a chart shows, and its drawing by matplotlib: for a page, or as a file of its own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from math import log10
from pathlib import Path
from textwrap import wrap
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.tools.page.palette import FAMILIES, colors_of, family, light, rounds_of
from hydrofoil.tools.page.svg import with_dark_mode

# Pixels of CSS, which are matplotlib's points: for a desk and for a phone.
WIDE, NARROW = 880, 340
_TEXT, _SMALL, _TITLE = 12.5, 11.5, 50
# Letters of a bar's label in one line, and its height.
_LETTERS, _LINE = {False: 34, True: 44}, 16
_DASHES = {"-2": (0, (5, 2)), "-3": (0, (1.5, 1.5))}
# For series whose colour others have before them: patterns of bars, points of lines.
_HATCHES, _MARKERS = ("", "////", "....", "xxxx"), ("o", "s", "^", "D")


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
        The series are the parts of one bar.
    log : bool
    spread : mapping of str to sequence of (low, high) or None
        The ends of a whisker, by series; not for stacked bars.
    strong : collection of str
        Labels, or series, that are Hydrofoil's though their names don't say so.
    style : str
        How a value is written beside the end of its bar; "" writes none.
    mark : (float, str), optional
        A line across all bars to compare them with, and what it means.
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
        Series that are Hydrofoil's though their names don't say so.
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
            hint='pip install matplotlib (the extra "charts")',
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
        "hatch.color": light("ground"),
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
    legend = 26 * _legend_rows(chart, narrow)
    if isinstance(chart, Lines):
        return (300 if narrow else 360) + legend
    return sum(_groups(chart, narrow)) + 62 + legend


def _groups(chart: Bars, narrow: bool) -> list[float]:
    """The height of each label's bars, with its label where that is above them."""
    bars = max((1 if chart.stacked else len(chart.series)) * 19, 22)
    lines = [len(_wrapped(label, narrow)) for label in chart.labels]
    if narrow:
        return [bars + _LINE * count + 8 for count in lines]
    return [max(bars, _LINE * count) + 10 for count in lines]


def _wrapped(label: str, narrow: bool) -> list[str]:
    return wrap(label, _LETTERS[narrow]) or [""]


def _legend(chart: Chart) -> dict[str, str]:
    """What a legend says, and the colour of each; empty where a chart needs none."""
    if len(chart.series) > 1:
        return colors_of(list(chart.series), chart.strong)
    if isinstance(chart, Lines):
        return {}
    families = {family(label, chart.strong) for label in chart.labels}
    if len(families) == 1 and families != {"ours"} and families != {"stock"}:
        return {}
    return {name: whose for whose, name in FAMILIES.items() if whose in families}


def _legend_rows(chart: Chart, narrow: bool) -> int:
    names = _legend(chart)
    return -(-len(names) // _legend_columns(chart, narrow)) if names else 0


def _legend_columns(chart: Chart, narrow: bool) -> int:
    names = _legend(chart)
    width = max(map(len, names)) * 7.5 + 45
    return max(1, min(len(names), int((NARROW if narrow else WIDE) // width)))


def _place(figure: Any, chart: Chart, narrow: bool) -> None:
    axes = figure.subplots()
    if isinstance(chart, Bars):
        _place_bars(axes, chart, narrow)
    else:
        _place_lines(axes, chart, narrow)
    if legend := _legend(chart):
        rounds = rounds_of(legend)
        handles = [_handle(chart, name, color, rounds[name]) for name, color in legend.items()]
        figure.legend(
            handles=handles,
            loc="outside upper left",
            ncols=_legend_columns(chart, narrow),
            frameon=False,
            handlelength=2.2 if isinstance(chart, Lines) else 1.2,
            columnspacing=1.4,
            borderpad=0,
        )


def _handle(chart: Chart, name: str, color: str, turn: int) -> Any:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if isinstance(chart, Lines):
        look = _look(color, name in chart.strong, turn)
        return Line2D([], [], color=light(color), label=name, **look)
    return Patch(facecolor=light(color), hatch=_hatch(turn), label=name)


def _place_bars(axes: Any, chart: Bars, narrow: bool) -> None:
    heights = _groups(chart, narrow)
    tops = [sum(heights[:row]) for row in range(len(heights) + 1)]
    axes.set_ylim(tops[-1], 0)
    thick = 19 if len(chart.series) > 1 and not chart.stacked else 22
    single = len(chart.series) == 1
    colors = colors_of(list(chart.series), chart.strong)
    rounds = rounds_of(colors)
    base = [0.0] * len(chart.labels)
    count = 1 if chart.stacked else len(chart.series)
    # The middle of a label's bars: below the label, or beside it.
    middles = [
        top + height - 4 - thick * count / 2 if narrow else top + height / 2
        for top, height in zip(tops, heights, strict=False)
    ]
    for index, (name, values) in enumerate(chart.series.items()):
        widths = [0.0 if value is None else value for value in values]
        offset = 0.0 if chart.stacked else (index - (count - 1) / 2) * thick
        places = [middle + offset for middle in middles]
        axes.barh(
            places,
            widths,
            thick * 0.86,
            left=list(base) if chart.stacked else 0,
            color=[
                light(family(label, chart.strong) if single else colors[name])
                for label in chart.labels
            ],
            hatch=_hatch(rounds[name]),
        )
        if chart.stacked:
            base = [sum(pair) for pair in zip(base, widths, strict=True)]
            continue
        _whiskers(axes, [place + thick * 0.4 for place in places], chart.spread.get(name))
        for place, value in zip(places, values, strict=True):
            if value is not None and chart.style:
                _write_at(axes, value, place, chart.style.format(value))
    if chart.stacked and chart.style:
        for middle, total in zip(middles, base, strict=True):
            _write_at(axes, total, middle, chart.style.format(total))
    if chart.log:
        axes.set_xscale("log")
    axes.margins(x=0.25 if narrow else 0.1)
    _name_bars(axes, chart, narrow, tops, middles)
    if chart.mark is not None:
        _mark(axes, *chart.mark)


def _name_bars(
    axes: Any, chart: Bars, narrow: bool, tops: Sequence[float], middles: Sequence[float]
) -> None:
    names = ["\n".join(_wrapped(label, narrow)) for label in chart.labels]
    if narrow:
        axes.set_yticks([])
        for top, name in zip(tops, names, strict=False):
            # On a ground of its own: the line of a mark passes behind it.
            ground = {"facecolor": light("ground"), "edgecolor": "none", "pad": 0.5}
            axes.text(0, top + 4, name, transform=axes.get_yaxis_transform(), va="top", bbox=ground)
    else:
        axes.set_yticks(middles, names, color=light("text"), size=_TEXT)
        axes.tick_params(axis="y", length=0)
    axes.set_xlabel(chart.unit, loc="left")
    _ticks(axes.xaxis, axes.get_xlim(), chart.log, 4 if narrow else 7)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(chart.log is False)


def _mark(axes: Any, place: float, meaning: str) -> None:
    axes.axvline(place, color=light("limit"), linewidth=1.2, linestyle=(0, (4, 3)))
    share = axes.transAxes.inverted().transform(axes.transData.transform((place, 0)))[0]
    axes.annotate(
        meaning,
        (place, 1),
        (0, 2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if share > 0.5 else "left",
        size=_SMALL,
        color=light("limit"),
    )


def _whiskers(
    axes: Any,
    places: Sequence[float],
    spread: Sequence[tuple[float, float] | None] | None,
) -> None:
    """The spread of each bar, as a line along its lower edge: its value stands above that."""
    for place, pair in zip(places, spread or (), strict=False):
        if pair is not None:
            axes.plot(pair, [place] * 2, color=light("text"), linewidth=1.6, solid_capstyle="butt")


def _write_at(axes: Any, x: float, y: float, text: str) -> None:
    axes.annotate(
        text, (x, y), (4, 0), textcoords="offset points", va="center", ha="left", size=_SMALL
    )


def _place_lines(axes: Any, chart: Lines, narrow: bool) -> None:
    colors = colors_of(list(chart.series), chart.strong)
    rounds = rounds_of(colors)
    for name, color in colors.items():
        values = [float("nan") if value is None else value for value in chart.series[name]]
        look = _look(color, name in chart.strong, rounds[name])
        axes.plot(chart.x, values, color=light(color), **look)
        pairs = chart.spread.get(name)
        if pairs is not None:
            low = [float("nan") if pair is None else pair[0] for pair in pairs]
            high = [float("nan") if pair is None else pair[1] for pair in pairs]
            axes.fill_between(chart.x, low, high, color=light(color), alpha=0.15, linewidth=0)
    axes.set_xlabel(chart.x_label, loc="right")
    # Above the axis, where it can be read without turning one's head.
    axes.set_title(chart.y_label, loc="left", size=_SMALL, color=light("quiet"))
    if chart.log_x:
        axes.set_xscale("log")
    if chart.log_y:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    _ticks(axes.xaxis, axes.get_xlim(), chart.log_x, 4 if narrow else 7)
    _ticks(axes.yaxis, axes.get_ylim(), chart.log_y, 6)
    axes.grid(axis="both")


def _hatch(turn: int) -> str | None:
    """The pattern of bars whose colour so many series before theirs have."""
    return _HATCHES[turn % len(_HATCHES)] or None


def _look(color: str, strong: bool, turn: int) -> Any:
    """How a line looks beside its colour, which not all can see."""
    return {
        "marker": _MARKERS[turn % len(_MARKERS)],
        "linestyle": next((dashes for end, dashes in _DASHES.items() if color.endswith(end)), "-"),
        "linewidth": 2.6 if strong else 1.8,
        "zorder": 3 if strong else 2,
    }


def _ticks(axis: Any, limits: tuple[float, float], log: bool, most: int) -> None:
    """Few figures, so that none touches its neighbour."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    axis.set_major_formatter(_short)
    if not log:
        axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
        return
    decades = log10(limits[1] / limits[0])
    # Within a decade or two, 2 and 5 are needed as well.
    axis.set_major_locator(
        LogLocator(subs=(1.0, 2.0, 5.0) if 3 * decades <= most else (1.0,), numticks=most + 2)
    )
    axis.set_minor_formatter(NullFormatter())


def _short(value: float, _: Any = None) -> str:
    """A number for an axis: 20k, 1.5M, 0.01."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
