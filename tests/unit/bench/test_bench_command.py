"""What the command leaves behind, and reports that it can't read."""

import json
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from hydrofoil.errors import UsageError
from hydrofoil.tools.bench.bench import Options, UnequalResultsError
from hydrofoil.tools.bench.report import read_json, write_json
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.cli import bench


@pytest.mark.parametrize(
    ("error", "raised", "left"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt, 0),
        (UnequalResultsError("they differ"), click.ClickException, 0),
        (UsageError("a mistake"), UsageError, 0),
        # Spark's log may say why.
        (RuntimeError("something else"), RuntimeError, 1),
    ],
)
def test_sparks_log_stays_only_where_it_is_needed(
    error: BaseException,
    raised: type[BaseException],
    left: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: Any) -> None:
        raise error

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(bench, "_suite", lambda name: SimpleNamespace(run=fail))
    with pytest.raises(raised):
        bench._run(["first"], Options())
    assert len(list(tmp_path.iterdir())) == left


@pytest.mark.parametrize("master", ["local-cluster[2,1,1024]", "localhost", "spark://h:7077"])
def test_a_master_with_executors_of_its_own_is_refused(master: str) -> None:
    done = CliRunner().invoke(bench.bench, ["--master", master])
    assert done.exit_code == 1
    assert "only local masters can be measured here" in done.output


@pytest.mark.parametrize("suites", [[], [Result("of-another-version", "x").as_json()]])
def test_a_report_without_suites_of_this_version(suites: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"suites": suites, "machine": {}, "command": ""}))
    with pytest.raises(UsageError, match="is not a report that hydrofoil bench --json has written"):
        read_json(file)
    write_json(file, [Result("first", "x")], {}, {}, "")
    assert read_json(file)[0] == [Result("first", "x")]
