"""The documentation site as a browser shows it: links, search, and that nothing is fetched."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest
from blocks import PAGES, ROOT

START = "docs/index.html"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built as `make docs` builds it: each warning is an error.

    Pages that were read for that are not read again where they are the same.
    """
    folder = tmp_path_factory.mktemp("site")
    read = str(ROOT / "build/doctrees")
    options = ["-b", "html", "-c", "docs", "-W", "--keep-going", "--quiet"]
    command = [sys.executable, "-m", "sphinx", *options, "-d", read, "."]
    done = subprocess.run(
        [*command, str(folder / "site")], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and keeps its log to itself."""

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """The site's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@dataclass
class Visit:
    """What a browser saw: what pages said and asked for, and their links and anchors."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    links: dict[str, list[str]] = field(default_factory=dict)
    anchors: dict[str, set[str]] = field(default_factory=dict)
    wide: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on(
            "console", lambda message: self.said.append(f"{message.text} {message.location}")
        )
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def see(self, url: str) -> None:
        self.page.goto(url)
        seen = self.page.evaluate(
            """() => ({
                links: [...document.querySelectorAll('a[href]')].map(link => link.href),
                anchors: [...document.querySelectorAll('[id]')].map(element => element.id),
                width: document.documentElement.scrollWidth,
            })"""
        )
        self.links[url] = seen["links"]
        self.anchors[url] = set(seen["anchors"])
        if seen["width"] > self.page.viewport_size["width"]:
            self.wide.append(url)


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 360, "height": 800})
    yield Visit(context.new_page())
    context.close()


def test_every_link_leads_somewhere_and_every_page_is_linked(
    site: Path, served: str, visit: Visit
) -> None:
    waiting = [served + START]
    while waiting:
        url = waiting.pop()
        if url in visit.links:
            continue
        visit.see(url)
        pages = {urldefrag(link).url for link in visit.links[url] if link.startswith(served)}
        waiting += [page for page in pages if page.endswith(".html")]
    dead = [
        f"{link} in {url}"
        for url, links in visit.links.items()
        for link in links
        if link.startswith(served) and not leads(site, served, visit, link)
    ]
    assert dead == []
    assert visit.said == []
    assert [url for url in visit.asked if not url.startswith((served, "data:"))] == []
    assert visit.wide == []  # On a phone nothing but tables and code scrolls sideways.
    unseen = {f"{served}{path.relative_to(site)}" for path in site.rglob("*.html")} - {*visit.links}
    # The first leads to the start page, the second is where a search ends.
    assert unseen == {f"{served}index.html", f"{served}search.html"}


def leads(site: Path, served: str, visit: Visit, link: str) -> bool:
    url, anchor = urldefrag(link)
    there = (site / unquote(url.removeprefix(served))).is_file()
    return there and (not anchor or unquote(anchor) in visit.anchors.get(url, {anchor}))


def test_every_page_is_in_the_navigation(site: Path, served: str, visit: Visit) -> None:
    visit.see(served + START)
    sections = visit.page.locator(".sidebar-tree .caption").all_text_contents()
    assert sections == ["Start", "Use", "Platforms", "Reference", "Measure", "Join"]
    navigation = visit.page.evaluate(
        "[...document.querySelectorAll('.sidebar-tree a')].map(link => link.href)"
    )
    listed = {*navigation, served + START}
    assert {f"{served}{page.removesuffix('.md')}.html" for page in PAGES} == listed


@pytest.mark.parametrize("opened", ["as files", "over http"])
@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("time zone", "docs/types.html"),
        ("applyInPandas", "docs/vectorized.html"),
        ("Kubernetes", "docs/deploying.html"),
    ],
)
def test_search(site: Path, served: str, visit: Visit, opened: str, words: str, page: str) -> None:
    root = f"{site.as_uri()}/" if opened == "as files" else served
    visit.page.set_viewport_size({"width": 1280, "height": 800})
    visit.page.goto(root + START)
    boxes = visit.page.locator("input[type=search], input[name=q]")
    assert boxes.count() == 1
    boxes.fill(words)
    boxes.press("Enter")
    # It says so once it has looked through everything.
    visit.page.wait_for_function(
        "/found|did not match/.test(document.querySelector('.search-summary')?.textContent)"
    )
    found = visit.page.evaluate(
        "[...document.querySelectorAll('#search-results .search a')].map(link => link.href)"
    )
    assert root + page in [urldefrag(link).url.partition("?")[0] for link in found]
    assert visit.said == []
    assert [url for url in visit.asked if not url.startswith((root, "data:"))] == []
