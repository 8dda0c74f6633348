"""The package as users install it: every way has the jar, and says so where it can't be made."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pyspark
import pytest

from hydrofoil.process.needs import NEEDS, release

ROOT = Path(__file__).parents[2]
JAR = "hydrofoil/jars/hydrofoil-spark.jar"
CORE = "src/hydrofoil/_cext"

pytestmark = pytest.mark.skipif(
    not (ROOT / "jvm/backend.py").is_file() or pyspark.__version__.startswith("3."),
    reason="packages are built from a checkout, with a PySpark 4",
)

NO_JAVA = {"JAVA_HOME": "/nowhere"}
# What the build must find or do without by itself.
HIDDEN = ("PYTHONPATH", "SPARK_HOME", "HYDROFOIL_WITHOUT_JAR")


def python(
    *arguments: object, cwd: Path, failing: bool = False, **more: str
) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=variables | more,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert (done.returncode != 0) == failing, done.stdout + done.stderr
    return done


def pip(
    *arguments: object, cwd: Path, failing: bool = False, **more: str
) -> subprocess.CompletedProcess[str]:
    return python("-m", "pip", *arguments, cwd=cwd, failing=failing, **more)


def seed(folder: Path) -> None:
    """Give a build what has been compiled of these sources, which it finds up to date."""
    shutil.copytree(ROOT / "build/cext", folder / "build/cext", dirs_exist_ok=True)
    library = f"lib.{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
    for path in (ROOT / CORE).rglob("*.so"):
        there = folder / "build" / library / path.relative_to(ROOT / "src")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, there)


def checkout(folder: Path) -> Path:
    """A copy of this checkout as it was cloned, but for what has been compiled of the core."""
    left_out = shutil.ignore_patterns("__pycache__", "*.so", "jars", "*.egg-info")
    for name in ("cext", "jvm", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "constraints.txt"):
        shutil.copy2(ROOT / name, folder / name)
    for name in ("LICENSE", "README.md"):
        shutil.copy2(ROOT / name, folder / name)
    seed(folder)
    return folder


def jar_of(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(JAR)


def installed_jar(site: Path) -> bytes:
    """The jar of what was installed into a folder, where the core has to load, too."""
    code = (
        "import hydrofoil._cext.rows; from hydrofoil.settings import jvm_operators; "
        "print(jvm_operators.jar())"
    )
    told = python("-c", code, cwd=site, PYTHONPATH=str(site)).stdout.strip()
    assert told == str(site / JAR)
    return Path(told).read_bytes()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout out of which `pip install DIR` has installed, into the folder site beside it."""
    folder = checkout(tmp_path_factory.mktemp("built") / "checkout")
    pip("install", "--no-deps", "--target", folder.parent / "site", folder, cwd=folder.parent)
    return folder


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    code = "import sys; sys.path.insert(0, 'jvm'); import backend; backend.build_sdist('dist')"
    python("-c", code, cwd=built, **NO_JAVA)
    [path] = (built / "dist").glob("hydrofoil-*.tar.gz")
    return path


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """A wheel of the sdist, built without Java and without PySpark."""
    folder = sdist.parent
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / sdist.name.removesuffix(".tar.gz")
    seed(unpacked)
    pip("wheel", "--no-deps", "-w", folder, unpacked, cwd=folder, **NO_JAVA)
    [path] = folder.glob("hydrofoil-*.whl")
    return path


@pytest.mark.slow
def test_every_way_to_install_has_the_same_jar(built: Path, wheel: Path, tmp_path: Path) -> None:
    from_checkout = installed_jar(built.parent / "site")
    assert jar_of(wheel) == from_checkout
    pip("install", "--no-deps", "--target", tmp_path, wheel, cwd=tmp_path, **NO_JAVA)
    assert installed_jar(tmp_path) == from_checkout
    # What `make jar` has made of the same sources.
    assert (ROOT / "src" / JAR).read_bytes() == from_checkout


def test_without_java_a_build_from_a_checkout_stops_with_one_line(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    done = pip("wheel", "--no-deps", folder, cwd=tmp_path, failing=True, **NO_JAVA)
    said = done.stdout + done.stderr
    assert "[1 lines of output]" in said
    [line] = set(re.findall(r"hydrofoil: .*", said))
    assert "Java is missing (/nowhere/bin/java); install Java 17 or newer" in line
    assert "HYDROFOIL_WITHOUT_JAR=1" in line


def test_a_wheel_without_the_jar_has_to_be_asked_for(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    # What an earlier build has left behind, of other sources.
    [library] = (folder / "build").glob("lib.*")
    for place in (folder / "src" / JAR, library / JAR):
        place.parent.mkdir(parents=True)
        place.write_bytes(b"of other sources")
    renamed = library / f"hydrofoil/_cext/renamed{sysconfig.get_config_var('EXT_SUFFIX')}"
    renamed.write_bytes(b"of a module that there no longer is")
    setup = ("setup.py", "-q", "bdist_wheel")
    refused = python(*setup, cwd=folder, failing=True, **NO_JAVA)
    assert "no wheel without the jar, unless HYDROFOIL_WITHOUT_JAR=1" in refused.stderr
    assert not list(folder.glob("dist/*.whl"))
    options = ("--no-deps", "--no-build-isolation", "-w", tmp_path)
    pip("wheel", *options, folder, cwd=tmp_path, HYDROFOIL_WITHOUT_JAR="1", **NO_JAVA)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if name.endswith(".jar")] == []
        assert [name for name in archive.namelist() if "renamed" in name] == []


@pytest.mark.slow
def test_the_core_comes_with_its_stubs(sdist: Path, wheel: Path) -> None:
    files = (ROOT / CORE).rglob("*.pyi")
    stubs = {str(path.relative_to(ROOT / "src")) for path in files}
    assert "hydrofoil/_cext/objects/base.pyi" in stubs
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if name.endswith(".pyi")} == stubs
    with tarfile.open(sdist) as archive:
        names = {name.partition("/src/")[2] for name in archive.getnames()}
    assert {name for name in names if name.endswith(".pyi")} == stubs


@pytest.mark.slow
def test_what_is_installed_beside_it_is_what_the_doctor_wants(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
    wanted = metadata.get_all("Requires-Dist") or []
    needs = NEEDS[max(NEEDS, key=release)]
    for package in ("pandas", "pyarrow", "numpy"):
        lines = [line for line in wanted if re.match(rf"{package}\b", line)]
        bounds = [found[1] for line in lines for found in re.finditer(r">=([\d.]+)", line)]
        least = max(map(release, bounds))
        assert least >= release(getattr(needs, package))[: len(least)], (package, lines)
    assert [line for line in wanted if line.startswith("pandas")] == ["pandas<3,>=2.2"]
    assert needs.pandas_below == "3"
