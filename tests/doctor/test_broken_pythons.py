"""The doctor itself runs where the packages that it asks about don't."""

import sys
from pathlib import Path

from doctor.command import ON, doctor
from doctor.environments import FOR_COMMAND, copy_of_hydrofoil, environment_with, record_version


def package_that(folder: Path, name: str, body: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(body)


def test_packages_that_are_not_installed(tmp_path: Path) -> None:
    copy_of_hydrofoil(environment_with(tmp_path / "env", FOR_COMMAND))
    python = str(tmp_path / "env" / "bin" / "python")
    answer = doctor(tmp_path, *ON, python=python)
    text = answer.found("Spark", "broken")
    assert f'not installed\n{python} -m pip install "pyspark>=3.5,<4.4", or set SPARK_HOME' in text
    for name in ("pyarrow", "numpy"):
        assert f"not installed\n{python} -m pip install" in answer.found(name, "broken")
    assert "functions of pandas and toPandas() fail" in answer.found("pandas", "broken")
    assert "set Spark right first" in answer.found("executors", "note")
    assert answer.code == 2


def test_packages_that_fail_to_import(tmp_path: Path) -> None:
    failures = {
        "pyspark": "raise ImportError('no module of mine')\n",
        "pyarrow": "raise RuntimeError('compiled for another NumPy')\n",
        "pandas": "import sys\nsys.exit('not today')\n",
    }
    for name, body in failures.items():
        package_that(tmp_path / "path", name, body)
    record_version(tmp_path / "path", "pyarrow", "15.0.2")
    answer = doctor(tmp_path, *ON, PYTHONPATH=str(tmp_path / "path"))
    assert "ImportError: no module of mine" in answer.found("Spark", "broken")
    text = answer.found("pyarrow", "broken")
    assert "15.0.2 can't be imported: RuntimeError: compiled for another NumPy" in text
    assert 'pip install "pyarrow>=18.0.0" on the driver' in text
    assert "SystemExit: not today" in answer.found("pandas", "broken")
    assert answer.code == 2


def test_packages_that_end_the_process(tmp_path: Path) -> None:
    package_that(tmp_path / "path", "pyarrow", "import os\nos._exit(7)\n")
    answer = doctor(tmp_path, *ON, PYTHONPATH=str(tmp_path / "path"))
    text = answer.found("Python", "broken")
    assert "importing the packages ended Python with status 7" in text
    assert f"one by one with {sys.executable}" in text
    assert answer.report["driver"] is None
    assert "set Python right first" in answer.found("executors", "note")
    assert answer.code == 2
