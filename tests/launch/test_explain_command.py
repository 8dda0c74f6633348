"""``hydrofoil explain``: what it says of a run, with a program in the place of spark-submit."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hydrofoil.tools.cli import main

# Traces a function by the application's name, as a worker would.
PROGRAM = """#!/bin/sh
for application; do :; done
cat >> "$HYDROFOIL_TRACE/7.jsonl" <<END
{"eval_type": "SQL_BATCHED_UDF", "batches": {"fast": 1}, "udfs":
 [{"name": "$application", "signature": "", "path": "fast", "reason": ""}]}
END
"""


@pytest.fixture(autouse=True)
def spark_submit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "spark" / "bin" / "spark-submit"
    program.parent.mkdir(parents=True)
    program.write_text(PROGRAM.replace('"udfs":\n', '"udfs":'))
    program.chmod(0o755)
    monkeypatch.setenv("SPARK_HOME", str(tmp_path / "spark"))
    # The command sets it for what it starts.
    monkeypatch.setenv("HYDROFOIL_TRACE", "")


def explain(*arguments: object) -> str:
    done = CliRunner().invoke(main, ["explain", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_what_an_earlier_run_has_left_is_not_told_again(tmp_path: Path) -> None:
    traces, report = tmp_path / "traces ä", tmp_path / "report.json"
    for application in ("first", "second"):
        said = explain("--trace", traces, "--json", report, application)
        assert "1 of 1 function took the fast path" in said
        [projection] = json.loads(report.read_text())
        assert [udf["name"] for udf in projection["udfs"]] == [application]
        (traces / "8.driver.json").write_text(
            json.dumps([{"call": "old", "path": "fast", "reason": "", "calls": 1, "rows": 1}])
        )
        assert "old" not in said
    assert len((traces / "7.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("true", "spark.eventLog.enabled is set: your event log has them"),
        ("false", "spark.eventLog.enabled is false: leave it out to see them"),
    ],
)
def test_why_operators_are_not_known(value: str, why: str) -> None:
    said = explain("--conf", f"spark.eventLog.enabled={value}", "application")
    assert f"The JVM's operators are not known. {why}\n" in said


def test_a_folder_that_cannot_be_made() -> None:
    done = CliRunner().invoke(main, ["explain", "--trace", "/proc/traces", "application"])
    assert done.exit_code == 2
    assert "--trace: no folder can be made" in done.output
