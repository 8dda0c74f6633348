"""Pythons that are named: of those that can't run the doctor never says that all is well."""

from pathlib import Path

import pytest

from doctor.command import ON, doctor
from hydrofoil.tools.checkup import job


@pytest.fixture
def no_python(tmp_path: Path) -> str:
    """A program that can be executed and is no Python."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.slow
def test_workers_python(tmp_path: Path, no_python: str) -> None:
    missing = str(tmp_path / "missing")
    cannot = tmp_path / "text"
    cannot.touch()
    for python, said in (
        (missing, "which does not exist"),
        (str(cannot), "which can't be executed"),
        (no_python, "which does not run Python code: exit status 0, it says hello"),
    ):
        answer = doctor(tmp_path, *ON, "--no-job", PYSPARK_PYTHON=python)
        assert f"PYSPARK_PYTHON is {python}, {said}" in answer.found("workers' Python", "broken")
        assert answer.code == 2


def test_settings_and_the_drivers_python(tmp_path: Path, no_python: str) -> None:
    missing = str(tmp_path / "missing")
    conf = ("--conf", f"spark.pyspark.python={missing}")
    answer = doctor(tmp_path, *ON, *conf, "--no-job", PYSPARK_DRIVER_PYTHON=missing)
    assert f"spark.pyspark.python is {missing}" in answer.found("workers' Python", "broken")
    assert "PYSPARK_DRIVER_PYTHON is" in answer.found("driver's Python", "broken")
    # Functions of queries have a setting of their own.
    queries = ("--conf", f"spark.sql.execution.pyspark.python={missing}")
    answer = doctor(tmp_path, *ON, *queries, "--no-job")
    assert f"spark.sql.execution.pyspark.python is {missing}" in answer.found(
        "workers' Python", "broken"
    )
    # jupyter is one that many name; and hosts of a cluster have other files.
    answer = doctor(
        tmp_path, *ON, *conf, "--master", "yarn", "--no-job", PYSPARK_DRIVER_PYTHON=no_python
    )
    assert not answer.all_found("workers' Python", "broken")
    assert not answer.all_found("driver's Python", "broken")


def test_paths_of_the_job_begin_in_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a PYSPARK_PYTHON that is relative, which executors of a local master start there."""
    submit = tmp_path / "spark" / "bin" / "spark-submit"
    submit.parent.mkdir(parents=True)
    submit.write_text(
        "#!/bin/sh\nfor answer; do :; done\n"
        """printf '{"processes": [], "hosts": 1, "error": "%s"}' "$PWD" > "$answer"\n"""
    )
    submit.chmod(0o755)
    monkeypatch.setenv("SPARK_HOME", str(tmp_path / "spark"))
    monkeypatch.chdir(tmp_path)
    assert job.run("local[1]", {}, 60, False).error == str(tmp_path)
