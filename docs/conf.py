"""The documentation site: `make docs` writes it to build/site.

Its pages are the repository's own Markdown files, where they lie, so that a forge shows the same.
The map in docs/index.md is the navigation: `navigation` makes Sphinx's of it. Files that pages link
to without being pages, such as reports and sources, are copied by `RepositoryFiles`. Nothing is
fetched, by the build or by a reader's browser.
"""

import os
import re
import runpy
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri

ROOT = Path(__file__).parent.parent

project = "Hydrofoil"
author = "the Hydrofoil contributors"
project_copyright = author
release = runpy.run_path(str(ROOT / "src/hydrofoil/version.py"))["__version__"]

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "profiles/**.md"]
# Not looked through.
exclude_patterns = [".*", "build", "dist", "src", "tests"]
# Pages may link to any heading, as on a forge.
myst_heading_anchors = 4
# What has a scheme is outside. Without this, `a:b` in a link would be, too.
myst_url_schemes = ("http", "https", "mailto")
# A forge shows sources by themselves; so does the site.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"Hydrofoil {release}"
html_favicon = "site/static/icon.svg"
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False
html_use_index = False
# Where a reader begins is the map; this file only leads there.
html_extra_path = ["site/root"]

MAP_ITEM = re.compile(r"^\* \[([^\]]*)\]\(([^)#]+)\.md\)")
MAP_SECTION = re.compile(r"^### (.*)$")


def navigation(app: Sphinx, page: str, source: list[str]) -> None:
    """Append to the start page the tables of contents that its map amounts to."""
    if page != root_doc:
        return
    sections: dict[str, list[str]] = {}
    for line in source[0].splitlines():
        if section := MAP_SECTION.match(line):
            sections[section[1]] = []
        elif (item := MAP_ITEM.match(line)) and sections:
            target = os.path.normpath(os.path.join("docs", item[2]))
            list(sections.values())[-1].append(f"{item[1]} </{target}>")
    for caption, pages in sections.items():
        lines = ["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""]
        source[0] += "\n".join(lines)


class RepositoryFiles(SphinxPostTransform):
    """Links to files that are no pages lead to copies that a browser opens, not to downloads."""

    default_priority = 5

    def run(self, **_: Any) -> None:
        for link in list(self.document.findall(addnodes.download_reference)):
            path, _full = self.env.relfn2path(link["reftarget"], self.env.current_document.docname)
            here = self.app.builder.get_target_uri(self.env.current_document.docname)
            plain = nodes.reference("", "", refuri=relative_uri(here, path), internal=True)
            plain += link.children
            link.replace_self(plain)
            destination = Path(self.app.outdir, path)
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, destination)


def no_downloads(app: Sphinx, environment: BuildEnvironment) -> None:
    """Forget the files that Sphinx would copy a second time (`RepositoryFiles`)."""
    environment.dlfiles.clear()


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", navigation)
    app.connect("env-updated", no_downloads)
    app.add_post_transform(RepositoryFiles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
