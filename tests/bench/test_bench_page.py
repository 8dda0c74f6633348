"""What `hydrofoil bench` writes, and its page as a browser shows it."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from looks import SCHEMES, WIDTHS, check_looks, opened

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
    assert report["command"].startswith("hydrofoil bench --repeat 2")
    (suite,) = report["suites"]
    records = suite["records"]
    assert len(records) == 4 * 3 + 2
    assert all(len(record["runs"]) == 2 and record["wall_s"] > 0 for record in records)
    with (written / "report.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["engine"] for line in lines] == [record["engine"] for record in records]
    assert [float(line["wall_s"]) for line in lines] == [record["wall_s"] for record in records]
    assert "prefers-color-scheme:dark" in (written / "report.svg").read_text()


def test_a_report_makes_the_same_page_again(written: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hydrofoil.tools.cli", "bench"]
    files = ["--from", str(written / "report.json"), "--html", str(tmp_path / "again.html")]
    variables = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run([*command, *files], capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again.html").read_bytes() == (written / "report.html").read_bytes()
    tables = done.stdout.split("\n\n", 1)[1]
    assert "row pickled" in tables and max(map(len, tables.splitlines())) <= 80
    (tmp_path / "old.json").write_text('{"suites": [{"suite": "first"}]}')
    files[1] = str(tmp_path / "old.json")
    done = subprocess.run([*command, *files], capture_output=True, text=True, env=variables)
    assert done.returncode == 1 and "is not a report" in done.stderr


_CHARTS = """() => [...document.querySelectorAll('.chart svg')]
    .filter(svg => svg.getBoundingClientRect().width > 0)
    .map(svg => ({
        width: svg.getBoundingClientRect().width,
        paths: [...svg.querySelectorAll('path')]
            .filter(path => path.getBBox().width > 0 && path.getBBox().height > 0).length,
        texts: [...svg.querySelectorAll('text')].map(text => text.textContent),
        size: parseFloat(getComputedStyle(svg.querySelector('text')).fontSize)
            * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width,
        label: svg.getAttribute('aria-label'),
    }))"""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_in_a_browser(written: Path, browser: Any, width: int, scheme: str) -> None:
    with opened(browser, written / "report.html", width, scheme) as page:
        check_looks(page, width, scheme)
        charts = page.evaluate(_CHARTS)
        assert len(charts) == page.locator("figure.chart").count() > 0
        assert page.locator("table caption").count() == page.locator("table").count() > 0
    for chart in charts:
        assert chart["width"] > width / 2 or width > 900
        assert chart["paths"] > 3 and len(chart["texts"]) > 5
        assert chart["size"] >= 10
        assert chart["label"]
