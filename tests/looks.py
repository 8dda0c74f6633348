"""How a page looks in a browser: what is cut, what overlaps, and what it says and asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WIDTHS = (360, 1300)
SCHEMES = ("light", "dark")
GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}

# Each line of each text that can be seen, as (text, left, top, right, bottom); those that end
# outside of the page or of what clips them; and pairs of which one lies on the other. Boxes of
# flame graphs cut their names, and say them in full above the graph.
_TEXTS = """() => {
    const texts = [], cut = [], overlaps = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const parent = node.parentElement;
        if (!node.data.trim() || parent.closest("script,style,noscript,.boxes")) continue;
        const head = parent.closest(".cards thead");
        if (head && getComputedStyle(head).position === "absolute") continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const box of range.getClientRects()) {
            if (box.width < 1 || box.height < 1) continue;
            const text = node.data.trim();
            texts.push([text, box.left, box.top, box.right, box.bottom, node]);
            let within = box.left >= -1 && box.right <= innerWidth + 1;
            for (let one = parent; one; one = one.parentElement) {
                const clips = one.tagName === "svg"
                    || getComputedStyle(one).overflowX !== "visible";
                const edge = one.getBoundingClientRect();
                if (clips && (box.left < edge.left - 1 || box.right > edge.right + 1
                    || (one.tagName === "svg" && box.bottom > edge.bottom + 4)))
                    within = false;
            }
            if (!within) cut.push(text);
        }
    }
    for (let i = 0; i < texts.length; i++)
        for (let j = i + 1; j < texts.length; j++) {
            const [a, b] = [texts[i], texts[j]];
            const wide = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
            const high = Math.min(a[4], b[4]) - Math.max(a[2], b[2]);
            const letters = Math.min(a[4] - a[2], b[4] - b[2]);
            // Lines are higher than their letters.
            if (a[5] !== b[5] && wide > 1 && high > 0.4 * letters) overlaps.push([a[0], b[0]]);
        }
    return {count: texts.length, cut, overlaps};
}"""


@contextmanager
def opened(browser: Any, page: Path, width: int, scheme: str = "light") -> Iterator[Any]:
    """A page in a browser, which must have nothing to complain about, and ask for nothing."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    shown = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda request: asked.append(request.url))
    address = page.as_uri()
    shown.goto(address)
    yield shown
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [address]
    context.close()


def check_looks(shown: Any, width: int, scheme: str) -> None:
    """No text is cut by or lies on anything, and the page follows the reader's colours."""
    found = shown.evaluate(_TEXTS)
    assert found["count"] > 10
    assert found["cut"] == []
    assert found["overlaps"] == []
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == GROUNDS[scheme]
