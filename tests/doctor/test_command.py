"""What the command prints, and what it takes."""

import json
from pathlib import Path
from typing import Any

from looks import SCHEMES, WIDTHS, check_looks, opened

from doctor.command import ON, defaults_of, doctor, run


def test_terminal_and_page(tmp_path: Path, browser: Any) -> None:
    file, page = tmp_path / "report.json", tmp_path / "page.html"
    off = ("--conf", "spark.python.daemon.module=pyspark.daemon")
    done = run(tmp_path, "--no-job", *off, "--json", str(file), "--html", str(page), COLUMNS="80")
    assert done.returncode == 1
    assert max(map(len, done.stdout.splitlines())) <= 80
    words = " ".join(done.stdout.split())
    assert "spark.python.daemon.module is pyspark.daemon (--conf): stock PySpark runs" in words
    assert "To do: put what hydrofoil defaults prints into" in words
    assert "something costs speed or is a risk" in words
    # Colours are for terminals.
    assert "\x1b" not in done.stdout
    assert json.loads(file.read_text())["exit_code"] == 1
    for width in WIDTHS:
        for scheme in SCHEMES:
            with opened(browser, page, width, scheme) as shown:
                check_looks(shown, width, scheme)
                assert "something costs speed" in shown.locator(".lede").text_content()
                assert shown.locator("tr.problem").count() > 0


def test_settings_are_key_and_value(tmp_path: Path) -> None:
    done = run(tmp_path, "--no-job", "--conf", "spark.buffer.size")
    assert done.returncode == 2
    assert "'spark.buffer.size' is not KEY=VALUE" in done.stderr


def test_later_sources_win(tmp_path: Path) -> None:
    key = "spark.sql.execution.arrow.maxRecordsPerBatch"
    defaults = defaults_of(tmp_path)
    defaults.write_text(f"{key} 1\nspark.buffer.size 1\n")
    arguments = f"--conf {key}=2 --conf spark.python.worker.reuse=false pyspark-shell"
    answer = doctor(tmp_path, *ON, "--no-job", "--conf", f"{key}=3", PYSPARK_SUBMIT_ARGS=arguments)
    texts = "".join(answer.all_found("settings", "warning"))
    assert f"{key}=3 (--conf)" in texts
    assert "spark.python.worker.reuse=false (PYSPARK_SUBMIT_ARGS)" in texts
    assert f"spark.buffer.size=1 ({defaults})" in texts


def test_variables_reach_the_workers_of_local_masters_and_configured_ones(tmp_path: Path) -> None:
    variables = {"HYDROFOIL": "off", "HYDROFOIL_TRACE": "1"}
    for options, level in (
        (("--master", "local[2]"), "warning"),
        (("--master", "yarn", "--configured"), "warning"),
        (("--master", "yarn"), "ok"),
    ):
        answer = doctor(tmp_path, *ON, "--no-job", *options, **variables)
        for name in variables:
            answer.found(name, level)
    setting = ("--conf", "spark.executorEnv.HYDROFOIL=off")
    answer = doctor(tmp_path, *ON, "--no-job", "--master", "yarn", *setting)
    text = answer.found("HYDROFOIL", "warning")
    assert "remove spark.executorEnv.HYDROFOIL from --conf" in text
