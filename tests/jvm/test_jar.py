"""The jar's build: a real compiler, on a copy of this checkout's sources."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pyspark
import pytest

from hydrofoil.spark.versions import VERSIONS

ROOT = Path(__file__).parents[2]
JAR = Path("src/hydrofoil/jars/hydrofoil-spark.jar")

pytestmark = pytest.mark.skipif(
    not (ROOT / "jvm/build.py").is_file() or pyspark.__version__.startswith("3."),
    reason="the jar is built from a checkout, with a PySpark 4",
)


def checkout(folder: Path) -> Path:
    """A copy of what the build reads."""
    shutil.copytree(ROOT / "jvm", folder / "jvm", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "src/hydrofoil").mkdir(parents=True)
    for name in ("LICENSE", "constraints.txt", "src/hydrofoil/version.py"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def build(
    root: Path, python: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the build; a variable set to "" is taken away."""
    variables = os.environ | environment
    return subprocess.run(
        [sys.executable, *python, "jvm/build.py"],
        cwd=root,
        capture_output=True,
        text=True,
        env={name: value for name, value in variables.items() if value},
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with a jar of its own."""
    root = checkout(tmp_path_factory.mktemp("checkout"))
    done = build(root)
    assert done.returncode == 0, done.stderr
    return root


@pytest.mark.slow
def test_equal_sources_give_an_equal_jar(built: Path, tmp_path: Path) -> None:
    # In another folder, and all its files with other dates.
    other = checkout(tmp_path / "a rather longer name")
    for path in other.rglob("*.*"):
        os.utime(path, (10**9, 10**9))
    assert build(other).returncode == 0
    assert (other / JAR).read_bytes() == (built / JAR).read_bytes()


@pytest.mark.slow
def test_builds_again_only_after_a_change(built: Path, tmp_path: Path) -> None:
    # Without Java nothing could be compiled.
    done = build(built, JAVA_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, f"hydrofoil: {JAR} is up to date\n")
    root = checkout(tmp_path / "changed")
    (root / JAR).parent.mkdir()
    shutil.copy(built / JAR, root / JAR)
    (root / "jvm/src/Broken.scala").write_text("package org.hydrofoil.spark\nclass Broken {")
    done = build(root)
    assert done.returncode == 1
    assert "the sources of core don't compile" in done.stderr
    assert "Broken.scala:2" in done.stderr


def test_holds_the_projects_own_classes_and_nothing_else(request: pytest.FixtureRequest) -> None:
    # The one that `make test` has built, if there is one: a build takes most of a minute.
    jar = ROOT / JAR
    if not jar.is_file():
        jar = request.getfixturevalue("built") / JAR
    with zipfile.ZipFile(jar) as archive:
        names = archive.namelist()
        manifest = archive.read("META-INF/MANIFEST.MF").decode()
        assert archive.read("META-INF/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert names[0] == "META-INF/MANIFEST.MF"
    assert "org/hydrofoil/spark/HydrofoilExtensions.class" in names
    ours = ("META-INF/", "org/hydrofoil/", "org/apache/spark/sql/hydrofoil/")
    assert [name for name in names if not name.startswith(ours)] == []
    # What is tested there, and nothing of the tests.
    assert "org/apache/spark/sql/hydrofoil/build/ColumnBuilder.class" in names
    assert [name for name in names if "/hydrofoil/tests/" in name] == []
    versions = " ".join(minor for minor in sorted(VERSIONS) if not minor.startswith("3."))
    assert f"Spark-Versions: {versions}\r\n" in manifest, "LINES in jvm/build.py"


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("JAVA_HOME", "Java is missing"),
        ("SPARK_HOME", "(HERE) has no Spark; pip install"),
    ],
)
def test_says_what_is_missing(variable: str, says: str, tmp_path: Path) -> None:
    root = checkout(tmp_path / "checkout")
    # -S: without the installed PySpark.
    done = build(root, python=("-S",), **{"PYTHONPATH": "", variable: str(tmp_path)})
    assert done.returncode == 1
    assert says.replace("HERE", str(tmp_path)) in done.stderr
    assert len(done.stderr.splitlines()) == 1
