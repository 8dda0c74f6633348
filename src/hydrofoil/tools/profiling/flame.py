"""A flame graph as SVG, root on top, by the colours of `tools.page`: no script, no server."""

from dataclasses import dataclass, field
from html import escape

from hydrofoil.tools.profiling.attribution import EngineProfile
from hydrofoil.tools.profiling.functions import named, shown
from hydrofoil.tools.profiling.stacks import Frame
from hydrofoil.tools.profiling.worker import MARK

_WIDTH = 1160
_ROW = 18
_LETTER = 6.1
# Pixels below which a box is left out.
_THINNEST = 1.0
_DEEPEST = 45

_COLORS = {"user code": "orange", "exchange": "ours", "start-up": "green"}
_OUTSIDE = "outside of tasks' data"


@dataclass
class _Box:
    name: str
    place: str = ""
    seconds: float = 0.0
    owners: dict[str, float] = field(default_factory=dict)
    parts: dict[tuple[str, str], "_Box"] = field(default_factory=dict)

    def add(self, seconds: float, owner: str) -> None:
        self.seconds += seconds
        self.owners[owner] = self.owners.get(owner, 0.0) + seconds

    def part(self, name: str, place: str) -> "_Box":
        return self.parts.setdefault((name, place), _Box(name, place))

    @property
    def color(self) -> str:
        return _COLORS[max(self.owners, key=lambda owner: self.owners[owner])]


def flame_graph(profile: EngineProfile) -> str:
    """One engine's stacks as an SVG document; a box's width is its share of the CPU time.

    Below the root stand the eval types with their functions, and what lies outside of tasks' data.
    A box has the colour of what most of it is: user code, exchange or start-up.
    """
    root = _tree(profile)
    boxes: list[str] = []
    depth = _draw(boxes, root, 0.0, _WIDTH / root.seconds if root.seconds else 0.0, 0, root.seconds)
    height = (depth + 1) * _ROW + 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'style="min-width:720px" font-family="ui-monospace,Menlo,Consolas,monospace" '
        f'font-size="11">{"".join(boxes)}</svg>'
    )


def _tree(profile: EngineProfile) -> _Box:
    root = _Box(f"{profile.engine} workers")
    for stack, seconds in profile.stacks.items():
        owner = profile.owner(stack)
        root.add(seconds, owner)
        box = root
        frames = shown(stack)
        if not frames or frames[0].file != MARK:
            frames = (Frame(_OUTSIDE, MARK, 0), *frames)
        for frame in frames[:_DEEPEST]:
            name, place = named(frame)
            box = box.part(name, "" if frame.file == MARK else place)
            box.add(seconds, owner)
    return root


def _draw(boxes: list[str], box: _Box, x: float, scale: float, depth: int, whole: float) -> int:
    """Draw a box and what stands on it; returns the depth of the deepest."""
    width = box.seconds * scale
    text = box.name if len(box.name) * _LETTER < width - 6 else ""
    if not text and width > 5 * _LETTER:
        text = box.name[: int((width - 6) / _LETTER) - 1] + "…"
    where = f" ({box.place})" if box.place else ""
    share = f"{box.seconds:.3f} s, {box.seconds / whole:.1%}"
    label = (
        f'<text x="{x + 3:.1f}" y="{depth * _ROW + 13}" fill="var(--text)">{escape(text)}</text>'
        if text
        else ""
    )
    opacity = 0.35 if depth % 2 else 0.45
    boxes.append(
        f"<g><title>{escape(box.name + where)}: {share}</title>"
        f'<rect x="{x:.1f}" y="{depth * _ROW}" width="{max(width - 0.5, 0.5):.1f}" '
        f'height="{_ROW - 1}" fill="var(--{box.color})" fill-opacity="{opacity}"/>'
        f"{label}</g>"
    )
    deepest = depth
    for part in sorted(box.parts.values(), key=lambda part: -part.seconds):
        if part.seconds * scale >= _THINNEST:
            deepest = max(deepest, _draw(boxes, part, x, scale, depth + 1, whole))
        x += part.seconds * scale
    return deepest
