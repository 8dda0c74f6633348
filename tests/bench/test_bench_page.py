"""What `hydrofoil bench` writes, and its page as a browser shows it."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROWS = 2_000


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all files of one run; ``out.txt`` is its standard output."""
    folder = tmp_path_factory.mktemp("bench")
    command = [
        sys.executable,
        "-m",
        "hydrofoil.tools.cli",
        "bench",
        "--repeat",
        "2",
        "--rows",
        str(ROWS),
    ]
    for kind in ("json", "csv", "html"):
        command += [f"--{kind}", str(folder / f"report.{kind}")]
    command += ["--chart", str(folder / "report.svg")]
    variables = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=600)
    assert done.returncode == 0, done.stderr
    (folder / "out.txt").write_text(done.stdout)
    return folder


def test_one_line_says_how_many_times_faster(written: Path) -> None:
    lines = (written / "out.txt").read_text().splitlines()
    [headline] = [i for i, line in enumerate(lines) if line.startswith("Your plain UDFs run ")]
    assert lines[headline + 1] == ""  # The headline is whole, however wide it is.
    # Each function's own factor comes before, as soon as it is known.
    assert all(" times faster than " in line for line in lines[:headline] if line)


def test_files_hold_every_engine_of_every_workload(written: Path) -> None:
    report = json.loads((written / "report.json").read_text())
    assert report["settings"] == {
        "suites": ["first"],
        "rows": ROWS,
        "master": "local[2]",
        "repeat": 2,
    }
    assert report["machine"]["pyspark"]
    (suite,) = report["suites"]
    records = suite["records"]
    assert len(records) == 4 * 3 + 2
    assert all(len(record["runs"]) == 2 and record["wall_s"] > 0 for record in records)
    with (written / "report.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["engine"] for line in lines] == [record["engine"] for record in records]
    assert [float(line["wall_s"]) for line in lines] == [record["wall_s"] for record in records]
    assert "prefers-color-scheme:dark" in (written / "report.svg").read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "desk"])
def test_the_page_in_a_browser(written: Path, browser: Any, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    address = (written / "report.html").as_uri()
    page.goto(address)
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [address]
    # Nothing but tables of their own scrolls sideways.
    assert page.evaluate("document.documentElement.scrollWidth") == width
    charts = page.evaluate(
        """() => [...document.querySelectorAll('.chart svg')]
            .filter(svg => svg.getBoundingClientRect().width > 0)
            .map(svg => ({
                width: svg.getBoundingClientRect().width,
                paths: [...svg.querySelectorAll('path')]
                    .filter(path => path.getBBox().width > 0 && path.getBBox().height > 0).length,
                texts: [...svg.querySelectorAll('text')].map(text => text.textContent),
                outside: [...svg.querySelectorAll('text')].filter(text => {
                    const [a, b] = [text.getBoundingClientRect(), svg.getBoundingClientRect()];
                    return a.left < b.left - 1 || a.right > b.right + 1;
                }).map(text => text.textContent),
                size: parseFloat(getComputedStyle(svg.querySelector('text')).fontSize)
                    * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width,
                label: svg.getAttribute('aria-label'),
            }))"""
    )
    assert len(charts) == page.locator("figure.chart").count() > 0
    for chart in charts:
        assert chart["width"] > width / 2 or width > 900
        assert chart["paths"] > 3 and len(chart["texts"]) > 5
        assert chart["outside"] == []
        assert chart["size"] >= 10
        assert chart["label"]
    captions = "[...document.querySelectorAll('caption span, figcaption span')]"
    ends = page.evaluate(f"{captions}.map(span => span.getBoundingClientRect().right)")
    assert ends and max(ends) <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}[scheme]
    assert page.locator("table caption").count() == page.locator("table").count() > 0
    context.close()
