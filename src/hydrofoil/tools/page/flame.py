"""A flame graph on a page: its boxes as JSON, and the script that draws and searches them."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

# A box with less of the whole than this is left out: nobody would zoom in so far.
_LEAST = 0.0002


@dataclass
class Box:
    """One function of a flame graph, where it was called from, and what it called.

    Attributes
    ----------
    name, place : str
        ``place`` is its file, or "".
    seconds : float
        Of the function with all that it calls.
    owners : dict of str to float
        Whose these seconds are.
    parts : dict of (str, str) to Box
    """

    name: str
    place: str = ""
    seconds: float = 0.0
    owners: dict[str, float] = field(default_factory=dict)
    parts: dict[tuple[str, str], "Box"] = field(default_factory=dict)

    def add(self, seconds: float, owner: str) -> None:
        """Count seconds for this box alone, not for those around it."""
        self.seconds += seconds
        self.owners[owner] = self.owners.get(owner, 0.0) + seconds

    def part(self, name: str, place: str) -> "Box":
        """The box inside of this one with that name, made if there is none."""
        return self.parts.setdefault((name, place), Box(name, place))

    @property
    def owner(self) -> str:
        """Whose most of it is."""
        return max(self.owners, key=lambda owner: self.owners[owner], default="")


def markup(root: Box, colors: dict[str, str], label: str) -> str:
    """The graph's part of the page; `script` makes it work."""
    key = "".join(
        f'<li style="--of:var(--{color})">{escape(owner)}</li>' for owner, color in colors.items()
    )
    name = escape(label)
    return (
        f'<ul class="key">{key}</ul><div class="bar">'
        '<input type="search" placeholder="Search functions" '
        f'aria-label="Search functions: {name}">'
        '<button type="button">Back</button><button type="button">Show all</button></div>'
        '<output class="matched" aria-live="polite"></output>'
        # Of one height, so that a longer text does not move the boxes from under the pointer.
        '<output class="described" aria-live="polite"></output>'
        f'<div class="boxes" role="tree" aria-label="{name}"></div>'
        "<noscript>The graph needs JavaScript; the tables of this page hold its figures.</noscript>"
        f'<script type="application/json">{_as_json(root, colors)}</script>'
    )


def script() -> str:
    """The program, which draws all graphs of the page."""
    return Path(__file__).with_name("flame.js").read_text(encoding="utf-8")


def source_of(script: str) -> str:
    """What a page's policy calls this script, to allow it and no other."""
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


def _as_json(root: Box, colors: dict[str, str]) -> str:
    made = {"colors": colors, "boxes": _boxes(root, root.seconds * _LEAST)}
    # So that no name of a function ends the element.
    return json.dumps(made, separators=(",", ":")).replace("<", "\\u003c")


def _boxes(box: Box, least: float) -> list[Any]:
    parts = [_boxes(part, least) for part in _large(box, least)]
    return [box.name, box.place, round(box.seconds, 6), box.owner, parts]


def _large(box: Box, least: float) -> Iterator[Box]:
    for part in sorted(box.parts.values(), key=lambda part: -part.seconds):
        if part.seconds >= least:
            yield part
