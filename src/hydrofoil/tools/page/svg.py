"""Drawings as others made them, changed to stand inside a page beside further ones."""

import html
import re

from hydrofoil.errors import InternalError
from hydrofoil.tools.page.palette import COLORS

_PROLOG = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>", re.DOTALL)
_ROOT = re.compile(r"<svg\b[^>]*>")
_SIZE = re.compile(r'\s(?:width|height|role|aria-label)="[^"]*"')
_VIEW_BOX = re.compile(r'viewBox="\S+ \S+ (\S+) \S+"')
_ID = re.compile(r'(\bid="|url\(#|href="#)')
_OUTSIDE = re.compile(r'<script|<foreignObject|(?:href|src)="(?!#|data:)|@import|url\((?!#)', re.I)
_GROUPS = re.compile(r'<g id="[^"]*">')


def inline(drawing: str, prefix: str, label: str) -> str:
    """An SVG element for a page: no prolog, ids of its own, and a label for who can't see it.

    Parameters
    ----------
    drawing : str
        An SVG document.
    prefix : str
        Put before its ids; a different one for each drawing of a page.
    label : str
        What a screen reader says in its place.

    Raises
    ------
    InternalError
        It has no root, or it holds a script or refers to anything outside of itself.
    """
    text = _PROLOG.sub("", drawing).strip()
    if found := _OUTSIDE.search(text):
        raise InternalError(f"a drawing holds {found.group()!r}, which a page must not")
    root = _ROOT.search(text)
    if root is None:
        raise InternalError(f"no SVG document: {drawing[:60]!r}")
    box = _VIEW_BOX.search(root.group())
    size = "" if box is None else f' width="{float(box.group(1)):.0f}"'
    head = _SIZE.sub("", root.group())[:-1]
    head += f'{size} role="img" aria-label="{html.escape(label)}">'
    return head + _ID.sub(rf"\g<1>{prefix}-", text[root.end() :])


def with_variables(drawing: str) -> str:
    """The page's variables in place of the light colours, so that dark ones can be chosen."""
    for name, (light, _) in COLORS.items():
        drawing = drawing.replace(light, f"var(--{name})")
    # Names that matplotlib gives its groups; nothing refers to them.
    return _GROUPS.sub("<g>", drawing)


def with_dark_mode(drawing: str) -> str:
    """A file of its own: light colours everywhere, dark ones where CSS and its reader want them."""
    rules = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in COLORS.values()
        for what in ("fill", "stroke")
        if f"{what}: {light}" in drawing
    )
    style = f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"
    return _ROOT.sub(lambda root: root.group() + style, drawing, count=1)
