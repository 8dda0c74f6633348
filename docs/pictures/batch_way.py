"""A batch's way from the JVM and back: ``python docs/pictures/batch_way.py`` draws the SVG."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

FILE = Path(__file__).with_suffix(".svg")

# All lengths are in units of the picture, which is shown 1.2 times as large where there is room,
# and at 360 pixels with letters of ten.
WIDTH = 460
SCALE = 1.2
MARGIN = 8
GAP = 16
COLUMN = (WIDTH - 5 * MARGIN) / 2
PADDING = 10
LINE = 18
HEADING = 32
SOCKET = 44
# Where the arrows are, and whether they point down: there, and back.
WAYS = ((2 * MARGIN + COLUMN / 2, True), (WIDTH - 2 * MARGIN - COLUMN / 2, False))
TITLE, TEXT, ROOM = 16, 13.5, 13
# How wide a letter is at the most, on average, for the size of its font.
SANS, BOLD, MONO = 0.54, 0.62, 0.602


@dataclass(frozen=True)
class Stop:
    """One place on the way: what it is, what happens there, and the rooms that do it."""

    title: str
    text: str
    rooms: tuple[str, ...]

    @property
    def height(self) -> float:
        return 2 * PADDING + LINE * (2 + len(self.rooms)) - 4


# Left: there; right: back.
JVM = (
    (
        Stop("1 Scan", "files, caches, shuffles", ("Spark's own",)),
        Stop("12 What follows", "filter, join, write", ("Spark's own",)),
    ),
    (
        Stop(
            "2 Operator", "columns to record batches", ("jvm/src/exec, build", "jvm/src/exchange")
        ),
        Stop("11 Operator", "record batches to columns", ("jvm/src/exchange", "jvm/src/results")),
    ),
)
WORKER = (
    (
        Stop("3 Header", "which function, and how", ("spark/versions", "spark/families")),
        Stop("10 End of the task", "what it did, or its error", ("spark/stock", "counts")),
    ),
    (
        Stop("4 Frames in", "bytes of one record batch", ("stream", "_cext/frames")),
        Stop("9 Frames out", "small batches go together", ("stream", "_cext/gather")),
    ),
    (
        Stop("5 Columns", "views of its bytes", ("values", "_cext/columns")),
        Stop("8 Columns", "memory that values go to", ("values", "_cext/objects, arrays")),
    ),
    (
        Stop("6 Arguments", "objects, arrays or Series", ("evals", "_cext/rows")),
        Stop("7 Results", "taken, or left to PySpark", ("evals", "spark/stock")),
    ),
)
FUNCTION = Stop("The user's function", "called once for each row, batch or group", ())
AROUND = (
    Stop("Turned on", "on the driver", ("settings",)),
    Stop("Kept alive", "on executors", ("process",)),
    Stop("Measured", "and compared", ("tools",)),
)

STYLE = """
svg { --page: #ffffff; --box: #f4f6f8; --stop: #ffffff; --line: #8b98a5; --ink: #16202a;
  --soft: #4a5763; --room: #0b5a8a; --way: #b3541e; --yours: #fdf0e2; }
@media (prefers-color-scheme: dark) { svg { --page: #0d1117; --box: #161c24; --stop: #1f2731;
  --line: #66727e; --ink: #eef2f5; --soft: #b4bfc9; --room: #7cc4f2; --way: #f0965a;
  --yours: #3a2a1c; } }
text { font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: var(--ink); }
.title { font-size: 16px; font-weight: 600; }
.text { font-size: 13.5px; fill: var(--soft); }
.room { font-size: 13px; font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: var(--room); }
.page { fill: var(--page); }
.box { fill: var(--box); stroke: var(--line); }
.stop { fill: var(--stop); stroke: var(--line); }
.yours { fill: var(--yours); stroke: var(--way); }
.way { stroke: var(--way); stroke-width: 2.5; fill: none; }
.head { fill: var(--way); }
"""

TOLD = (
    "From a scan in the JVM a batch goes through an operator and a socket to the worker, where its "
    "frame becomes columns and then arguments of the user's function; results go back the same way."
)


def picture() -> str:
    """The SVG document."""
    lines, height = drawing()
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
        f'width="{WIDTH * SCALE:g}" height="{height * SCALE:g}" role="img" '
        'aria-labelledby="title told">'
    )
    named = f'<title id="title">A batch\'s way</title>\n<desc id="told">{escape(TOLD)}</desc>'
    page = f'<rect class="page" width="{WIDTH}" height="{height:g}" rx="8"/>'
    return "\n".join([head, named, f"<style>{STYLE}</style>", page, *lines, "</svg>", ""])


def drawing() -> tuple[list[str], float]:
    """All elements, and the height that they take."""
    jvm, bottom = process("JVM: an executor", MARGIN, JVM)
    top = bottom + SOCKET
    worker, end = process("Python: a worker", top, WORKER, FUNCTION)
    socket = words(
        "text", SANS * TEXT, WIDTH / 2, bottom + 26, "a socket: Arrow or pickle", COLUMN, True
    )
    ways = [arrow(x, bottom - MARGIN, top + HEADING, down) for x, down in WAYS]
    around: list[str] = []
    width = (WIDTH - 4 * MARGIN) / len(AROUND)
    for index, stop in enumerate(AROUND):
        around += drawn(stop, MARGIN + index * (width + MARGIN), end + GAP, width, stop.height)
    return [*jvm, *worker, socket, *ways, *around], end + GAP + AROUND[0].height + MARGIN


def process(
    name: str, top: float, rows: tuple[tuple[Stop, Stop], ...], end: Stop | None = None
) -> tuple[list[str], float]:
    """A process with its stops, and where it ends."""
    stops: list[str] = []
    y = top + HEADING
    for there, back in rows:
        height = max(there.height, back.height)
        stops += drawn(there, 2 * MARGIN, y, COLUMN, height)
        stops += drawn(back, WIDTH - 2 * MARGIN - COLUMN, y, COLUMN, height)
        y += height + GAP
        if end or (there, back) != rows[-1]:
            stops += [arrow(x, y - GAP, y, down) for x, down in WAYS]
    if end:
        stops += drawn(end, 2 * MARGIN, y, WIDTH - 4 * MARGIN, end.height, "yours")
        y += end.height + GAP
    bottom = y - GAP + MARGIN
    around = box("box", MARGIN, top, WIDTH - 2 * MARGIN, bottom - top)
    title = words("title", BOLD * TITLE, WIDTH / 2, top + 21, name, COLUMN, True)
    return [around, title, *stops], bottom


def drawn(
    stop: Stop, x: float, y: float, width: float, height: float, kind: str = "stop"
) -> list[str]:
    """A stop in its box: that of the user's function has its words in the middle."""
    middle = kind == "yours"
    at = x + width / 2 if middle else x + PADDING
    lines = [("title", BOLD * TITLE, stop.title), ("text", SANS * TEXT, stop.text)]
    lines += [("room", MONO * ROOM, room) for room in stop.rooms]
    return [
        box(kind, x, y, width, height),
        *(
            words(name, letter, at, y + PADDING + LINE * index + 13, text, width - 16, middle)
            for index, (name, letter, text) in enumerate(lines)
        ),
    ]


def words(
    kind: str, letter: float, x: float, y: float, text: str, room: float, middle: bool = False
) -> str:
    """A line of text, which has to fit into its room."""
    if len(text) * letter > room:
        raise ValueError(f"{text!r} takes {len(text) * letter:.0f} of {room:.0f}; make it shorter")
    anchor = ' text-anchor="middle"' if middle else ""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}"{anchor}>{escape(text)}</text>'


def box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>'
    )


def arrow(x: float, top: float, bottom: float, down: bool) -> str:
    tip, base = (bottom - 1, bottom - 9) if down else (top + 1, top + 9)
    start = top if down else bottom
    return (
        f'<path class="way" d="M{x:g} {start:g}V{base:g}"/>'
        f'<path class="head" d="M{x - 5:g} {base:g}h10L{x:g} {tip:g}z"/>'
    )


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")
